import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { APART_MIN } from "../../../../src/rails/core/text/apart.ts";
import { mediaRuns } from "../../../../src/rails/core/text/encoded-runs.ts";
import { VIEW_CHARS_MAX, viewBudget, viewsOf } from "../../../../src/rails/core/text/views.ts";

const KEY = `AKIA${"Q4F5BNZSWAIK7GLP"}`;
const codes = (text: string, write: (code: number) => string): string =>
  Array.from(text, (char) => write(char.charCodeAt(0))).join("");
const hex = (code: number, digits = 2): string => code.toString(16).padStart(digits, "0");
const wide = (text: string): string => codes(text, (code) => String.fromCharCode(code + 0xfee0));

/** Where the key stands in the text, by the view that has it. */
function placeOfKey(text: string): string | null {
  for (const view of viewsOf(text)) {
    const at = view.text.indexOf(KEY);
    if (at < 0) continue;
    const { start, end } = view.original(at, at + KEY.length);
    return text.slice(start, end);
  }
  return null;
}

describe("a view reads, and knows the place of,", () => {
  test.each([
    ["zero-width characters between letters", KEY.split("").join("\u200b")],
    ["one soft hyphen", `${KEY.slice(0, 9)}\u00ad${KEY.slice(9)}`],
    ["control characters between letters", KEY.split("").join("\u0001")],
    ["one NUL", `${KEY.slice(0, 9)}\0${KEY.slice(9)}`],
    ["two DEL", `${KEY.slice(0, 9)}\u007f\u007f${KEY.slice(9)}`],
    ["half of a pair", `${KEY.slice(0, 9)}\ud800${KEY.slice(9)}`],
    ["full-width letters", wide(KEY)],
    [
      "mathematical letters",
      codes(KEY, (code) => (code > 64 ? String.fromCodePoint(0x1d400 + code - 65) : String(code - 48))),
    ],
    ["look-alikes of Cyrillic", KEY.replace("A", "\u0410").replace("K", "\u041a")],
    ["digits of another script", KEY.replaceAll(/\d/g, (digit) => String.fromCharCode(0x660 + Number(digit)))],
    ["percent signs", codes(KEY, (code) => `%${hex(code)}`)],
    ["escapes of JSON", codes(KEY, (code) => `\\u${hex(code, 4)}`)],
    ["escapes of JavaScript", codes(KEY, (code) => `\\u{${hex(code)}}`)],
    ["escapes of bytes", codes(KEY, (code) => `\\x${hex(code)}`)],
    ["entities", codes(KEY, (code) => `&#${code};`)],
    ["entities in hexadecimal", codes(KEY, (code) => `&#x${hex(code)};`)],
    ["one escape", KEY.replace("Q", "%51")],
    ["blanks between letters", KEY.split("").join(" ")],
    ["dashes between letters", KEY.split("").join("-")],
    ["line breaks between letters", KEY.split("").join("\n")],
    ["bytes apart", codes(KEY, (code) => `${hex(code)} `).trimEnd()],
    ["base64", Buffer.from(KEY).toString("base64")],
    ["hexadecimal", Buffer.from(KEY).toString("hex")],
  ])("%s", (_, written) => {
    expect(placeOfKey(written)).toBe(written);
    expect(placeOfKey(`Use this: ${written} - and nothing else.`)).toBe(written);
    expect(placeOfKey(`Ein Schlüssel, 密钥: (${written})`)).toBe(written);
  });
});

test.each([
  ["prose", "The quick brown fox, e.g. of the U.S.A., jumps 100% of the time & more. ".repeat(30)],
  ["writing in Cyrillic", "Обычный текст на русском языке, без всяких уловок. ".repeat(9)],
  ["writing in Chinese", "这是一段普通的中文文本，没有任何隐藏的内容。".repeat(9)],
  ["Persian with joiners", "می‌خواهم این کتاب‌ها را بخوانم"],
  ["emoji", "👩‍👩‍👧‍👦 ❤️ 🏳️‍🌈 fine"],
  ["colours of a terminal", "\u001b[31merror\u001b[0m: not found\r\n\tat line 3"],
  ["accents", "Café, naïve, Straße, Zürich — “quoted”, it’s fine…"],
  ["links", "see https://example.com/a%20b/c?d=e%2Ff&g=h and C:\\users\\x"],
  ["tables of digits", "1 2 3 4 5 6 7 8 9 1 2 3 4 5 6 7 8 9\n1,2,3,4,5,6,7,8,9,1,2,3,4,5"],
  ["lines and rules", "----------------------------------------\n| a | b | c |\n|---|---|---|\n****************"],
  ["code", "for (let i = 0; i < n; i += 1) { a[i] = b[i] * c[i]; }\nif (x && y || z) { return; }"],
])("%s has no view", (_, text) => {
  expect(viewsOf(text).map((view) => view.text)).toEqual([]);
});

test("letters apart are read from the shortest row on", () => {
  const apart = (count: number): string => "abcdefghijklmnop".slice(0, count).split("").join(" ");
  expect(viewsOf(`${apart(APART_MIN)}.`).map((view) => view.text)).toEqual(["abcdefghijkl"]);
  expect(viewsOf(`${apart(APART_MIN - 1)}.`)).toEqual([]);
});

test("what a body's views come to is bounded, and that there was more is known", () => {
  const budget = viewBudget();
  const text = "word ".repeat(1_000);
  const encoded = Buffer.from(text).toString("base64");
  const times = Math.floor(VIEW_CHARS_MAX / text.length);
  for (let time = 0; time < times; time += 1) viewsOf(encoded, budget);
  expect(budget).toEqual({ left: VIEW_CHARS_MAX - times * text.length, isSpent: false });
  expect(viewsOf(encoded, budget)).toEqual([]);
  expect(budget.isSpent).toBe(true);
});

test("beyond the bound nothing more is decoded, and disguises are still taken off", () => {
  const budget = { left: 40, isSpent: false };
  const [first, second, third] = ["the first text in here", "the second is too long", "short as it is"].map((text) =>
    Buffer.from(text).toString("base64"),
  );
  expect(viewsOf(`${first} ${second} ${third}`, budget).map((view) => view.text)).toEqual(["the first text in here"]);
  expect(budget.isSpent).toBe(true);
  expect(viewsOf(String(third), budget)).toEqual([]);
  expect(viewsOf(wide(KEY), budget).map((view) => view.text)).toEqual([KEY]);
});

test("a place in a view is a place in its text, whatever the text", () => {
  const piece = fc.oneof(
    fc.constantFrom("%41", "\\u0041", "&#65;", " ", "a b c d e f g h i j k l m n", "\u200b", "\u0410", "\uff21", "\n"),
    fc.constant(Buffer.from("a text in base64 here").toString("base64")),
    fc.string({ unit: "grapheme", maxLength: 12 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.nat(), fc.nat(), (pieces, one, other) => {
      const text = pieces.join("");
      for (const view of viewsOf(text)) {
        const [from, to] = [one % (view.text.length + 1), other % (view.text.length + 1)].toSorted((a, b) => a - b);
        const { start, end } = view.original(from ?? 0, to ?? 0);
        expect(start).toBeGreaterThanOrEqual(0);
        expect(end).toBeGreaterThanOrEqual(start);
        expect(end).toBeLessThanOrEqual(text.length);
      }
      for (const { start, end } of mediaRuns(text)) expect(end).toBeGreaterThan(start);
    }),
    { numRuns: 2_000 },
  );
});
