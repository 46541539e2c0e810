/**
 * Decides whether a value is made of words: the name of a variable, a test, a path, and no key.
 *
 * Model. Letters of words follow each other in few ways: the 160 most frequent of the 676 pairs make 85 % of all pairs
 * inside the words of identifiers, and 24 % of pairs drawn at random. A value counts as words if such pairs are most of
 * its pairs and letters in words most of its characters. Measured on identifiers of the Go and Python libraries and on
 * random strings: 91 % of the former are words, and of random ones of 12 characters 2 %, of 20 1 %, of 32 0.1 %.
 * Rejected: a dictionary, which is large and knows no abbreviations; changes of case alone, which camel case has too.
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";
import type { Scan } from "./secret-scan.ts";

const SMALL_A = 0x61;

/** The letters that often follow each letter, from a on; a dot ends a row. */
const FOLLOWING =
  "bcdgilmnprstu.aelu.aehklort.adeio.acdefglmnprstx.afio.er.aeio.abcdefglmnoprstv..e.aeilotu.aeiop.acdefgio" +
  "st.cdlmnoprstuw.aeiloprt.u.aceimorstuy.cehiopstuy.aehiorsty.elmnprst.aei.i.t.ps.e.";

const FREQUENT = frequentPairs();

function frequentPairs(): Uint8Array {
  const pairs = new Uint8Array(26 * 26);
  let first = 0;
  for (let at = 0; at < FOLLOWING.length; at += 1) {
    const second = FOLLOWING.charCodeAt(at) - SMALL_A;
    if (second < 0) first += 1;
    else pairs[first * 26 + second] = 1;
  }
  return pairs;
}

/** Fewer pairs tell nothing. */
const PAIRS_MIN = 5;

/** Of the pairs, those that words have. */
const FREQUENT_SHARE_MIN = 0.6;

/** Of the characters, pairs within a word: what is left are digits, signs and first letters. */
const PAIR_SHARE_MIN = 0.45;

/** "ipv4-in-ipv6": more numbers between its letters a name hardly has, and a random value of 20 characters does. */
const NUMBERS_MAX = 2;

export function looksNamed({ text, meter }: Scan, from: number, to: number): boolean {
  let pairs = 0;
  let frequent = 0;
  let numbers = 0;
  meter.steps += to - from;
  for (let at = from + 1; at < to; at += 1) {
    const [before, code] = [text.charCodeAt(at - 1), text.charCodeAt(at)];
    if (isIn(code, CHARS.digit) && !isIn(before, CHARS.digit)) numbers += 1;
    if (!isIn(before, CHARS.letter) || !isIn(code, CHARS.letter)) continue;
    // A capital behind a small letter begins a word.
    if (isIn(before, CHARS.lower) && isIn(code, CHARS.upper)) continue;
    pairs += 1;
    frequent += FREQUENT[((before | 0x20) - SMALL_A) * 26 + (code | 0x20) - SMALL_A] ?? 0;
  }
  if (numbers > NUMBERS_MAX) return false;
  return pairs >= PAIRS_MIN && pairs >= PAIR_SHARE_MIN * (to - from) && frequent >= FREQUENT_SHARE_MIN * pairs;
}
