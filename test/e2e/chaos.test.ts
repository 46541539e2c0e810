/** The chaos run in small; `npm run test:chaos` is the long one. And what its verdicts are worth. */
import { describe, expect, test } from "vitest";
import { midStreamError } from "../../src/wire/error-body.ts";
import { ERRORS } from "../../src/wire/errors.ts";
import { runChaos } from "../chaos/chaos.ts";
import { classify } from "../chaos/classify.ts";
import type { Seen } from "../chaos/classify.ts";
import { planChaos } from "../chaos/plan.ts";

const OPTIONS = { requests: 400, seed: 20261101, concurrency: 20, crashes: 2 };

test("requests, leaving clients, failing endpoints, restarting shards and a killed router leave no lease behind", async () => {
  const report = await runChaos(OPTIONS);
  const { requests, seed, concurrency, crashes } = OPTIONS;
  const replay = `npm run test:chaos -- --requests ${requests} --seed ${seed} --concurrency ${concurrency} --crashes ${crashes}`;
  expect(report.violations, replay).toEqual([]);
  expect([...report.outcomes.values()].reduce((sum, times) => sum + times, 0)).toBe(requests);
  // It would prove nothing if hardly anything was served, or nothing went wrong.
  expect(report.outcomes.get("ok")).toBeGreaterThan(requests / 3);
  expect(report.outcomes.get("client_left")).toBeGreaterThan(0);
  expect(report.disturbances.get("router killed")).toBe(crashes);
  expect(report.disturbances.get("shard restart")).toBeGreaterThan(0);
});

test("the same seed plans the same run, another seed another", () => {
  expect(planChaos(OPTIONS)).toEqual(planChaos(OPTIONS));
  expect(planChaos({ ...OPTIONS, seed: 1 })).not.toEqual(planChaos(OPTIONS));
});

describe("an outcome", () => {
  const token = (text: string) => `data: {"choices":[{"delta":{"content":"${text}"}}]}\n\n`;
  const DONE = "data: [DONE]\n\n";
  const cut = midStreamError("upstream_cut");
  const refusal = (code: string) => JSON.stringify({ error: { code } });
  const whole = JSON.stringify({ usage: { completion_tokens: 2 } });
  const seen: Seen = {
    stream: true,
    maxTokens: 2,
    status: 200,
    requestId: "req_1",
    body: token("a") + token("b") + DONE,
    whole: true,
    hasLeft: false,
    hasCrashed: false,
  };

  type Case = readonly [name: string, changes: Partial<Seen>, kind: string];
  const cases: readonly Case[] = [
    ["a whole stream", {}, "ok"],
    ["a whole answer", { stream: false, body: whole }, "ok"],
    ["a stream with one error at its end", { body: token("a") + cut }, "stream_error"],
    ["an error after half an event", { body: `${token("a")}data: {"choi${cut}` }, "stream_error"],
    ["a refusal of the table", { status: 429, body: refusal("saturated") }, "refused"],
    ["a client that left", { hasLeft: true, whole: false, body: token("a") }, "client_left"],
    ["a connection that the kill broke", { hasCrashed: true, whole: false, body: token("a") }, "router_killed"],
    ["a connection that nobody broke", { whole: false, body: token("a") }, "violation"],
    ["no answer at all", { status: 0, whole: false }, "violation"],
    ["a clean end without [DONE]", { body: token("a") + token("b") }, "violation"],
    ["a token too few", { body: token("a") + DONE }, "violation"],
    ["two errors", { body: token("a") + cut + cut }, "violation"],
    ["a token after the error", { body: cut.replace(DONE, token("b") + DONE) }, "violation"],
    ["an incomplete answer", { stream: false, body: whole.slice(0, 9) }, "violation"],
    ["an error that no table lists", { status: 418, body: refusal("teapot") }, "violation"],
    ["a code with another status", { status: 503, body: refusal("saturated") }, "violation"],
    ["a failure of the router itself", { status: ERRORS.internal.status, body: refusal("internal") }, "violation"],
    ["an answer without its id", { requestId: null }, "violation"],
  ];

  test.each(cases)("%s", (_, changes, kind) => {
    expect(classify({ ...seen, ...changes }).kind).toBe(kind);
  });
});
