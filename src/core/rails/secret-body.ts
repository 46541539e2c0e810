/**
 * Decides whether the body of a candidate looks like a key that a machine made.
 *
 * Model. Shannon entropy of the characters against repeated patterns; words that only placeholders contain; and the
 * share of changes between letters' cases and digits, which is about 0.45 for random base62, 0.47 for hex, 0.4 for
 * random lower case with digits, and below 0.15 for words and names joined together.
 * Rejected: a dictionary, which is large and knows one language.
 */
import { CHARS, isIn } from "./char-class.ts";
import type { Scan } from "./secret-scan.ts";

/** Below this share of changes per character a body is words. */
export const CLASS_CHANGE_SHARE_MIN = 0.15;

/** So many equal characters in a row do not occur in a random key of 200 characters (chance below 1e-6). */
export const EQUAL_RUN_MAX = 5;

/** Words of five letters or more, or with their separator: shorter ones occur in random keys by chance. */
const PLACEHOLDER_WORDS: readonly string[] = [
  "example placeholder changeme change-me change_me dummy redacted replace insert- insert_",
  "your- your_ yourkey yourapi youropenai yourtoken yoursecret -here _here keyhere tokenhere apikey api-key api_key",
].flatMap((words) => words.split(" "));

export type BodyRule = {
  /** Least Shannon entropy, bits per character; 0 turns all checks but `random` off. */
  readonly entropyMin: number;
  /** Ask for as many changes between digits, capitals and small letters as chance makes. */
  readonly random?: boolean;
  /** Ask for a digit too: for bodies that no prefix vouches for, a name in camel case is not enough. */
  readonly needsDigit?: boolean;
};

/** True if the body keeps the rule, has no long run of one character and no placeholder word. */
export function bodyLooksSecret(scan: Scan, from: number, to: number, rule: BodyRule): boolean {
  const { entropyMin, random = false, needsDigit = false } = rule;
  if (random && !looksRandom(scan, from, to, needsDigit)) return false;
  if (entropyMin === 0) return true;
  if (entropyBits(scan, from, to) < entropyMin) return false;
  scan.meter.steps += to - from;
  const body = scan.text.slice(from, to).toLowerCase();
  return !PLACEHOLDER_WORDS.some((word) => body.includes(word));
}

/** At least two of digits, capitals and small letters, often enough in turns. */
function looksRandom({ text, meter }: Scan, from: number, to: number, needsDigit: boolean): boolean {
  let seen = 0;
  let changes = 0;
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at);
    seen |= kindOf(code);
    if (at > from && isChange(text.charCodeAt(at - 1), code)) changes += 1;
  }
  meter.steps += to - from;
  const hasDigit = (seen & CHARS.digit) !== 0;
  const letters = seen & CHARS.letter;
  const isMixed = letters === CHARS.letter || (hasDigit && letters !== 0);
  return isMixed && (hasDigit || !needsDigit) && changes / (to - from) >= CLASS_CHANGE_SHARE_MIN;
}

function kindOf(code: number): number {
  if (isIn(code, CHARS.digit)) return CHARS.digit;
  if (isIn(code, CHARS.upper)) return CHARS.upper;
  return isIn(code, CHARS.lower) ? CHARS.lower : 0;
}

/** Between letter and digit, and from lower to upper case; a capital before a small letter is how words begin. */
function isChange(before: number, code: number): boolean {
  if (!isIn(before, CHARS.alnum) || !isIn(code, CHARS.alnum)) return false;
  return (
    isIn(before, CHARS.digit) !== isIn(code, CHARS.digit) || (isIn(before, CHARS.lower) && isIn(code, CHARS.upper))
  );
}

/** Shannon entropy, bits per character; 0 of a body with a long run of one character. Bodies are ASCII. */
function entropyBits({ text, meter }: Scan, from: number, to: number): number {
  const counts = new Uint32Array(128);
  let equal = 0;
  meter.steps += to - from;
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at);
    counts[code] = (counts[code] ?? 0) + 1;
    equal = at > from && code === text.charCodeAt(at - 1) ? equal + 1 : 1;
    if (equal > EQUAL_RUN_MAX) return 0;
  }
  let bits = 0;
  for (const count of counts) {
    const share = count / (to - from);
    if (count > 0) bits -= share * Math.log2(share);
  }
  return bits;
}
