/**
 * Decides how much a row of digit groups looks like a phone number, from the digits and what joins them alone.
 *
 * Model. Numbering plans write few shapes: an international prefix, an area code in parentheses, North America's 3-3-4,
 * a trunk 0 in front, an extension behind. Such a row is `likely` and stands by itself. Other rows of the right length
 * are `possible`, and need a word. What has the shape of a date, of a number with thousands, of a ratio, of one
 * repeated digit is neither. Lists of numbers make one row per number, so rows are bytes and bits, not strings.
 * Source: ITU-T E.164 (at most 15 digits, list of country codes) and E.123 (how numbers are written).
 * Rejected: a table of every country's plan, as in libphonenumber: it weighs 36 KB compressed, needs to be told the
 * country, and finds a quarter of the numbers in text of mixed origin.
 */
import { JOIN } from "./pii-phone-row.ts";
import type { PhoneRow } from "./pii-phone-row.ts";

/** ITU-T E.164. */
export const PHONE_DIGITS_MAX = 15;

/** The shortest subscriber numbers that are written in groups; those without groups have one more at least. */
export const PHONE_DIGITS_MIN = 6;

/** Without a word about a country the longest national numbers: Germany's and Austria's, with area code. */
const PHONE_NATIONAL_DIGITS_MAX = 13;

export type PhoneShape = "likely" | "possible" | "none";

const TWO_DIGIT_CODES: ReadonlySet<number> = new Set([
  20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58, 60, 61, 62,
  63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
]);

/** The first two digits of the codes that have three. */
const THREE_DIGIT_CODES: ReadonlySet<number> = new Set([
  21, 22, 23, 24, 25, 26, 29, 35, 37, 38, 42, 50, 59, 67, 68, 69, 80, 85, 87, 88, 96, 97, 99,
]);

/** Rows that hardly anything but a phone number has: the lengths of their groups, one hexadecimal digit each. */
const LIKELY_ROWS: ReadonlySet<number> = new Set([
  0x334, 0x344, 0x244, 0x254, 0x433, 0x434, 0x533, 0x3322, 0x2322, 0x23322, 0x1334, 0x13322,
]);

/** The first two groups of these rows. */
const LIKELY_STARTS: ReadonlySet<number> = new Set(Array.from(LIKELY_ROWS, (row) => firstTwoOf(row)));

/** Groups of the longest of these rows. */
const LIKELY_GROUPS_MAX = 5;

/** Dots join versions, sections and amounts too, so with dots alone fewer rows are left. */
const LIKELY_DOTTED_ROWS: ReadonlySet<number> = new Set([0x334, 0x1334]);

export function phoneShape(row: PhoneRow): PhoneShape {
  const { digits, size, hasPlus } = row;
  if (size < PHONE_DIGITS_MIN || size > PHONE_DIGITS_MAX + 1) return "none";
  if (hasPlus) return isInternational(row, 0) ? "likely" : "none";
  if (size > PHONE_DIGITS_MAX || hasLoneDigit(row) || isRatio(row) || isDate(row) || isOneDigit(row)) return "none";
  if (isDecimal(row) || isBinary(row) || isPages(row) || isCodePoints(row)) return "none";
  if (row.groups === 1) return bareShape(row);
  if (row.hasExtension && size > PHONE_DIGITS_MIN) return "likely";
  if (isDialledAbroad(row)) return "likely";
  if (row.hasArea) return areaShape(row);
  if (isThousands(row)) return "possible";
  if (row.joinMask === JOIN.dot) return dottedShape(row);
  if (LIKELY_ROWS.has(row.lengthCode) && isLikelyStart(row)) return "likely";
  if (digits[0] === 0) return trunkShape(row);
  // "62/648 8000": a slash behind the area, and more than one group behind the slash.
  if (row.joins[0] === JOIN.slash && row.groups > 2 && size >= 8 && size <= 11) return "likely";
  return nationalShape(row);
}

/**
 * False only if the row is surely not `likely`: a look at few bytes, for lists of numbers, in which every row is
 * followed by more and a possible one would not be taken.
 */
export function mayBeLikely(row: PhoneRow): boolean {
  if (row.hasPlus || row.hasExtension || row.joinMask >= JOIN.slash || row.digits[0] === 0 || row.groups === 1)
    return true;
  return row.groups <= LIKELY_GROUPS_MAX && LIKELY_ROWS.has(row.lengthCode);
}

/** Does a row that is likely begin with groups of these lengths? */
export function mayBeginLikely(first: number, second: number): boolean {
  return LIKELY_STARTS.has((first << 4) | second);
}

/** True if the digits from `at` begin with a calling code that is assigned. */
function hasCountryCode(digits: ArrayLike<number>, at: number): boolean {
  const first = digits[at] ?? 0;
  if (first === 1 || first === 7) return true;
  const two = first * 10 + (digits[at + 1] ?? 0);
  return TWO_DIGIT_CODES.has(two) || THREE_DIGIT_CODES.has(two);
}

function isInternational(row: PhoneRow, at: number): boolean {
  const { digits, size } = row;
  if (!hasCountryCode(digits, at)) return false;
  const first = digits[at];
  // +1 and +7 have ten digits behind, always; "+10 000 000" is an increase.
  if (first === 1 || first === 7) return size - at === 11;
  return size - at >= 8 && !isRoundFrom(row, size - 6);
}

/** "0044 20 …", "001-212-…", "011 49 …". */
function isDialledAbroad(row: PhoneRow): boolean {
  const { digits } = row;
  if (digits[0] !== 0) return false;
  if (digits[1] === 0) return digits[2] !== 0 && isInternational(row, 2);
  return digits[1] === 1 && digits[2] === 1 && digits[3] !== 0 && isInternational(row, 3);
}

function bareShape(row: PhoneRow): PhoneShape {
  const { size, hasExtension } = row;
  if (size <= PHONE_DIGITS_MIN || isNumeral(row)) return "none";
  if (hasExtension) return size <= PHONE_NATIONAL_DIGITS_MAX ? "likely" : "none";
  return isMobile(row) ? "likely" : nationalShape(row);
}

/** A trunk 0 before nine or ten digits, or China's eleven from 13 to 19: nothing else is written like that so often. */
function isMobile({ digits, size }: PhoneRow): boolean {
  if (digits[0] === 0) return digits[1] !== 0 && (size === 10 || size === 11);
  return digits[0] === 1 && size === 11 && (digits[1] ?? 0) >= 3;
}

/** "(22) 154-300": five to nine digits behind the area, which is no year. */
function areaShape(row: PhoneRow): PhoneShape {
  const area = row.lengths[0] ?? 0;
  const rest = row.size - area;
  if (rest < 5 || rest > 9 || row.size <= PHONE_DIGITS_MIN || area > 5) return "none";
  return area === 4 && isYear(row, 0) ? "possible" : "likely";
}

function dottedShape(row: PhoneRow): PhoneShape {
  if (LIKELY_DOTTED_ROWS.has(row.lengthCode)) return "likely";
  if (row.lengths[0] === 1 || row.lengths[1] === 1) return "none";
  const isFrench = row.lengthCode === 0x22222 && row.digits[0] === 0;
  return isFrench ? "likely" : nationalShape(row);
}

/** A trunk 0: eight to thirteen digits in groups, but not the 4-4 of an ISSN or the 5-4 of a US postal code. */
function trunkShape(row: PhoneRow): PhoneShape {
  const { digits, size, lengthCode } = row;
  if (digits[1] === 0) return nationalShape(row);
  const isSerial = lengthCode === 0x44 || lengthCode === 0x54;
  const isPairs = lengthCode === 0x222 || lengthCode === 0x2222 || lengthCode === 0x222222;
  if (size < 8 || isSerial || isPairs) return "possible";
  return size <= PHONE_NATIONAL_DIGITS_MAX && row.groups <= 5 ? "likely" : "none";
}

function nationalShape({ size }: PhoneRow): PhoneShape {
  return size <= PHONE_NATIONAL_DIGITS_MAX ? "possible" : "none";
}

/** A country's 1, 7, 8 or 0 alone in front, or any group that is not alone. */
function isLikelyStart({ digits, lengths }: PhoneRow): boolean {
  const first = digits[0];
  return lengths[0] !== 1 || first === 1 || first === 7 || first === 8 || first === 0;
}

/** "0.0260120", "0-100000": a zero alone is no trunk prefix where a dot or a dash follows. */
function isDecimal({ digits, lengths, joins, groups }: PhoneRow): boolean {
  return groups > 1 && lengths[0] === 1 && digits[0] === 0 && (joins[0] === JOIN.dot || joins[0] === JOIN.dash);
}

/** "0399 0308 0301", "0020.0002.1163": groups of four that begin with a zero, as hexadecimal numbers do. */
function isCodePoints({ digits, lengths, groups }: PhoneRow): boolean {
  let at = 0;
  let zeros = 0;
  for (let group = 0; group < groups; group += 1) {
    if (lengths[group] !== 4) return false;
    if (digits[at] === 0) zeros += digits[at + 1] === 0 ? 2 : 1;
    at += 4;
  }
  return zeros > groups || (groups > 2 && zeros === groups);
}

/** Pages that one article has, at most. */
const PAGES_MAX = 100;

/** "219-229", "1367-1372". */
function isPages(row: PhoneRow): boolean {
  const { lengthCode, joins } = row;
  if ((lengthCode !== 0x33 && lengthCode !== 0x44) || joins[0] !== JOIN.dash) return false;
  const half = row.size / 2;
  const pages = valueOf(row, half, row.size) - valueOf(row, 0, half);
  return pages > 0 && pages < PAGES_MAX;
}

const BINARY_DIGITS_MIN = 7;

/** "01100100". */
function isBinary({ digits, size, hasExtension }: PhoneRow): boolean {
  if (size < BINARY_DIGITS_MIN || hasExtension) return false;
  for (let at = 0; at < size; at += 1) if ((digits[at] ?? 0) > 1) return false;
  return true;
}

/** Digits of a Unix time in milliseconds, which are "1…" until 2033. */
const EPOCH_MS_DIGITS = 13;

/** A number of programs, without a group: "1000000", "1234567890", "0000040", "20240131", "1630365360005". */
function isNumeral(row: PhoneRow): boolean {
  const { digits, size } = row;
  if (isRoundFrom(row, 1) || isCount(row)) return true;
  if (digits[0] === 0 && digits[1] === 0) return size < 10;
  if (size === 8 && isYear(row, 0) && isMonthDay(valueOf(row, 4, 6), valueOf(row, 6, 8))) return true;
  return size === EPOCH_MS_DIGITS && digits[0] === 1;
}

function isMonthDay(month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

const COUNT_DIGITS_MIN = 9;

/** Each digit is one more than the one before, nine and zero side by side. */
function isCount({ digits, size }: PhoneRow): boolean {
  if (size < COUNT_DIGITS_MIN) return false;
  for (let at = 1; at < size; at += 1) if (digits[at] !== ((digits[at - 1] ?? 0) + 1) % 10) return false;
  return true;
}

/** One digit alone belongs to the first two groups ("8 (495) …", "11 9 8765-4321"). */
function hasLoneDigit({ lengths, groups }: PhoneRow): boolean {
  for (let group = 2; group < groups; group += 1) if (lengths[group] === 1) return true;
  if (groups === 2 && lengths[1] === 1) return true;
  return groups > 1 && lengths[0] === 1 && lengths[1] === 1;
}

/** "429/503", "90/160/640": a slash belongs behind an area code, and only one does. */
function isRatio(row: PhoneRow): boolean {
  if ((row.joinMask & JOIN.slash) === 0) return false;
  let slashes = 0;
  for (let group = 0; group < row.groups - 1; group += 1) if (row.joins[group] === JOIN.slash) slashes += 1;
  return slashes > 1 || (row.size < 8 && row.digits[0] !== 0);
}

/** "12 345 678": only the first group may be short, and it does not begin with 0. */
function isThousands({ digits, lengths, groups, joinMask }: PhoneRow): boolean {
  if (digits[0] === 0 || (joinMask & ~(JOIN.space | JOIN.dot)) !== 0 || (lengths[0] ?? 0) > 3) return false;
  for (let group = 1; group < groups; group += 1) if (lengths[group] !== 3) return false;
  return true;
}

function isDate(row: PhoneRow): boolean {
  const { lengthCode, joinMask } = row;
  if (hasIsoDate(row)) return true;
  if (lengthCode === 0x422) return isYear(row, 0) && isDayMonth(valueOf(row, 4, 6), valueOf(row, 6, 8));
  // Two years side by side.
  if (lengthCode === 0x44) return isYear(row, 0) && isYear(row, 4);
  const isLong = lengthCode === 0x224 || lengthCode === 0x124 || lengthCode === 0x214;
  const isShort = lengthCode === 0x222 && (joinMask & (JOIN.slash | JOIN.dot)) !== 0;
  if (!isLong && !isShort) return false;
  const first = row.lengths[0] ?? 0;
  const second = first + (row.lengths[1] ?? 0);
  return isDayMonth(valueOf(row, 0, first), valueOf(row, first, second)) && (isShort || isYear(row, second));
}

/** "0 2014-05-13": a date behind another number. */
function hasIsoDate(row: PhoneRow): boolean {
  const { lengths, joins, groups } = row;
  let at = 0;
  for (let group = 0; group + 2 < groups; group += 1) {
    const isForm = lengths[group] === 4 && lengths[group + 1] === 2 && lengths[group + 2] === 2;
    const isDashed = joins[group] === JOIN.dash && joins[group + 1] === JOIN.dash;
    if (isForm && isDashed && isYear(row, at) && isMonthDay(valueOf(row, at + 4, at + 6), valueOf(row, at + 6, at + 8)))
      return true;
    at += lengths[group] ?? 0;
  }
  return false;
}

function isDayMonth(one: number, other: number): boolean {
  return one >= 1 && other >= 1 && one <= 31 && other <= 31 && Math.min(one, other) <= 12;
}

function isYear(row: PhoneRow, at: number): boolean {
  const value = valueOf(row, at, at + 4);
  return value >= 1900 && value <= 2099;
}

function valueOf({ digits }: PhoneRow, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at += 1) value = value * 10 + (digits[at] ?? 0);
  return value;
}

function isOneDigit({ digits, size }: PhoneRow): boolean {
  for (let at = 1; at < size; at += 1) if (digits[at] !== digits[0]) return false;
  return true;
}

function isRoundFrom({ digits, size }: PhoneRow, from: number): boolean {
  for (let at = from; at < size; at += 1) if (digits[at] !== 0) return false;
  return true;
}

function firstTwoOf(lengthCode: number): number {
  return lengthCode < 0x100 ? lengthCode : firstTwoOf(lengthCode >>> 4);
}
