/** The published OpenAI package, unmodified, asking for Responses from an engine that speaks chat completions alone. */
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startChatEngine } from "../support/chat-engine.ts";
import type { ChatEngine } from "../support/chat-engine.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { openaiOf } from "../support/openai.ts";

type Event = OpenAI.Responses.ResponseStreamEvent;

let engine: ChatEngine;
let fleet: Fleet;
let client: OpenAI;

beforeAll(async () => {
  engine = await startChatEngine();
  fleet = await startFleet({
    endpoints: [{ id: "one", region: "us-east", config: { url: engine.url, protocols: ["chat"] } }],
  });
  client = openaiOf(fleet);
});
afterAll(async () => {
  await fleet.close();
  await engine.close();
});

const WEATHER: OpenAI.Responses.FunctionTool = {
  type: "function",
  name: "weather",
  description: "The weather of a city.",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  strict: true,
};
const PATCH: OpenAI.Responses.CustomTool = { type: "custom", name: "apply_patch", description: "Changes files." };
const TOOLS = [WEATHER, PATCH];

async function eventsOf(input: string): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of await client.responses.create({ model: fleet.model, input, tools: TOOLS, stream: true })) {
    events.push(event);
  }
  return events;
}

describe("a whole response", () => {
  test("is told from a chat completion, with its usage", async () => {
    const response = await client.responses.create({ model: fleet.model, input: "hello", metadata: { of: "test" } });
    expect(response).toMatchObject({
      id: "resp_chat_1",
      object: "response",
      status: "completed",
      output_text: "Good morning, ü 🎈.",
      metadata: { of: "test" },
      store: false,
      usage: {
        input_tokens: 42,
        input_tokens_details: { cached_tokens: 10 },
        output_tokens: 4,
        total_tokens: 46,
      },
    });
  });

  test("that was cut short says why", async () => {
    expect(await client.responses.create({ model: fleet.model, input: "long" })).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
    });
  });

  test("has reasoning, calls and the input of a custom tool as items", async () => {
    const output = async (input: string) =>
      (await client.responses.create({ model: fleet.model, input, tools: TOOLS })).output;
    expect(await output("think")).toMatchObject([
      { type: "reasoning", content: [{ type: "reasoning_text", text: "Let me see." }] },
      { type: "message", content: [{ type: "output_text", text: "Four." }] },
    ]);
    expect(await output("weather")).toMatchObject([
      { type: "message" },
      { type: "function_call", call_id: "call_a", name: "weather", arguments: '{"city":"Oslo"}' },
      { type: "function_call", call_id: "call_b", name: "weather", arguments: '{"city":"Bergen"}' },
    ]);
    expect(await output("patch")).toMatchObject([
      { type: "custom_tool_call", call_id: "call_p", name: "apply_patch", input: "*** Begin\n*** End" },
    ]);
  });
});

describe("a stream", () => {
  test("comes in the order of the protocol, each event with its number and its place", async () => {
    const events = await eventsOf("think");
    expect(events.map(({ type }) => type)).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.reasoning_text.delta",
      "response.reasoning_text.delta",
      "response.reasoning_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, index) => index));
    const placed = events.map((event) => ("output_index" in event ? event.output_index : null));
    expect(placed).toEqual([null, null, ...Array<number>(7).fill(0), ...Array<number>(6).fill(1), null]);
  });

  test.each(["hello", "think", "weather", "patch", "long", "halt"])(
    "ends with what the whole answer is: %s",
    async (input) => {
      const whole = await client.responses.create({ model: fleet.model, input, tools: TOOLS });
      const gathered = await client.responses.stream({ model: fleet.model, input, tools: TOOLS }).finalResponse();
      expect(JSON.parse(JSON.stringify(gathered.output))).toMatchObject(
        JSON.parse(JSON.stringify(whole.output)) as unknown[],
      );
      expect(gathered).toMatchObject({ id: whole.id, status: whole.status, usage: whole.usage });
    },
  );

  test.each([
    ["error", /out of memory/],
    ["close", /broke off/],
    ["break", /broke off/],
  ])("that ends without its end is an error to the client: %s", async (input, said) => {
    const text: string[] = [];
    const reading = (async () => {
      for await (const event of await client.responses.create({ model: fleet.model, input, stream: true })) {
        if (event.type === "response.output_text.delta") text.push(event.delta);
      }
    })();
    await expect(reading).rejects.toThrow(said);
    expect(text.join("")).toBe("Good morning, ");
  });

  test("that breaks off tells its error with the next number", async () => {
    const answer = await fleet.call("/v1/responses", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: fleet.model, input: "break", stream: true }),
    });
    const told = (await answer.text()).split("\n\n").filter((part) => part.includes("data: "));
    const numbers = told.map(
      (part) => (JSON.parse(part.split("data: ")[1] ?? "") as { sequence_number: number }).sequence_number,
    );
    expect(numbers).toEqual(numbers.map((_, index) => index));
    expect(told.at(-1)).toContain("event: error");
  });

  test("that the client gives up is given up at the engine", async () => {
    const before = engine.gaveUp();
    const stream = await client.responses.create({ model: fleet.model, input: "drip", stream: true });
    for await (const event of stream) if (event.type === "response.output_text.delta") break;
    await fleet.until(
      async () => engine.gaveUp(),
      (gaveUp) => gaveUp > before,
    );
    expect(
      await fleet.until(
        () => fleet.liveLeases(),
        (leases) => leases === 0,
      ),
    ).toBe(0);
  });
});

describe("what is asked", () => {
  test("instructions, items, tools and the form of the answer arrive as chat completions have them", async () => {
    await client.responses.create({
      model: fleet.model,
      instructions: "Be brief.",
      max_output_tokens: 64,
      reasoning: { effort: "low" },
      tools: TOOLS,
      tool_choice: { type: "function", name: "weather" },
      parallel_tool_calls: false,
      text: { format: { type: "json_schema", name: "city", schema: { type: "object" }, strict: true } },
      store: false,
      input: [
        { role: "developer", content: "Be kind." },
        { role: "user", content: [{ type: "input_text", text: "weather?" }] },
        { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "Ask." }] },
        { type: "function_call", call_id: "call_a", name: "weather", arguments: '{"city":"Oslo"}' },
        { type: "function_call_output", call_id: "call_a", output: "cold" },
        {
          role: "user",
          content: [
            { type: "input_image", image_url: "data:image/png;base64,AAAA", detail: "low" },
            { type: "input_text", text: "hello" },
          ],
        },
      ],
    });
    expect(engine.asked[0]).toEqual({
      model: fleet.model,
      max_tokens: 64,
      reasoning_effort: "low",
      parallel_tool_calls: false,
      response_format: { type: "json_schema", json_schema: { name: "city", schema: { type: "object" }, strict: true } },
      tools: [
        {
          type: "function",
          function: { name: "weather", description: WEATHER.description, parameters: WEATHER.parameters, strict: true },
        },
        {
          type: "function",
          function: {
            name: "apply_patch",
            description: "Changes files.",
            parameters: {
              type: "object",
              properties: { input: { type: "string" } },
              required: ["input"],
              additionalProperties: false,
            },
          },
        },
      ],
      tool_choice: { type: "function", function: { name: "weather" } },
      messages: [
        { role: "system", content: "Be brief.\n\nBe kind." },
        { role: "user", content: "weather?" },
        {
          role: "assistant",
          content: null,
          reasoning_content: "Ask.",
          tool_calls: [{ id: "call_a", type: "function", function: { name: "weather", arguments: '{"city":"Oslo"}' } }],
        },
        { role: "tool", tool_call_id: "call_a", content: "cold" },
        {
          role: "user",
          content: [
            { type: "image_url", image_url: { url: "data:image/png;base64,AAAA", detail: "low" } },
            { type: "text", text: "hello" },
          ],
        },
      ],
    });
  });

  test.each([
    ["previous_response_id", { previous_response_id: "resp_x" }],
    ["background", { background: true }],
    ["tools[0].type", { tools: [{ type: "web_search" }] }],
    ["truncation", { truncation: "auto" }],
    ["input[0].type", { input: [{ type: "item_reference", id: "msg_1" }] }],
  ])("%s is refused by its name, and nothing is sent", async (param, asked) => {
    const before = engine.asked.length;
    const refused = await client.responses
      .create({ model: fleet.model, input: "hello", ...asked } as OpenAI.Responses.ResponseCreateParamsNonStreaming)
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OpenAI.BadRequestError);
    expect((refused as InstanceType<typeof OpenAI.APIError>).param).toBe(param);
    expect(engine.asked.length).toBe(before);
  });

  test("an error of the engine's keeps its status", async () => {
    await expect(client.responses.create({ model: fleet.model, input: "refuse" })).rejects.toThrow("at most 2");
    await expect(client.responses.create({ model: fleet.model, input: "busy" })).rejects.toBeInstanceOf(
      OpenAI.RateLimitError,
    );
  });

  test("what was translated is kept by nobody, and says so", async () => {
    const { id } = await client.responses.create({ model: fleet.model, input: "hello" });
    await expect(client.responses.retrieve(id)).rejects.toThrow("translated from chat completions");
  });
});
