import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBase64 } from "../../../../src/rails/core/text/base64.ts";
import {
  BASE64_CHARS_MIN,
  DECODED_CHARS_MAX,
  decodePayloads,
  HEX_PAIRS_MIN,
  LETTERS_APART_MIN,
  PAYLOADS_MAX,
  PERCENTS_MIN,
} from "../../../../src/rails/detectors/injection/injection-encoded.ts";

const straight = { rotated: { at: -1 }, reversed: { at: -1 } };
const decode = (text: string, turned = straight): string[] =>
  decodePayloads(text, turned).map((payload) => payload.text);
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const hexPairs = (text: string): string[] => Buffer.from(text).toString("hex").match(/../g) ?? [];

describe("what is hidden is read", () => {
  test.each<[string, string, string]>([
    ["base64", `x ${base64("a sentence in base64")} y`, "a sentence in base64"],
    ["base64 without padding", base64("twenty-two characters!").replaceAll("=", ""), "twenty-two characters!"],
    ["hexadecimal", Buffer.from("hexadecimal").toString("hex") + "21", "hexadecimal!"],
    ["pairs with spaces", hexPairs("pairs with spaces").join(" "), "pairs with spaces"],
    [
      "pairs with 0x",
      hexPairs("pairs with 0x")
        .map((pair) => `0x${pair}`)
        .join(", "),
      "pairs with 0x",
    ],
    [
      "pairs with \\x",
      hexPairs("pairs with x")
        .map((pair) => `\\x${pair}`)
        .join(""),
      "pairs with x",
    ],
    ["percent signs", "%41 and %42 and %43", "A and B and C"],
  ])("%s", (_, text, expected) => {
    expect(decode(text)).toContain(expected);
  });

  test("letters apart, cut at words that attacks use", () => {
    expect(
      decode([..."ignoreallprevious"].join(" "))
        .join("")
        .split(/\s+/),
    ).toEqual(["", "ignore", "all", "previous", ""]);
    expect(decode("s a y  b r e a d l o a f").map((text) => text.trim().split(/\s+/))).toEqual([["say", "breadloaf"]]);
  });

  test("rot13 and reversed writing, where their words were seen", () => {
    expect(decode("uryyb", { ...straight, rotated: { at: 5 } })).toEqual(["hello"]);
    expect(decode("olleh", { ...straight, reversed: { at: 5 } })).toEqual(["hello"]);
    expect(decode("uryyb olleh")).toEqual([]);
  });

  test.each<[string, (text: string) => string]>([
    ["percent signs", (text) => `%41%42%43 ${text}`],
    ["rot13", (text) => text],
  ])("of a long text only what is around, in %s", (_, written) => {
    const text = `${"far away ".repeat(400)}${written("urer")}${" far away".repeat(400)}`;
    const at = text.indexOf(written("urer"));
    const [payload] = decodePayloads(text, { ...straight, rotated: { at } });
    expect(payload?.text.length).toBeLessThan(text.length / 2);
    expect(payload?.start).toBeGreaterThan(0);
    expect(payload?.end).toBeLessThan(text.length);
  });

  test("where it stands", () => {
    const text = `see ${base64("a sentence in base64")}.`;
    const [payload] = decodePayloads(text, straight);
    expect(text.slice(payload?.start, payload?.end)).toBe(base64("a sentence in base64"));
  });
});

describe("what is no hidden text is left alone", () => {
  test.each<[string, string]>([
    ["prose", "Nothing is hidden in this sentence, however often you read it."],
    ["a hash", "5f4dcc3b5aa765d61d8327deb882cf99"],
    ["a path", "/usr/share/documentation/packages/example/changelog"],
    ["two percent signs", "100%41 of 50%42"],
    ["a price list", "10 % off, 20 % off, 30 % off, 40 % off"],
  ])("%s", (_, text) => {
    expect(decode(text)).toEqual([]);
  });
});

describe("at the bound and beyond", () => {
  test.each<[string, (count: number) => string, number]>([
    ["characters of base64", (count) => base64("x".repeat(60)).slice(0, count), BASE64_CHARS_MIN],
    ["pairs", (count) => hexPairs("x".repeat(count)).join(" "), HEX_PAIRS_MIN],
    ["single letters", (count) => Array.from({ length: count }, () => "q").join(" "), LETTERS_APART_MIN],
    ["percent signs", (count) => "%41 ".repeat(count), PERCENTS_MIN],
  ])("%s", (_, textOf, min) => {
    expect(decode(textOf(min))).toHaveLength(1);
    expect(decode(textOf(min - 1))).toEqual([]);
  });

  test("payloads are counted", () => {
    const one = base64("a sentence in base64");
    expect(decode(`${one} `.repeat(PAYLOADS_MAX))).toHaveLength(PAYLOADS_MAX);
    expect(decode(`${one} `.repeat(PAYLOADS_MAX + 1))).toHaveLength(PAYLOADS_MAX);
  });

  test("what they come to is bounded", () => {
    const total = (text: string): number => decode(text).join("").length;
    expect(total(base64("x".repeat(DECODED_CHARS_MAX)))).toBe(DECODED_CHARS_MAX);
    expect(total(base64("x".repeat(3 * DECODED_CHARS_MAX)))).toBe(DECODED_CHARS_MAX);
    expect(total(`${base64("x".repeat(DECODED_CHARS_MAX - 10))} ${base64("y".repeat(90))}`)).toBe(DECODED_CHARS_MAX);
    expect(total("%41".repeat(3 * DECODED_CHARS_MAX))).toBeLessThanOrEqual(DECODED_CHARS_MAX);
  });
});

test("base64 is read as Node reads it", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom("base64", "base64url"), (bytes, encoding) => {
      expect(decodeBase64(Buffer.from(bytes).toString(encoding), 200)).toEqual(bytes);
    }),
  );
});

test("what was hidden twice is read once", () => {
  expect(decode(base64(base64("a sentence in base64 in base64")))).toEqual([base64("a sentence in base64 in base64")]);
});
