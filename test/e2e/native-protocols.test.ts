/** Responses and Messages at endpoints that speak them: as they are, and each stored response where it is kept. */
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startChatEngine } from "../support/chat-engine.ts";
import type { ChatEngine } from "../support/chat-engine.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { startNativeEngine } from "../support/native-engine.ts";
import type { NativeEngine } from "../support/native-engine.ts";
import { openaiOf } from "../support/openai.ts";

let east: NativeEngine;
let west: NativeEngine;
let chat: ChatEngine;
let fleet: Fleet;
let client: OpenAI;
let stranger: OpenAI;

beforeAll(async () => {
  east = await startNativeEngine("east");
  west = await startNativeEngine("west");
  chat = await startChatEngine("mixed");
  fleet = await startFleet({
    keys: [{ id: "stranger", tenant: "other" }],
    endpoints: [
      { id: "east", region: "us-east", config: { url: east.url } },
      { id: "west", region: "eu-west", config: { url: west.url } },
    ],
    morePools: {
      mixed: {
        endpoints: [
          { id: "chat", region: "us-east", backend: "openai", url: chat.url, protocols: ["chat"] },
          { id: "native", region: "eu-west", backend: "openai", url: west.url, protocols: ["chat", "messages"] },
        ],
      },
    },
  });
  client = openaiOf(fleet);
  stranger = openaiOf(fleet, { apiKey: fleet.keyOf("stranger") });
});
afterAll(async () => {
  await fleet.close();
  await Promise.all([east, west, chat].map((engine) => engine.close()));
});

const make = (more: object = {}, place = "us-east") =>
  client.responses.create(
    { model: fleet.model, input: "hello", ...more } as OpenAI.Responses.ResponseCreateParamsNonStreaming,
    { headers: { "x-warmpath-place": place } },
  );

describe("a response that is kept", () => {
  test.each(["us-east", "eu-west"])("is found where it was made, wherever it is asked for: %s", async (place) => {
    const { id, output_text: says } = await make({}, place);
    const elsewhere = { headers: { "x-warmpath-place": place === "us-east" ? "eu-west" : "us-east" } };
    const found = await client.responses.retrieve(id, undefined, elsewhere);
    expect({ id: found.id, text: found.output_text }).toEqual({ id, text: says });
    expect((await client.responses.inputItems.list(id)).data).toMatchObject([{ content: [{ text: "hello" }] }]);
    expect(await client.responses.cancel(id)).toMatchObject({ id, status: "cancelled" });
    await client.responses.delete(id);
    await expect(client.responses.retrieve(id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  test("is gone on from at its home, under the endpoint's own name for it", async () => {
    const first = await make({}, "eu-west");
    const next = await make({ previous_response_id: first.id, input: "and then?" }, "us-east");
    expect(next).toMatchObject({ output_text: "west", previous_response_id: first.id });
    expect(west.asked[0]?.body?.previous_response_id).toMatch(/^resp_west\d+$/);
  });

  test("has one name in all events of its stream, and in a number nothing changes", async () => {
    const ids = new Set<string>();
    let raw = "";
    const { data, response } = await client.responses
      .create({ model: fleet.model, input: "hello", stream: true })
      .withResponse();
    for await (const event of data) {
      if ("response" in event) ids.add(event.response.id);
      raw += JSON.stringify(event);
    }
    const [id = ""] = ids;
    expect(ids.size).toBe(1);
    expect(raw).toContain(`msg_resp_`);
    expect(response.headers.get("x-warmpath-translated")).toBeNull();
    expect((await client.responses.retrieve(id)).id).toBe(id);
    const text = await (await fleet.call(`/v1/responses/${id}`)).text();
    const whole = await fleet.call("/v1/responses", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: fleet.model, input: "hello" }),
    });
    expect(text).toContain(id);
    expect(await whole.text()).toContain('"seed":90071992547409931');
  });

  test("is nobody else's: another tenant finds none of that name, and goes on from none", async () => {
    const { id } = await make();
    const before = east.asked.length + west.asked.length;
    await expect(stranger.responses.retrieve(id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(stranger.responses.delete(id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    const raw = id.split("~").at(-1) ?? "";
    for (const guess of [id, raw]) {
      const going = stranger.responses.create({ model: fleet.model, input: "x", previous_response_id: guess });
      await expect(going).rejects.toMatchObject({ status: 400, param: "previous_response_id" });
    }
    expect(east.asked.length + west.asked.length).toBe(before);
  });

  test("keeps the endpoint's own name where it is not to be stored", async () => {
    expect((await make({ store: false })).id).toMatch(/^resp_(?:east|west)\d+$/);
  });
});

test("a response that breaks off ends with an error that has the next number", async () => {
  const answer = await fleet.call("/v1/responses", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: fleet.model, input: "cut", stream: true, store: false }),
  });
  const last = (await answer.text()).trim().split("\n\n").at(-1) ?? "";
  expect(last).toContain("event: error");
  expect(JSON.parse(last.split("data: ")[1] ?? "")).toMatchObject({
    type: "error",
    code: "upstream_cut",
    sequence_number: 2,
  });
});

describe("messages", () => {
  const anthropic = () => new Anthropic({ baseURL: fleet.router.url, apiKey: fleet.key, maxRetries: 0 });
  const asking = { max_tokens: 8, messages: [{ role: "user" as const, content: "hello" }] };

  test("pass as they are", async () => {
    const asked = { model: fleet.model, ...asking };
    const whole = await anthropic().messages.create(asked);
    expect(whole).toMatchObject({ id: "msg_native", usage: { input_tokens: 12, output_tokens: 3 } });
    expect(await anthropic().messages.stream(asked).finalText()).toMatch(/^(?:east|west)$/);
    expect(await anthropic().messages.countTokens({ model: fleet.model, messages: asking.messages })).toEqual({
      input_tokens: 7,
    });
  });

  test("go to the near endpoint that speaks chat alone, and what that cannot say to one that speaks Messages", async () => {
    const near = { headers: { "x-warmpath-place": "us-east" } };
    const told = await anthropic()
      .messages.create({ model: "mixed", ...asking }, near)
      .withResponse();
    expect(told.response.headers.get("x-warmpath-endpoint")).toBe("chat");
    const tools: Anthropic.ToolUnion[] = [{ type: "bash_20250124", name: "bash" }];
    const native = await anthropic()
      .messages.create({ model: "mixed", ...asking, tools }, near)
      .withResponse();
    expect(native.response.headers.get("x-warmpath-endpoint")).toBe("native");
    expect(native.data.id).toBe("msg_native");
  });
});
