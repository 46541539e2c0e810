/**
 * Which letters pass for which: the table behind `fold`.
 *
 * Model. A letter is lower-cased, its diacritics are taken off, and if what is left looks like an ASCII letter
 * it becomes that letter. Both cases of a letter fold alike, so that words of other scripts can be matched
 * whatever their case: what the small letter looks like counts (Greek capital Nu folds to v), and only where
 * it is like none, the capital.
 * Source: Unicode TR39, confusables (`tools/tables/look-alikes.ts`); letters in boxes, quotes and dashes are added
 * here.
 */
import { isDiacritic } from "./diacritic.ts";
import { LOOK_ALIKES } from "./look-alikes.ts";

/** A unit that folds to nothing. No text holds it: U+FFFF is no character. */
export const DROPPED = 0xffff;

/** Punctuation that has ASCII's meaning, whatever its shape. */
const PUNCTUATION: Readonly<Record<string, string>> = {
  "'": "\u2018\u2019\u201a\u201b\u02bc\u2032\u00b4",
  '"': "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb",
  "-": "\u2010\u2012\u2013\u2014\u2015\u2212",
};

let lookAlikes: ReadonlyMap<string, string> | null = null;
const blocks: (Uint16Array | undefined)[] = Array.from<Uint16Array | undefined>({ length: 256 });

/** The unit that stands for this unit, or DROPPED. Surrogates stand for themselves. */
export function foldedUnit(unit: number): number {
  if (unit < 0x80) return unit >= 0x41 && unit <= 0x5a ? unit | 0x20 : unit;
  // Ideographs, Hangul, surrogates and private use have neither case nor accents.
  if ((unit >= 0x2e80 && unit < 0xa000) || (unit >= 0xac00 && unit < 0xf900)) return unit;
  const block = unit >> 8;
  return (blocks[block] ??= foldBlock(block))[unit & 0xff] ?? unit;
}

/** The ASCII letter of a letter in a box or a regional indicator; null for every other code point. */
export function foldedWide(codePoint: number): number | null {
  if (codePoint >= 0x1_f150 && codePoint < 0x1_f150 + 26) return 0x61 + codePoint - 0x1_f150;
  if (codePoint >= 0x1_f170 && codePoint < 0x1_f170 + 26) return 0x61 + codePoint - 0x1_f170;
  if (codePoint >= 0x1_f1e6 && codePoint < 0x1_f1e6 + 26) return 0x61 + codePoint - 0x1_f1e6;
  return null;
}

/** The ASCII letter that a letter of another script passes for, in the same case; null: none. */
export function lookAlikeOf(char: string): string | null {
  const own = likenessOf(char);
  if (own !== null) return own;
  const lower = char.toLowerCase();
  const ascii = likenessOf(lower) ?? likenessOf(char.toUpperCase());
  return ascii === null ? null : char === lower ? ascii.toLowerCase() : ascii.toUpperCase();
}

/** Of the letter as it stands. */
function likenessOf(char: string): string | null {
  return (lookAlikes ??= lookAlikeTable()).get(char) ?? null;
}

/** The same for both cases. */
function foldedLetter(lower: string): string | null {
  return (likenessOf(lower) ?? likenessOf(lower.toUpperCase()))?.toLowerCase() ?? null;
}

function lookAlikeTable(): ReadonlyMap<string, string> {
  const rows = [...Object.entries(LOOK_ALIKES), ...Object.entries(PUNCTUATION)];
  return new Map(rows.flatMap(([ascii, chars]) => Array.from(chars, (char) => [char, ascii] as const)));
}

function foldBlock(block: number): Uint16Array {
  return Uint16Array.from({ length: 256 }, (_, low) => foldUnit((block << 8) | low));
}

function foldUnit(unit: number): number {
  if (isDiacritic(unit)) return DROPPED;
  const lower = String.fromCharCode(unit).toLowerCase();
  const [base = "", ...rest] = lower.normalize("NFD");
  const bare = rest.every((char) => isDiacritic(char.charCodeAt(0))) ? base : lower;
  return (foldedLetter(lower) ?? foldedLetter(bare) ?? bare).charCodeAt(0);
}
