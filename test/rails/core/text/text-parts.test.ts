import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { extractTextParts } from "../../../../src/rails/core/text/text-parts.ts";
import {
  NUMBER_MIN,
  NUMBERS_MAX,
  TEXT_DEPTH_MAX,
  TEXT_PARTS_MAX,
} from "../../../../src/rails/core/text/text-bounds.ts";

/** Of a PNG, the beginning. */
const PNG = Buffer.from("89504e470d0a1a0a0000000d494844520001", "hex").toString("base64");

const paths = (body: unknown): string[] => extractTextParts(body).parts.map(({ path, text }) => `${path}=${text}`);

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
        { path: "model", role: "parameter", text: "m" },
        { path: "user", role: "parameter", text: "u-1" },
        { path: "messages[0].content", role: "system", text: "be kind" },
        { path: "messages[1].name", role: "user", text: "ann" },
        { path: "messages[1].content[0].text", role: "user", text: "hi" },
        { path: "messages[1].content[1].image_url.url", role: "user", text: "data:x" },
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
      parts: ['{"odd"}=odd', '{"deep"}=deep', "messages[0].content.odd[0].deep=a"],
    },
    {
      name: "a member with a strange name",
      body: { input: { "a.b": "x", a: { b: "y" }, "": "z" } },
      parts: ['{"a.b"}=a.b', 'input["a.b"]=x', '{"a"}=a', '{"b"}=b', "input.a.b=y", 'input[""]=z'],
    },
    {
      name: "members that nobody here knows, such as a template for the whole prompt",
      body: { chat_template: "a", guided_json: { description: "b" }, messages: [] },
      parts: ["chat_template=a", "guided_json.description=b"],
    },
    { name: "no empty text", body: { messages: [{ content: "" }] }, parts: [] },
    {
      name: "members that servers keep to themselves, since nobody here can check that they do",
      body: { model: "m", metadata: { title: "b" }, stop: ["x"], user: "u", seed: 7 },
      parts: ["model=m", "metadata.title=b", "stop[0]=x", "user=u"],
    },
    {
      name: "a role and a type that are none of the protocol's",
      body: {
        messages: [
          { role: "my key", type: "my other key" },
          { role: "user", type: "text" },
        ],
      },
      parts: ["messages[0].role=my key", "messages[0].type=my other key"],
    },
    {
      name: "a name once, wherever it is",
      body: { input: [{ "my key": "a" }, { "my key": "b" }] },
      parts: ['{"my key"}=my key', 'input[0]["my key"]=a', 'input[1]["my key"]=b'],
    },
    {
      name: "a long number, and no short one",
      body: { input: { title: NUMBER_MIN, n: NUMBER_MIN - 1, seed: -4111111111111111 } },
      parts: ["input.title#=1000000", "input.seed#=-4111111111111111"],
    },
    {
      name: "what stands around media in a text",
      body: { prompt: `before ${PNG} between ${PNG} behind`, suffix: PNG },
      parts: ["prompt=before ", "prompt~1= between ", "prompt~2= behind"],
    },
    {
      name: "what a media member says beside its media",
      body: { messages: [{ content: [{ type: "file", file: { filename: "a key.png", file_data: PNG } }] }] },
      parts: ["messages[0].content[0].file.filename=a key.png"],
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

  test("say that a list of numbers anywhere may be a text, if it is as long as one", () => {
    const list = (count: number): number[] => Array.from({ length: count }, (_, index) => 65 + (index % 7));
    expect(extractTextParts({ input: { odd: list(NUMBERS_MAX) } }).unseen).toEqual(["token_ids"]);
    expect(extractTextParts({ input: { odd: list(NUMBERS_MAX - 1) } }).unseen).toEqual([]);
    expect(extractTextParts({ input: { points: list(NUMBERS_MAX).map((at) => at + 0.5) } }).unseen).toEqual([]);
    expect(extractTextParts({ tools: [{ parameters: { enum: list(NUMBERS_MAX) } }] }).unseen).toEqual(["token_ids"]);
    const choice = Array.from({ length: 2 * NUMBERS_MAX }, (_, index) => index);
    expect(extractTextParts({ tools: [{ parameters: { enum: choice } }] }).unseen).toEqual([]);
  });

  test("say that media stand in a text, and how many of its characters they are where a model reads them", () => {
    const body = { prompt: `see ${PNG}.`, messages: [{ content: [{ type: "image", source: { data: PNG } }] }] };
    expect(extractTextParts(body)).toMatchObject({ unseen: ["media"], unreadBytes: PNG.length });
    expect(extractTextParts(body, true)).not.toHaveProperty("unreadBytes");
  });

  test("say how much of a text is base64 in the place of media, which counts as no text even if it is one", () => {
    const data = Buffer.from("a photo, more or less ".repeat(60)).toString("base64").replace(/=+$/, "");
    const content = [{ type: "image_url", image_url: { url: `data:image/png;base64,${data}` } }];
    const [ofMedia, ofText] = extractTextParts({ messages: [{ content }, { content: data }] }).parts;
    expect([ofMedia?.encodedChars, ofText?.encodedChars]).toEqual([data.length, undefined]);
    expect(extractTextParts({ photo: data }, true).parts.at(-1)?.encodedChars).toBe(data.length);
  });

  test("say that there is more text in other encodings than is read", () => {
    const encoded = Buffer.from("a word and another ".repeat(1_000)).toString("base64");
    expect(extractTextParts({ prompt: [encoded] })).toMatchObject({
      unseen: [],
      views: new Map([["prompt[0]", [{}]]]),
    });
    expect(extractTextParts({ prompt: Array.from({ length: 9 }, () => encoded) }).unseen).toEqual(["encoded"]);
  });

  const message = (part: object): object => ({ messages: [{ role: "user", content: [part] }] });
  test.each([
    message({ type: "image_url", image_url: { url: "https://a.dev/b.png" } }),
    message({ type: "input_image", file_id: "f" }),
    message({ type: "image", source: { type: "base64", media_type: "image/png", data: PNG } }),
    message({ type: "input_audio", input_audio: { data: PNG, format: "wav" } }),
    message({ type: "document", source: { type: "file", file_id: "f" } }),
    { contents: [{ parts: [{ inline_data: { mime_type: "image/png", data: PNG } }] }] },
  ])("say that %j has media, and do not read those as text", (body) => {
    const { parts, unseen } = extractTextParts(body);
    expect(unseen).toEqual(["media"]);
    expect(parts.filter(({ text }) => text.includes(PNG))).toEqual([]);
  });

  test.each([
    { messages: [{ role: "user", content: "a", images: ["aaaa"] }] },
    { prompt: "a", images: ["aaaa"] },
    { text: "a", image_data: "aaaa" },
  ])("say that %j may have media, and read them, as names are the worker's own", (body) => {
    const { parts, unseen } = extractTextParts(body);
    expect(unseen).toEqual(["media"]);
    expect(parts.map(({ text }) => text)).toEqual(["a", "aaaa"]);
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
    expect(roles({ tools: [{ type: "search_result", description: "a tool" }] })).toEqual([
      "tool_definition: search_result",
      "tool_definition: a tool",
    ]);
  });

  test("have the roles of their messages, wherever messages are", () => {
    const { parts } = extractTextParts({
      input: { messages: [{ role: "assistant", content: "a" }, { content: "b" }] },
    });
    expect(parts.map(({ role }) => role)).toEqual(["assistant", "user"]);
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

  test("are not looked for beyond their bound", () => {
    const prompt = Array.from({ length: TEXT_PARTS_MAX + 1 }, () => "a");
    let looks = 0;
    const beyond = {
      get text(): string {
        looks += 1;
        return "b";
      },
    };
    extractTextParts({ prompt, last: [beyond, { type: "image_url", more: beyond }] });
    expect(looks).toBe(0);
    extractTextParts({ first: [beyond], prompt });
    expect(looks).toBeGreaterThan(0);
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
