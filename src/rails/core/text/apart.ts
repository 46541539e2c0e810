/**
 * Decides where a text has its letters apart (`s e c r e t`, `s-e-c-r-e-t`), or bytes in hexadecimal (`73 65 63`), and
 * what they say together.
 *
 * Model. A row is one character, or two, and then a separator, the same each time. Two neighbours in the middle of a row
 * give it away, so only every eighth place is looked at. Rows of digits are tables, and no text.
 * Rejected: any separators in turn, which makes a row of every formula.
 */
import { hexValue } from "./base64.ts";
import { CHARS, isIn } from "./char-class.ts";
import type { NormalText } from "./normalise.ts";

/** Shortest row, in its letters or bytes: shorter than any key, longer than abbreviations. */
export const APART_MIN = 12;

/** Between as many letters; one may stand before the first gap, and one behind the last. */
const GAPS_MIN = APART_MIN - 1;

/** Fewest letters of a row. */
const LETTERS_MIN = 4;

export function togetherRows(text: string): readonly NormalText[] {
  const rows: NormalText[] = [];
  for (const width of [1, 2] as const) {
    const period = width + 1;
    const step = stepOf(period);
    let from = 0;
    for (let at = step; at < text.length; at += step) {
      const gapAt = at < from ? -1 : gapNear(text, at, period);
      if (gapAt < 0) continue;
      const row = rowAround(text, gapAt, period, from);
      from = row.end;
      const view = togetherOf(text, row, width);
      if (view !== null) rows.push(view);
    }
  }
  return rows;
}

/** For who does not read the rows: false only where there is none. Words of two letters ("is it in") are no row. */
export function mayBeApart(text: string): boolean {
  return hasRow(text, 2) || hasRow(text, 3);
}

/** Every window of so many places that a row has at least holds one with two more gaps behind it. */
function hasRow(text: string, period: number): boolean {
  const step = (GAPS_MIN - 2) * period;
  for (let at = 0; at < text.length; at += step) {
    for (let gap = at; gap < at + period; gap += 1) {
      const code = text.charCodeAt(gap);
      if (text.charCodeAt(gap + period) !== code || text.charCodeAt(gap + 2 * period) !== code) continue;
      if (isSeparator(code) && isLongRow(text, gap, period)) return true;
    }
  }
  return false;
}

/** Are there so many gaps in a row that the shortest row may be around them. No more are looked at. */
function isLongRow(text: string, gapAt: number, period: number): boolean {
  const code = text.charCodeAt(gapAt);
  let gaps = 1;
  for (let at = gapAt; gaps < GAPS_MIN && isGap(text, at - period, period, code); at -= period) gaps += 1;
  for (let at = gapAt; gaps < GAPS_MIN && isGap(text, at, period, code); at += period) {
    if (text.charCodeAt(at + period) !== code) break;
    gaps += 1;
  }
  return gaps >= GAPS_MIN;
}

/** Two steps and what is looked at behind one are no more than the shortest row. */
const stepOf = (period: number): number => Math.floor((APART_MIN * period) / 2) - period;

/** A separator at or just behind `at` that comes again a period later, and again; -1: none. */
function gapNear(text: string, at: number, period: number): number {
  for (let gap = at; gap < at + period; gap += 1) {
    const code = text.charCodeAt(gap);
    if (isSeparator(code) && text.charCodeAt(gap + period) === code && text.charCodeAt(gap + 2 * period) === code)
      return gap;
  }
  return -1;
}

type Row = { readonly start: number; readonly end: number };

/** All of the row that the separator at `gapAt` is in: from the character before its first one to that behind its last. */
function rowAround(text: string, gapAt: number, period: number, from: number): Row {
  const code = text.charCodeAt(gapAt);
  let first = gapAt;
  while (first - period >= from && isGap(text, first - period, period, code)) first -= period;
  let last = gapAt;
  while (last + period < text.length && isGap(text, last, period, code) && text.charCodeAt(last + period) === code)
    last += period;
  let start = Math.max(from, first - period + 1);
  let end = Math.min(text.length, last + period);
  // The last letter of the word before the row, and the first of the word behind it.
  if (isIn(text.charCodeAt(start - 1), CHARS.alnum)) start = first + 1;
  if (isIn(text.charCodeAt(end), CHARS.alnum)) end = last;
  return { start, end };
}

/** A separator, and none of it before the next place of one. */
function isGap(text: string, gapAt: number, period: number, code: number): boolean {
  if (text.charCodeAt(gapAt) !== code) return false;
  for (let at = gapAt + 1; at < gapAt + period; at += 1) if (text.charCodeAt(at) === code) return false;
  return true;
}

function togetherOf(text: string, { start, end }: Row, width: 1 | 2): NormalText | null {
  let together = "";
  let letters = 0;
  let count = 0;
  for (let at = start; at < end; at += width + 1) {
    const code = width === 1 ? text.charCodeAt(at) : byteAt(text, at);
    // Beside a row of bytes may stand two of something else.
    if (code >= 0) count += 1;
    if ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a) letters += 1;
    together += String.fromCharCode(code < 0 ? 0x0a : code);
  }
  if (count < APART_MIN || letters < LETTERS_MIN) return null;
  const period = width + 1;
  const original = (one: number, other: number) => ({
    start: Math.min(end, start + one * period),
    end: other > one ? Math.min(end, start + other * period - 1) : Math.min(end, start + one * period),
  });
  return { text: together, isSame: false, original };
}

/** -1: what is there is no printable byte. */
function byteAt(text: string, at: number): number {
  const high = hexValue(text.charCodeAt(at));
  const low = hexValue(text.charCodeAt(at + 1));
  const byte = high < 0 || low < 0 ? -1 : high * 16 + low;
  return byte >= 0x20 && byte < 0x7f ? byte : -1;
}

/** Blanks, line breaks and signs. */
const SEPARATORS = Uint8Array.from({ length: 128 }, (_, code) =>
  code < 0x20 || code === 0x7f ? Number(code === 0x0a || code === 0x09) : Number(!isIn(code, CHARS.alnum)),
);

/** False for the NaN behind the end. */
const isSeparator = (code: number): boolean => code < 128 && SEPARATORS[code] === 1;
