/**
 * Decides where phone numbers of any country lie in a text.
 *
 * Model. From each group of digits on, rows of groups that phone notation may join are tried, the longest first. If the
 * shape of a row is likely, it is taken, unless the nearest word names another kind of number. If it is only possible,
 * it is taken where a word before or behind it announces a phone, or where it follows a phone number in a list. A row
 * has at most seven groups, so the work at one group is bounded.
 * Rejected: one pattern per country; and taking rows out of the middle of longer ones, which finds phones in serials.
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";
import { createContext, expectsOther, expectsPhone, hasWord, isCalledPhone, readContext } from "./pii-context.ts";
import type { Context } from "./pii-context.ts";
import {
  JOIN,
  ROW_GROUPS_MAX,
  createRow,
  goesOn,
  isBalanced,
  openingOf,
  readRow,
  shortenRow,
} from "./pii-phone-row.ts";
import type { Opening, PhoneRow } from "./pii-phone-row.ts";
import { PHONE_DIGITS_MIN, mayBeLikely, mayBeginLikely, phoneShape } from "./pii-phone-shape.ts";
import { endOf, isDash, isDigit, isLetterBeyondAscii, isWordCode, keep, lengthOf, startOf } from "./pii-scan.ts";
import type { PiiScan } from "./pii-scan.ts";
import type { FoundSpan } from "../../core/rail.ts";

/** "ext. 12345", "x94266": digits of the longest extensions. */
export const EXTENSION_DIGITS_MAX = 6;

/** ", extension: " is the longest text before an extension. */
const EXTENSION_GAP_CHARS_MAX = 13;

/** "12 345 678 or 12 345 679": how far behind a number another belongs to the same list, in characters. */
const LIST_GAP_CHARS_MAX = 6;

/** " number is ", " me at ": how far a word may be from a short number that more words follow. */
const NEAR_CHARS = 10;

const SPACE = 32;

export function findPhones(scan: PiiScan): FoundSpan[] {
  const search: Search = { scan, context: createContext(scan), row: createRow(), found: [], listLast: 0 };
  for (let group = 0; group < scan.starts.length; group += 1) group = searchFrom(search, group);
  return search.found;
}

type Search = {
  readonly scan: PiiScan;
  readonly context: Context;
  readonly row: PhoneRow;
  readonly found: FoundSpan[];
  /** The last group of the list of numbers that was looked at last. */
  listLast: number;
};

/** The last group that was used up: that of a phone number, or `group` itself. */
function searchFrom(search: Search, group: number): number {
  const { scan, row, found } = search;
  scan.meter.steps += 1;
  const opening = openingOf(scan.text, startOf(scan, group));
  if (!mayBegin(scan.text, opening.start, true) || isInList(search, group, opening)) return group;
  readRow(row, scan, group);
  if (row.size < PHONE_DIGITS_MIN) return group;
  row.hasPlus = opening.hasPlus;
  // Only the whole row can have an extension: a shorter one is followed by its join.
  let extension = extensionEnd(scan, group + row.groups - 1);
  while (row.size >= PHONE_DIGITS_MIN) {
    row.hasArea = opening.isOpen && row.groups > 1 && row.joins[0] === JOIN.close;
    row.hasExtension = extension !== null;
    const last = group + row.groups - 1;
    const end = extension ?? endOf(scan, last);
    const isHopeless = !mayBeLikely(row) && goesOn(scan.text, end);
    const start = isHopeless ? null : phoneStart(search, opening, end);
    if (start !== null) {
      if (!keep(scan, found, { start, end, type: "phone" })) return scan.starts.length;
      return extension === null ? last : last + 1;
    }
    extension = null;
    shortenRow(row);
  }
  return group;
}

/**
 * Is the group so deep in a list of numbers that no phone number begins with it? In a list every row is followed by
 * more, so only a likely one counts, and that begins with a 0, in a few lengths, or with a sign.
 */
function isInList(search: Search, group: number, { hasPlus, isOpen }: Opening): boolean {
  const { scan } = search;
  if (group >= search.listLast) search.listLast = lastOfList(scan, group);
  if (search.listLast - group < ROW_GROUPS_MAX || hasPlus || isOpen) return false;
  if (scan.text.charCodeAt(startOf(scan, group)) === 48) return false;
  return !mayBeginLikely(lengthOf(scan, group), lengthOf(scan, group + 1));
}

/** The last of the groups from `group` on that are joined by single spaces. */
function lastOfList(scan: PiiScan, group: number): number {
  let last = group;
  while (startOf(scan, last + 1) - endOf(scan, last) === 1 && scan.text.charCodeAt(endOf(scan, last)) === SPACE)
    last += 1;
  scan.meter.steps += last - group + 1;
  return last;
}

/** Where the number that the row is begins; null if it is none. */
function phoneStart({ scan, context, row, found }: Search, opening: Opening, end: number): number | null {
  const { text } = scan;
  const { hasPlus, hasArea } = row;
  if (!isBalanced(row, hasArea)) return null;
  const shape = phoneShape(row);
  const isFollowed = goesOn(text, end);
  if (shape === "none" || (shape === "possible" && isFollowed) || !mayEnd(text, end)) return null;
  // A parenthesis around the whole number is the sentence's.
  const start = opening.isOpen && !hasArea ? opening.start + 1 : opening.start;
  readContext(context, start);
  const isListed = start - (found.at(-1)?.end ?? Number.NEGATIVE_INFINITY) <= LIST_GAP_CHARS_MAX;
  const isTold =
    isListed ||
    isAnnounced(context, {
      start,
      end,
      isShort: row.size <= PHONE_DIGITS_MIN + 1,
      isShortest: row.size <= PHONE_DIGITS_MIN,
    });
  if (!mayBegin(text, start, isTold || hasPlus) || (!hasPlus && isSuffix(row, text, start))) return null;
  const isPreceded = comesAfterDigit(text, start) && !isListed;
  if (shape === "possible") return isTold && !isPreceded ? start : null;
  // "80 160 640 2560": in a list of numbers spaces alone make no shape.
  if ((isPreceded || isFollowed) && isSpacedOnly(row)) return isTold ? start : null;
  return isTold || hasPlus || !expectsOther(context, start) ? start : null;
}

/** Only spaces between the groups, and nothing else that numbers in a list do not have. */
function isSpacedOnly({ digits, lengths, groups, joinMask, hasPlus, hasExtension }: PhoneRow): boolean {
  if (joinMask !== JOIN.space || hasPlus || hasExtension) return false;
  // Pairs are bytes.
  return digits[0] !== 0 || lengths.subarray(0, groups).every((length) => length === 2);
}

function comesAfterDigit(text: string, start: number): boolean {
  return text.charCodeAt(start - 1) === SPACE && isDigit(text.charCodeAt(start - 2));
}

type Place = { readonly start: number; readonly end: number; readonly isShort: boolean; readonly isShortest: boolean };

/** Says a word before or behind that this is a phone number? */
function isAnnounced(context: Context, { start, end, isShort, isShortest }: Place): boolean {
  const { scan } = context;
  if (isCalledPhone(scan, end)) return true;
  if (!expectsPhone(context, start)) return false;
  // "No. 4, 101-134": six digits that are a number of something.
  if (isShortest && !hasWord(context, "phone", start)) return false;
  // "call a taxi to 14 3684 Court Street": a short row before another word needs its own word nearby.
  const isNear = hasWord(context, "phone", start, NEAR_CHARS) || hasWord(context, "number", start, NEAR_CHARS);
  return !isShort || isNear || !(scan.text.charAt(end) === " " && isWordCode(scan.text.charCodeAt(end + 1)));
}

/** Where an extension behind the group ends; null if there is none. */
function extensionEnd(scan: PiiScan, last: number): number | null {
  const { text } = scan;
  const from = endOf(scan, last);
  const to = startOf(scan, last + 1);
  if (to - from > EXTENSION_GAP_CHARS_MAX || lengthOf(scan, last + 1) > EXTENSION_DIGITS_MAX) return null;
  scan.meter.steps += to - from;
  let first = from;
  while (first < to && isBesideExtension(text.charCodeAt(first))) first += 1;
  // Nearly always nothing else stands between two groups, and no string is made.
  if (first === to) return null;
  let letters = "";
  for (let at = first; at < to; at += 1) if (!isBesideExtension(text.charCodeAt(at))) letters += text.charAt(at);
  return EXTENSIONS.has(letters.toLowerCase()) ? endOf(scan, last + 1) : null;
}

/** Space, comma, dot, colon, semicolon. */
function isBesideExtension(code: number): boolean {
  return code === SPACE || code === 44 || code === 46 || code === 58 || code === 59;
}

const EXTENSIONS: ReadonlySet<string> = new Set(["x", "ext", "extn", "extension", "доб", "#", "int", "poste", "dw"]);

/** Not inside a word, a serial, a decimal, an amount, a URL; some of these a word about phones can excuse. */
function mayBegin(text: string, start: number, isTold: boolean): boolean {
  const before = text.charCodeAt(start - 1);
  if (before === 32 || before === 10 || Number.isNaN(before)) return true;
  if (isIn(before, CHARS.word) || isLetterBeyondAscii(before)) return isEscape(text, start - 1);
  if (isCurrency(before)) return false;
  const beyond = text.charCodeAt(start - 2);
  // ".052": a decimal; "x[500", "state[0]=1779": code.
  if (before === 46 && (beyond === SPACE || beyond === 40 || beyond === 44 || beyond === 45)) return false;
  if (before === 91 && isIn(beyond, CHARS.word)) return false;
  // "x**7/105": a power; "**555 0100" is bold.
  if (before === 42 && beyond === 42 && isWordCode(text.charCodeAt(start - 3))) return false;
  if (before === 61 && (beyond === 93 || beyond === 61)) return false;
  const isJoin = isDash(before) || before === 46 || before === 44 || before === 47 || before === 58;
  if (isJoin && isDigit(beyond)) return false;
  if (before === 35 || before === 43) return isTold;
  if (before === 44 || before === 58) return true;
  return isTold || !(isJoin && (isWordCode(beyond) || before === 47));
}

/** A phone number in a path has its country before it. */
const PATH_DIGITS_MIN = 10;

/** "plan-1630365360005", "CVE-2022-39253", "-2147483648", "arn:aws:iam::111122223333": numbers that end something else. */
function isSuffix(row: PhoneRow, text: string, start: number): boolean {
  const before = text.charCodeAt(start - 1);
  const beyond = text.charCodeAt(start - 2);
  if (row.groups === 1 && before === 58 && (beyond === 58 || beyond === 42)) return true;
  // "b/269805885", "/answer/9193374"; "wa.me/14155550123" has a country.
  if (row.groups === 1 && before === 47 && row.size < PATH_DIGITS_MIN) return isIn(beyond, CHARS.letter);
  if (!isDash(before)) return false;
  if (row.groups === 1) return beyond !== before;
  return isIn(beyond, CHARS.letter) && (row.lengths[0] ?? 0) === 4 && (row.digits[0] === 1 || row.digits[0] === 2);
}

/** The letter of a line break or tab that was escaped, as in JSON that is quoted as text. */
function isEscape(text: string, at: number): boolean {
  return text.charAt(at - 1) === "\\" && "nrt".includes(text.charAt(at));
}

function mayEnd(text: string, end: number): boolean {
  const next = text.charCodeAt(end);
  if (isWordCode(next) || next === 37 || next === 64 || isCurrency(next)) return false;
  const isJoin = isDash(next) || next === 46 || next === 44 || next === 47 || next === 58;
  return !(isJoin && isDigit(text.charCodeAt(end + 1)));
}

/** $ and what Unicode calls currency symbols. */
function isCurrency(code: number): boolean {
  return code === 36 || (code >= 0xa2 && code <= 0xa5) || (code >= 0x20a0 && code <= 0x20cf);
}
