/**
 * Decides which letters of a word are there to be taken for Latin ones.
 *
 * Model. A word that has Latin letters and letters of another script is suspect if every letter of the other script is
 * drawn like a Latin one: "pаypal" with a Cyrillic а. Words that mix scripts for good reasons have letters that are not
 * (Russian endings on a Latin name), or differ in case (an acronym with an ending), or use Greek as symbols (μm, NFκB,
 * TGFβ), which is why a small Greek letter counts only inside a word in small letters.
 * Source: Unicode TR39, mixed-script confusables. Rejected: reporting every word of two scripts, which reports physics.
 */
import { INVISIBLE, classOf } from "../../core/text/code-points.ts";
import { lookAlikeOf } from "../../core/text/confusables.ts";
import type { FoundSpan } from "../../core/rail.ts";

/**
 * Drawn alike in common fonts, each in its own case; the table for folding also has letters that are merely similar.
 */
export const TWINS = "аеорсухіјѕһӏԁԛԝүАВЕКМНОРСТУХІЈЅӀԚԜΑΒΕΖΗΙΚΜΝΟΡΤΥΧϲϳοօոսհցᎪᏴᏟᎬᎻᎫᏦᏞᎷᏢᏚᎢᏙᎳᏃᎠᎡᏀ";
/** Greek small letters that are similar only: as symbols they stand alone, at the end of a word or before a unit. */
export const GREEK_SIMILAR = "αγεηικνρτυωχ";

/** What is known of a letter that has look-alikes, as bits: a long word of hostile letters asks for each. */
const KNOWN = 1;
const TWIN = 2;
const SIMILAR = 4;
const SMALL = 8;

/** By unit, filled as letters turn up; made when the first does. */
let letters: Uint8Array | null = null;

function bitsOf(unit: number): number {
  letters ??= new Uint8Array(0x1_00_00);
  const known = letters[unit] ?? 0;
  if (known !== 0) return known;
  const letter = String.fromCharCode(unit);
  const bits =
    KNOWN |
    (TWINS.includes(letter) ? TWIN : 0) |
    (GREEK_SIMILAR.includes(letter) ? SIMILAR : 0) |
    (letter === letter.toUpperCase() ? 0 : SMALL);
  return (letters[unit] = bits);
}

/** Latin letters that make a word Latin: one alone may be a symbol, as in kΩ. */
const LATIN_NEEDED = 2;

/** Offset of the first letter of a script that has look-alikes, or -1. */
export function firstSpoofable(text: string): number {
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit >= 0x370 && isOther(unit)) return at;
  }
  return -1;
}

/**
 * Look-alikes in words that are Latin otherwise, one span for each run, with the Latin letters as replacement. At most
 * `spansMax`, the first ones.
 */
export function spoofedLetters(text: string, spansMax: number): FoundSpan[] {
  const found: FoundSpan[] = [];
  for (let at = 0; at < text.length && found.length < spansMax;) {
    if (!isWordUnit(text.charCodeAt(at))) {
      at += 1;
      continue;
    }
    const start = at;
    let hasAscii = false;
    let hasOther = false;
    for (; at < text.length; at += 1) {
      const unit = text.charCodeAt(at);
      if (!isWordUnit(unit)) break;
      if (unit < 0x80) hasAscii = true;
      else hasOther ||= isOther(unit);
    }
    if (hasAscii && hasOther) spoofedIn(text, start, at, { found, spansMax });
  }
  return found;
}

type Finds = { readonly found: FoundSpan[]; readonly spansMax: number };

function spoofedIn(text: string, start: number, end: number, { found, spansMax }: Finds): void {
  let latin = 0;
  let latinSmall = 0;
  let others = 0;
  let othersSmall = 0;
  for (let at = start; at < end; at += 1) {
    const unit = text.charCodeAt(at);
    if (isLatin(unit)) {
      latin += 1;
      if (isSmallLatin(unit)) latinSmall += 1;
    } else if (isOther(unit)) {
      const bits = bitsOf(unit);
      if ((bits & TWIN) === 0 && !((bits & SIMILAR) !== 0 && isAmongSmall(text, at))) return;
      others += 1;
      if ((bits & SMALL) !== 0) othersSmall += 1;
    }
  }
  const isAcronymWithEnding = latinSmall === 0 && othersSmall === others && isOther(text.charCodeAt(end - 1));
  if (others === 0 || latin < LATIN_NEEDED || isAcronymWithEnding) return;
  for (let at = start; at < end && found.length < spansMax; at += 1) {
    if (!isOther(text.charCodeAt(at))) continue;
    const first = at;
    let replacement = "";
    for (; at < end && isOther(text.charCodeAt(at)); at += 1)
      replacement += lookAlikeOf(text.charAt(at)) ?? text.charAt(at);
    found.push({ start: first, end: at, type: "confusable", replacement });
  }
}

/** Between two small letters of ASCII. */
function isAmongSmall(text: string, at: number): boolean {
  return isSmallLatin(text.charCodeAt(at - 1)) && isSmallLatin(text.charCodeAt(at + 1));
}

function isSmallLatin(unit: number): boolean {
  return unit >= 0x61 && unit <= 0x7a;
}

function isLatin(unit: number): boolean {
  const lower = unit | 0x20;
  if (unit < 0x80) return lower >= 0x61 && lower <= 0x7a;
  return unit >= 0xc0 && unit < 0x250 && unit !== 0xd7 && unit !== 0xf7;
}

/** Greek (with Coptic), Cyrillic, Armenian, Cherokee. */
function isOther(unit: number): boolean {
  if (unit < 0x370) return false;
  if (unit < 0x590) return unit !== 0x37e && unit !== 0x387 && !(unit >= 0x483 && unit <= 0x489);
  return (unit >= 0x13a0 && unit < 0x1400) || (unit >= 0xab70 && unit < 0xabc0);
}

/** Letters, marks on them and invisible characters, which do not end a word. */
function isWordUnit(unit: number): boolean {
  if (unit < 0xad) return isLatin(unit);
  if (isLatin(unit) || isOther(unit) || (unit >= 0x300 && unit < 0x370)) return true;
  return (classOf(unit) & INVISIBLE) !== 0;
}
