/**
 * Decides where an international bank account number lies.
 *
 * Model. ISO 13616: country, two check digits, as many characters as that country uses, and the whole is 1 modulo 97.
 * Printed in fours or without spaces, in either case. In one piece other lengths pass too: countries come and
 * lengths change, and a check that holds is no accident. Anchored on the check digits: two letters stand before them.
 * Source: the SWIFT IBAN registry's lengths, and those of countries outside it whose banks print the same form
 * (`tools/tables/iban-lengths.ts`).
 * Rejected: the registry's structure of each country too; the length and the check leave one false match in a hundred
 * tokens that already look like one, and test data often break the structure.
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";
import { IBAN_LENGTHS } from "./iban-lengths.ts";
import { isDash, isDigit, isWordCode, keep, startOf } from "./pii-scan.ts";
import type { PiiScan } from "./pii-scan.ts";
import type { FoundSpan } from "../../core/rail.ts";

/** The standard's bound. */
export const IBAN_CHARS_MAX = 34;

/** The registry's shortest, Norway's. */
export const IBAN_CHARS_MIN = 15;

/** Digits that every country's numbers have, check digits included; it keeps sentences out. */
const DIGITS_MIN = 6;

export function findIbans(scan: PiiScan): FoundSpan[] {
  const { text, starts, meter } = scan;
  const found: FoundSpan[] = [];
  let from = 0;
  for (let group = 0; group < starts.length; group += 1) {
    const start = startOf(scan, group) - 2;
    meter.steps += 1;
    if (start < from || !isIn(text.charCodeAt(start), CHARS.letter)) continue;
    if (!isIn(text.charCodeAt(start + 1), CHARS.letter) || isWordCode(text.charCodeAt(start - 1))) continue;
    const end = ibanEnd(scan, start);
    if (end === null) continue;
    if (!keep(scan, found, { start, end, type: "iban" })) break;
    from = end;
  }
  return found;
}

/** Characters of an IBAN of the country with these two letters, in either case; null if it has none. */
function lengthFor(first: number, second: number): number | null {
  return (lengths ??= lengthTable())[countryIndex(first, second)] || null;
}

/** By country; 0 where there is none. Made by the first text with something like an IBAN. */
let lengths: Uint8Array | null = null;

function lengthTable(): Uint8Array {
  const table = new Uint8Array(32 * 32);
  for (let at = 0; at < IBAN_LENGTHS.length; at += 4) {
    table[countryIndex(IBAN_LENGTHS.charCodeAt(at), IBAN_LENGTHS.charCodeAt(at + 1))] = Number(
      IBAN_LENGTHS.slice(at + 2, at + 4),
    );
  }
  return table;
}

/** Of two letters, in either case. */
function countryIndex(first: number, second: number): number {
  return ((first & 31) << 5) | (second & 31);
}

/** ISO 7064, MOD 97-10; `iban` is upper case without spaces. */
export function passesMod97(iban: string): boolean {
  let rest = 0;
  for (let index = 0; index < iban.length; index += 1) {
    const code = iban.charCodeAt((index + 4) % iban.length);
    rest = isDigit(code) ? (rest * 10 + code - 48) % 97 : (rest * 100 + code - 55) % 97;
  }
  return rest === 1;
}

function ibanEnd(scan: PiiScan, start: number): number | null {
  if (!isDigit(scan.text.charCodeAt(start + 3))) return null;
  const length = lengthFor(scan.text.charCodeAt(start), scan.text.charCodeAt(start + 1));
  return (length === null ? null : printedEnd(scan, start, length)) ?? compactEnd(scan, start);
}

/**
 * Where an IBAN of this length ends, with or without separators. The check is summed up on the way, without a string:
 * nearly all that looks like an IBAN fails it.
 */
function printedEnd({ text, meter }: PiiScan, start: number, length: number): number | null {
  let count = 0;
  let run = 0;
  let sum = 0;
  let at = start;
  while (count < length) {
    const code = text.charCodeAt(at);
    if (isIn(code, CHARS.alnum)) {
      if (count >= 4) sum = addTo97(sum, code);
      count += 1;
      run += 1;
    } else if ((code === 32 || isDash(code)) && run >= 2) run = 0;
    else break;
    at += 1;
  }
  meter.steps += at - start;
  if (count < length || isWordCode(text.charCodeAt(at))) return null;
  // The country and the check digits come last.
  for (let first = start; first < start + 4; first += 1) sum = addTo97(sum, text.charCodeAt(first));
  return sum % 97 === 1 && isIban(withoutSeparators(text.slice(start, at))) ? at : null;
}

/** The same without separators, of any length that the standard allows; in upper case, and no hash in hexadecimal. */
function compactEnd({ text, meter }: PiiScan, start: number): number | null {
  let end = start;
  let isHex = true;
  while (end - start <= IBAN_CHARS_MAX && isIn(text.charCodeAt(end), CHARS.upperDigit)) {
    isHex &&= isIn(text.charCodeAt(end), CHARS.hex);
    end += 1;
  }
  meter.steps += end - start;
  const isFit = !isHex && end - start >= IBAN_CHARS_MIN && end - start <= IBAN_CHARS_MAX;
  return isFit && !isWordCode(text.charCodeAt(end)) && isIban(text.slice(start, end)) ? end : null;
}

/** Divides only when the next step could leave the small integers: dividing is what takes long. */
function addTo97(sum: number, code: number): number {
  const rest = sum > SUM_MAX ? sum % 97 : sum;
  return code < 58 ? rest * 10 + code - 48 : rest * 100 + (code & 0x5f) - 55;
}

const SUM_MAX = 5_000_000;

function withoutSeparators(printed: string): string {
  return Array.from(printed)
    .filter((char) => isIn(char.charCodeAt(0), CHARS.alnum))
    .join("");
}

function isIban(text: string): boolean {
  let digits = 0;
  for (let at = 0; at < text.length; at += 1) if (isDigit(text.charCodeAt(at))) digits += 1;
  return digits >= DIGITS_MIN && isOneCase(text) && passesMod97(text.toUpperCase());
}

function isOneCase(iban: string): boolean {
  return iban === iban.toUpperCase() || iban === iban.toLowerCase();
}
