/** Whatever becomes of a request, it leaves exactly one record, with its outcome and every attempt. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { HEDGE_SAMPLES_MIN } from "../../src/routing/core/endpoint/first-byte.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { freshPlace } from "../support/openai.ts";
import { engine, lineOf, SLOTS } from "../support/queue-fleet.ts";
import { rawCall } from "../support/raw-client.ts";
import { idOf, LOG_ALL, recordOf, recordsIn } from "../support/records.ts";

const TOKEN_MS = 5;
const HEDGE_AFTER_MS = 150;

let fleet: Fleet;
beforeAll(async () => {
  const simulator = { engine: { ...ENGINE_PRESETS.fast, stepBaseMs: TOKEN_MS } };
  fleet = await startFleet({
    keys: [{ id: "user", tenant: "acme" }],
    endpoints: [
      { id: "us-a", region: "us-east", simulator },
      { id: "eu-a", region: "eu-west", simulator },
    ],
    pool: {
      patienceMs: 5_000,
      streamUsage: true,
      hedge: { afterMsMin: HEDGE_AFTER_MS },
      rails: { input: ["size", { use: "secrets", action: "block" }] },
    },
    morePools: {
      dead: {
        endpoints: [{ id: "dead-a", region: "us-east", backend: "openai", url: "http://127.0.0.1:9" }],
      },
    },
    config: { ...LOG_ALL, routes: [{ path: "/score", pool: "main", upstreamPath: "/echo" }] },
  });
});
afterAll(() => fleet.close());
afterEach(async () => {
  for (const simulator of fleet.simulators.values()) simulator.setFault({ kind: "none" });
  await fleet.until(fleet.liveLeases, (leases) => leases === 0);
});

const body = (changes: Record<string, unknown> = {}) =>
  JSON.stringify({ model: fleet.model, max_tokens: 4, messages: [{ role: "user", content: "hello" }], ...changes });

const post = (path: string, text: string, headers: Record<string, string> = {}) =>
  fleet.call(path, {
    method: "POST",
    place: freshPlace("us-east"),
    headers: { "content-type": "application/json", ...headers },
    body: text,
  });

const chat = (changes: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  post("/v1/chat/completions", body(changes), headers);

describe("served", () => {
  test("as a whole", async () => {
    const sent = body();
    const response = await post("/v1/chat/completions", sent, { authorization: `Bearer ${fleet.keyOf("user")}` });
    const answer = await response.text();
    const record = await recordOf(fleet, idOf(response));
    expect(record).toMatchObject({
      method: "POST",
      route: "/v1/chat/completions",
      tenant: "acme",
      keyId: "user",
      pool: "main",
      model: "test-model",
      stream: false,
      priority: "normal",
      clientRegion: "us-east",
      outcome: "served",
      status: 200,
      endpoint: "us-a",
      region: "us-east",
      why: response.headers.get("x-warmpath-reason"),
      attempts: [{ endpoint: "us-a", region: "us-east", status: 200, hedge: false }],
      rails: [
        { rail: "size", stage: "input", status: "done", action: "allow" },
        { rail: "secrets", stage: "input", status: "done", action: "allow" },
      ],
      tokens: { out: 4 },
      bytes: { in: sent.length, out: answer.length },
    });
    expect(record).not.toHaveProperty("reason");
    expect(record.attempts[0]).not.toHaveProperty("lost");
    expect(record.ms.overhead).toBe(Number(response.headers.get("x-warmpath-overhead-ms")));
    expect(record.ms.total).toBeGreaterThanOrEqual(record.attempts[0]?.endedMs ?? Infinity);
    expect(record.ms).not.toHaveProperty("ttft");
  });

  test("as a stream: told at its end, with the first token and the tokens of both sides", async () => {
    const response = await chat({ stream: true, max_tokens: 9 });
    const answer = await response.text();
    const record = await recordOf(fleet, idOf(response));
    expect(record).toMatchObject({
      outcome: "served",
      stream: true,
      tokens: { out: 9 },
      bytes: { out: answer.length },
    });
    const { ttft = 0, total } = record.ms;
    // Eight more tokens, of which each takes a step.
    expect(total - (ttft ?? 0)).toBeGreaterThanOrEqual(TOKEN_MS);
    expect(record.attempts[0]?.firstByteMs).toBe(ttft);
  });

  test.each([
    ["under the pool's own paths", "/p/main/echo", "/p/{pool}"],
    ["under a route of the config", "/score", "/score"],
    ["under Runpod's name of the OpenAI API", "/v2/main/openai/v1/chat/completions", "/v2/{pool}/openai"],
  ])("%s", async (_, path, route) => {
    const response = await post(path, body());
    await response.text();
    expect(response.status).toBe(200);
    expect(await recordOf(fleet, idOf(response))).toMatchObject({ route, pool: "main", outcome: "served" });
  });

  test("nothing is recorded of what asks no model", async () => {
    const answers = await Promise.all(
      ["/v1/models", "/admin/fleet", "/metrics", "/livez"].map(async (path) => fleet.call(path)),
    );
    const last = await chat();
    await recordOf(fleet, idOf(last));
    const told = new Set(recordsIn(fleet).map(({ id }) => id));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(answers.filter((one) => told.has(idOf(one) ?? ""))).toEqual([]);
  });
});

describe("not served", () => {
  test("a key that is none", async () => {
    const response = await chat({}, { authorization: "Bearer wp_nobody" });
    const record = await recordOf(fleet, idOf(response));
    expect(record).toMatchObject({ route: "/v1/chat/completions", outcome: "refused", reason: "unauthorized" });
    expect(record).toMatchObject({ status: 401, attempts: [] });
    expect(record).not.toHaveProperty("tenant");
  });

  test("a model that nobody has, whose name is not told", async () => {
    const response = await chat({ model: "no-such-model-of-mine" });
    const record = await recordOf(fleet, idOf(response));
    expect(record).toMatchObject({ outcome: "refused", reason: "unknown_model", status: 404, tenant: "tests" });
    expect(fleet.router.output()).not.toContain("no-such-model-of-mine");
  });

  test("a path that is not there, under one name for all", async () => {
    const response = await post("/of/my/own/making", "{}");
    expect(await recordOf(fleet, idOf(response))).toMatchObject({ route: "other", outcome: "refused", status: 404 });
    expect(fleet.router.output()).not.toContain("making");
  });

  test("a method of a client's own", async () => {
    const { answer } = rawCall(`${fleet.router.url}/v1/models`, { method: "PROPFIND", body: "" });
    const { headers, status } = await answer;
    expect(status).toBe(405);
    expect(await recordOf(fleet, String(headers["x-request-id"]))).toMatchObject({ method: "other", status: 405 });
  });

  test("blocked by a rail, whose rule is told", async () => {
    const secret = `ghp_${"R7bN2kQ9xW4mT1vZ8cL5"}${"pD3fH6jS0aYg"}${"K2eU"}`;
    const response = await chat({ messages: [{ role: "user", content: `my key is ${secret}` }] });
    const record = await recordOf(fleet, idOf(response));
    expect(record).toMatchObject({ outcome: "blocked", reason: "blocked_by_guardrail", status: 400, attempts: [] });
    expect(record.rails?.[1]).toMatchObject({ rail: "secrets", action: "block", rules: ["secrets:github_token"] });
    expect(fleet.router.output()).not.toContain(secret.slice(4));
  });
});

describe("an endpoint that fails", () => {
  test("with a 500, and another one serves", async () => {
    fleet.simulator("us-a").setFault({ kind: "status", status: 500, times: 1 });
    const response = await chat();
    await response.text();
    const record = await recordOf(fleet, idOf(response));
    expect(record).toMatchObject({ outcome: "served", endpoint: "eu-a", why: "failover" });
    expect(record.attempts).toMatchObject([
      { endpoint: "us-a", why: "nearest_warm", status: 500, lost: "server_error", said: expect.any(String) },
      { endpoint: "eu-a", why: "failover", status: 200 },
    ]);
    const [first, second] = record.attempts;
    expect(first?.endedMs).toBeLessThanOrEqual(second?.sentMs ?? 0);
  });

  test("with a 401 everywhere: our own credential is refused", async () => {
    for (const one of fleet.simulators.values()) one.setFault({ kind: "status", status: 401, times: 1 });
    const response = await chat();
    const record = await recordOf(fleet, idOf(response));
    expect(record).toMatchObject({ outcome: "upstream_failed", reason: "credential_refused", status: 502 });
    expect(record.attempts.map(({ lost, status }) => [lost, status])).toEqual([
      ["credential_refused", 401],
      ["credential_refused", 401],
    ]);
  });

  test("since nobody is there", async () => {
    const response = await chat({ model: "dead" });
    const record = await recordOf(fleet, idOf(response));
    expect(record).toMatchObject({ pool: "dead", status: response.status, reason: expect.any(String) });
    expect(["upstream_failed", "no_endpoint"]).toContain(record.outcome);
    for (const attempt of record.attempts) {
      expect(attempt).toMatchObject({ endpoint: "dead-a", lost: "connection_failed", said: expect.any(String) });
      expect(attempt).not.toHaveProperty("status");
    }
    expect(record.attempts).not.toHaveLength(0);
  });

  test("in the middle of its stream", async () => {
    fleet.simulator("us-a").setFault({ kind: "die_after_bytes", bytes: 1_200, times: 1 });
    const response = await chat({ stream: true, max_tokens: 500 });
    await response.text();
    const record = await recordOf(fleet, idOf(response));
    expect(record).toMatchObject({ outcome: "upstream_failed", reason: "upstream_cut", status: 200, endpoint: "us-a" });
    expect(record.attempts).toMatchObject([{ endpoint: "us-a", lost: "cut", status: 200 }]);
  });

  test("by being late: a hedge, and which of the two it was", async () => {
    for (const region of ["us-east", "eu-west"]) {
      await fleet.call(`/admin/shards/main/${region}/restart`, { method: "POST" });
    }
    for (let sent = 0; sent < HEDGE_SAMPLES_MIN + 5; sent++) {
      for (const place of [
        `${42 + Math.floor(sent / 5)},${-77 + (sent % 5)}`,
        `${52 + Math.floor(sent / 5)},${8 + (sent % 5)}`,
      ]) {
        await (await fleet.chat({ stream: true, maxTokens: 1, place })).text();
      }
    }
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
    fleet.simulator("us-a").setFault({ kind: "hang", times: 1 });
    const response = await chat({ stream: true });
    await response.text();
    const record = await recordOf(fleet, idOf(response));
    expect(record).toMatchObject({ outcome: "served", endpoint: "eu-a", why: "hedge" });
    expect(record.attempts).toMatchObject([
      { endpoint: "us-a", hedge: false, lost: "overtaken" },
      { endpoint: "eu-a", hedge: true, why: "hedge", status: 200 },
    ]);
  });
});

describe("what an operator reads of it", () => {
  const lastFailures = async () => {
    const shards = await fleet.shards();
    return Object.fromEntries(
      shards.flatMap(({ status }) => (status?.endpoints ?? []).map(({ id, lastFailure }) => [id, lastFailure])),
    );
  };

  test("in /admin/fleet: how it failed, what it said, which request, how often, and what to do", async () => {
    for (const one of fleet.simulators.values()) one.setFault({ kind: "status", status: 403, times: 2 });
    const ids = [await chat(), await chat()].map(idOf);
    await fleet.until(lastFailures, (seen) => seen["us-a"]?.count === 2);
    expect((await lastFailures())["us-a"]).toMatchObject({
      kind: "failed",
      status: 403,
      text: expect.stringContaining("fault set on the simulator"),
      requestId: ids[1],
      hint: expect.stringContaining("credential"),
      atMs: expect.any(Number),
    });
    const log = fleet.router.output();
    expect(log).toMatch(/"event":"endpoint_failed","pool":"main","region":"us-east","endpoint":"us-a".*"status":403/);
  });

  test("of one where nobody is", async () => {
    await (await chat({ model: "dead" })).text();
    await fleet.until(lastFailures, (seen) => (seen["dead-a"] ?? null) !== null);
    expect((await lastFailures())["dead-a"]?.text).toMatch(/refused, or broken off/);
  });

  test("in the explained decision of the request that went on elsewhere, and in POST /admin/explain", async () => {
    fleet.simulator("us-a").setFault({ kind: "status", status: 500, times: 1 });
    const response = await chat({}, { "x-warmpath-explain": "1" });
    await response.text();
    const { lost } = JSON.parse(response.headers.get("x-warmpath-decision") ?? "") as { lost: unknown };
    const said = expect.stringContaining("fault set on the simulator") as unknown;
    expect(lost).toEqual([{ endpoint: "us-a", status: 500, lost: "server_error", said }]);
    await fleet.until(lastFailures, (seen) => seen["us-a"]?.status === 500);
    const explained = await post("/admin/explain", JSON.stringify({ pool: "main", place: "us-east" }));
    type Told = { lastFailures: Record<string, unknown>; source: string; candidates: readonly unknown[] };
    const { lastFailures: told, source, candidates } = (await explained.json()) as Told;
    expect([source, candidates.length]).toEqual(["shard", 2]);
    expect(told["us-a"]).toMatchObject({ status: 500, requestId: idOf(response) });
  });
});

describe("a client that leaves", () => {
  const leaving = (changes: Record<string, unknown>) =>
    rawCall(`${fleet.router.url}/v1/chat/completions`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${fleet.key}`,
        "content-type": "application/json",
        "x-warmpath-place": freshPlace("us-east"),
      },
      body: body(changes),
    });
  /** No answer tells their ids. */
  const told = () => recordsIn(fleet).filter(({ outcome }) => outcome === "cancelled");

  test("in the middle of its stream", async () => {
    const before = told().length;
    const exchange = leaving({ stream: true, max_tokens: 20_000 });
    await fleet.until(
      async () => exchange.received().length,
      (bytes) => bytes > 500,
    );
    exchange.leave("close");
    await fleet.until(
      async () => told().length,
      (count) => count > before,
    );
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
    expect(told()).toHaveLength(before + 1);
    expect(told().at(-1)).toMatchObject({ reason: "client_left", status: 200, attempts: [{ lost: "cancelled" }] });
  });

  test("before there is an answer", async () => {
    const before = told().length;
    fleet.simulator("us-a").setFault({ kind: "hang", times: 1 });
    const active = fleet.simulator("us-a").stats.activeRequests;
    const exchange = leaving({ stream: true });
    await fleet.until(
      async () => fleet.simulator("us-a").stats.activeRequests,
      (now) => now > active,
    );
    exchange.leave("reset");
    await fleet.until(
      async () => told().length,
      (count) => count > before,
    );
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
    expect(told()).toHaveLength(before + 1);
    expect(told().at(-1)).toMatchObject({ reason: "client_left", attempts: [{ endpoint: "us-a", lost: "cancelled" }] });
  });
});

describe("a pool that is full", () => {
  const QUEUE_DEPTH_MAX = 1;
  let full: Fleet;
  beforeAll(async () => {
    const config = { concurrencyPerWorker: SLOTS, queuesExcess: false };
    full = await startFleet({
      endpoints: [{ id: "us-a", region: "us-east", simulator: { engine }, config }],
      pool: { patienceMs: 10_000, queueDepthMax: QUEUE_DEPTH_MAX, queueWaitMsMax: 120_000 },
      config: LOG_ALL,
    });
  });
  afterAll(() => full.close());

  test("sheds whom it cannot hold, and says how long the others waited", async () => {
    const holders = Array.from({ length: SLOTS }, () => new AbortController());
    for (const { signal } of holders) await full.chat({ stream: true, maxTokens: 30_000, signal });
    await full.until(
      () => lineOf(full),
      ({ live }) => live === SLOTS,
    );
    const waiting = full.chat({ maxTokens: 2 });
    await full.until(
      () => lineOf(full),
      ({ queued }) => queued === QUEUE_DEPTH_MAX,
    );
    const refused = await full.chat();
    for (const holder of holders) holder.abort();
    const held = await waiting;
    await held.text();
    expect(await recordOf(full, idOf(refused))).toMatchObject({
      outcome: "shed",
      reason: "saturated",
      status: 429,
      attempts: [],
    });
    const { ms, outcome } = await recordOf(full, idOf(held));
    expect(outcome).toBe("served");
    expect(ms.queue).toBeGreaterThan(0);
    expect(ms.lease).toBeGreaterThanOrEqual(ms.queue ?? Infinity);
    expect(ms.overhead).toBeGreaterThanOrEqual(ms.queue ?? Infinity);
  });
});
