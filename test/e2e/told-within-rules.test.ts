/**
 * What holds for every request holds for one that is told in another protocol: rails read it and its answer, limits count
 * its tokens, a failed endpoint is replaced, and its client hears of each in its own form.
 */
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startChatEngine } from "../support/chat-engine.ts";
import type { ChatEngine } from "../support/chat-engine.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { openaiOf } from "../support/openai.ts";

const TICKET = { use: "regex", options: { patterns: [{ name: "ticket", pattern: "TCK-[0-9]{4}" }] } };

let engine: ChatEngine;
let fleet: Fleet;
let anthropic: Anthropic;
let openai: OpenAI;

beforeAll(async () => {
  engine = await startChatEngine();
  const pool = (id: string, rails: object, endpoints: readonly object[] = []) => ({
    rails,
    endpoints: [
      ...endpoints,
      { id: `at-${id}`, region: "us-east", backend: "openai", url: engine.url, model: "test-model" },
    ],
  });
  fleet = await startFleet({
    endpoints: [{ id: "plain", region: "us-east", config: { url: engine.url } }],
    keys: [{ id: "metered", tenant: "metered" }],
    config: { tenants: { metered: { limits: { maxTokensMax: 100 } } } },
    morePools: {
      redacting: pool("redacting", { output: [{ ...TICKET, action: "redact" }] }),
      blocking: pool("blocking", { input: [{ ...TICKET, action: "block" }], output: [{ ...TICKET, action: "block" }] }),
      // Nobody is there.
      half: pool("half", {}, [{ id: "gone", region: "us-east", backend: "openai", url: "http://127.0.0.1:9" }]),
    },
  });
  anthropic = new Anthropic({ baseURL: fleet.router.url, apiKey: fleet.key, maxRetries: 0, logLevel: "off" });
  openai = openaiOf(fleet);
});
afterAll(async () => {
  await fleet.close();
  await engine.close();
});

const message = (model: string, content: string, more: object = {}) => ({
  model,
  max_tokens: 64,
  messages: [{ role: "user" as const, content }],
  ...more,
});

describe("output rails", () => {
  test("take out what they find, whole and over the pieces of a stream", async () => {
    const [block] = (await anthropic.messages.create(message("redacting", "ticket"))).content;
    const whole = block?.type === "text" ? block.text : "";
    expect(whole).toMatch(/^See (?!TCK-1234).* there\.$/);
    expect(await anthropic.messages.stream(message("redacting", "ticket")).finalText()).toBe(whole);
    const asked = { model: "redacting", input: "ticket" };
    expect((await openai.responses.create(asked)).output_text).toBe(whole);
    expect((await openai.responses.stream(asked).finalResponse()).output_text).toBe(whole);
  });

  test("block: an answer that has not begun is refused, and a stream ends as one that was filtered", async () => {
    await expect(anthropic.messages.create(message("blocking", "ticket"))).rejects.toMatchObject({
      status: 400,
      error: { type: "error", error: { type: "invalid_request_error" } },
    });
    const stopped = await anthropic.messages.stream(message("blocking", "ticket")).finalMessage();
    expect(stopped.stop_reason).toBe("refusal");
    expect(JSON.stringify(stopped)).not.toContain("K-1234");
    const cut = await openai.responses.stream({ model: "blocking", input: "ticket" }).finalResponse();
    expect(cut.incomplete_details).toEqual({ reason: "content_filter" });
    expect(JSON.stringify(cut)).not.toContain("K-1234");
  });
});

test("input rails read what the client wrote, and refuse it in its form", async () => {
  const before = engine.asked.length;
  await expect(anthropic.messages.create(message("blocking", "TCK-1234"))).rejects.toBeInstanceOf(
    Anthropic.BadRequestError,
  );
  const input = [{ role: "user" as const, content: [{ type: "input_text" as const, text: "TCK-1234" }] }];
  await expect(openai.responses.create({ model: "blocking", input })).rejects.toBeInstanceOf(OpenAI.BadRequestError);
  expect(engine.asked.length).toBe(before);
});

describe("limits", () => {
  const own = () => ({
    anthropic: new Anthropic({
      baseURL: fleet.router.url,
      apiKey: fleet.keyOf("metered"),
      maxRetries: 0,
      logLevel: "off",
    }),
    openai: openaiOf(fleet, { apiKey: fleet.keyOf("metered") }),
  });

  test("count the tokens that the engine has counted, whole and streamed", async () => {
    await own().anthropic.messages.create(message(fleet.model, "hello"));
    await own().anthropic.messages.stream(message(fleet.model, "hello")).finalMessage();
    await own().openai.responses.create({ model: fleet.model, input: "hello" });
    await own().openai.responses.stream({ model: fleet.model, input: "hello" }).finalResponse();
    const usage = async () => {
      const answer = await fleet.call("/v1/usage", { headers: { authorization: `Bearer ${fleet.keyOf("metered")}` } });
      const { data } = (await answer.json()) as { data: readonly Record<string, number>[] };
      const sum = (name: string) => data.reduce((total, row) => total + (row[name] ?? 0), 0);
      return JSON.stringify(["requests", "inputTokens", "outputTokens"].map(sum));
    };
    const counted = JSON.stringify([4, 4 * 42, 4 * 4]);
    expect(await fleet.until(usage, (seen) => seen === counted)).toBe(counted);
  });

  test("refuse more tokens than a tenant may ask for, by the name that the client used", async () => {
    await expect(own().anthropic.messages.create(message(fleet.model, "hello", { max_tokens: 101 }))).rejects.toThrow(
      "max_tokens",
    );
    const beyond = own().openai.responses.create({ model: fleet.model, input: "hello", max_output_tokens: 101 });
    await expect(beyond).rejects.toMatchObject({ param: "max_output_tokens" });
    await own().openai.responses.create({ model: fleet.model, input: "hello" });
    expect(engine.asked[0]?.["max_tokens"]).toBe(100);
  });
});

test("an endpoint that is gone is replaced before the first token, in both protocols", async () => {
  for (let turn = 0; turn < 4; turn += 1) {
    expect(await anthropic.messages.stream(message("half", "hello")).finalText()).toBe("Good morning, ü 🎈.");
    expect((await openai.responses.create({ model: "half", input: "hello" })).output_text).toBe("Good morning, ü 🎈.");
  }
});
