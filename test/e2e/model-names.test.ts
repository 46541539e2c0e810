/**
 * One model under two names: each endpoint knows its own, and nobody's else; clients have a third. Every attempt goes out
 * under the name of its endpoint, and every answer says the client's.
 */
import Anthropic from "@anthropic-ai/sdk";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startChatEngine } from "../support/chat-engine.ts";
import type { ChatEngine } from "../support/chat-engine.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { openaiOf } from "../support/openai.ts";

const US = "org/model-7b";
const EU = "model:7b-q4";
const CHAT_ONLY = "served-7b";

const fast = { ...ENGINE_PRESETS.default, prefillTokensPerMs: 1_000 };

let fleet: Fleet;
let engine: ChatEngine;
beforeAll(async () => {
  engine = await startChatEngine(CHAT_ONLY);
  const toEngine = { id: "chat-only", region: "us-east", backend: "openai", url: engine.url };
  fleet = await startFleet({
    endpoints: [
      { id: "us", region: "us-east", config: { model: US }, simulator: { servedModelNames: [US], engine: fast } },
      {
        id: "eu",
        region: "eu-west",
        config: { model: { chat: EU, "chat-v2": EU } },
        simulator: { servedModelNames: [EU], engine: fast },
      },
    ],
    pool: { models: ["chat", "chat-v2"], hedge: { afterMsMin: 25 } },
    morePools: {
      told: { models: ["told", "told-v2"], endpoints: [{ ...toEngine, model: CHAT_ONLY }] },
      raw: { models: ["raw"], answerModel: "endpoint", endpoints: [{ ...toEngine, id: "raw-1", model: CHAT_ONLY }] },
      railed: {
        models: ["railed"],
        endpoints: [{ ...toEngine, id: "railed-1", model: CHAT_ONLY }],
        rails: { output: ["secrets"] },
      },
    },
  });
});
afterAll(async () => {
  await fleet.close();
  await engine.close();
});
afterEach(() => {
  for (const simulator of fleet.simulators.values()) simulator.setFault({ kind: "none" });
});

const messages = [{ role: "user" as const, content: "hello" }];

/** Endpoint, and the names in the answer: of a whole one, or of each chunk. */
async function asked(model: string, place: string, stream: boolean) {
  const client = openaiOf(fleet, { place });
  const body = { model, messages, max_tokens: 4 };
  if (!stream) {
    const { data, response } = await client.chat.completions.create(body).withResponse();
    return { at: response.headers.get("x-warmpath-endpoint"), names: [data.model], response };
  }
  const { data, response } = await client.chat.completions.create({ ...body, stream: true }).withResponse();
  const names = new Set<string>();
  for await (const chunk of data) names.add(chunk.model);
  return { at: response.headers.get("x-warmpath-endpoint"), names: [...names], response };
}

describe("a request under a client's name", () => {
  test.each([
    ["chat", "us-east", "us", false],
    ["chat", "us-east", "us", true],
    ["chat-v2", "eu-west", "eu", false],
    ["chat-v2", "eu-west", "eu", true],
  ])("%s from %s reaches %s under its own, stream %s, and comes back under the client's", async (...given) => {
    const [model, place, at, stream] = given;
    expect(await asked(model, place, stream)).toMatchObject({ at, names: [model] });
  });

  test.each([false, true])("is repeated elsewhere under the name that is known there, stream %s", async (stream) => {
    fleet.simulator("us").setFault({ kind: "status", status: 500, times: 1 });
    const { at, names, response } = await asked("chat", "us-east", stream);
    expect([at, names, response.headers.get("x-warmpath-reason")]).toEqual(["eu", ["chat"], "failover"]);
  });

  test("is hedged under the name that is known there", async () => {
    for (let warm = 0; warm < 12; warm += 1) await asked("chat", "us-east", true);
    fleet.simulator("us").setFault({ kind: "hang", times: 1 });
    expect(await asked("chat", "us-east", true)).toMatchObject({ at: "eu", names: ["chat"] });
  });

  test("has its name in a long answer as in a short one, and its length is the new one", async () => {
    const input = Array.from({ length: 40 }, (_, index) => `text ${index}`);
    const client = openaiOf(fleet, { place: "us-east" });
    const long = await client.embeddings.create({ model: "chat", input, encoding_format: "float", dimensions: 256 });
    const short = await client.embeddings.create({
      model: "chat",
      input: "text 0",
      encoding_format: "float",
      dimensions: 256,
    });
    expect([long.model, short.model, long.data.length]).toEqual(["chat", "chat", 40]);
    expect(JSON.stringify(long).length).toBeGreaterThan(65_536);
    expect(long.data[0]?.embedding).toEqual(short.data[0]?.embedding);
  });

  test.each([false, true])("is a job's too, stream %s", async (stream) => {
    const response = await fleet.call("/v1/chat/completions", {
      method: "POST",
      headers: { prefer: "respond-async, wait=20", "content-type": "application/json" },
      body: JSON.stringify({ model: "chat-v2", messages, max_tokens: 4, stream }),
    });
    const text = await response.text();
    expect([response.status, text]).toEqual([200, expect.stringContaining('"model":"chat-v2"')]);
    expect(text).not.toMatch(/model-7b|7b-q4/);
  });
});

describe("an endpoint that is asked in another protocol", () => {
  test.each([false, true])("is asked under its own name, and Messages say the client's, stream %s", async (stream) => {
    const client = new Anthropic({ baseURL: fleet.router.url, apiKey: fleet.key, maxRetries: 0, logLevel: "off" });
    const body = { model: "told", max_tokens: 16, messages };
    const message = stream ? await client.messages.stream(body).finalMessage() : await client.messages.create(body);
    expect([message.model, engine.asked[0]?.model]).toEqual(["told", CHAT_ONLY]);
  });

  test.each([false, true])("and Responses do, stream %s", async (stream) => {
    const client = openaiOf(fleet);
    const body = { model: "told-v2", input: "hello" };
    const names: string[] = [];
    if (stream) {
      for await (const event of await client.responses.create({ ...body, stream: true })) {
        if ("response" in event) names.push(event.response.model);
      }
    } else names.push((await client.responses.create(body)).model);
    expect([[...new Set(names)], engine.asked[0]?.model]).toEqual([["told-v2"], CHAT_ONLY]);
  });
});

describe("an answer", () => {
  test.each([false, true])("keeps the endpoint's name where the pool says so, stream %s", async (stream) => {
    expect((await asked("raw", "us-east", stream)).names).toEqual([CHAT_ONLY]);
  });

  test.each([false, true])("that rails have read says the client's name, stream %s", async (stream) => {
    expect((await asked("railed", "us-east", stream)).names).toEqual(["railed"]);
  });

  test("of a request that names the endpoint's own word under /p is left alone", async () => {
    const body = JSON.stringify({ model: CHAT_ONLY, messages });
    const headers = { "content-type": "application/json" };
    const response = await fleet.call("/p/told/v1/chat/completions", { method: "POST", headers, body });
    expect(((await response.json()) as { model: string }).model).toBe(CHAT_ONLY);
  });

  test("of a request that names the client's word under /p says that one", async () => {
    const body = JSON.stringify({ model: "told-v2", messages });
    const headers = { "content-type": "application/json" };
    const response = await fleet.call("/p/told/v1/chat/completions", { method: "POST", headers, body });
    expect(((await response.json()) as { model: string }).model).toBe("told-v2");
  });
});
