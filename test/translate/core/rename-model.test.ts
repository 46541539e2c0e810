import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HELD_UNITS_MAX } from "../../../src/lib/json-strings.ts";
import { behind, modelRun, withAsked } from "../../../src/translate/core/rename-model.ts";
import type { TextRun } from "../../../src/translate/core/told.ts";

const through = (run: TextRun, pieces: readonly string[]): string =>
  pieces.map((piece) => run.push(piece)).join("") + run.end();

const cut = (text: string, at: readonly number[]): readonly string[] => {
  const ends = [...new Set(at.map((one) => one % (text.length + 1)))].sort((one, other) => one - other);
  return [...ends, text.length].map((end, index) => text.slice(index === 0 ? 0 : ends[index - 1], end));
};

describe("a whole answer", () => {
  test.each([
    ['{"id":"1","model":"org/real","choices":[]}', '{"id":"1","model":"chat","choices":[]}'],
    ['{ "model" :\n"org/real" , "n":9007199254740993 }', '{ "model" :\n"chat" , "n":9007199254740993 }'],
    ['{"response":{"id":"r","model":"org/real"}}', '{"response":{"id":"r","model":"chat"}}'],
    ['{"message":{"content":[],"model":"org/real"},"x":1}', '{"message":{"content":[],"model":"chat"},"x":1}'],
    ['{"model":"a dated one"}', '{"model":"chat"}'],
    ['{"model":"a"}\n{"model":"b"}\n', '{"model":"chat"}\n{"model":"chat"}\n'],
  ])("%s says the client's name", (text, told) => {
    expect(withAsked(text, "chat", false)).toBe(told);
  });

  test.each([
    String.raw`{"choices":[{"message":{"model":"a","content":"\"model\":\"org/real\""}}]}`,
    '{"other":{"model":"a"}}',
    '{"response":[{"model":"a"}]}',
    '{"response":{"tools":[{"model":"a"}],"metadata":{"model":"a"}}}',
    '{"model":null}',
    '{"model":{"id":"a"}}',
    '["model","a"]',
    '{"text":"model","x":"a"}',
    '{"model":"never ends',
    "an error page",
    "",
  ])("%s has no name that is the model's", (text) => {
    expect(withAsked(text, "chat", false)).toBe(text);
  });

  test("is the same however it was cut, and what a parser finds", () => {
    const leaf = fc.oneof(fc.string(), fc.constant("model"), fc.integer(), fc.constant('"model":"x"\\'));
    const members = fc.dictionary(fc.constantFrom("a", "b\\", '"', "response", "message", "é"), fc.jsonValue());
    fc.assert(
      fc.property(members, leaf, fc.array(fc.nat()), fc.boolean(), (body, content, at, isPretty) => {
        const value = { ...body, response: { content, model: "real", deep: { model: "real" } }, model: "real", z: [1] };
        const text = JSON.stringify(value, null, isPretty ? 1 : 0);
        const told = through(modelRun("chat", false), cut(text, at));
        const { response } = value;
        const own = body["message"];
        const isNamed = typeof own === "object" && own !== null && !Array.isArray(own) && "model" in own;
        const message = isNamed && typeof own["model"] === "string" ? { message: { ...own, model: "chat" } } : {};
        expect(JSON.parse(told)).toEqual(
          JSON.parse(JSON.stringify({ ...value, ...message, response: { ...response, model: "chat" }, model: "chat" })),
        );
        expect(told).toBe(withAsked(text, "chat", false));
      }),
    );
  });

  test.each([HELD_UNITS_MAX - 1, HELD_UNITS_MAX, HELD_UNITS_MAX + 1])(
    "passes a text of %i characters on that does not end yet, when it is longer than any name",
    (length) => {
      const run = modelRun("chat", false);
      const open = `"${"x".repeat(length - 1)}`;
      const first = run.push(`{"output":${open}`);
      expect(first).toBe(length > HELD_UNITS_MAX ? `{"output":${open}` : '{"output":');
      expect(first + run.push("\\") + run.push('"y","model":"real"}') + run.end()).toBe(
        String.raw`{"output":${open}\"y","model":"chat"}`,
      );
    },
  );
});

describe("a stream", () => {
  const event = (value: unknown, name = "") =>
    `${name === "" ? "" : `event: ${name}\n`}data: ${JSON.stringify(value)}\n\n`;
  const chunks = (model: string) =>
    event({ id: "1", model, choices: [{ delta: { content: 'a "model":"real" text\n' } }] }) +
    ': a comment with one " in it and a {\n\n' +
    event({ type: "response.created", response: { model, output: [] } }, "response.created").replaceAll("\n", "\r\n") +
    event({ type: "message_start", message: { id: "m", model } }, "message_start") +
    `data: {"model":${JSON.stringify(model)},"broken":"off\n\n` +
    event({ model, usage: null }) +
    "data: [DONE]\n\n";

  test("says the client's name in each event, however it was cut", () => {
    fc.assert(
      fc.property(fc.array(fc.nat()), (at) => {
        expect(through(modelRun("chat", true), cut(chunks("real"), at))).toBe(chunks("chat"));
      }),
    );
  });

  test("holds nothing of an event back whose name is known", () => {
    const run = modelRun("chat", true);
    expect(run.push('data: {"model":"real","choices":[{"delta":{"content":"half')).toBe(
      'data: {"model":"chat","choices":[{"delta":{"content":"half',
    );
  });

  test("is changed behind what changed it before", () => {
    const first: TextRun = { push: (text) => text.toLowerCase(), end: () => '{"model":"x"}' };
    expect(through(behind(first, modelRun("chat", false)), ['{"MODEL":"REAL"}'])).toBe(
      '{"model":"chat"}{"model":"chat"}',
    );
  });
});
