import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CONFIG_CHARS_MAX, CONFIG_DEPTH_MAX } from "../../src/config/config-bounds.ts";
import { readJsonc } from "../../src/config/config-text.ts";
import { readValue } from "../../src/config/config-value.ts";

const root = join(import.meta.dirname, "../..");

/** Undefined: it is refused. */
const inFull = (text: string): unknown => {
  const read = readJsonc(text);
  return read.ok ? read.value.value : undefined;
};

const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);

describe("a config is read at start as it is read in full", () => {
  test("the one that comes with the project", () => {
    const text = readFileSync(join(root, "warmpath.jsonc"), "utf8");
    expect(readValue(text)).toEqual(inFull(text));
    expect(readValue(text)).toHaveProperty("pools");
  });

  test.each([
    { name: "comments in and behind strings", text: '{"a": "//x /* y */" /* "b": 1, */ // "c"\n}' },
    { name: "trailing commas with comments behind", text: '{"a": [1, 2, // two\n], /* end */ }' },
    { name: "escaped quotes and backslashes", text: String.raw`{"a": "\"//\\", "b\u0022": "\\\\"}` },
    { name: "a byte order mark", text: '\uFEFF{"a": 1}' },
    { name: "as many levels as are allowed", text: nested(CONFIG_DEPTH_MAX) },
    { name: "as many characters as are allowed", text: "1".padEnd(CONFIG_CHARS_MAX) },
  ])("$name", ({ text }) => {
    expect(inFull(text)).toBeDefined();
    expect(readValue(text)).toEqual(inFull(text));
  });

  test.each([
    { name: "nothing", text: "" },
    { name: "a comma without a value", text: "[,]" },
    { name: "a comma for a value", text: '{"a": ,}' },
    { name: "two commas", text: "[1,,]" },
    { name: "a comment in a word", text: "tr/**/ue" },
    { name: "a comment without an end", text: '{"a": 1} /*' },
    { name: "a string without an end", text: '{"a": "b // c\n}' },
    { name: "a key twice", text: '{"a": 1, "\\u0061": 2}' },
    { name: "a key that is not usable", text: '{"__proto__": 1}' },
    { name: "what follows the end", text: "{} {}" },
    { name: "a level too many", text: nested(CONFIG_DEPTH_MAX + 1) },
    { name: "a character too many", text: "1".padEnd(CONFIG_CHARS_MAX + 1) },
  ])("and refused: $name", ({ text }) => {
    expect(inFull(text)).toBeUndefined();
    expect(readValue(text)).toBeUndefined();
  });

  test("whatever the text", () => {
    const signs = String.raw`" "a" "b" \ / // /* */ { } [ ] [1 , : 1 - 0 .5 e1 true null "__proto__" "\u0061" \u`;
    const piece = fc.constantFrom(...signs.split(" "), " ", "\n", "\t", "\r", "\u00a0", "\u0001");
    const broken = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
    const trivia = fc.constantFrom("", " ", "\n", "// c, ]\n", "/* } */", '/* " */');
    const { value } = fc.letrec((tie) => ({
      scalar: fc.constantFrom("1", '"a//b"', '"\\"/*"', "true", "null", "-0.5e3", '","'),
      list: fc
        .tuple(fc.array(tie("value"), { maxLength: 3 }), trivia, fc.constantFrom("", "", ","))
        .map(([items, gap, last]) => `[${gap}${items.join(`${gap},${gap}`)}${gap}${last}${gap}]`),
      record: fc
        .tuple(fc.array(tie("value"), { maxLength: 3 }), trivia, fc.constantFrom("", "", ","), fc.nat(2))
        .map(([items, gap, last, names]) => {
          const members = items.map((item, at) => `"k${Math.min(at, names)}"${gap}:${gap}${String(item)}`);
          return `{${gap}${members.join(`,${gap}`)}${gap}${last}${gap}}`;
        }),
      value: fc.oneof({ maxDepth: 4 }, tie("scalar"), tie("list"), tie("record")),
    }));
    const cut = fc.tuple(value, fc.nat(60), piece).map(([text, at, put]) => {
      const whole = String(text);
      return whole.slice(0, at) + put + whole.slice(at);
    });
    fc.assert(
      fc.property(fc.oneof(broken, value.map(String), cut), (text) => {
        expect(readValue(text)).toEqual(inFull(text));
      }),
      { numRuns: 20_000 },
    );
  });
});
