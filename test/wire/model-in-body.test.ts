import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { modelsIn, withModel } from "../../src/wire/model-in-body.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const renaming = (text: string, name = "org/b") =>
  withModel(bytes(text), (asked) => (asked === "a" ? name : undefined));
const renamed = (text: string, name = "org/b") =>
  new TextDecoder("utf-8", { ignoreBOM: true }).decode(renaming(text, name).body);

describe("the model's name in a body", () => {
  test.each([
    ['{"model":"a"}', '{"model":"org/b"}'],
    [
      '{ "x": 1.0, "model" : "a" ,"seed":9007199254740993 }',
      '{ "x": 1.0, "model" : "org/b" ,"seed":9007199254740993 }',
    ],
    ['\ufeff\n{"model":"a"}', '\ufeff\n{"model":"org/b"}'],
    [String.raw`{"m\u006fdel":"\u0061"}`, String.raw`{"m\u006fdel":"org/b"}`],
    ['{"model":"a","model":"a"}', '{"model":"org/b","model":"org/b"}'],
    [
      String.raw`{"s":"\\","t":"\"model\":\"a\"","model":"a"}`,
      String.raw`{"s":"\\","t":"\"model\":\"a\"","model":"org/b"}`,
    ],
    ['{"x":{"model":"a"},"y":["model","a"],"model":"a"}', '{"x":{"model":"a"},"y":["model","a"],"model":"org/b"}'],
  ])("%s becomes %s", (before, after) => {
    expect(renamed(before)).toBe(after);
  });

  test.each([
    '{"model":"other"}',
    '{"model":null}',
    '{"model":7}',
    '{"model":["a"]}',
    '{"x":"model","y":"a"}',
    '{"x":["model"],"y":{"model":"a"}}',
    '["model","a"]',
    '"model"',
    "--boundary\r\nmodel\r\na",
    '{"model":"a',
    '{"model"',
    "",
  ])("is left alone in %s", (text) => {
    const body = bytes(text);
    expect(withModel(body, (name) => (name === "a" ? "org/b" : undefined))).toEqual({ body, asked: null });
    expect(withModel(body, () => undefined).body).toBe(body);
  });

  test("that is the same name already leaves the same bytes", () => {
    const body = bytes('{"model":"a"}');
    expect(withModel(body, () => "a").body).toBe(body);
  });

  test.each([
    ['{"model":"a"}', "a"],
    ['{"model":"other","model":"a"}', "a"],
    ['{"model":"a","model":"other"}', null],
    ['{"model":"other"}', null],
  ])("is, of %s, the last one that changed: %s", (text, asked) => {
    expect(renaming(text).asked).toBe(asked);
  });

  test("stands where its bytes are, whatever bytes are before it", () => {
    expect(renamed('{"é🎈":"ü","model":"a","z":"ß"}')).toBe('{"é🎈":"ü","model":"org/b","z":"ß"}');
  });

  test("is written as JSON, whatever is in it", () => {
    expect(renamed('{"model":"a"}', 'q"\\é')).toBe(String.raw`{"model":"q\"\\é"}`);
  });

  test("is what a parser finds, and all else stays as it is", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom("", "  "), (members, indent) => {
        const body = { ...members, model: "a", z: 1 };
        const text = JSON.stringify(body, null, indent);
        expect(JSON.parse(renamed(text))).toEqual(JSON.parse(JSON.stringify({ ...body, model: "org/b" })));
        expect(modelsIn(bytes(text)).map(({ name }) => name)).toEqual(["a"]);
      }),
    );
  });

  test("no bytes make it throw, or read beyond the end", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (noise) => {
        const body = new Uint8Array([0x7b, ...noise]);
        return withModel(body, (name) => (name === "a" ? "b" : undefined)).body.byteLength >= 0;
      }),
    );
  });
});
