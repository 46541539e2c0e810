/**
 * Character classes of the hand-written scanners, as bits: a set of characters is a mask, and membership is one
 * look-up. ASCII only; every other character is in no set. Rejected: RegExp classes, which bring RegExp.
 */
const UPPER = 1;
const LOWER = 2;
const DIGIT = 4;
const DASH = 8;
const UNDERSCORE = 16;
const PLUS_SLASH = 32;
const EQUALS = 64;
const DOT_TILDE = 128;
const HEX_BIT = 256;

/** Sets of characters as masks. */
export const CHARS = {
  upper: UPPER,
  lower: LOWER,
  digit: DIGIT,
  letter: UPPER | LOWER,
  upperDigit: UPPER | DIGIT,
  alnum: UPPER | LOWER | DIGIT,
  word: UPPER | LOWER | DIGIT | UNDERSCORE,
  kebab: UPPER | LOWER | DIGIT | DASH,
  lowerKebab: LOWER | DIGIT | DASH,
  urlSafe: UPPER | LOWER | DIGIT | DASH | UNDERSCORE,
  urlSafeDotted: UPPER | LOWER | DIGIT | DASH | UNDERSCORE | EQUALS | DOT_TILDE,
  base64: UPPER | LOWER | DIGIT | PLUS_SLASH | EQUALS,
  hex: HEX_BIT,
  /** What an unquoted value of an assignment is made of. */
  value: UPPER | LOWER | DIGIT | DASH | UNDERSCORE | PLUS_SLASH | EQUALS,
  /** The same inside quotes, where a dot is no member access. */
  quotedValue: UPPER | LOWER | DIGIT | DASH | UNDERSCORE | PLUS_SLASH | EQUALS | DOT_TILDE,
} as const;

const CLASS_OF = Uint16Array.from({ length: 128 }, (_, code) => classOf(String.fromCharCode(code)));

/** True if the UTF-16 unit is in the set; false for NaN, which is what `charCodeAt` gives beyond the text. */
export function isIn(code: number, mask: number): boolean {
  return code < 128 && ((CLASS_OF[code] ?? 0) & mask) !== 0;
}

/** Where the first character beyond ASCII is; the length of the text if there is none. */
export function firstNonAscii(text: string): number {
  const at = text.search(BEYOND_ASCII);
  return at < 0 ? text.length : at;
}

/** One class and nothing to go back to: in less than half the time of a loop, which nearly every text pays. */
const BEYOND_ASCII = /[\u0080-\uffff]/;

function classOf(char: string): number {
  let bits = 0;
  if (char >= "A" && char <= "Z") bits |= UPPER;
  if (char >= "a" && char <= "z") bits |= LOWER;
  if (char >= "0" && char <= "9") bits |= DIGIT | HEX_BIT;
  if ((char >= "a" && char <= "f") || (char >= "A" && char <= "F")) bits |= HEX_BIT;
  if (char === "-") bits |= DASH;
  if (char === "_") bits |= UNDERSCORE;
  if (char === "+" || char === "/") bits |= PLUS_SLASH;
  if (char === "=") bits |= EQUALS;
  if (char === "." || char === "~") bits |= DOT_TILDE;
  return bits;
}
