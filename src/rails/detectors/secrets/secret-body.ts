/**
 * Decides whether the body of a candidate looks like a key that a machine made.
 *
 * Model. Three tests. The Shannon entropy of the characters rules out repeated patterns. Some words stand in
 * placeholders only. And random characters change often between upper case, lower case and digits: the share
 * of changes is about 0.45 for base62, 0.47 for hex, 0.4 for lower case with digits, and below 0.15 for
 * words and names joined together.
 * Rejected: a dictionary, which is large and knows one language.
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";
import type { Scan } from "./secret-scan.ts";
import { looksNamed } from "./secret-words.ts";

/** Below this share of changes per character a body is words. */
const CLASS_CHANGE_SHARE_MIN = 0.15;

/** Chance leaves about 0.3 bits below the most that so many characters can have, words leave 0.7. */
const FEW_REPEATS_BITS = 0.45;

/** Longer bodies change classes often enough. */
const FEW_REPEATS_CHARS_MAX = 40;

/** So many equal characters in a row do not occur in a random key of 200 characters (chance below 1e-6). */
const EQUAL_RUN_MAX = 5;

/** Up to this share of a longer body: ids inside some keys are padded with one character. */
const EQUAL_RUN_SHARE_MAX = 0.25;

/**
 * Above this share of characters that continue "abc…", "123…" or "a1b2…" somebody typed an example. Chance gives 0.06.
 */
const COUNTING_SHARE_MAX = 0.6;

/** Words of five letters or more, or with their separator: shorter ones occur in random keys by chance. */
const PLACEHOLDER_WORDS: readonly string[] = [
  "example placeholder changeme change-me change_me dummy redacted replace insert- insert_",
  "your- your_ yourkey yourapi youropenai yourtoken yoursecret -here _here keyhere tokenhere apikey api-key api_key",
  "sample notreal zxcvb qwert asdfg foobar replaceme mysecret mytoken mypassword my-token my-secret my_token my_secret",
].flatMap((words) => words.split(" "));

/** Steps of a row such as "abcdefghijklmnopq": whoever types it types an example. */
const COUNTING_RUN_MAX = 15;

/** "AAAABBBBCCCC": chance makes a sixteenth of hexadecimal digits like the one before, and of few more than 0.18. */
const EQUAL_SHARE_MAX = 0.18;
const EQUALS_FROM = 64;

export type BodyRule = {
  /** Least Shannon entropy, bits per character; 0 turns all checks but `random` off. */
  readonly entropyMin: number;
  /** Ask for as many changes between digits, capitals and small letters as chance makes. */
  readonly random?: boolean;
  /** Ask for a digit too: for bodies that no prefix vouches for, a name in camel case is not enough. */
  readonly needsDigit?: boolean;
  /** Ask that it is not made of words: where names of code stand too. */
  readonly unnamed?: boolean;
  readonly charsMin?: number;
  /** Share of characters that count on, from which on it is an example; default 0.6. More where the form is exact. */
  readonly countingMax?: number;
};

/** True if the body keeps the rule, has no long run of one character and no placeholder word. */
export function bodyLooksSecret(scan: Scan, from: number, to: number, rule: BodyRule): boolean {
  const { entropyMin, random = false, needsDigit = false, unnamed = false, countingMax = COUNTING_SHARE_MAX } = rule;
  if (to - from < (rule.charsMin ?? 0)) return false;
  if (random && !looksRandom(scan, from, to, needsDigit)) return false;
  if (unnamed && looksNamed(scan, from, to)) return false;
  if (entropyMin === 0) return true;
  if (entropyBits(scan, from, to) < entropyMin || isCounting(scan, from, to, countingMax)) return false;
  // A known prefix vouches for what repeats itself, or counts in both cases; a name does not.
  if (unnamed && (repeats(scan, from, to) || countsInTurns(scan, from, to))) return false;
  return !hasPlaceholderWord(scan, from, to);
}

export function hasPlaceholderWord(scan: Scan, from: number, to: number): boolean {
  scan.meter.steps += to - from;
  const body = scan.text.slice(from, to).toLowerCase();
  return PLACEHOLDER_WORDS.some((word) => body.includes(word));
}

/** Longest piece that a typed example repeats: "A1B2C3D4E5F6A1B2C3D4…". */
const PERIOD_CHARS_MAX = 12;

function repeats({ text, meter }: Scan, from: number, to: number): boolean {
  for (let period = 1; period <= PERIOD_CHARS_MAX && 2 * period <= to - from; period += 1) {
    let at = from + period;
    while (at < to && text.charCodeAt(at) === text.charCodeAt(at - period)) at += 1;
    meter.steps += at - from - period + 1;
    if (at === to) return true;
  }
  return false;
}

/** "a1B2c3D4…", whatever the case. */
function countsInTurns({ text, meter }: Scan, from: number, to: number): boolean {
  let twos = 0;
  for (let at = from + 2; at < to; at += 1) {
    if (lower(text.charCodeAt(at)) - lower(text.charCodeAt(at - 2)) === 1) twos += 1;
  }
  meter.steps += to - from;
  return twos > COUNTING_SHARE_MAX * (to - from);
}

function lower(code: number): number {
  return isIn(code, CHARS.upper) ? code | 0x20 : code;
}

/** True of "12345678…", "abcdef…" and "a1b2c3…". */
function isCounting({ text, meter }: Scan, from: number, to: number, shareMax: number): boolean {
  let [ones, twos, equals, row] = [0, 0, 0, 0];
  for (let at = from + 2; at < to; at += 1) {
    const code = text.charCodeAt(at);
    const step = code - text.charCodeAt(at - 1);
    row = step === 1 ? row + 1 : 0;
    if (row > COUNTING_RUN_MAX) return true;
    if (step === 1) ones += 1;
    if (step === 0) equals += 1;
    if (code - text.charCodeAt(at - 2) === 1) twos += 1;
  }
  const chars = to - from;
  meter.steps += chars;
  return Math.max(ones, twos) > shareMax * chars || (chars >= EQUALS_FROM && equals > EQUAL_SHARE_MAX * chars);
}

/**
 * At least two of digits, capitals and small letters, often enough in turns; or all three, seldom in turns but with as
 * few repetitions as chance leaves, which words do not reach.
 */
export function looksRandom(scan: Scan, from: number, to: number, needsDigit: boolean): boolean {
  const { text, meter } = scan;
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
  if (!isMixed || (needsDigit && !hasDigit)) return false;
  const share = changes / (to - from);
  if (share >= CLASS_CHANGE_SHARE_MIN) return true;
  const hasAll = hasDigit && letters === CHARS.letter;
  if (!hasAll || share < CLASS_CHANGE_SHARE_MIN / 3 || to - from > FEW_REPEATS_CHARS_MAX) return false;
  return entropyBits(scan, from, to) >= Math.log2(to - from) - FEW_REPEATS_BITS;
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
  const equalMax = Math.max(EQUAL_RUN_MAX, EQUAL_RUN_SHARE_MAX * (to - from));
  let equal = 0;
  meter.steps += to - from;
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at);
    counts[code] = (counts[code] ?? 0) + 1;
    equal = at > from && code === text.charCodeAt(at - 1) ? equal + 1 : 1;
    if (equal > equalMax) return 0;
  }
  let bits = 0;
  for (const count of counts) {
    const share = count / (to - from);
    if (count > 0) bits -= share * Math.log2(share);
  }
  return bits;
}
