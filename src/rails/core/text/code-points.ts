/**
 * What the rails need to know of a code point: is it invisible, does it belong to the character before it, does its
 * compatibility form (NFKC) differ, is it part of a word, and is its script written without spaces.
 *
 * Model. The platform's Unicode data are asked once per block of 256 code points, when a text first uses the
 * block; after that a question is one look-up. Blocks that hold nothing of interest (ideographs, syllables,
 * private use, planes without characters) have no table, so that a text made of one character per block
 * cannot make the tables grow large.
 * Rejected: tables in the source, which are large, go out of date and slow the start of the Worker.
 */

import { CHARS, isIn } from "./char-class.ts";

/** Draws nothing, or only changes how its neighbours are drawn. */
export const INVISIBLE = 1;
/** Combines with what stands before it. */
export const JOINS = 2;
/** Its compatibility form differs from it, or it is a decimal digit that is not ASCII. */
export const CHANGES = 4;
/** A decimal digit that is not ASCII. */
export const DIGIT = 8;
/** A letter, mark or number. */
const WORD = 16;
/** Of a script that puts no spaces between words, or (Hangul) adds endings to them. */
const UNSPACED = 32;

const BLOCKS_MAX = 0x11_00;
const blocks: (Uint8Array | undefined)[] = Array.from<Uint8Array | undefined>({ length: BLOCKS_MAX });

const INVISIBLE_PATTERN = /^[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]$/u;
const MARK_PATTERN = /^\p{M}/u;
const DIGIT_PATTERN = /^\p{Nd}$/u;
const WORD_PATTERN = /^[\p{L}\p{M}\p{N}]$/u;
const UNSPACED_PATTERN =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}\u30fc]$/u;

/** Bits of a code point beyond ASCII; ASCII and lone surrogates have none. */
export function classOf(codePoint: number): number {
  if (codePoint < 0x80) return 0;
  if (isIdeographOrSyllable(codePoint)) return WORD | UNSPACED;
  if (codePoint >= 0xd7fc && codePoint < 0xf900) return 0;
  if (codePoint >= 0x3_0000 && !(codePoint >= 0xe_0000 && codePoint < 0xe_1000)) return 0;
  const block = codePoint >> 8;
  return (blocks[block] ??= classesOf(block))[codePoint & 0xff] ?? 0;
}

/** Part of a word of any script, ASCII too. */
export function isWordChar(codePoint: number): boolean {
  return codePoint < 0x80 ? isIn(codePoint, CHARS.alnum) : (classOf(codePoint) & WORD) !== 0;
}

export function isUnspaced(codePoint: number): boolean {
  return (classOf(codePoint) & UNSPACED) !== 0;
}

/** The large blocks of one kind: ideographs in three planes, Hangul syllables. */
function isIdeographOrSyllable(codePoint: number): boolean {
  if (codePoint < 0x3400) return false;
  return (
    (codePoint < 0xa000 && (codePoint < 0x4dc0 || codePoint >= 0x4e00)) ||
    (codePoint >= 0xac00 && codePoint < 0xd7a4) ||
    (codePoint >= 0x2_0000 && codePoint < 0x2_f800) ||
    (codePoint >= 0x3_0000 && codePoint < 0x3_2400)
  );
}

function classesOf(block: number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, low) => bitsOf((block << 8) | low));
}

function bitsOf(codePoint: number): number {
  const char = String.fromCodePoint(codePoint);
  if (INVISIBLE_PATTERN.test(char)) return INVISIBLE;
  const form = char.normalize("NFKC");
  const isDigit = codePoint > 0x7f && DIGIT_PATTERN.test(char);
  const joins = MARK_PATTERN.test(form) || isJoiningLetter(form.codePointAt(0) ?? 0);
  const rewriting = (form === char && !isDigit ? 0 : CHANGES) | (joins ? JOINS : 0) | (isDigit ? DIGIT : 0);
  return rewriting | (WORD_PATTERN.test(char) ? WORD : 0) | (UNSPACED_PATTERN.test(char) ? UNSPACED : 0);
}

/** Letters that compose with the letter before them: vowels and finals of Hangul, vowel signs of Kirat Rai. */
function isJoiningLetter(codePoint: number): boolean {
  return (codePoint >= 0x1160 && codePoint < 0x1200) || (codePoint >= 0x1_6d63 && codePoint < 0x1_6d6b);
}

/** ASCII form of a decimal digit of any script: Unicode keeps the ten of a script side by side, zero first. */
export function asciiDigit(codePoint: number): string {
  let value = 0;
  // Five sets of mathematical digits stand in one row, which is why the distance is taken modulo ten.
  while (DIGIT_PATTERN.test(String.fromCodePoint(codePoint - value - 1))) value += 1;
  return String(value % 10);
}
