/**
 * Decides whether letters of a text pass for ASCII, or have something invisible between them, and how it then reads.
 *
 * Model. The view is the normal form (`normalise.ts`) with look-alikes of other scripts as the ASCII letters that they
 * pass for, in their case: keys are told apart by case, so `fold` is of no use to them. It is made only where the text
 * gives a reason: an invisible character behind a visible one of ASCII, a character whose compatibility form may be
 * ASCII, a look-alike beside an ASCII letter or digit. Writing in other scripts gives none.
 * Rejected: every text that is not ASCII, which reads half the world's prompts twice.
 */
import { CHARS, isIn, firstNonAscii } from "./char-class.ts";
import { CHANGES, classOf, DIGIT, INVISIBLE } from "./code-points.ts";
import { lookAlikeOf } from "./confusables.ts";
import { normalise } from "./normalise.ts";
import type { NormalText, TextForms } from "./normalise.ts";

/** Null: nothing in the text passes for something else. */
export function undisguised(text: string, forms?: TextForms): NormalText | null {
  if (!isDisguised(text)) return null;
  const normal = normalise(text, forms);
  let latin = "";
  let from = 0;
  for (let at = firstNonAscii(normal.text); at < normal.text.length; at += 1) {
    const unit = normal.text.charCodeAt(at);
    const ascii = unit < 0x80 ? null : asciiOf(unit);
    if (ascii === null) continue;
    latin += normal.text.slice(from, at) + ascii;
    from = at + 1;
  }
  if (from === 0) return normal.isSame ? null : normal;
  return { text: latin + normal.text.slice(from), isSame: false, original: normal.original };
}

function isDisguised(text: string): boolean {
  for (let at = firstNonAscii(text); at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    const kind = kinds[unit] || (kinds[unit] = kindOf(unit));
    if (kind === NOTHING) continue;
    if (kind === ASCII_FORM) return true;
    const before = text.charCodeAt(at - 1);
    if (kind === UNSEEN && before > 0x20 && before < 0x7f) return true;
    if (kind === ALIKE && (isIn(before, CHARS.alnum) || isIn(text.charCodeAt(at + 1), CHARS.alnum))) return true;
    if (kind === HALF) {
      const wide = kindOfWide(text.codePointAt(at) ?? unit);
      if (wide === ASCII_FORM || (wide === UNSEEN && before > 0x20 && before < 0x7f)) return true;
      at += 1;
    }
  }
  return false;
}

const NOTHING = 1;
/** Its compatibility form begins with a letter or digit of ASCII, or it is a digit. */
const ASCII_FORM = 2;
const UNSEEN = 3;
/** Looks like a letter of ASCII. */
const ALIKE = 4;
/** The first unit of a pair. */
const HALF = 5;

/** By unit, of those that texts had: the platform is asked once. Nothing of a request can be read from it. */
const kinds = new Uint8Array(0x1_0000);

function kindOf(unit: number): number {
  if (unit >= 0xd800 && unit < 0xdc00) return HALF;
  const wide = kindOfWide(unit);
  if (wide !== NOTHING) return wide;
  const ascii = asciiOf(unit);
  return ascii !== null && isIn(ascii.charCodeAt(0), CHARS.alnum) ? ALIKE : NOTHING;
}

function kindOfWide(codePoint: number): number {
  const bits = classOf(codePoint);
  if ((bits & INVISIBLE) !== 0) return UNSEEN;
  if ((bits & DIGIT) !== 0) return ASCII_FORM;
  if ((bits & CHANGES) === 0) return NOTHING;
  const form = String.fromCodePoint(codePoint).normalize("NFKC");
  return isIn(form.charCodeAt(0), CHARS.alnum) ? ASCII_FORM : NOTHING;
}

function asciiOf(unit: number): string | null {
  // Ideographs, syllables, surrogates and private use are like no letter.
  if (unit >= 0x2e80 && unit < 0xfb00 && !(unit >= 0xa000 && unit < 0xac00)) return null;
  return lookAlikeOf(String.fromCharCode(unit));
}
