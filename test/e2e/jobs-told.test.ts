/** Jobs that ask in Messages or Responses, at an engine that speaks chat completions alone. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startChatEngine } from "../support/chat-engine.ts";
import type { ChatEngine } from "../support/chat-engine.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

let engine: ChatEngine;
let fleet: Fleet;
beforeAll(async () => {
  engine = await startChatEngine();
  const endpoint = (id: string, more: object) => ({
    id,
    region: "eu-west",
    backend: "openai",
    url: engine.url,
    model: "test-model",
    ...more,
  });
  const railed = { use: "regex", action: "redact", options: { patterns: [{ name: "ticket", pattern: "TCK-[0-9]+" }] } };
  fleet = await startFleet({
    // Nobody says what it speaks: it is found out.
    endpoints: [{ id: "found", region: "us-east", config: { url: engine.url } }],
    morePools: {
      said: { endpoints: [endpoint("said", { protocols: ["chat"] })] },
      railed: { endpoints: [endpoint("railed", { protocols: ["chat"] })], rails: { output: [railed] } },
    },
  });
});
afterAll(async () => {
  await fleet.close();
  await engine.close();
});

type Json = Readonly<Record<string, unknown>>;

const MESSAGES = "/v1/messages";
const RESPONSES = "/v1/responses";

const asks = (path: string, model: string, say: string, more: Json = {}): Json =>
  path === MESSAGES
    ? { model, max_tokens: 50, messages: [{ role: "user", content: say }], ...more }
    : { model, input: say, ...more };

/** The answer of the job, when it has ended. */
async function resultOf(path: string, body: Json): Promise<{ readonly state: Json; readonly result: Response }> {
  const asked = await fleet.call(path, {
    method: "POST",
    headers: { "content-type": "application/json", prefer: "respond-async" },
    body: JSON.stringify(body),
  });
  expect(asked.status).toBe(202);
  const url = asked.headers.get("location") ?? "";
  const state = await fleet.until(
    async () => (await (await fleet.call(url)).json()) as Json,
    ({ status }) => status === "completed" || status === "failed",
  );
  return { state, result: await fleet.call(`${url}/result`) };
}

const model = (pool: string): string => (pool === "main" ? fleet.model : pool);

test.each(["main", "said"])("a job of the pool %s is answered as a message and as a response", async (pool) => {
  const message = await resultOf(MESSAGES, asks(MESSAGES, model(pool), "hello"));
  expect(message.state).toMatchObject({ status: "completed", error: null });
  expect(await message.result.json()).toMatchObject({
    type: "message",
    content: [{ type: "text", text: "Good morning, ü 🎈." }],
    stop_reason: "end_turn",
  });
  const response = await resultOf(RESPONSES, asks(RESPONSES, model(pool), "hello"));
  expect(await response.result.json()).toMatchObject({
    object: "response",
    status: "completed",
    output: [{ type: "message", content: [{ text: "Good morning, ü 🎈." }] }],
  });
  expect(engine.paths[0]).toBe("/v1/chat/completions");
});

test("a streamed job keeps the events of its own protocol", async () => {
  const { result } = await resultOf(MESSAGES, asks(MESSAGES, "said", "hello", { stream: true }));
  const text = await result.text();
  const names = [...text.matchAll(/^event: (.*)$/gm)].map(([, name]) => name);
  expect([names[0], names.at(-1)]).toEqual(["message_start", "message_stop"]);
  expect(text).not.toContain("chat.completion");
});

test("output rails read what the engine wrote, before it is told", async () => {
  for (const stream of [false, true]) {
    const { result } = await resultOf(MESSAGES, asks(MESSAGES, "railed", "ticket", { stream }));
    const text = await result.text();
    expect(text).not.toMatch(/TCK-1234|CK-1234/);
    expect(text).toContain("there.");
    expect(text).toContain('"type":"message');
  }
});

test("what chat completions cannot say fails the job, by its name", async () => {
  const { state } = await resultOf(RESPONSES, asks(RESPONSES, "said", "hello", { background: true }));
  expect(state).toMatchObject({ status: "failed", error: expect.stringContaining("background") });
});
