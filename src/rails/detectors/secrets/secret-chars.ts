/**
 * Sets of characters that key formats are written in, beside those of `char-class.ts`, and how a format is spelled.
 *
 * Source: alphabets as the vendors publish them (facts of the formats, not anybody's rules).
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";

/** A percent sign has no bit in `char-class.ts`: only keys copied out of URLs hold one. */
const PERCENT = 1 << 20;
const PERCENT_CODE = 0x25;

const DASH = CHARS.kebab & ~CHARS.alnum;
const EQUALS = CHARS.base64 & CHARS.urlSafeDotted & ~CHARS.alnum;

export const KEY_CHARS = {
  ...CHARS,
  /** A UUID, and ids joined from hex runs. */
  hexKebab: CHARS.hex | DASH,
  /** URL-safe base64 with its padding. */
  padded: CHARS.urlSafe | EQUALS,
  /** Both alphabets of base64. */
  anyBase64: CHARS.urlSafe | CHARS.base64,
  escaped: CHARS.urlSafe | CHARS.base64 | PERCENT,
  alnumPercent: CHARS.alnum | PERCENT,
  /** All that an assigned key may be made of. */
  wide: CHARS.quotedValue | PERCENT,
} as const;

/** `isIn` of `char-class.ts`, for these sets. */
export function isKeyChar(code: number, mask: number): boolean {
  return isIn(code, mask) || (code === PERCENT_CODE && (mask & PERCENT) !== 0);
}

export type Run = { readonly of: number; readonly min: number; readonly max: number };

/** A run of `min` to `max` characters of a set, which must not go on beyond; or a literal between two runs. */
export type Segment = string | Run;

export function run(of: number, min: number, max: number = min): Run {
  return { of, min, max };
}

export type SecretFormat = {
  readonly type: string;
  /** Must not follow a letter or a digit, if it begins with one. */
  readonly anchor: string;
  readonly segments: readonly [Run, ...Segment[]];
  /**
   * Least Shannon entropy of what follows the anchor, bits per character. 3 keeps out "xxxx…" and counting patterns.
   */
  readonly entropyMin: number;
  /** Also ask for the frequent changes between digits, capitals and small letters that words do not have. */
  readonly random: boolean;
  /** And for a digit: the anchor vouches for nothing. */
  readonly needsDigit: boolean;
  /** And not for words, with which the anchor goes on in code. */
  readonly unnamed: boolean;
  /** Goes on like this where it is another vendor's. */
  readonly not?: string;
  /** Share of characters that count on, from which on it is an example. */
  readonly countingMax?: number;
  /** The finding is what follows the anchor, because the anchor is a name and not part of the key. */
  readonly valueOnly: boolean;
};

type Options = Partial<
  Pick<SecretFormat, "entropyMin" | "random" | "needsDigit" | "unnamed" | "valueOnly" | "countingMax" | "not">
>;

const ENTROPY_MIN = 3;

/** For an anchor that words begin with too. */
export const RANDOM: Options = { random: true };

/** Sixteen random characters or fewer do not reach 3 bits each reliably. */
export const SHORT: Options = { entropyMin: 2.5 };

/** One row for each anchor; anchors are given as one string with spaces between. */
export function rows(
  type: string,
  anchors: string,
  segments: SecretFormat["segments"],
  {
    entropyMin = ENTROPY_MIN,
    random = false,
    needsDigit = false,
    unnamed = false,
    valueOnly = false,
    ...more
  }: Options = {},
): SecretFormat[] {
  const rule = { entropyMin, random, needsDigit, unnamed, valueOnly, ...more };
  return anchors.split(" ").map((anchor) => ({ type, anchor, segments, ...rule }));
}
