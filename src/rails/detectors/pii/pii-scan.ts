/**
 * Decides where in a text personal data could begin, in the one pass that every text pays.
 *
 * Model. Everything that the pii rail looks for hangs on an at sign, on a colon between hexadecimal digits, or on a run
 * of digits. The pass notes these; a text without them is done. The families then look only around what was noted, each
 * place a bounded number of characters wide, so the whole is linear for every input.
 * Rejected: one pass per family: ordinary prose would pay for all of them.
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";
import type { FoundSpan } from "../../core/rail.ts";

/** Findings of one family in one text; beyond it the rest of the text is one more. */
export const PII_SPANS_MAX = 10_000;

export type PiiMeter = {
  /** Characters looked at, for the tests: time on a Worker cannot be read, steps can be counted. */
  steps: number;
};

export type PiiScan = {
  readonly text: string;
  /** Where each run of ASCII digits starts; same index as `ends`. */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly ats: readonly number[];
  /** Colons that an address may have as its first. */
  readonly colons: readonly number[];
  readonly isAscii: boolean;
  readonly meter: PiiMeter;
};

const OTHER = 0;
const DIGIT = 1;
const AT = 2;
const COLON = 3;
const KIND_OF = Uint8Array.from({ length: 128 }, (_, code) => kindOf(code));

/** The fewest digits of any entity that hangs on digits: an IPv4 address. */
const DIGITS_MIN = 4;

/** Null if nothing in the text could be personal data, as it stands or after normalisation. */
export function scanPii(text: string, meter: PiiMeter): PiiScan | null {
  const starts: number[] = [];
  const ends: number[] = [];
  const ats: number[] = [];
  const colons: number[] = [];
  let digits = 0;
  let bits = 0;
  const { length } = text;
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at);
    bits |= code;
    const kind = code < 128 ? KIND_OF[code] : OTHER;
    if (kind === OTHER) continue;
    if (kind === DIGIT) {
      const start = at;
      while (isDigit(text.charCodeAt(at + 1))) at += 1;
      starts.push(start);
      ends.push(at + 1);
      digits += at + 1 - start;
    } else if (kind === AT) ats.push(at);
    else if (kind === COLON && isAddressColon(text, at)) colons.push(at);
  }
  meter.steps += length;
  const isAscii = bits < 128;
  if (isAscii && ats.length === 0 && colons.length === 0 && digits < DIGITS_MIN) return null;
  return { text, starts, ends, ats, colons, isAscii, meter };
}

/** Adds the finding. False if it is the last of its family: then it reaches to the end of the text. */
export function keep({ text }: PiiScan, found: FoundSpan[], span: FoundSpan): boolean {
  const isLast = found.length >= PII_SPANS_MAX;
  found.push(isLast ? { ...span, end: text.length } : span);
  return !isLast;
}

export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** A character that words and identifiers are made of; letters of all scripts but those written without spaces. */
export function isWordCode(code: number): boolean {
  return isIn(code, CHARS.word) || isLetterBeyondAscii(code);
}

/**
 * Letters of scripts that put spaces between words: up to the Indic ones, Georgian and Ethiopic, Greek with accents.
 */
export function isLetterBeyondAscii(code: number): boolean {
  if (code < 0xc0) return false;
  if (code < 0xe00) return code !== 0xd7 && code !== 0xf7;
  return (code >= 0x10a0 && code < 0x1400) || (code >= 0x1e00 && code < 0x2000);
}

/** Hyphen-minus and the hyphens and dashes that editors put in its place. */
export function isDash(code: number): boolean {
  return code === 45 || (code >= 0x2010 && code <= 0x2015) || code === 0x2212;
}

/** The value of a group's digits; only for groups of at most fifteen. */
export function valueOf({ text, starts, ends }: PiiScan, group: number): number {
  let value = 0;
  for (let at = starts[group] ?? 0; at < (ends[group] ?? 0); at += 1) value = value * 10 + text.charCodeAt(at) - 48;
  return value;
}

export function startOf(scan: PiiScan, group: number): number {
  return scan.starts[group] ?? scan.text.length;
}

export function endOf(scan: PiiScan, group: number): number {
  return scan.ends[group] ?? scan.text.length;
}

/** Length of a group; 0 beyond the last. */
export function lengthOf(scan: PiiScan, group: number): number {
  return endOf(scan, group) - startOf(scan, group);
}

/** The code of the one character between two groups, that of "-" for every dash; 0 if there are more. */
export function joinAfter(scan: PiiScan, group: number): number {
  const end = endOf(scan, group);
  if (startOf(scan, group + 1) - end !== 1) return 0;
  const code = scan.text.charCodeAt(end);
  return isDash(code) ? 45 : code;
}

/** The first of two colons, or one between hexadecimal digits: no address begins at another. */
function isAddressColon(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  const next = text.charCodeAt(at + 1);
  return next === 58 ? before !== 58 : isIn(next, CHARS.hex) && isIn(before, CHARS.hex);
}

function kindOf(code: number): number {
  if (isDigit(code)) return DIGIT;
  if (code === 64) return AT;
  return code === 58 ? COLON : OTHER;
}
