import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isUnspaced, isWordChar } from "../../../../src/rails/core/text/code-points.ts";
import { lookAlikeOf } from "../../../../src/rails/core/text/confusables.ts";
import {
  CLUSTER_CHARS_MAX,
  EXPANSION_UNITS_MAX,
  fold,
  createForms,
  normalise,
  RECALLED_TEXTS_MAX,
  RECALLED_UNITS_MAX,
  RECALLED_UNITS_MIN,
} from "../../../../src/rails/core/text/normalise.ts";
import { OffsetMap } from "../../../../src/rails/core/text/offset-map.ts";

/** What goes wrong in a normaliser: marks, invisibles, compatibility forms, composing jamo and kana, surrogates. */
const PIECES = [
  ..."aB 7.é１Ａﬁ٣가각ｶﾞ漢йⅧ½",
  ..."\u0301\u0323\u0327\u094d\u3099\u200b\u200d\u2060\ufeff\u00ad\ufe0f",
  ..."😀🅰𝟘𝔞\u{e0041}\u{16d63}\u{16d67}",
  "\ud83d",
  "\udc00",
];
const anyText = fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }).map((pieces) => pieces.join(""));

const isInvisible = (char: string): boolean => /^[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]$/u.test(char);
const visible = (text: string): string => [...text].filter((char) => !isInvisible(char)).join("");

describe("the normal form", () => {
  test.each([
    { name: "full-width forms", text: "Ｉｇｎｏｒｅ １２", normal: "Ignore 12" },
    { name: "mathematical letters", text: "𝓼𝓮𝓬𝓻𝓮𝓽", normal: "secret" },
    { name: "ligatures", text: "oﬃce", normal: "office" },
    { name: "digits of other scripts", text: "٤٢ ४२ 𝟜𝟚 ４２", normal: "42 42 42 42" },
    { name: "tag characters", text: "a\u{e0041}\u{e0042}b", normal: "ab" },
    { name: "zero-width characters", text: "s\u200be\u200cc\u200dr\u2060e\ufefft", normal: "secret" },
    { name: "variation selectors", text: "a\ufe0fb\u{e0100}c", normal: "abc" },
    { name: "bidi controls", text: "\u202eab\u2066c\u200f", normal: "abc" },
    { name: "soft hyphens and Hangul fillers", text: "a\u00adb\u3164c", normal: "abc" },
    { name: "a mark behind an invisible character", text: "e\u200b\u0301", normal: "é" },
    { name: "half-width kana with a voicing mark", text: "ｶﾞ", normal: "ガ" },
    { name: "conjoining jamo", text: "\u1112\u1161\u11ab", normal: "한" },
    { name: "case and quotes, which stay", text: "It’s “É”", normal: "It’s “É”" },
  ])("has $name in plain form", ({ text, normal }) => {
    expect(normalise(text).text).toBe(normal);
  });

  test("of ASCII text is the text itself, with the same offsets", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii" }), fc.nat(50), fc.nat(50), (text, start, length) => {
        const normal = normalise(text);
        expect(normal.isSame).toBe(true);
        expect(normal.text).toBe(text);
        expect(normal.original(start, start + length)).toEqual({ start, end: start + length });
      }),
    );
  });

  test("is what the platform makes of the whole text, and taking it again changes nothing", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const digits = (form: string): string => form.replaceAll("٣", "3");
        const normal = normalise(text);
        expect(normal.text).toBe(digits(visible(text)).normalize("NFKC"));
        expect(normalise(normal.text).isSame).toBe(true);
        expect(normal.isSame).toBe(normal.text === text);
      }),
    );
  });

  test("sorts marks within a cluster of the largest size only, so that endless marks cost linear time", () => {
    const marks = (count: number): string => `a${"\u0301".repeat(count - 2)}\u0323`;
    expect(normalise(marks(CLUSTER_CHARS_MAX)).text).toBe(marks(CLUSTER_CHARS_MAX).normalize("NFKC"));
    expect(normalise(marks(CLUSTER_CHARS_MAX + 1)).text.at(-1)).toBe("\u0323");
  });

  test("is at most so many times as long as the text", () => {
    expect(normalise("\u337f").text).toHaveLength(EXPANSION_UNITS_MAX);
    expect(normalise("\ufdfa").text).toBe("\ufdfa");
  });
});

describe.each([
  { view: "the normal form", of: (text: string) => normalise(text) },
  { view: "the folded form", of: (text: string) => fold(normalise(text)) },
])("offsets of $view", ({ of }) => {
  test("of every piece are those of an original piece that has the same form", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const form = of(text);
        let last = { start: 0, end: 0 };
        for (let at = 0; at < form.text.length; at += 1) {
          const range = form.original(at, at + 1);
          expect(range.start).toBeGreaterThanOrEqual(last.start);
          expect(range.end).toBeGreaterThanOrEqual(last.end);
          expect(range.end).toBeGreaterThan(range.start);
          expect(range.end).toBeLessThanOrEqual(text.length);
          expect(form.original(at, at)).toEqual({ start: range.start, end: range.start });
          const unit = form.text.charAt(at);
          if (!/[\ud800-\udfff]/.test(unit)) expect(of(text.slice(range.start, range.end)).text).toContain(unit);
          last = range;
        }
      }),
    );
  });

  test("of a range are the hull of those of its units", () => {
    fc.assert(
      fc.property(anyText, fc.nat(40), fc.nat(40), (text, from, length) => {
        const form = of(text);
        const start = Math.min(from, form.text.length);
        const end = Math.min(start + length, form.text.length);
        if (start === end) return;
        expect(form.original(start, end)).toEqual({
          start: form.original(start, start + 1).start,
          end: form.original(end - 1, end).end,
        });
      }),
    );
  });

  test("leave out invisible characters beside the piece and take in those inside it", () => {
    const form = of("\u200bs\u200be\u200b");
    expect(form.original(0, 2)).toEqual({ start: 1, end: 4 });
  });
});

describe("the folded form", () => {
  test.each([
    { name: "upper case", text: "Hello WORLD", folded: "hello world" },
    { name: "Cyrillic look-alikes", text: "іgnоrе РАSSWОRD", folded: "ignore password" },
    { name: "Greek and Latin look-alikes", text: "ΙGNΟRΕ ɑłł", folded: "ignore all" },
    { name: "small capitals", text: "ɪɢɴᴏʀᴇ", folded: "ignore" },
    { name: "letters in boxes", text: "🅸🅶🅽🅾🆁🅴", folded: "ignore" },
    { name: "accents", text: "Ïgnöré İ x\u030c\u0323", folded: "ignore i x" },
    { name: "quotes and dashes", text: "don’t “x” a–b", folded: 'don\'t "x" a-b' },
    { name: "vowel signs and voicing marks, which are letters", text: "की が", folded: "की が" },
  ])("has $name as ASCII", ({ text, folded }) => {
    expect(fold(normalise(text)).text).toBe(folded);
  });

  test("is the same for both cases of a text, is never longer, and folding it again changes nothing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 30 }), (text) => {
        const folded = fold(normalise(text));
        expect(folded.text.length).toBeLessThanOrEqual(normalise(text).text.length);
        expect(fold(normalise(folded.text)).text).toBe(folded.text);
      }),
    );
    for (const text of ["Привет, Мир", "Νίκη ΚΑΙ ΗΛΙΟΣ".replaceAll("Σ", "Ω"), "Ґанок Ӏ", "Ծով"]) {
      expect(fold(normalise(text.toUpperCase())).text).toBe(fold(normalise(text.toLowerCase())).text);
    }
  });

  test("of lower-case ASCII is the text itself", () => {
    const normal = normalise("plain text, 42");
    expect(fold(normal)).toBe(normal);
  });

  test("knows no look-alike of an ASCII letter", () => {
    expect([..."abcxyzABCXYZ'-"].map(lookAlikeOf)).toEqual(Array.from({ length: 14 }, () => null));
  });
});

test.each([
  { char: "a", isWord: true, unspaced: false },
  { char: "_", isWord: false, unspaced: false },
  { char: "é", isWord: true, unspaced: false },
  { char: "\u094d", isWord: true, unspaced: false },
  { char: "漢", isWord: true, unspaced: true },
  { char: "𠮷", isWord: true, unspaced: true },
  { char: "ー", isWord: true, unspaced: true },
  { char: "한", isWord: true, unspaced: true },
  { char: "ก", isWord: true, unspaced: true },
  { char: "。", isWord: false, unspaced: false },
  { char: "😀", isWord: false, unspaced: false },
  { char: "䷀", isWord: false, unspaced: false },
  { char: "\ue000", isWord: false, unspaced: false },
])("$char is part of a word: $isWord, of a script without spaces: $unspaced", ({ char, isWord, unspaced }) => {
  const codePoint = char.codePointAt(0) ?? 0;
  expect([isWordChar(codePoint), isUnspaced(codePoint)]).toEqual([isWord, unspaced]);
});

test("a map of many edits finds each of them", () => {
  const map = new OffsetMap();
  for (let edit = 0; edit < 100; edit += 1) map.add(edit * 2, edit * 2 + 1, edit * 5, edit * 5 + 4);
  for (let edit = 0; edit < 100; edit += 1) {
    expect(map.toOld(edit * 2, edit * 2 + 1)).toEqual({ start: edit * 5, end: edit * 5 + 4 });
    expect(map.toOld(edit * 2 + 1, edit * 2 + 2)).toEqual({ start: edit * 5 + 4, end: edit * 5 + 5 });
  }
});

describe("a text that is read again", () => {
  const textOf = (units: number): string => `${"é".repeat(units - 2)}ﬁ`.slice(0, units - 1) + "ﬁ";

  test.each([
    { units: RECALLED_UNITS_MIN - 1, isRecalled: false },
    { units: RECALLED_UNITS_MIN, isRecalled: true },
    { units: RECALLED_UNITS_MAX, isRecalled: true },
    { units: RECALLED_UNITS_MAX + 1, isRecalled: false },
  ])("with $units units is remembered: $isRecalled", ({ units, isRecalled }) => {
    const forms = createForms();
    const first = normalise(textOf(units), forms);
    expect(normalise(textOf(units), forms) === first).toBe(isRecalled);
    expect(fold(normalise(textOf(units), forms)).text).toBe(fold(first).text);
  });

  test("by another request, or by nobody's, is read anew: nothing outlives the request that brought it", () => {
    const text = textOf(RECALLED_UNITS_MIN);
    const forms = createForms();
    const first = normalise(text, forms);
    expect(forms.texts).toEqual([text]);
    expect(normalise(text, createForms())).not.toBe(first);
    const unbound = normalise(text);
    expect(normalise(text)).not.toBe(unbound);
    expect(unbound).not.toBe(first);
  });

  test("after as many others as are remembered is read anew, with the same result", () => {
    const text = textOf(RECALLED_UNITS_MIN);
    const forms = createForms();
    const first = normalise(text, forms);
    for (let other = 1; other <= RECALLED_TEXTS_MAX; other += 1) normalise(textOf(RECALLED_UNITS_MIN + other), forms);
    expect(forms.texts).toHaveLength(RECALLED_TEXTS_MAX);
    const again = normalise(text, forms);
    expect(again).not.toBe(first);
    expect(again.text).toBe(first.text);
  });
});
