/**
 * Decides whether an invisible character stands where writing needs it.
 *
 * Model. A character is judged by its neighbours, so one that is right carries almost nothing: a run of them, which is
 * what can carry a message, is never right beyond its first. Joiners are right beside letters of scripts that join or
 * stack, and between emoji; a variation selector behind what has variants; tags only as the flag of a subdivision;
 * marks of direction only in right-to-left text. Overrides, embeddings and isolates of direction never are: they make a
 * text look different from what it says.
 * Source: Unicode TR51 (emoji sequences), TR53 and RFC 5892 appendix A (joiners), TR36 and CVE-2021-42574 (direction).
 * Rejected: the full contextual rules of RFC 5892, which forbid joiners at the end of a Persian word, as people type
 * them.
 */
import { INVISIBLE, classOf } from "../../core/text/code-points.ts";

/** Tags of the longest flag of a subdivision that is accepted: two letters of a country, three of the part. */
const FLAG_TAGS_MAX = 5;

const EMOJI = /^\p{Extended_Pictographic}$/u;
const SYMBOL = /^[\p{S}\p{Emoji}\p{Po}\p{Pd}]$/u;
const HAN = /^\p{Script=Han}$/u;
const RTL_LETTER = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
/** Scripts whose letters join or stack, which a joiner can ask for or prevent. */
const JOINING =
  /^[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Nko}\p{Script=Mongolian}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}\p{Script=Thaana}\p{Script=Balinese}\p{Script=Javanese}\p{Script=Meetei_Mayek}\p{Script=Ol_Chiki}\p{Script=Thai}\p{Script=Lao}]$/u;
/** Scripts without spaces that mark where a line may break. */
const BREAKING =
  /^[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}\p{Script=Javanese}\p{Script=Balinese}]$/u;
const LETTER = /^[\p{L}\p{M}]$/u;

export type InvisibleKind = "tag" | "variation_selector" | "zero_width" | "bidi";

export function invisibleKind(codePoint: number): InvisibleKind {
  if (isVariationSelector(codePoint)) return "variation_selector";
  if (codePoint >= 0xe_0000) return "tag";
  if (isDirectionMark(codePoint) || isDirectionControl(codePoint)) return "bidi";
  return "zero_width";
}

/** Looks at the neighbours of the invisible character that begins at `at`, and at a fixed number of units only. */
export function isProperUse(text: string, at: number, codePoint: number, isRtlText: () => boolean): boolean {
  if (codePoint === 0xfeff) return at === 0;
  if (isDirectionControl(codePoint)) return false;
  const before = codePointBefore(text, at);
  if (codePoint >= 0xe_0000 && !isVariationSelector(codePoint)) return isInFlag(text, at);
  // The second of two invisible characters has no neighbour to act on, but an emoji joiner follows a selector or a
  // flag.
  if (codePoint === 0x200d && isBetweenEmoji(text, at, before)) return true;
  if (isInvisible(before)) return false;
  const after = text.codePointAt(at + (codePoint > 0xffff ? 2 : 1)) ?? 0;
  if (isVariationSelector(codePoint)) return isVariant(before, after, codePoint);
  if (isDirectionMark(codePoint)) return isRtlText();
  return isProperJoin(codePoint, before, after);
}

function isProperJoin(codePoint: number, before: number, after: number): boolean {
  switch (codePoint) {
    case 0x200c:
    case 0x200d:
      return is(JOINING, before) || (is(JOINING, after) && before !== 0);
    case 0x200b:
      return is(BREAKING, before) || is(BREAKING, after);
    case 0xad:
      return is(LETTER, before) && is(LETTER, after);
    case 0x34f:
      return is(/^\p{M}$/u, before);
    case 0x115f:
    case 0x1160:
      return (after >= 0x1100 && after < 0x1200) || (before >= 0x1100 && before < 0x1200);
    case 0x17b4:
    case 0x17b5:
      return before >= 0x1780 && before < 0x17d4;
    case 0x180b:
    case 0x180c:
    case 0x180d:
    case 0x180e:
    case 0x180f:
      return before >= 0x1807 && before < 0x18b0;
    default:
      // Controls of shorthand and of music belong to their neighbours' blocks.
      return codePoint > 0xffff && before >> 8 === codePoint >> 8;
  }
}

function isVariant(base: number, after: number, selector: number): boolean {
  if (selector >= 0xe_0100) return is(HAN, base);
  // A digit has a variant as the base of a keycap only.
  if (selector === 0xfe0e || selector === 0xfe0f) return base < 0x80 ? isKeycap(base, after) : is(SYMBOL, base);
  const isMath = (base >= 0x2200 && base < 0x2300) || (base >= 0x2a00 && base < 0x2b00);
  const hasVariants = (base >= 0x1000 && base < 0x10a0) || (base >= 0xa840 && base < 0xa880) || is(HAN, base);
  return selector <= 0xfe02 && (isMath || hasVariants);
}

function isKeycap(base: number, after: number): boolean {
  return after === 0x20e3 && ((base >= 0x30 && base <= 0x39) || base === 0x23 || base === 0x2a);
}

/** Before the joiner: an emoji, perhaps with a selector, a skin tone or the end of a flag. Behind it: an emoji. */
function isBetweenEmoji(text: string, at: number, before: number): boolean {
  if (!is(EMOJI, text.codePointAt(at + 1) ?? 0)) return false;
  if (is(EMOJI, before) || (before >= 0x1_f3fb && before <= 0x1_f3ff)) return true;
  if (before === 0xfe0f || before === 0xfe0e) return is(EMOJI, codePointBefore(text, at - 1));
  return before === 0xe_007f && isInFlag(text, at - 2);
}

/**
 * Flags of subdivisions: a black flag, the code of the subdivision in tags, the closing tag. Only countries whose flags
 * are in use, because any five letters would be a channel.
 */
function isInFlag(text: string, at: number): boolean {
  let start = at;
  for (let tags = 0; tags <= FLAG_TAGS_MAX && isTag(codePointBefore(text, start)); tags += 1) start -= 2;
  if (codePointBefore(text, start) !== 0x1_f3f4) return false;
  let code = "";
  let end = start;
  for (; code.length <= FLAG_TAGS_MAX; end += 2) {
    const tag = text.codePointAt(end) ?? 0;
    if (tag === 0xe_007f) break;
    if (!isTag(tag)) return false;
    code += String.fromCharCode(tag - 0xe_0000);
  }
  return at <= end && (/^gb(eng|sct|wls|nir)$/.test(code) || /^(us|ca)[a-z]{2}$/.test(code));
}

function isTag(codePoint: number): boolean {
  return codePoint >= 0xe_0020 && codePoint < 0xe_007f;
}

function isVariationSelector(codePoint: number): boolean {
  return (codePoint >= 0xfe00 && codePoint <= 0xfe0f) || (codePoint >= 0xe_0100 && codePoint <= 0xe_01ef);
}

function isDirectionMark(codePoint: number): boolean {
  return codePoint === 0x200e || codePoint === 0x200f || codePoint === 0x61c;
}

function isDirectionControl(codePoint: number): boolean {
  return (codePoint >= 0x202a && codePoint <= 0x202e) || (codePoint >= 0x2066 && codePoint <= 0x2069);
}

export function hasRtlLetter(text: string): boolean {
  return RTL_LETTER.test(text);
}

function isInvisible(codePoint: number): boolean {
  return (classOf(codePoint) & INVISIBLE) !== 0;
}

/** 0 at the start of the text. */
function codePointBefore(text: string, at: number): number {
  const last = text.charCodeAt(at - 1);
  if (Number.isNaN(last)) return 0;
  if (last < 0xdc00 || last > 0xdfff || at < 2) return last;
  const pair = text.codePointAt(at - 2) ?? 0;
  return pair > 0xffff ? pair : last;
}

function is(pattern: RegExp, codePoint: number): boolean {
  return codePoint !== 0 && pattern.test(String.fromCodePoint(codePoint));
}
