/**
 * Finds where a JSON text says its member `model`: the string values of that name at the top level, and in the objects
 * there that `within` names.
 *
 * Model. It knows strings and depth and nothing else, which is all that these places need. A text may come in pieces: what
 * may still be such a member is held back (`until`), everything before it is done with. What is no object, or ends too early, has none;
 * several objects in a row are each looked into.
 * Rejected: to parse and write, which loses the digits of long numbers, members that stand twice, and white space.
 */

const MEMBER = "model";

/** A name, or a value of it, is shorter: what goes on beyond is none of them, UTF-16 units. */
export const HELD_UNITS_MAX = 4_096;

type Span = { readonly start: number; readonly end: number };

/** Written in place: what is open at the beginning of the next text. */
export type StringScan = { depth: number; isWithin: boolean; isInString: boolean };

export const createStringScan = (): StringScan => ({ depth: 0, isWithin: false, isInString: false });

/** `until`: what stands behind it is to be given again, with what follows it. */
export type StringsFound = { readonly spans: readonly Span[]; readonly until: number };

const TOKENS = /["{}[\]]/g;

/** Spans are of the values with their quotes. */
export function stringsIn(scan: StringScan, text: string, within: ReadonlySet<string>): StringsFound {
  const spans: Span[] = [];
  let at = 0;
  if (scan.isInString) {
    at = closeOf(text, 0);
    if (at === -1) return { spans, until: beforeEscape(text, 0) };
    scan.isInString = false;
  }
  for (;;) {
    TOKENS.lastIndex = at;
    const start = TOKENS.exec(text)?.index;
    if (start === undefined) return { spans, until: text.length };
    if (text[start] !== '"') {
      step(scan, text[start] === "{" || text[start] === "[" ? 1 : -1);
      at = start + 1;
      continue;
    }
    const member = memberAt(scan, text, start);
    if (member === "open") {
      scan.isInString = true;
      return { spans, until: beforeEscape(text, start + 1) };
    }
    if (member === "held") return { spans, until: start };
    at = member.value;
    if (member.name === MEMBER && text[at] === '"') {
      const end = closeOf(text, at + 1);
      if (end === -1 && text.length - at <= HELD_UNITS_MAX) return { spans, until: start };
      if (end !== -1) {
        spans.push({ start: at, end });
        at = end;
      }
    } else if (scan.depth === 1 && member.name !== null && text[at] === "{" && within.has(member.name)) {
      scan.depth = 2;
      scan.isWithin = true;
      at += 1;
    }
  }
}

function step(scan: StringScan, by: 1 | -1): void {
  scan.depth = Math.max(0, scan.depth + by);
  if (scan.depth <= 1) scan.isWithin = false;
}

/** A name, and where its value begins; of any other string null, and where it ends. */
type Member = { readonly name: string | null; readonly value: number };

/** The string that opens at `start`. "open": it does not end here; "held": what it is, the next text says. */
function memberAt({ depth, isWithin }: StringScan, text: string, start: number): Member | "open" | "held" {
  const isWatched = depth === 1 || (depth === 2 && isWithin);
  const end = closeOf(text, start + 1);
  if (end === -1) return isWatched && text.length - start <= HELD_UNITS_MAX ? "held" : "open";
  if (!isWatched) return { name: null, value: end };
  const colon = afterSpace(text, end);
  const value = text[colon] === ":" ? afterSpace(text, colon + 1) : colon;
  if (value >= text.length) return text.length - start <= HELD_UNITS_MAX ? "held" : { name: null, value: end };
  return text[colon] === ":" ? { name: textOf(text.slice(start, end)), value } : { name: null, value: end };
}

/** Behind the quote that ends the string which is open at `from`; -1: it does not end. */
function closeOf(text: string, from: number): number {
  for (let quote = text.indexOf('"', from); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    if (escapesBefore(text, quote, from) % 2 === 0) return quote + 1;
  }
  return -1;
}

/** The end of the text, or before the backslash whose character is still to come. */
const beforeEscape = (text: string, from: number): number => text.length - (escapesBefore(text, text.length, from) % 2);

function escapesBefore(text: string, at: number, from: number): number {
  let count = 0;
  while (at - 1 - count >= from && text[at - 1 - count] === "\\") count += 1;
  return count;
}

function afterSpace(text: string, from: number): number {
  let at = from;
  while (" \t\r\n".includes(text[at] ?? "x")) at += 1;
  return at;
}

/** Null: it is no JSON string. */
export function textOf(quoted: string): string | null {
  if (!quoted.includes("\\")) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return null;
  }
}
