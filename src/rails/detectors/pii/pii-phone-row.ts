/**
 * Decides which digit groups may belong to one phone number, by what stands between and around them.
 *
 * Model. A row is read once from a group on, as far as joins, digits and groups allow, into one reusable structure;
 * then its last group is taken away until something fits. A text of numbers reads rows at every group, and what it
 * costs must not depend on a garbage collector.
 * Rejected: strings and arrays per row, six times slower on a list of numbers (measured).
 */
import { isDash, isDigit } from "./pii-scan.ts";
import type { PiiScan } from "./pii-scan.ts";

/** Digits of the longest row: E.164's fifteen, and the zero of "+44 (0)20 …". */
const ROW_DIGITS_MAX = 16;

/** Groups of one number: "+33 (0)1 23 45 67 89" has seven. */
export const ROW_GROUPS_MAX = 7;

/** What joins a group to the next, as bits. `close` and `open` are parentheses, with or without a space. */
export const JOIN = { none: 0, space: 1, dash: 2, dot: 4, slash: 8, close: 16, open: 32 } as const;

export type PhoneRow = {
  /** Values of the digits, the first `size` of them. */
  readonly digits: Uint8Array;
  readonly lengths: Uint8Array;
  /** `JOIN` between a group and the next. */
  readonly joins: Uint8Array;
  /** All joins up to that behind a group. */
  readonly masks: Uint8Array;
  groups: number;
  size: number;
  /** Lengths of the groups, one hexadecimal digit each. */
  lengthCode: number;
  /** All joins of the row. */
  joinMask: number;
  hasPlus: boolean;
  /** The first group is in parentheses. */
  hasArea: boolean;
  hasExtension: boolean;
};

export function createRow(): PhoneRow {
  return {
    digits: new Uint8Array(ROW_DIGITS_MAX),
    lengths: new Uint8Array(ROW_GROUPS_MAX),
    joins: new Uint8Array(ROW_GROUPS_MAX),
    masks: new Uint8Array(ROW_GROUPS_MAX),
    groups: 0,
    size: 0,
    lengthCode: 0,
    joinMask: 0,
    hasPlus: false,
    hasArea: false,
    hasExtension: false,
  };
}

/** Reads the longest row from a group on; an empty one if its first group alone has too many digits. */
export function readRow(row: PhoneRow, scan: PiiScan, group: number): void {
  row.groups = 0;
  row.size = 0;
  row.lengthCode = 0;
  row.joinMask = 0;
  const { text, starts, ends, meter } = scan;
  const last = Math.min(group + ROW_GROUPS_MAX, starts.length);
  let before = 0;
  for (let next = group; next < last; next += 1) {
    const start = starts[next] ?? 0;
    const end = ends[next] ?? 0;
    const length = end - start;
    if (row.size + length > ROW_DIGITS_MAX) break;
    if (next > group) {
      const join = joinOf(text, before, start);
      if (join === JOIN.none) break;
      row.joins[row.groups - 1] = join;
      row.joinMask |= join;
      row.masks[row.groups - 1] = row.joinMask;
    }
    for (let at = start; at < end; at += 1) {
      row.digits[row.size] = text.charCodeAt(at) - 48;
      row.size += 1;
    }
    row.lengths[row.groups] = length;
    row.groups += 1;
    row.lengthCode = (row.lengthCode << 4) | (length & 15);
    before = end;
  }
  meter.steps += row.size + row.groups;
}

/** Takes the last group away. */
export function shortenRow(row: PhoneRow): void {
  row.groups -= 1;
  row.size -= row.lengths[row.groups] ?? 0;
  row.lengthCode >>>= 4;
  row.joinMask = row.groups > 1 ? (row.masks[row.groups - 2] ?? 0) : 0;
}

/**
 * Every parenthesis is closed after one group, and a slash stands behind the area: "030/123-456", "(06)89/001-7842".
 */
export function isBalanced({ joins, groups, joinMask }: PhoneRow, hasArea: boolean): boolean {
  if (!hasArea && (joinMask & (JOIN.open | JOIN.close | JOIN.slash)) === 0) return true;
  let isOpen = hasArea;
  for (let group = 0; group < groups - 1; group += 1) {
    const join = joins[group];
    if (join === JOIN.slash && group > 1) return false;
    if ((join === JOIN.close) !== isOpen) return false;
    isOpen = join === JOIN.open;
  }
  return !isOpen;
}

/** What stands right before the first digit: "+", "(", "+(" or "(+". */
export type Opening = { readonly start: number; readonly hasPlus: boolean; readonly isOpen: boolean };

export function openingOf(text: string, first: number): Opening {
  const before = text.charCodeAt(first - 1);
  if (before !== PLUS && before !== OPEN) return { start: first, hasPlus: false, isOpen: false };
  const beyond = text.charCodeAt(first - 2);
  if (before === PLUS)
    return { start: beyond === OPEN ? first - 2 : first - 1, hasPlus: true, isOpen: beyond === OPEN };
  return { start: beyond === PLUS ? first - 2 : first - 1, hasPlus: beyond === PLUS, isOpen: true };
}

/** More digits behind a space: a list of numbers, or a longer number than phones have. */
export function goesOn(text: string, end: number): boolean {
  return text.charCodeAt(end) === SPACE && isDigit(text.charCodeAt(end + 1));
}

const SPACE = 32;
const OPEN = 40;
const CLOSE = 41;
const PLUS = 43;
const DOT = 46;
const SLASH = 47;

function joinOf(text: string, from: number, to: number): number {
  const width = to - from;
  if (width > 3) return JOIN.none;
  const first = text.charCodeAt(from);
  if (width === 1) return singleJoin(first);
  const second = text.charCodeAt(from + 1);
  if (width === 3)
    return first === SPACE && isDash(second) && text.charCodeAt(from + 2) === SPACE ? JOIN.dash : JOIN.none;
  if (first === CLOSE)
    return second === SPACE || second === DOT || second === SLASH || isDash(second) ? JOIN.close : JOIN.none;
  if (second === OPEN) return first === SPACE || first === DOT || isDash(first) ? JOIN.open : JOIN.none;
  const isSlash = (first === SPACE && second === SLASH) || (first === SLASH && second === SPACE);
  return isSlash ? JOIN.slash : JOIN.none;
}

function singleJoin(code: number): number {
  if (code === SPACE) return JOIN.space;
  if (code === DOT) return JOIN.dot;
  if (code === SLASH) return JOIN.slash;
  if (code === CLOSE) return JOIN.close;
  if (code === OPEN) return JOIN.open;
  return isDash(code) ? JOIN.dash : JOIN.none;
}
