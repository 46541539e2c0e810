import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { messagesToChat } from "../../../src/translate/core/messages-request.ts";
import { responsesToChat } from "../../../src/translate/core/responses-request.ts";
import { asMessages, asResponses, chats } from "./conversations.ts";

/** As it is written: what is undefined is not. */
const written = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

/** The same with another value at one of its places, the `at`-th or, of fewer, that many rounds on. */
function changed(whole: object, at: number, value: unknown): Readonly<Record<string, unknown>> {
  const copy = written(whole) as Readonly<Record<string, unknown>>;
  const places: (readonly [Record<string, unknown>, string])[] = [];
  const walk = (holder: Record<string, unknown>): void => {
    for (const [name, member] of Object.entries(holder)) {
      places.push([holder, name]);
      if (typeof member === "object" && member !== null) walk(member as Record<string, unknown>);
    }
  };
  walk(copy);
  const place = places[at % Math.max(1, places.length)];
  if (place !== undefined) place[0][place[1]] = value;
  return copy;
}

describe("a conversation of chat completions", () => {
  test("that is written as Anthropic's Messages is the same conversation again", () => {
    fc.assert(
      fc.property(chats, (chat) => {
        const told = messagesToChat(asMessages(chat));
        expect(told.ok && written(told.value.body)).toEqual(written(chat));
      }),
    );
  });

  test("that is written as OpenAI's Responses is the same conversation again", () => {
    fc.assert(
      fc.property(chats, (chat) => {
        const told = responsesToChat(asResponses(chat));
        expect(told.ok && written(told.value.body)).toEqual(written(chat));
      }),
    );
  });
});

describe("any JSON object", () => {
  test.each([
    ["Messages", messagesToChat],
    ["Responses", responsesToChat],
  ])("is told or refused by a name, and never throws: %s", (_, translate) => {
    const members = ["messages", "input", "system", "tools", "tool_choice", "thinking", "text", "include", "model"];
    const bodies = fc.dictionary(fc.oneof(fc.constantFrom(...members), fc.string()), fc.jsonValue());
    fc.assert(
      fc.property(bodies, (body) => {
        const told = translate(body);
        expect(told.ok || told.error.what !== "").toBe(true);
      }),
    );
  });

  test.each([
    ["Messages", messagesToChat, asMessages],
    ["Responses", responsesToChat, asResponses],
  ] as const)("in place of any value of a conversation is too: %s", (_, translate, spoken) => {
    const values = fc.oneof(fc.jsonValue(), fc.constantFrom({ toString: [] }, [[]], [null], {}));
    fc.assert(
      fc.property(chats, fc.nat(), values, (chat, at, value) => {
        const told = translate(changed(spoken(chat), at, value));
        expect(told.ok || told.error.what !== "").toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ["Messages", messagesToChat],
    ["Responses", responsesToChat],
  ])("loses no member in silence: one that nobody knows is refused by its name (%s)", (_, translate) => {
    const names = fc.stringMatching(/^x_[a-z]{1,9}$/);
    fc.assert(
      fc.property(names, (name) => {
        expect(translate({ model: "m", [name]: 1 })).toMatchObject({ ok: false, error: { param: name } });
      }),
    );
  });
});

type Case = readonly [what: string, body: Readonly<Record<string, unknown>>, param: string];

const hello = [{ role: "user", content: "hello" }];

describe("Messages that chat completions cannot say", () => {
  test.each<Case>([
    [
      "a tool of Anthropic's own",
      { messages: hello, tools: [{ type: "bash_20250124", name: "bash" }] },
      "tools[0].type",
    ],
    ["an MCP server", { messages: hello, mcp_servers: [{ url: "x" }] }, "mcp_servers"],
    ["a container", { messages: hello, container: "c" }, "container"],
    [
      "a picture by a file's id",
      { messages: [{ role: "user", content: [{ type: "image", source: { type: "file", file_id: "f" } }] }] },
      "messages[0].content[0].source.type",
    ],
    [
      "citations",
      {
        messages: [
          {
            role: "user",
            content: [{ type: "document", source: { type: "text", data: "x" }, citations: { enabled: true } }],
          },
        ],
      },
      "messages[0].content[0].citations",
    ],
    [
      "a search's result",
      { messages: [{ role: "user", content: [{ type: "search_result" }] }] },
      "messages[0].content[0].type",
    ],
    [
      "a call of a server's tool",
      { messages: [{ role: "assistant", content: [{ type: "server_tool_use" }] }] },
      "messages[0].content[0].type",
    ],
    ["a conversation that is no list", { messages: "hello" }, "messages"],
    ["content that is no list", { messages: [{ role: "user", content: 7 }] }, "messages[0].content"],
    ["a role that there is not", { messages: [{ role: "tool", content: "x" }] }, "messages[0].role"],
    ["a role that has no text", { messages: [{ role: { toString: [] }, content: "x" }] }, "messages[0].role"],
    [
      "a tool choice that there is not",
      { messages: hello, tools: [{ name: "f", input_schema: {} }], tool_choice: { type: "some" } },
      "tool_choice.type",
    ],
    [
      "a format that there is not",
      { messages: hello, output_config: { format: { type: "xml" } } },
      "output_config.format.type",
    ],
  ])("%s is refused by its place", (_, body, param) => {
    expect(messagesToChat({ model: "m", ...body })).toMatchObject({ ok: false, error: { param } });
  });

  test("what is left out all the same is named", () => {
    const body = {
      model: "m",
      service_tier: "auto",
      context_management: { edits: [] },
      system: [{ type: "text", text: "x", cache_control: { type: "ephemeral" } }],
      tools: [{ name: "f", input_schema: {}, cache_control: { type: "ephemeral" }, eager_input_streaming: true }],
      messages: [
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "x", signature: "s" },
            { type: "redacted_thinking", data: "d" },
          ],
        },
        ...hello,
      ],
    };
    const told = messagesToChat(body);
    expect(told.ok && told.value.dropped.toSorted()).toEqual([
      "cache_control",
      "context_management",
      "eager_input_streaming",
      "redacted_thinking",
      "service_tier",
      "signature",
    ]);
  });
});

describe("Messages", () => {
  const bodyOf = (more: Readonly<Record<string, unknown>>) => {
    const told = messagesToChat({ model: "m", messages: hello, ...more });
    return told.ok ? (written(told.value.body) as Record<string, unknown>) : told.error;
  };

  test.each([
    [{ thinking: { type: "enabled", budget_tokens: 1_024 } }, { reasoning_effort: "low" }],
    [{ thinking: { type: "enabled", budget_tokens: 4_095 } }, { reasoning_effort: "low" }],
    [{ thinking: { type: "enabled", budget_tokens: 4_096 } }, { reasoning_effort: "medium" }],
    [{ thinking: { type: "enabled", budget_tokens: 16_384 } }, { reasoning_effort: "high" }],
    [{ output_config: { effort: "max" } }, { reasoning_effort: "high" }],
    [{ thinking: { type: "disabled" } }, { chat_template_kwargs: { enable_thinking: false } }],
    [{ thinking: { type: "enabled" } }, {}],
    [{ thinking: { type: "adaptive" } }, {}],
  ])("with %j ask for %j", (given, asked) => {
    const { model: _model, messages: _messages, ...rest } = bodyOf(given) as Record<string, unknown>;
    expect(rest).toEqual(asked);
  });

  test("that end with the assistant's words are gone on with there", () => {
    const messages = [...hello, { role: "assistant", content: "The answer is" }];
    expect(bodyOf({ messages })).toMatchObject({ continue_final_message: true, add_generation_prompt: false });
  });

  test("pictures that a tool has found follow in the user's words", () => {
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } };
    const content = [{ type: "tool_result", tool_use_id: "c", content: [{ type: "text", text: "seen" }, image] }];
    expect(bodyOf({ messages: [{ role: "user", content }] })).toMatchObject({
      messages: [
        { role: "tool", tool_call_id: "c", content: "seen" },
        { role: "user", content: [{ type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } }] },
      ],
    });
  });
});

describe("Responses that chat completions cannot say", () => {
  test.each<Case>([
    ["an input that is no list", { input: 7 }, "input"],
    ["a search", { input: "x", tools: [{ type: "web_search" }] }, "tools[0].type"],
    ["a search of files", { input: "x", tools: [{ type: "file_search" }] }, "tools[0].type"],
    ["an answer in the background", { input: "x", background: true }, "background"],
    ["what goes on from another response", { input: "x", previous_response_id: "resp_1" }, "previous_response_id"],
    ["a conversation that is kept", { input: "x", conversation: "conv_1" }, "conversation"],
    ["a prompt that is kept", { input: "x", prompt: { id: "p" } }, "prompt"],
    ["truncation", { input: "x", truncation: "auto" }, "truncation"],
    [
      "a picture by a file's id",
      { input: [{ role: "user", content: [{ type: "input_image", file_id: "f" }] }] },
      "input[0].content[0].file_id",
    ],
    ["a call of OpenAI's own tool", { input: [{ type: "web_search_call" }] }, "input[0].type"],
    ["log probabilities", { input: "x", include: ["message.output_text.logprobs"] }, "include[0]"],
    [
      "a tool choice that there is not",
      { input: "x", tools: [{ type: "function", name: "f" }], tool_choice: { type: "mcp" } },
      "tool_choice.type",
    ],
  ])("%s is refused by its place", (_, body, param) => {
    expect(responsesToChat({ model: "m", ...body })).toMatchObject({ ok: false, error: { param } });
  });

  test("what asks for nothing is no reason to refuse", () => {
    const body = {
      model: "m",
      input: "x",
      background: false,
      truncation: "disabled",
      store: false,
      previous_response_id: null,
    };
    expect(responsesToChat(body)).toMatchObject({ ok: true, value: { dropped: [] } });
  });

  test("of the tools that may be called the others are not told", () => {
    const tools = ["a", "b"].map((name) => ({ type: "function", name }));
    const tool_choice = { type: "allowed_tools", mode: "required", tools: [{ type: "function", name: "b" }] };
    const told = responsesToChat({ model: "m", input: "x", tools, tool_choice });
    expect(told.ok && written(told.value.body)).toMatchObject({
      tools: [{ function: { name: "b" } }],
      tool_choice: "required",
    });
  });
});
