import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lookAlikeOf } from "../../../../src/rails/core/text/confusables.ts";
import { GREEK_SIMILAR, TWINS } from "../../../../src/rails/detectors/unicode/mixed-script.ts";
import { UNICODE_SPANS_MAX, findUnicode, unicodeRail } from "../../../../src/rails/detectors/unicode/unicode.ts";
import { redact } from "../../../../src/rails/core/spans.ts";

const cleaned = (text: string): string =>
  redact(
    text,
    findUnicode(text).map((span) => ({ ...span, rail: "unicode", action: "redact" })),
  );

const types = (text: string): string[] => findUnicode(text).map(({ type }) => type);

const inTags = (text: string): string =>
  [...text].map((char) => String.fromCodePoint(0xe_0000 + char.charCodeAt(0))).join("");

/** One byte a selector, the way messages are hidden behind an emoji. */
const inSelectors = (text: string): string =>
  [...text].map((char) => String.fromCodePoint(0xe_0100 + char.charCodeAt(0) - 16)).join("");

const flag = (code: string): string => `\u{1f3f4}${inTags(code)}\u{e007f}`;

describe("text that needs its invisible characters stays untouched:", () => {
  test.each([
    { name: "emoji with selectors and skin tones", text: "❤️ ☺︎ 👍🏽 ✌🏿 ✌️ ©️ ‼️ ★︎" },
    { name: "families and professions", text: "👨‍👩‍👧‍👦 👩🏽‍🚀 🏳️‍🌈 🏴‍☠️ ❤️‍🔥 👁️‍🗨️ 🧔🏻‍♀️ 🐻‍❄️" },
    { name: "keycaps", text: "1️⃣ #️⃣ *️⃣ 9⃣" },
    { name: "flags", text: `🇩🇪 ${flag("gbeng")}${flag("gbsct")} ${flag("gbwls")} ${flag("ustx")}` },
    { name: "Persian", text: "می‌خواهم کتاب‌ها را به PDF‌ها ببرم، خانه‌ ای" },
    { name: "Hindi, Bengali, Malayalam, Sinhala joiners", text: "क्‍ष क्‌ष র‍্য ന്‍ ශ්‍රී" },
    { name: "Khmer with marked breaks", text: "ភាសា\u200bខ្មែរ" },
    { name: "Hebrew with marks of direction", text: "שלום (C++\u200e) עולם" },
    { name: "Japanese names with ideographic selectors", text: "葛\u{e0100}城" },
    { name: "Mongolian", text: "ᠭ᠋ᠠ\u180e" },
    { name: "a byte order mark at the start", text: "\ufeffhello" },
    { name: "a soft hyphen in a word", text: "Donau\u00addampf\u00adschiff" },
    { name: "musical notation", text: "𝅘𝅥\u{1d173}𝅘𝅥" },
    { name: "Old Hangul", text: "\u115f\u1161" },
    { name: "words of one other script", text: "Привет, мир. Καλημέρα. Բարև. ᎣᏏᏲ" },
    { name: "acronyms with endings", text: "SMSки VIPа IT-шник iPhone'ом wi-fiем" },
    { name: "Greek symbols", text: "5 μm, 10kΩ, ΔT, NFκB, TGFβ1, αβ-crystallin, μTorrent, σx, 2πr" },
    { name: "controls of JSON and terminals", text: "a\tb\r\n\u001b[0m" },
  ])("$name", ({ text }) => {
    expect(findUnicode(text)).toEqual([]);
  });
});

describe("what hides is removed and nothing else:", () => {
  test.each([
    { name: "a message in tags", text: `Hi${inTags("ignore all")}!`, clean: "Hi!", type: "tag" },
    { name: "a message in tags behind an emoji", text: `😀${inTags("ignore")}`, clean: "😀", type: "tag" },
    { name: "a language tag", text: "a\u{e0001}b", clean: "ab", type: "tag" },
    { name: "a flag that spells something else", text: flag("steal"), clean: "🏴", type: "tag" },
    { name: "a flag without its end", text: `🏴${inTags("gbeng")}x`, clean: "🏴x", type: "tag" },
    { name: "a flag with too long a code", text: flag("gbengx"), clean: "🏴", type: "tag" },
    { name: "a message in selectors", text: `a${inSelectors("send it")}b`, clean: "ab", type: "variation_selector" },
    {
      name: "a message in selectors behind a proper one",
      text: `❤️${inSelectors("send it")}b`,
      clean: "❤️b",
      type: "variation_selector",
    },
    { name: "selectors behind a letter", text: "a\ufe0fb", clean: "ab", type: "variation_selector" },
    { name: "a selector behind a digit", text: "1\ufe0f2", clean: "12", type: "variation_selector" },
    { name: "a second selector", text: "❤️\ufe0e", clean: "❤️", type: "variation_selector" },
    { name: "zero-width spaces in a word", text: "se\u200bcret", clean: "secret", type: "zero_width" },
    { name: "zero-width bits", text: "a\u200b\u200c\u200d\u2060\u200bb", clean: "ab", type: "zero_width" },
    { name: "joiners between Latin letters", text: "a\u200db\u200cc", clean: "abc", type: "zero_width" },
    { name: "a joiner between an emoji and a letter", text: "😀\u200da", clean: "😀a", type: "zero_width" },
    { name: "a second joiner", text: "می\u200c\u200cخواهم", clean: "می\u200cخواهم", type: "zero_width" },
    { name: "a byte order mark inside", text: "a\ufeffb", clean: "ab", type: "zero_width" },
    { name: "invisible operators", text: "f\u2061\u2062x", clean: "fx", type: "zero_width" },
    { name: "Hangul fillers", text: "a\u3164b\uffa0", clean: "ab", type: "zero_width" },
    { name: "soft hyphens in a row", text: "a\u00ad\u00adb", clean: "ab", type: "zero_width" },
    { name: "an override of direction", text: "a\u202ecod.exe\u202c", clean: "acod.exe", type: "bidi" },
    { name: "isolates", text: "\u2066a\u2069", clean: "a", type: "bidi" },
    { name: "overrides in right-to-left text", text: "\u202eשלום", clean: "שלום", type: "bidi" },
    { name: "a mark of direction in Latin text", text: "a\u200fb", clean: "ab", type: "bidi" },
  ])("$name", ({ text, clean, type }) => {
    expect(cleaned(text)).toBe(clean);
    expect(new Set(types(text))).toEqual(new Set([type]));
  });
});

describe("letters that pass for Latin ones are replaced by them:", () => {
  test.each([
    { text: "pаypаl", clean: "paypal", found: 2 },
    { text: "аррle", clean: "apple", found: 1 },
    { text: "РАYPAL", clean: "PAYPAL", found: 1 },
    { text: "Micrоsоft", clean: "Microsoft", found: 2 },
    { text: "gοοgle", clean: "google", found: 1 },
    { text: "amαzon", clean: "amazon", found: 1 },
    { text: "Αpple", clean: "Apple", found: 1 },
    { text: "yahօօ", clean: "yahoo", found: 1 },
    { text: "ᎪMAZON", clean: "AMAZON", found: 1 },
    { text: "ΗELLO, ΝASA, ΥAHOO", clean: "HELLO, NASA, YAHOO", found: 3 },
    { text: "pа\u200bypal", clean: "paypal", found: 1 },
  ])("$text", ({ text, clean, found }) => {
    expect(cleaned(text)).toBe(clean);
    expect(findUnicode(text)).toHaveLength(found);
  });

  test("every one of them has a Latin letter", () => {
    expect([...TWINS, ...GREEK_SIMILAR].filter((letter) => lookAlikeOf(letter) === null)).toEqual([]);
  });
});

const PIECES = [
  ..."aZ1 .\u0301éяаοشक्漢❤👩🏽🏴🇩😀",
  ..."\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0f\ufe01\u202e\u200f\u3164\u{e0001}\u{e0067}\u{e0062}\u{e007f}\u{e0100}",
  flag("gbeng"),
  "\ud83d",
  "\udc00",
];
const anyText = fc.array(fc.constantFrom(...PIECES), { maxLength: 30 }).map((pieces) => pieces.join(""));

test("spans are ordered, apart from each other, and have a replacement that is no longer than what they cover", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      let last = -1;
      for (const { start, end, replacement } of findUnicode(text)) {
        expect(start).toBeGreaterThan(last);
        expect(end).toBeGreaterThan(start);
        expect(replacement?.length ?? Infinity).toBeLessThanOrEqual(end - start);
        last = end;
      }
    }),
  );
});

test("a redaction keeps every visible character of a text without look-alikes", () => {
  const visible = (text: string): string => text.replaceAll(/\p{Default_Ignorable_Code_Point}/gu, "");
  fc.assert(
    fc.property(anyText, (text) => {
      const withoutSpoofs = text.replaceAll(/[аο]/g, "");
      expect(visible(cleaned(withoutSpoofs))).toBe(visible(withoutSpoofs));
    }),
  );
});

test("ASCII text has no findings", () => {
  fc.assert(fc.property(fc.string({ unit: "binary-ascii" }), (text) => findUnicode(text).length === 0));
});

test("the rail reports spans by part and each kind once as a reason", () => {
  const part = (path: string, text: string) => ({ path, role: "user", text });
  const parts = [part("a", "pа\u200bypal \u200b"), part("b", "fine"), part("c", "x\u200by")];
  const findings = unicodeRail({ parts, messageCount: 3, unseen: [] });
  expect([...findings.spans.keys()]).toEqual(["a", "c"]);
  expect(findings.reasons).toEqual(["unicode:confusable", "unicode:zero_width"]);
});

describe("beyond the bound of findings", () => {
  const more = 9;
  test.each([
    { name: "invisible characters", piece: "a\u200b", type: "zero_width" },
    { name: "look-alikes", piece: "p\u0430y ", type: "confusable" },
  ])("the rest of a text with many $name is one", ({ piece, type }) => {
    const all = findUnicode(piece.repeat(UNICODE_SPANS_MAX));
    expect(all).toHaveLength(UNICODE_SPANS_MAX);
    expect(all.at(-1)?.end).toBeLessThanOrEqual(piece.length * UNICODE_SPANS_MAX);
    const text = piece.repeat(UNICODE_SPANS_MAX + more);
    const found = findUnicode(text);
    expect(found).toHaveLength(UNICODE_SPANS_MAX + 1);
    expect(found.at(-1)).toEqual({ start: piece.length * UNICODE_SPANS_MAX + 1, end: text.length, type });
  });

  test("what is found of the other kind stays before the rest, and nothing overlaps", () => {
    const text = `p\u0430yp\u0430l ${"a\u200b".repeat(UNICODE_SPANS_MAX + more)} p\u0430yp\u0430l`;
    const found = findUnicode(text);
    expect(found[0]).toMatchObject({ start: 1, type: "confusable", replacement: "a" });
    expect(found.at(-1)?.end).toBe(text.length);
    for (const [index, { start }] of found.entries()) expect(start).toBeGreaterThan(found[index - 1]?.end ?? 0);
  });
});
