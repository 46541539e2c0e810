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

/** For who does not read the rows: false only where there is none. */
export function mayBeApart(text: string): boolean {
  for (const period of [2, 3]) {
    for (let at = stepOf(period); at < text.length; at += stepOf(period))
      if (gapNear(text, at, period) >= 0) return true;
  }
  return false;
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
  const isGap = (at: number): boolean => text.charCodeAt(at) === code && !holdsGap(text, at + 1, period - 1, code);
  let first = gapAt;
  while (first - period >= from && isGap(first - period)) first -= period;
  let last = gapAt;
  while (last + period < text.length && isGap(last) && text.charCodeAt(last + period) === code) last += period;
  let start = Math.max(from, first - period + 1);
  let end = Math.min(text.length, last + period);
  // The last letter of the word before the row, and the first of the word behind it.
  if (isIn(text.charCodeAt(start - 1), CHARS.alnum)) start = first + 1;
  if (isIn(text.charCodeAt(end), CHARS.alnum)) end = last;
  return { start, end };
}

function holdsGap(text: string, from: number, chars: number, code: number): boolean {
  for (let at = from; at < from + chars; at += 1) if (text.charCodeAt(at) === code) return true;
  return false;
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
function isSeparator(code: number): boolean {
  if (code <= 0x2f) return code === 0x20 || code >= 0x21 || code === 0x0a || code === 0x09;
  return (code >= 0x3a && code <= 0x40) || (code >= 0x5b && code <= 0x60) || (code >= 0x7b && code < 0x7f);
}
