import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTextTemplate, learn, literalIn, textOfLiteral } from "../../../src/translate/core/text-template.ts";
import { toldStream } from "../../../src/translate/core/told.ts";
import { TRANSLATIONS } from "../../../src/translate/core/translations.ts";

type Write = (value: unknown) => string;

/** As engines write JSON: JavaScript's way, Python's, and with every character that is not ASCII escaped. */
const WRITERS: Readonly<Record<string, Write>> = {
  dense: (value) => JSON.stringify(value),
  spaced: (value) => JSON.stringify(value, null, 1).replaceAll(/\n\s*/g, " "),
  ascii: (value) =>
    JSON.stringify(value).replaceAll(/[^ -~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`),
};

const chunkOf = (delta: object, more: object): object => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1,
  model: "said",
  ...more,
  choices: [{ index: 0, delta, finish_reason: null }],
});

/** `vary`: each chunk differs from the one before in more than its text, so that all of them are parsed. */
function told(spoken: "messages" | "responses", deltas: readonly object[], write: Write, vary: boolean): string {
  const translation = TRANSLATIONS[spoken];
  const body = { model: "said", messages: [], input: "x" };
  const run = toldStream(translation.back(body, body).stream());
  const chunks = deltas.map((delta, nth) => write(chunkOf(delta, vary ? { nth } : {})));
  const end = write({ id: "chatcmpl-1", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
  return [...chunks, end, "[DONE]"].map((data) => run.push(`data: ${data}\n\n`)).join("") + run.end();
}

/** Texts that look like what stands around them. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom('"', "\\", "n", "u", "/", "\n", "\t", "é", "🎈", "\ud83c", "content", ":", "said"),
  }),
  fc.constantFrom("said", "chatcmpl-1", '"content":"', '"}', "", "content"),
);
const delta = fc.oneof(
  { weight: 8, arbitrary: text.map((content) => ({ content })) },
  { weight: 1, arbitrary: text.map((reasoning_content) => ({ reasoning_content })) },
  { weight: 1, arbitrary: text.map((refusal) => ({ refusal })) },
  {
    weight: 1,
    arbitrary: text.map((args) => ({
      tool_calls: [{ index: 0, id: "call_1", function: { name: "f", arguments: args } }],
    })),
  },
);

describe("a chunk that is like one before but for its text", () => {
  test.each(["messages", "responses"] as const)("is told in %s as one that is parsed", (spoken) => {
    fc.assert(
      fc.property(fc.array(delta, { maxLength: 12 }), fc.constantFrom(...Object.keys(WRITERS)), (deltas, writer) => {
        const write = WRITERS[writer] ?? JSON.stringify;
        expect(told(spoken, deltas, write, false)).toBe(told(spoken, deltas, write, true));
      }),
      { numRuns: 1_000 },
    );
  });

  const template = createTextTemplate();
  const data = (content: string, write: Write = JSON.stringify): string => write(chunkOf({ content }, {}));
  learn(template, data("hello"), "hello");

  test.each(["", "x", 'a "quoted" \\ text\n\tand more', "grüße 🎈"])("is read without being parsed: %j", (said) => {
    const literal = literalIn(template, data(said));
    expect(literal).toBe(JSON.stringify(said));
    expect(textOfLiteral(literal ?? "")).toBe(said);
  });

  test.each([
    ["escaped by number", data("é", WRITERS["ascii"])],
    ["with a control character that is escaped by number", data("\u0001")],
    ["half of a pair", data("x").replace('"x"', '"\ud83c"')],
    ["of another answer", data("x").replace("chatcmpl-1", "chatcmpl-2")],
    ["with another member behind the text", data("x").replace('"x"', '"x","refusal":"no"')],
    ["shorter than what stands around a text", data("").slice(0, 20)],
    ["cut within its text", data("hello").replace('hello"', 'hello\\"')],
  ])("is parsed where it is %s", (_name, other) => {
    expect(literalIn(template, other)).toBeNull();
  });

  test("is not learned from another place that has the same characters", () => {
    const wrong = createTextTemplate();
    const twice = `{"choices":[{"delta":{"content":"\\u0061"},"index":0}],"model":"a"}`;
    learn(wrong, twice, "a");
    expect(wrong.before).toBe("");
  });

  test("four chunks are looked at, and not a fifth", () => {
    const tired = createTextTemplate();
    for (let nth = 0; nth < 4; nth += 1) learn(tired, data("x"), "not in it");
    learn(tired, data("hello"), "hello");
    expect([tired.tries, tired.before]).toEqual([4, ""]);
  });
});
