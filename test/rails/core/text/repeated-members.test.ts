import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hasRepeatedMembers } from "../../../../src/rails/core/text/repeated-members.ts";

const repeats = (text: string): boolean => hasRepeatedMembers(text, JSON.parse(text));

describe("members of one name", () => {
  test.each([
    ["at the top", '{"a":1,"b":2,"a":1}'],
    ["in an object in a list", '{"m":[{"x":1},{"role":"user","content":"dirty","content":"clean"}]}'],
    ["of which one is spelt with an escape", '{"content":"x","c\\u006fntent":"y"}'],
    ["with the empty name", '{"":1,"":2}'],
    ["named __proto__", '{"__proto__":1,"__proto__":2}'],
    ["inside of one that is repeated itself", '{"a":{"b":1,"c":2},"a":{}}'],
    ["with space before the colon", '{"a"\\n\\t :1,"a" :2}'.replaceAll("\\n", "\n").replaceAll("\\t", "\t")],
  ])("%s are found", (_, text) => {
    expect(repeats(text)).toBe(true);
  });

  test.each([
    ["in two objects", '[{"a":1},{"a":1},{"b":{"a":1}}]'],
    ["that differ in case", '{"a":1,"A":2}'],
    ["inside of a text", '{"a":"{\\"a\\":1,\\"a\\":2}","b":"\\\\","c":"\\\\\\":"}'],
    ["before a colon in a text", '["a",": b",":"]'],
    ["and nothing else", '"a"'],
    ["in no object", "[1,2,[]]"],
  ])("%s are none", (_, text) => {
    expect(repeats(text)).toBe(false);
  });

  test("are found at any depth", () => {
    const deep = (inner: string): string => "[".repeat(20_000) + inner + "]".repeat(20_000);
    expect(repeats(deep('{"a":1,"a":2}'))).toBe(true);
    expect(repeats(deep('{"a":1,"b":2}'))).toBe(false);
  });

  test("are none in what JSON.stringify writes, and are found where one of them is written twice", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), (before, object) => {
        const text = JSON.stringify([before, object], null, 1);
        expect(repeats(text)).toBe(false);
        const [first] = Object.keys(object);
        const twice = `${JSON.stringify(object).slice(0, -1)},${JSON.stringify(first)}:${JSON.stringify(before)}}`;
        expect(repeats(`[${JSON.stringify(before)},${twice}]`)).toBe(true);
      }),
    );
  });
});
