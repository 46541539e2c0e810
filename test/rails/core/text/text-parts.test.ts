import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  applyRedactions,
  extractTextParts,
  TEXT_DEPTH_MAX,
  TEXT_PARTS_MAX,
} from "../../../../src/rails/core/text/text-parts.ts";
import type { Span, SpansByPath } from "../../../../src/rails/core/spans.ts";

const paths = (body: unknown): string[] => extractTextParts(body).parts.map(({ path, text }) => `${path}=${text}`);

const whole = (text: string): Span => ({
  start: 0,
  end: text.length,
  rail: "r",
  type: "t",
  action: "redact",
  replacement: "*",
});

const nested = (levels: number, leaf: unknown): unknown =>
  Array.from({ length: levels }).reduce((inner) => [inner], leaf);

describe("the text parts of a body", () => {
  test("are every text of a chat that the model will see, with its role", () => {
    const body = {
      model: "m",
      user: "u-1",
      messages: [
        { role: "system", content: "be kind" },
        {
          role: "user",
          name: "ann",
          content: [
            { type: "text", text: "hi" },
            { type: "image_url", image_url: { url: "data:x" } },
          ],
        },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "call_1", type: "function", function: { name: "find", arguments: '{"q":"x"}' } }],
        },
        { role: "tool", tool_call_id: "call_1", content: "found" },
      ],
    };
    expect(extractTextParts(body)).toEqual({
      parts: [
        { path: "messages[0].content", role: "system", text: "be kind" },
        { path: "messages[1].name", role: "user", text: "ann" },
        { path: "messages[1].content[0].text", role: "user", text: "hi" },
        { path: "messages[2].tool_calls[0].id", role: "assistant", text: "call_1" },
        { path: "messages[2].tool_calls[0].function.name", role: "assistant", text: "find" },
        { path: "messages[2].tool_calls[0].function.arguments", role: "assistant", text: '{"q":"x"}' },
        { path: "messages[3].tool_call_id", role: "tool", text: "call_1" },
        { path: "messages[3].content", role: "tool", text: "found" },
      ],
      messageCount: 4,
      unseen: ["media"],
    });
  });

  test.each([
    { name: "a prompt", body: { prompt: "a", suffix: "b" }, parts: ["prompt=a", "suffix=b"] },
    { name: "prompts", body: { prompt: ["a", "b"] }, parts: ["prompt[0]=a", "prompt[1]=b"] },
    { name: "an input", body: { input: "a", instructions: "b" }, parts: ["input=a", "instructions=b"] },
    { name: "inputs", body: { input: ["a", "b"] }, parts: ["input[0]=a", "input[1]=b"] },
    { name: "an Anthropic system", body: { system: [{ type: "text", text: "a" }] }, parts: ["system[0].text=a"] },
    {
      name: "tools, with a property that is named like media",
      body: {
        tools: [
          {
            type: "function",
            function: { name: "f", parameters: { properties: { file: { type: "string", description: "d" } } } },
          },
        ],
      },
      parts: ["tools[0].function.name=f", "tools[0].function.parameters.properties.file.description=d"],
    },
    {
      name: "an unknown shape of content",
      body: { messages: [{ content: { odd: [{ deep: "a" }] } }] },
      parts: ["messages[0].content.odd[0].deep=a"],
    },
    {
      name: "a member with a strange name",
      body: { input: { "a.b": "x", a: { b: "y" }, "": "z" } },
      parts: ['input["a.b"]=x', "input.a.b=y", 'input[""]=z'],
    },
    {
      name: "members that nobody here knows, such as a template for the whole prompt",
      body: { chat_template: "a", guided_json: { description: "b" }, messages: [] },
      parts: ["chat_template=a", "guided_json.description=b"],
    },
    { name: "no empty text", body: { messages: [{ content: "" }] }, parts: [] },
    {
      name: "nothing of members that servers keep to themselves",
      body: { model: "m", metadata: { a: "b" }, stop: ["x"], user: "u", seed: 7 },
      parts: [],
    },
  ])("include $name", ({ body, parts }) => {
    expect(paths(body)).toEqual(parts);
  });

  test.each([
    null,
    7,
    "text",
    [],
    [{ messages: "a" }],
    {},
    { messages: null },
    { messages: 5 },
    { prompt: [null, true, {}] },
  ])("are none in %j", (body) => {
    expect(extractTextParts(body)).toEqual({ parts: [], messageCount: 0, unseen: [] });
  });

  test.each([
    { prompt: [1, 2, 3] },
    { prompt: [[1], [2]] },
    { input: [1, "a"] },
    { input_ids: [[1]] },
    { prompt_token_ids: [1] },
    { input: { prompt: [1] } },
    { context: [1, 2] },
    { tokens: [1] },
    { inputs: [{ name: "a", data: [1] }] },
  ])("say that %j has token ids", (body) => {
    expect(extractTextParts(body).unseen).toEqual(["token_ids"]);
  });

  test.each([{ stop_token_ids: [1] }, { input: { size: [512, 512] } }, { logit_bias: { "5": 1 } }, { seed: 1 }])(
    "say nothing of the numbers in %j",
    (body) => {
      expect(extractTextParts(body).unseen).toEqual([]);
    },
  );

  const message = (part: object): object => ({ messages: [{ role: "user", content: [part] }] });
  test.each([
    message({ type: "image_url", image_url: { url: "https://a.dev/b.png" } }),
    message({ type: "input_image", file_id: "f" }),
    message({ type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } }),
    message({ type: "input_audio", input_audio: { data: "AAAA", format: "wav" } }),
    message({ type: "document", source: { type: "file", file_id: "f" } }),
    { contents: [{ parts: [{ inline_data: { mime_type: "image/png", data: "AAAA" } }] }] },
  ])("say that %j has media, and do not read those as text", (body) => {
    const { parts, unseen } = extractTextParts(body);
    expect(unseen).toEqual(["media"]);
    expect(parts.filter(({ text }) => text === "AAAA")).toEqual([]);
  });

  test.each([
    { messages: [{ role: "user", content: "a", images: ["AAAA"] }] },
    { prompt: "a", images: ["AAAA"] },
    { text: "a", image_data: "AAAA" },
  ])("say that %j may have media, and read them, as names are the worker's own", (body) => {
    const { parts, unseen } = extractTextParts(body);
    expect(unseen).toEqual(["media"]);
    expect(parts.map(({ text }) => text)).toEqual(["a", "AAAA"]);
  });

  test("are a tool's where they bring what a tool has found, in every protocol", () => {
    const roles = (body: unknown): string[] => extractTextParts(body).parts.map(({ role, text }) => `${role}: ${text}`);
    expect(
      roles({
        messages: [
          { role: "tool", content: "a" },
          { role: "function", content: "b" },
        ],
      }),
    ).toEqual(["tool: a", "function: b"]);
    const result = { type: "tool_result", content: [{ type: "text", text: "found" }] };
    expect(roles({ messages: [{ role: "user", content: [result, { type: "text", text: "asked" }] }] })).toEqual([
      "tool: found",
      "user: asked",
    ]);
    expect(roles({ input: [{ type: "function_call_output", output: "found" }, { content: "asked" }] })).toEqual([
      "tool: found",
      "user: asked",
    ]);
    expect(roles({ documents: [{ title: "found" }], prompt: "asked" })).toEqual(["tool: found", "user: asked"]);
    expect(roles({ tools: [{ type: "search_result", description: "a tool" }] })).toEqual(["tool_definition: a tool"]);
  });

  test("say nothing of how the model should speak, nor of a tool that takes a file", () => {
    const tools = [{ type: "function", function: { parameters: { properties: { file: { type: "string" } } } } }];
    expect(extractTextParts({ audio: { voice: "alloy" }, tools }).unseen).toEqual([]);
  });

  test("say what was known before of what cannot be read", () => {
    const input = extractTextParts({ prompt: [1] }, false, { reasons: ["repeated_members"], bytes: 7 });
    expect(input).toMatchObject({ unseen: ["repeated_members", "token_ids"], unreadBytes: 7 });
  });

  test("stop at their bound and say so", () => {
    const prompt = Array.from({ length: TEXT_PARTS_MAX }, () => "a");
    expect(extractTextParts({ prompt }).unseen).toEqual([]);
    const more = extractTextParts({ prompt: [...prompt, "b"] });
    expect(more.parts).toHaveLength(TEXT_PARTS_MAX);
    expect(more.unseen).toEqual(["too_many_parts"]);
  });

  test("reach to their depth and say when there is more below", () => {
    expect(paths({ prompt: nested(TEXT_DEPTH_MAX, "a") })).toHaveLength(1);
    const deeper = extractTextParts({ prompt: nested(TEXT_DEPTH_MAX + 1, "a") });
    expect(deeper).toEqual({ parts: [], messageCount: 0, unseen: ["too_deep"] });
    expect(extractTextParts({ prompt: nested(5_000, "a") }).unseen).toEqual(["too_deep"]);
  });

  test("have one path each, whatever the body", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (messages, prompt) => {
        const found = extractTextParts({ messages, prompt }).parts.map(({ path }) => path);
        expect(new Set(found).size).toBe(found.length);
      }),
    );
  });
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
    const [first] = extractTextParts(odd).parts;
    expect(first?.path).toBe("input.__proto__.a");
    const redacted = applyRedactions(odd, new Map([["input.__proto__.a", [whole("x")]]]));
    expect(JSON.stringify(redacted)).toBe('{"input":{"__proto__":{"a":"*"},"b":"y"}}');
  });

  test("reaches every extracted part and nothing else", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (messages, other, metadata) => {
        const any = { messages, other, metadata };
        const { parts } = extractTextParts(any);
        const redacted = applyRedactions(any, new Map(parts.map(({ path, text }) => [path, [whole(text)]])));
        expect(extractTextParts(redacted).parts).toEqual(parts.map((part) => ({ ...part, text: "*" })));
        expect((redacted as typeof any).metadata).toBe(metadata);
      }),
    );
  });
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
      ["question", "user"],
      ["user", "user"],
      ["chat_history[0].inputs.question", "user"],
      ["messages[0].content", "system"],
    ]);
  });

  test("is redacted where it was read", () => {
    const spans: SpansByPath = new Map([["chat_history[0].inputs.question", [whole("a")]]]);
    expect(applyRedactions(body, spans, true)).toEqual({ ...body, chat_history: [{ inputs: { question: "*" } }] });
    const ofUser: SpansByPath = new Map([["user", [whole("u")]]]);
    expect(applyRedactions(body, ofUser, true)).toEqual({ ...body, user: "*" });
    expect(applyRedactions(body, ofUser)).toBe(body);
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
