import { describe, expect, test } from "vitest";
import { foldedUnit, lookAlikeOf } from "../../../../src/rails/core/text/confusables.ts";

const folded = (char: string): string => String.fromCharCode(foldedUnit(char.charCodeAt(0)));

/** The letters that were chosen by hand before the table was made from Unicode's: none of them may be lost. */
const CHOSEN: Readonly<Record<string, string>> = {
  a: "аαɑᴀꭺ",
  b: "вьβʙƀɓᏴ",
  c: "сϲᴄꮯƈ",
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

test.each(Object.entries(CHOSEN))("%s is what each of %s folds to, in both cases", (ascii, chars) => {
  for (const char of chars)
    for (const form of [char, char.toLowerCase(), char.toUpperCase()].filter(({ length }) => length === 1))
      if (form.charCodeAt(0) > 0x7f) expect([form, folded(form)]).toEqual([form, ascii]);
});

describe("letters that Unicode has and the eye confuses", () => {
  test.each([
    ["қҟκϰ", "k"],
    ["ңһћӈ", "h"],
    ["ҫс", "c"],
    ["өѳθ", "o"],
    ["աɯѡ", "w"],
    ["ꮜꮟꮢꮤꮥ", "ubrws"],
  ])("%s fold to %s", (letters, ascii) => {
    const expected = ascii.length === 1 ? ascii.repeat(letters.length) : ascii;
    expect([...letters].map(folded).join("")).toBe(expected);
  });
});

describe("a letter has the likeness of its own case", () => {
  test.each([
    ["ΗΝΥΡΙӀ", "HNYPII"],
    ["ηνυρι\u04cf", "nvupil"],
    ["НВСМ", "HBCM"],
    ["ԀԛԜҮ", "DqWY"],
  ])("%s: %s", (letters, ascii) => {
    expect([...letters].map((letter) => lookAlikeOf(letter)).join("")).toBe(ascii);
  });
});
