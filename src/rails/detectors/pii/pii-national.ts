/**
 * Decides which numbers are a person's number with a state: US social security, US individual taxpayer, UK national
 * insurance.
 *
 * Model. Shape and the authority's rules of what is never issued. Separated by dashes a US number is unmistakable;
 * otherwise ("Suite 680 36 4022 Oakridge Lane") only words can tell.
 * Source: SSA's rules since 2011 (area not 000, 666 or 900 up; group not 00; serial not 0000), the IRS's ranges of the
 * fourth and fifth digit, HMRC's manual NIM39110.
 * Rejected: leaving out numbers known from advertisements (078-05-1120): redacting them harms nobody.
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";
import { createContext, hasWord, readContext } from "./pii-context.ts";
import type { Context } from "./pii-context.ts";
import { endOf, isDash, isDigit, isWordCode, joinAfter, keep, lengthOf, startOf, valueOf } from "./pii-scan.ts";
import type { PiiScan } from "./pii-scan.ts";
import type { FoundSpan } from "../../core/rail.ts";

const SPACE = 32;
const DASH = 45;
const DOT = 46;

/** Social security and individual taxpayer numbers, which share their shape. */
export function findUsNumbers(scan: PiiScan): FoundSpan[] {
  const found: FoundSpan[] = [];
  const context = createContext(scan);
  for (let group = 0; group < scan.starts.length; group += 1) {
    scan.meter.steps += 1;
    const length = lengthOf(scan, group);
    if (length !== 3 && length !== 9) continue;
    const last = length === 3 ? group + 2 : group;
    if (length === 3 && (lengthOf(scan, group + 1) !== 2 || lengthOf(scan, last) !== 4)) continue;
    const type = typeOfNumber(scan, group);
    if (type === null || !standsAlone(scan, group, last) || !isTold(context, group, last)) continue;
    if (!keep(scan, found, { start: startOf(scan, group), end: endOf(scan, last), type })) break;
    group = last;
  }
  return found;
}

/** UK national insurance numbers: "QQ 12 34 56 C". Anchored on the first digits. */
export function findUkNumbers(scan: PiiScan): FoundSpan[] {
  const { text, starts, meter } = scan;
  const found: FoundSpan[] = [];
  for (let group = 0; group < starts.length; group += 1) {
    meter.steps += 1;
    const first = startOf(scan, group);
    const space = text.charAt(first - 1) === " " ? 1 : 0;
    const start = first - space - 2;
    if (!isPrefix(text.slice(Math.max(0, start), start + 2)) || isWordCode(text.charCodeAt(start - 1))) continue;
    const end = ukEnd(text, first);
    if (end !== null && !keep(scan, found, { start, end, type: "nino" })) break;
  }
  return found;
}

function typeOfNumber(scan: PiiScan, first: number): "ssn" | "itin" | null {
  const isWhole = lengthOf(scan, first) === 9;
  const whole = valueOf(scan, first);
  const area = isWhole ? Math.floor(whole / 1_000_000) : whole;
  const group = isWhole ? Math.floor(whole / 10_000) % 100 : valueOf(scan, first + 1);
  const serial = isWhole ? whole % 10_000 : valueOf(scan, first + 2);
  if (area >= 900) return (group >= 50 && group <= 65) || (group >= 70 && group !== 89 && group !== 93) ? "itin" : null;
  return area === 0 || area === 666 || group === 0 || serial === 0 ? null : "ssn";
}

function isTold(context: Context, group: number, last: number): boolean {
  const { scan } = context;
  const start = startOf(scan, group);
  if (group === last) {
    readContext(context, start);
    return hasWord(context, "ssn", start);
  }
  const join = joinAfter(scan, group);
  if (joinAfter(scan, group + 1) !== join) return false;
  if (join === DASH) return true;
  if (join !== SPACE && join !== DOT) return false;
  readContext(context, start);
  return hasWord(context, "ssn", start);
}

function standsAlone({ text, starts, ends }: PiiScan, group: number, last: number): boolean {
  const start = starts[group] ?? 0;
  const end = ends[last] ?? 0;
  const before = text.charCodeAt(start - 1);
  const next = text.charCodeAt(end);
  if (isWordCode(before) || isWordCode(next) || before === 43) return false;
  if (isJoin(before) && isIn(text.charCodeAt(start - 2), CHARS.alnum)) return false;
  return !(isJoin(next) && isDigit(text.charCodeAt(end + 1)));
}

function isJoin(code: number): boolean {
  return isDash(code) || code === DOT || code === 44 || code === 47;
}

function isPrefix(letters: string): boolean {
  if (letters.length !== 2 || ["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"].includes(letters)) return false;
  return "ABCEGHJKLMNOPRSTWXYZ".includes(letters.charAt(0)) && "ABCEGHJKLMNPRSTWXYZ".includes(letters.charAt(1));
}

/** Six digits, spaces between pairs allowed, and a letter from A to D. */
function ukEnd(text: string, first: number): number | null {
  let at = first;
  for (let digits = 0; digits < 6; digits += 1) {
    if (digits > 0 && digits % 2 === 0 && text.charAt(at) === " ") at += 1;
    if (!isDigit(text.charCodeAt(at))) return null;
    at += 1;
  }
  if (text.charAt(at) === " ") at += 1;
  const suffix = text.charAt(at);
  return suffix >= "A" && suffix <= "D" && !isWordCode(text.charCodeAt(at + 1)) ? at + 1 : null;
}
