/**
 * Decides which digits are a payment card's number.
 *
 * Model. ISO/IEC 7812: an issuer's prefix, a length that the issuer uses, the Luhn check digit. Groups are joined by
 * one kind of separator in the ways that cards are printed. Prefix, length and check together let one in several
 * thousand random numbers through, so no word around is needed; but a word for goods before it speaks against, because
 * article numbers have a card's shape.
 * Source: the issuers' published ranges, and the ranges that test data generators draw from (Laser's 0604, JCB's 2131
 * and 1800).
 * Rejected: the check digit alone, which one in ten order numbers passes.
 */
import { createContext, hasWord, readContext } from "./pii-context.ts";
import { endOf, isDigit, isWordCode, joinAfter, keep, lengthOf, startOf } from "./pii-scan.ts";
import type { PiiScan } from "./pii-scan.ts";
import type { FoundSpan } from "../../core/rail.ts";

/** ISO/IEC 7812: 12 digits are Maestro's shortest, 19 the longest of all. */
const CARD_DIGITS_MIN = 12;
export const CARD_DIGITS_MAX = 19;

/** "EAN code: ": how far before the number the word for goods ends, in characters. */
const GOODS_CHARS = 16;

/** Groups of a printed card: 4-4-4-4-3. */
const GROUPS_MAX = 5;

type Issuer = readonly [first: number, last: number, lengthMin: number, lengthMax: number];

/** The first four digits, from and to; then the number of digits. */
const ISSUERS: readonly Issuer[] = [
  [4000, 4999, 13, 13],
  [4000, 4999, 16, 16],
  [4000, 4999, 19, 19],
  [5100, 5599, 16, 16],
  [2221, 2720, 16, 16],
  [3400, 3499, 15, 15],
  [3700, 3799, 15, 15],
  [3000, 3059, 14, 14],
  [3095, 3095, 14, 14],
  [3600, 3699, 14, 14],
  [3800, 3999, 14, 14],
  [3000, 3059, 16, 19],
  [3600, 3699, 16, 19],
  [3800, 3999, 16, 19],
  [3500, 3599, 16, 19],
  [2131, 2131, 15, 15],
  [1800, 1800, 15, 15],
  [6011, 6011, 16, 19],
  [6440, 6599, 16, 19],
  [6000, 6099, 16, 16],
  [6200, 6299, 16, 19],
  [8100, 8299, 16, 19],
  [2200, 2204, 16, 19],
  [9792, 9792, 16, 16],
  [5000, 5099, 12, 19],
  [5600, 5899, 12, 19],
  [6304, 6304, 12, 19],
  [6390, 6390, 12, 19],
  [6700, 6799, 12, 19],
  [604, 604, 12, 19],
];

export function findCards(scan: PiiScan): FoundSpan[] {
  const found: FoundSpan[] = [];
  const context = createContext(scan);
  const digits = new Uint8Array(CARD_DIGITS_MAX);
  for (let group = 0; group < scan.starts.length; group += 1) {
    scan.meter.steps += 1;
    const length = lengthOf(scan, group);
    if (length < 4 || length > CARD_DIGITS_MAX || !mayBegin(scan, group)) continue;
    const last = lastGroup(scan, group, digits);
    if (last === null) continue;
    if (group === last && isInNumbers(scan, group)) continue;
    readContext(context, startOf(scan, group));
    if (hasWord(context, "goods", startOf(scan, group), GOODS_CHARS)) continue;
    if (!keep(scan, found, { start: startOf(scan, group), end: endOf(scan, last), type: "card" })) break;
    group = last;
  }
  return found;
}

/** Digits of a neighbour that make a list of long numbers. */
const LISTED_DIGITS_MIN = 15;

/**
 * Comma, line break, tabs and a minus between two numbers of a list. What follows counts only if it is near enough for
 * a stream to have held the number until then.
 */
const LIST_GAP_CHARS_MAX = { before: 8, after: 3 } as const;

/** Is it a negative number, or does a long number that is no card stand beside it in a list? */
function isInNumbers(scan: PiiScan, group: number): boolean {
  const start = startOf(scan, group);
  if (scan.text.charCodeAt(start - 1) === DASH && !isWordCode(scan.text.charCodeAt(start - 2))) return true;
  return isOtherNumber(scan, group - 1, group - 1) || isOtherNumber(scan, group + 1, group);
}

/** Is the neighbour long and no card, and a comma all that parts it from the other; `left` is the first of the two. */
function isOtherNumber(scan: PiiScan, neighbour: number, left: number): boolean {
  const size = lengthOf(scan, neighbour);
  if (left < 0 || size < LISTED_DIGITS_MIN) return false;
  const charsMax = neighbour === left ? LIST_GAP_CHARS_MAX.before : LIST_GAP_CHARS_MAX.after;
  const gap = scan.text.slice(endOf(scan, left), Math.min(startOf(scan, left + 1), endOf(scan, left) + charsMax));
  scan.meter.steps += charsMax + size;
  if (endOf(scan, left) + gap.length !== startOf(scan, left + 1) || !/^\s*,[\s-]*$/.test(gap)) return false;
  if (size > CARD_DIGITS_MAX) return true;
  const digits = new Uint8Array(CARD_DIGITS_MAX);
  copyGroup(scan, neighbour, digits, 0);
  return !isCardNumber(digits, size);
}

/** Has an issuer numbers that begin with these four digits and are as long? */
export function isIssued(prefix: number, length: number): boolean {
  return (((issued ??= issuedTable())[prefix] ?? 0) & (1 << length)) !== 0;
}

/** By the first four digits a bit for each length: hostile texts ask millions of times. Made when first asked. */
let issued: Uint32Array | null = null;

function issuedTable(): Uint32Array {
  const table = new Uint32Array(10_000);
  for (const [first, last, lengthMin, lengthMax] of ISSUERS) {
    for (let prefix = first; prefix <= last; prefix += 1) {
      for (let length = lengthMin; length <= lengthMax; length += 1)
        table[prefix] = (table[prefix] ?? 0) | (1 << length);
    }
  }
  return table;
}

/** ISO/IEC 7812-1, annex B, over the first `size` digits. */
export function passesLuhn(digits: ArrayLike<number>, size: number): boolean {
  let sum = 0;
  for (let at = 0; at < size; at += 1) {
    const digit = digits[at] ?? 0;
    const doubled = (size - at) % 2 === 1 ? digit : digit * 2;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** The last group of the longest card that begins with `group`. */
function lastGroup(scan: PiiScan, group: number, digits: Uint8Array): number | null {
  let size = copyGroup(scan, group, digits, 0);
  if (size >= CARD_DIGITS_MIN && isCard(scan, group, digits, size)) return group;
  const join = joinAfter(scan, group);
  if (join !== SPACE && join !== DASH) return null;
  let best: number | null = null;
  for (let last = group + 1; last < group + GROUPS_MAX && last < scan.starts.length; last += 1) {
    if (joinAfter(scan, last - 1) !== join || size + lengthOf(scan, last) > CARD_DIGITS_MAX) break;
    size = copyGroup(scan, last, digits, size);
    if (size >= CARD_DIGITS_MIN && isPrinted(scan, group, last) && isCard(scan, last, digits, size)) best = last;
  }
  return best;
}

function copyGroup(scan: PiiScan, group: number, digits: Uint8Array, size: number): number {
  const start = startOf(scan, group);
  const length = lengthOf(scan, group);
  for (let at = 0; at < length; at += 1) digits[size + at] = scan.text.charCodeAt(start + at) - 48;
  scan.meter.steps += length;
  return size + length;
}

function isCard(scan: PiiScan, last: number, digits: Uint8Array, size: number): boolean {
  scan.meter.steps += size;
  return isCardNumber(digits, size) && mayEnd(scan, last);
}

function isCardNumber(digits: Uint8Array, size: number): boolean {
  let prefix = 0;
  for (let at = 0; at < 4; at += 1) prefix = prefix * 10 + (digits[at] ?? 0);
  return isIssued(prefix, size) && passesLuhn(digits, size);
}

/** Fours with a shorter rest, 4-6-5 and 4-6-4, or four and all the rest. */
function isPrinted(scan: PiiScan, group: number, last: number): boolean {
  if (lengthOf(scan, group) !== 4) return false;
  if (last === group + 1) return true;
  if (last === group + 2 && lengthOf(scan, group + 1) === 6) return lengthOf(scan, last) >= 4;
  for (let middle = group + 1; middle < last; middle += 1) if (lengthOf(scan, middle) !== 4) return false;
  return lengthOf(scan, last) <= 4;
}

const PLUS = 43;
const COMMA = 44;
const DASH = 45;
const DOT = 46;
const SPACE = 32;

/** Not inside a word, a decimal, a UUID or an international phone number. */
function mayBegin(scan: PiiScan, group: number): boolean {
  const start = startOf(scan, group);
  const before = scan.text.charCodeAt(start - 1);
  if (before === SPACE) return true;
  const beyond = scan.text.charCodeAt(start - 2);
  if (isWordCode(before) || before === PLUS) return false;
  if (before === DOT || before === COMMA) return !isDigit(beyond);
  return before !== DASH || !isWordCode(beyond) || lengthOf(scan, group) > CARD_DIGITS_MIN;
}

function mayEnd(scan: PiiScan, last: number): boolean {
  const end = endOf(scan, last);
  const next = scan.text.charCodeAt(end);
  if (isWordCode(next)) return false;
  return (next !== DASH && next !== DOT) || !isDigit(scan.text.charCodeAt(end + 1));
}
