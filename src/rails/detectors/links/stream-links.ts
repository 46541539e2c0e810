/**
 * The links rail on a stream: what could still become an address that carries data out.
 *
 * Model. A finding covers an address, so only addresses are held: in Markdown what follows `](` or `]:` until it is
 * closed, in HTML the whole tag, in plain text the word that begins like a URL. What stands before (`![alt](`) is shown
 * at once; it is context. A tag or address that is longer than the window is judged as if it were closed there.
 */
import type { SpanAction } from "../../core/spans.ts";
import { CHARS, isIn } from "../../core/text/char-class.ts";
import { findLinks } from "./links.ts";
import type { LinkOptions } from "./links.ts";
import type { FoundSpan } from "../../core/rail.ts";
import { CONTEXT_CHARS_MAX, scannerOf } from "../../core/stream/stream-scanner.ts";
import type { StreamScanner, TailRule } from "../../core/stream/stream-scanner.ts";

/**
 * A definition (`[label]: address`) loads its address if an image anywhere refers to it, perhaps in text still to come.
 * So in a stream it always counts as one: the rail sees an image first.
 */
const IMAGE = "![] ";

export function linksScanner(action: SpanAction, options: LinkOptions, rail = "links"): StreamScanner {
  const find = (text: string): readonly FoundSpan[] => {
    if (!text.includes("]:") && !text.includes("](")) return findLinks(text, options);
    const found = findLinks(IMAGE + text, options);
    return found.map((span) => ({ ...span, start: span.start - IMAGE.length, end: span.end - IMAGE.length }));
  };
  return scannerOf({
    rail,
    action,
    contextChars: CONTEXT_CHARS_MAX,
    wake: { chars: "]<>/.", runChars: Number.POSITIVE_INFINITY },
    find,
    holdFrom: (text, from) => Math.min(targetFrom(text, from), tagFrom(text, from), urlFrom(text, from)),
    cut: (text, from) => cutAddress(find, text, from),
    tail: () => addressTail,
  });
}

/** An address behind `](` or `]:` that is not closed yet; `]` at the end may be followed by either. */
function targetFrom(text: string, from: number): number {
  for (let at = text.indexOf("]", Math.max(0, from - CONTEXT_CHARS_MAX)); at !== -1; at = text.indexOf("]", at + 1)) {
    const next = text.charAt(at + 1);
    if (next !== "(" && next !== ":") continue;
    let start = at + 2;
    while (start < text.length && " \t\r\n<".includes(text.charAt(start))) start += 1;
    const isOpen = next === "(" ? isOpenTarget(text, at + 2) : !hasSpace(text, start);
    // One that began before `from` was let go: it filled a window.
    if (isOpen && start >= from) return start;
  }
  return text.length;
}

/** No parenthesis closes the target, and no blank line ends it. */
function isOpenTarget(text: string, from: number): boolean {
  let depth = 0;
  let hasBegun = false;
  let isBracketed = false;
  for (let at = from; at < text.length; at += 1) {
    const char = text.charAt(at);
    // A space ends the address, unless it stands before it or the address is in brackets; so does the next link.
    if (char <= " " && hasBegun && !isBracketed) return false;
    if (char === "]" && (text.charAt(at + 1) === "(" || text.charAt(at + 1) === ":")) return false;
    isBracketed ||= char === "<";
    hasBegun ||= char > " ";
    if (char === "(") depth += 1;
    if (char === ")" && depth === 0) return false;
    if (char === ")") depth -= 1;
    if (char === "\n" && text.charAt(at + 1) === "\n") return false;
  }
  return true;
}

function hasSpace(text: string, from: number): boolean {
  for (let at = from; at < text.length; at += 1) if (text.charCodeAt(at) <= 0x20) return true;
  return false;
}

/** A tag that is not closed. */
function tagFrom(text: string, from: number): number {
  for (let at = text.indexOf("<", from); at !== -1; at = text.indexOf("<", at + 1)) {
    const next = text.charCodeAt(at + 1);
    const isTag = Number.isNaN(next) || isIn(next, CHARS.letter) || next === 47 || next === 33;
    if (isTag && !text.includes(">", at)) return at;
  }
  return text.length;
}

const STARTS: readonly string[] = ["http://", "https://", "www."];

/** The last word, from where it begins like a URL. */
function urlFrom(text: string, from: number): number {
  let start = text.length;
  while (start > from && !endsAddress(text.charCodeAt(start - 1))) start -= 1;
  for (let at = start; at < text.length; at += 1) {
    if (isIn(text.charCodeAt(at), CHARS.alnum) && isIn(text.charCodeAt(at - 1), CHARS.alnum)) continue;
    const rest = text.slice(at, at + 8).toLowerCase();
    if (STARTS.some((known) => (text.length - at < known.length ? known.startsWith(rest) : rest.startsWith(known))))
      return at;
    if (rest.startsWith("://") || rest === ":/" || rest === ":") return at;
  }
  return text.length;
}

/** What would close the address, by what stands before it. */
const CLOSINGS: ReadonlyMap<string, string> = new Map([
  ["(", ")"],
  [" ", ")"],
  ["<", ">)"],
  ['"', '">'],
  ["'", "'>"],
  ["=", ">"],
]);

function cutAddress(find: (text: string) => readonly FoundSpan[], text: string, from: number): FoundSpan | null {
  const closing = CLOSINGS.get(text.charAt(from - 1));
  if (closing === undefined) return null;
  const span = find(text + closing).find(({ start, end }) => start === from && end >= text.length);
  return span === undefined ? null : { ...span, end: text.length };
}

function endsAddress(code: number): boolean {
  return code <= 0x20 || code === 34 || code === 60 || code === 62 || code === 96;
}

/** Up to what closes an address; a parenthesis closes the one around it. */
const addressTail: TailRule = (_state, code) => (endsAddress(code) || code === 39 || code === 41 ? -1 : 0);
