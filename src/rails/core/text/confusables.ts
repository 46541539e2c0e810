/**
 * Which letters pass for which: the table behind `fold`.
 *
 * Model. A letter is lower-cased, its diacritics are taken off, and if what is left looks like an ASCII letter it
 * becomes that letter. Both cases of a letter fold alike, so that words of other scripts can be matched whatever their
 * case; where only one case of a letter resembles another (Greek capital Nu), the lower case decides.
 * Source: Unicode TR39, confusables, limited to letters in use; small capitals and letters in boxes added.
 * Rejected: the full list of TR39 (6,000 rows), most of which no font draws alike.
 */

/** A unit that folds to nothing. No text holds it: U+FFFF is no character. */
export const DROPPED = 0xffff;

const LOOK_ALIKES: Readonly<Record<string, string>> = {
  a: "аαɑᴀꭺ",
  b: "вьβʙƀɓᏴ",
  c: "сϲᴄꮯⅽƈ",
  d: "ԁᴅđɗꭰ",
  e: "еεєᴇɛꭼҽ",
  f: "ƒꜰϝ",
  g: "ɡɢցɠꮐ",
  h: "нһհʜħꮋ",
  i: "іιıɪɩᎥɨ",
  j: "јյᴊꭻϳ",
  k: "кκᴋƙꮶ",
  l: "ӏʟłɫꮮ",
  m: "мᴍɱꮇ",
  n: "ηոɴɲŋ",
  o: "оοσօᴏøɵ",
  p: "рρᴘƥꮲ",
  q: "ԛզ",
  r: "гʀɾɼꭱ",
  s: "ѕꜱʂꮪ",
  t: "тτᴛŧƭꭲ",
  u: "սυμᴜʉʋ",
  v: "νѵᴠꮩ",
  w: "ԝωᴡꮃ",
  x: "хχ",
  y: "уүγʏƴ",
  z: "ζᴢȥꮓ",
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

/** The ASCII letter that a letter of another script passes for, or null. */
export function lookAlikeOf(char: string): string | null {
  return (lookAlikes ??= lookAlikeTable()).get(char) ?? null;
}

function lookAlikeTable(): ReadonlyMap<string, string> {
  const rows = Object.entries(LOOK_ALIKES).flatMap(([ascii, chars]) =>
    Array.from(chars).flatMap((char) =>
      [char, char.toLowerCase(), char.toUpperCase()].map((form) => [form, ascii] as const),
    ),
  );
  return new Map(rows.filter(([form]) => form.length === 1 && form.charCodeAt(0) > 0x7f));
}

function foldBlock(block: number): Uint16Array {
  return Uint16Array.from({ length: 256 }, (_, low) => foldUnit((block << 8) | low));
}

function foldUnit(unit: number): number {
  if (isDiacritic(unit)) return DROPPED;
  const lower = String.fromCharCode(unit).toLowerCase();
  const [base = "", ...rest] = lower.normalize("NFD");
  const bare = rest.every((char) => isDiacritic(char.charCodeAt(0))) ? base : lower;
  return (lookAlikeOf(lower) ?? lookAlikeOf(bare) ?? bare).charCodeAt(0);
}

/**
 * The blocks of combining marks that belong to no script: accents, and what is drawn through, over or under letters.
 */
function isDiacritic(unit: number): boolean {
  if (unit < 0x0300) return false;
  return (
    unit <= 0x036f ||
    (unit >= 0x1ab0 && unit <= 0x1aff) ||
    (unit >= 0x1dc0 && unit <= 0x1dff) ||
    (unit >= 0x20d0 && unit <= 0x20ff) ||
    (unit >= 0xfe20 && unit <= 0xfe2f)
  );
}
