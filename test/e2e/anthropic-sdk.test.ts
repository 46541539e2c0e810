/** The published Anthropic package, unmodified, in front of an engine that speaks chat completions alone. */
import Anthropic from "@anthropic-ai/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startChatEngine } from "../support/chat-engine.ts";
import type { ChatEngine } from "../support/chat-engine.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

let engine: ChatEngine;
let fleet: Fleet;
let client: Anthropic;

beforeAll(async () => {
  engine = await startChatEngine();
  fleet = await startFleet({ endpoints: [{ id: "one", region: "us-east", config: { url: engine.url } }] });
  client = new Anthropic({ baseURL: fleet.router.url, apiKey: fleet.key, maxRetries: 0, logLevel: "off" });
});
afterAll(async () => {
  await fleet.close();
  await engine.close();
});

const WEATHER: Anthropic.Tool = {
  name: "weather",
  description: "The weather of a city.",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

const asking = (content: Anthropic.MessageParam["content"], more: object = {}) => ({
  model: fleet.model,
  max_tokens: 64,
  messages: [{ role: "user" as const, content }],
  ...more,
});

const USAGE = { input_tokens: 32, cache_read_input_tokens: 10, cache_creation_input_tokens: 0 };

describe("a whole message", () => {
  test("is told from a chat completion, with its usage", async () => {
    const message = await client.messages.create(asking("hello"));
    expect(message).toMatchObject({
      id: "msg_1",
      type: "message",
      role: "assistant",
      content: [{ type: "text", text: "Good morning, ü 🎈." }],
      stop_reason: "end_turn",
      usage: { ...USAGE, output_tokens: 4 },
    });
    expect(engine.asked[0]).toMatchObject({ max_tokens: 64, messages: [{ role: "user", content: "hello" }] });
  });

  test.each([
    ["long", { stop_reason: "max_tokens", stop_sequence: null }],
    ["halt", { stop_reason: "stop_sequence", stop_sequence: "END" }],
    ["weather", { stop_reason: "tool_use", stop_sequence: null }],
  ])("says why it ended: %s", async (wish, said) => {
    expect(await client.messages.create(asking(wish, { tools: [WEATHER] }))).toMatchObject(said);
  });

  test("has its thinking and its calls as blocks", async () => {
    expect((await client.messages.create(asking("think"))).content).toEqual([
      { type: "thinking", thinking: "Let me see.", signature: "" },
      { type: "text", text: "Four." },
    ]);
    expect((await client.messages.create(asking("weather", { tools: [WEATHER] }))).content).toEqual([
      { type: "text", text: "I look." },
      { type: "tool_use", id: "call_a", name: "weather", input: { city: "Oslo" } },
      { type: "tool_use", id: "call_b", name: "weather", input: { city: "Bergen" } },
    ]);
  });
});

describe("a stream", () => {
  test("comes in the order of the protocol, with what the prompt had from its first event on", async () => {
    const events: Anthropic.RawMessageStreamEvent[] = [];
    for await (const event of await client.messages.create({ ...asking("think"), stream: true })) events.push(event);
    expect(events.map(({ type }) => type)).toEqual([
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_delta",
      "content_block_stop",
      "content_block_start",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    expect(events[0]).toMatchObject({ message: { id: "msg_1", content: [], stop_reason: null, usage: USAGE } });
    expect(events.at(-2)).toMatchObject({ delta: { stop_reason: "end_turn" }, usage: { ...USAGE, output_tokens: 4 } });
  });

  test.each(["hello", "think", "weather", "long", "halt"])("gathers to what the whole answer is: %s", async (wish) => {
    const asked = asking(wish, { tools: [WEATHER] });
    const whole = await client.messages.create(asked);
    const gathered = await client.messages.stream(asked).finalMessage();
    const { parsed_output: _none, ...streamed } = gathered as typeof gathered & { parsed_output?: unknown };
    expect(streamed).toMatchObject(JSON.parse(JSON.stringify(whole)) as object);
  });

  test.each([
    ["error", /out of memory/],
    ["close", /broke off/],
    ["break", /broke off/],
  ])("that ends without its end is an error to the client: %s", async (wish, said) => {
    const text: string[] = [];
    const reading = (async () => {
      for await (const event of await client.messages.create({ ...asking(wish), stream: true })) {
        if (event.type === "content_block_delta" && event.delta.type === "text_delta") text.push(event.delta.text);
      }
    })();
    await expect(reading).rejects.toThrow(said);
    expect(text.join("")).toBe("Good morning, ");
  });

  test("that the client gives up is given up at the engine, and its slot is free", async () => {
    const before = engine.gaveUp();
    const stream = client.messages.stream(asking("drip"));
    const ended = stream.done().catch(() => undefined);
    await new Promise<void>((settle) => stream.once("text", () => settle()));
    stream.abort();
    await ended;
    await fleet.until(
      async () => engine.gaveUp(),
      (gaveUp) => gaveUp > before,
    );
    await fleet.until(
      () => fleet.liveLeases(),
      (leases) => leases === 0,
    );
    expect(engine.gaveUp()).toBe(before + 1);
  });
});

describe("what is asked", () => {
  test("tools, their results, pictures and the system's words arrive as chat completions have them", async () => {
    await client.messages.create({
      ...asking("hello", { temperature: 0.5 }),
      system: [
        { type: "text", text: "Be brief." },
        { type: "text", text: "Be kind.", cache_control: { type: "ephemeral" } },
      ],
      tools: [WEATHER],
      tool_choice: { type: "any", disable_parallel_tool_use: true },
      stop_sequences: ["END"],
      metadata: { user_id: "u1" },
      messages: [
        { role: "user", content: "weather?" },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "Ask.", signature: "" },
            { type: "tool_use", id: "call_a", name: "weather", input: { city: "Oslo" } },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "call_a", content: "cold", is_error: true },
            { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
            { type: "text", text: "hello" },
          ],
        },
      ],
    });
    expect(engine.asked[0]).toEqual({
      model: fleet.model,
      max_tokens: 64,
      temperature: 0.5,
      stop: ["END"],
      user: "u1",
      tools: [
        {
          type: "function",
          function: { name: WEATHER.name, description: WEATHER.description, parameters: WEATHER.input_schema },
        },
      ],
      tool_choice: "required",
      parallel_tool_calls: false,
      messages: [
        {
          role: "system",
          content: [
            { type: "text", text: "Be brief." },
            { type: "text", text: "Be kind." },
          ],
        },
        { role: "user", content: "weather?" },
        {
          role: "assistant",
          content: null,
          reasoning_content: "Ask.",
          tool_calls: [{ id: "call_a", type: "function", function: { name: "weather", arguments: '{"city":"Oslo"}' } }],
        },
        { role: "tool", tool_call_id: "call_a", content: "Error: cold" },
        {
          role: "user",
          content: [
            { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
            { type: "text", text: "hello" },
          ],
        },
      ],
    });
  });

  test("what is left out is named in a header", async () => {
    const { response } = await client.messages
      .create(asking([{ type: "text", text: "hello", cache_control: { type: "ephemeral" } }]))
      .withResponse();
    expect(response.headers.get("x-warmpath-translated")).toBe('chat;dropped="cache_control"');
    expect(response.headers.get("request-id")).toBe(response.headers.get("x-request-id"));
  });

  test("what chat completions cannot say is refused by its name, and nothing is sent", async () => {
    await client.messages.create(asking("hello"));
    const before = engine.asked.length;
    const tools = [{ type: "web_search_20250305", name: "web_search" }];
    const refused = await client.messages.create(asking("hello", { tools })).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Anthropic.BadRequestError);
    expect((refused as InstanceType<typeof Anthropic.APIError>).error).toMatchObject({
      type: "error",
      error: { type: "invalid_request_error", message: expect.stringContaining("tools[0].type") as string },
    });
    expect(engine.asked.length).toBe(before);
  });

  test("an error of the engine's is told in the protocol's own form", async () => {
    const refused = await client.messages.create(asking("refuse")).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Anthropic.BadRequestError);
    expect((refused as InstanceType<typeof Anthropic.APIError>).error).toMatchObject({
      type: "error",
      error: { type: "invalid_request_error", message: "temperature must be at most 2" },
    });
    const busy = await client.messages.create(asking("busy")).catch((error: unknown) => error);
    expect(busy).toBeInstanceOf(Anthropic.RateLimitError);
  });

  test("tokens are counted by the engine's own tokenizer", async () => {
    const { max_tokens: _none, ...asked } = asking("hello", { system: "Be brief." });
    expect(await client.messages.countTokens(asked)).toMatchObject({ input_tokens: 42 });
    expect(engine.paths[0]).toBe("/tokenize");
  });
});
