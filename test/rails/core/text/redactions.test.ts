import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Span, SpansByPath } from "../../../../src/rails/core/spans.ts";
import { applyRedactions, extractTextParts } from "../../../../src/rails/core/text/text-parts.ts";

/** Of a PNG, the beginning. */
const PNG = Buffer.from("89504e470d0a1a0a0000000d494844520001", "hex").toString("base64");

const paths = (body: unknown): string[] => extractTextParts(body).parts.map(({ path, text }) => `${path}=${text}`);

const whole = (text: string): Span => ({
  start: 0,
  end: text.length,
  rail: "r",
  type: "t",
  action: "redact",
  replacement: "*",
});

describe("applying redactions", () => {
  const body = {
    model: "m",
    messages: [
      { role: "user", content: "my key is abc" },
      {
        role: "user",
        content: [
          { type: "text", text: "abc" },
          { type: "text", text: "clean" },
        ],
      },
    ],
    temperature: 0.5,
  };

  test("changes the strings at the given paths and shares the rest", () => {
    const before = structuredClone(body);
    const spans: SpansByPath = new Map([
      ["messages[0].content", [{ ...whole("abc"), start: 10, end: 13 }]],
      ["messages[1].content[0].text", [whole("abc")]],
      ["messages[9].content", [whole("x")]],
    ]);
    const redacted = applyRedactions(body, spans) as typeof body;
    expect(redacted).toEqual({
      ...before,
      messages: [
        { role: "user", content: "my key is *" },
        {
          role: "user",
          content: [
            { type: "text", text: "*" },
            { type: "text", text: "clean" },
          ],
        },
      ],
    });
    expect(redacted.messages[1]?.content[1]).toBe(body.messages[1]?.content[1]);
    expect(body).toEqual(before);
  });

  test("returns the body itself when nothing is redacted", () => {
    const flag: Span = { ...whole("my"), action: "flag" };
    expect(applyRedactions(body, new Map())).toBe(body);
    expect(applyRedactions(body, new Map([["messages[0].content", [flag]]]))).toBe(body);
    expect(applyRedactions(null, new Map([["prompt", [whole("a")]]]))).toBeNull();
  });

  test("keeps a member named __proto__ a member", () => {
    const odd = JSON.parse('{"input":{"__proto__":{"a":"x"},"b":"y"}}') as unknown;
    expect(paths(odd)).toContain("input.__proto__.a=x");
    const redacted = applyRedactions(odd, new Map([["input.__proto__.a", [whole("x")]]]));
    expect(JSON.stringify(redacted)).toBe('{"input":{"__proto__":{"a":"*"},"b":"y"}}');
  });

  test("reaches every extracted part and nothing else", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (messages, other, metadata) => {
        const any = { messages, other, metadata };
        const { parts } = extractTextParts(any);
        const values = parts.filter(({ path }) => !path.startsWith("{") && !path.endsWith("#"));
        const redacted = applyRedactions(any, new Map(values.map(({ path, text }) => [path, [whole(text)]])));
        const others = parts.filter((part) => !values.includes(part));
        expect(extractTextParts(redacted).parts).toEqual(
          parts.map((part) => (others.includes(part) ? part : { ...part, text: "*" })),
        );
      }),
    );
  });
});

test("a name is redacted wherever it is, and two names stay two", () => {
  const body = { input: [{ "key a": 1, "key b": 2 }, { "key a": 3 }] };
  const spans = new Map(["a", "b"].map((name) => [`{"key ${name}"}`, [whole(`key ${name}`)]] as const));
  expect(applyRedactions(body, spans)).toEqual({ input: [{ "*#0": 1, "*#1": 2 }, { "*#0": 3 }] });
});

test("a name that is redacted takes no other member's name", () => {
  const body = { input: { "key a": 1, "*#0": 2, "*#0#": 3 } };
  const spans = new Map([['{"key a"}', [whole("key a")]]]);
  expect(applyRedactions(body, spans)).toEqual({ input: { "*#0##": 1, "*#0": 2, "*#0#": 3 } });
});

test("a number stays as it is, and so do media", () => {
  const body = { prompt: `key ${PNG} key`, seed: 4111111111111111 };
  const spans: SpansByPath = new Map([
    ["seed#", [whole("4111111111111111")]],
    ["prompt", [{ ...whole("key"), end: 3 }]],
    ["prompt~1", [{ ...whole("key"), start: 1, end: 4 }]],
  ]);
  expect(applyRedactions(body, spans)).toEqual({ ...body, prompt: `* ${PNG} *` });
});

describe("a body of unknown shape", () => {
  const body = {
    question: "q",
    user: "u",
    chat_history: [{ inputs: { question: "a" } }],
    n: 3,
    messages: [{ role: "system", content: "s" }],
  };

  test("has as many texts as strings, and the roles that are known", () => {
    const { parts } = extractTextParts(body, true);
    expect(parts.map(({ path, role }) => [path, role])).toEqual([
      ['{"question"}', "user"],
      ["question", "user"],
      ["user", "user"],
      ['{"chat_history"}', "user"],
      ["chat_history[0].inputs.question", "user"],
      ["messages[0].content", "system"],
    ]);
  });

  test("is redacted where it was read", () => {
    const spans: SpansByPath = new Map([["chat_history[0].inputs.question", [whole("a")]]]);
    expect(applyRedactions(body, spans, true)).toEqual({ ...body, chat_history: [{ inputs: { question: "*" } }] });
    const ofUser: SpansByPath = new Map([["user", [whole("u")]]]);
    expect(applyRedactions(body, ofUser, true)).toEqual({ ...body, user: "*" });
    expect(applyRedactions(body, ofUser)).toEqual({ ...body, user: "*" });
  });

  test.each([
    ["text", 1],
    [["a", "b"], 2],
    [7, 0],
    [null, 0],
  ] as const)("may be no object: %j", (value, texts) => {
    expect(extractTextParts(value, true).parts).toHaveLength(texts);
    expect(extractTextParts(value).parts).toHaveLength(0);
  });
});
