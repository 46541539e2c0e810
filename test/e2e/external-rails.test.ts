/** Guardrails that ask a service: real HTTP servers that hang, fail, lie, or find something. */
import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { GpuSimulator } from "../../backends/gpu-simulator/simulator.ts";
import { startGpuSimulator } from "../../backends/gpu-simulator/server.ts";
import { OUTSIDE_AT_ONCE_MAX } from "../../src/rails/core/engine.ts";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { HEDGE_SAMPLES_MIN } from "../../src/routing/core/endpoint/first-byte.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { startRailServer } from "../support/rail-server.ts";
import type { RailCall, RailServer } from "../support/rail-server.ts";

/** Requests for each way to fail. */
const TIMES = 200;
/** At once: below what the fleet takes. */
const AT_ONCE = 20;
/** Of the rails that are made to hang, ms. */
const TIMEOUT_MS = 60;
/** Of the others: explains nothing that these tests see. */
const PATIENT_MS = 20_000;
const SECRET = `whsec_${Buffer.from("twenty-four bytes at least").toString("base64")}`;
const KEY = `AKIA${"Q3EGVZ7NUWDKJ4TS"}`;
let fleet: Fleet;
let rails: RailServer;
let gpu: GpuSimulator;

beforeAll(async () => {
  rails = await startRailServer();
  const webhook = (name: string, fields: Record<string, unknown> = {}) => ({
    use: "webhook",
    name,
    timeoutMs: PATIENT_MS,
    options: { url: `${rails.url}/${name}` },
    ...fields,
  });
  const quick = (onError: "open" | "closed") => [webhook("ext", { timeoutMs: TIMEOUT_MS, onError })];
  const eight = Array.from({ length: 8 }, (_, index) => webhook(`r${index}`));
  const guard = (pool: string) => ({ use: "llama-guard", timeoutMs: PATIENT_MS, options: { pool, model: "guard" } });
  const pools: Record<string, Record<string, unknown>> = {
    open: { input: quick("open") },
    closed: { input: quick("closed") },
    pair: {
      input: [
        "size",
        "secrets",
        webhook("first", { options: { url: `${rails.url}/first`, secret: "RAIL_SECRET" } }),
        webhook("second"),
      ],
    },
    beside: { input: ["secrets", webhook("slow")], overlap: "dispatch" },
    redacts: { input: [webhook("dlp", { action: "redact" })] },
    "redacts-beside": { input: [webhook("dlp", { action: "redact" })], overlap: "dispatch" },
    shadowed: { input: [webhook("ghost", { shadow: true })] },
    elsewhere: { input: [webhook("theirs", { tenants: ["somebody-else"] }), webhook("never", { sample: 0 })] },
    flags: { input: [webhook("mild", { action: "flag" })] },
    moderated: {
      input: [
        {
          use: "moderation",
          timeoutMs: PATIENT_MS,
          options: { url: `${rails.url}/moderations`, secret: "RAIL_SECRET", categories: { violence: 0.5 } },
        },
      ],
    },
    guarded: { input: [guard("guard")] },
    "wrong-pattern": { input: [{ use: "regex", options: { patterns: [{ name: "p", pattern: "(?<=a)b" }] } }] },
    "no-secret": { input: [webhook("signed", { options: { url: rails.url, secret: "NOT_THERE" } })] },
    late: { input: [webhook("ext", { onError: "open" })], deadlineMs: TIMEOUT_MS },
  };
  const simulator = { engine: ENGINE_PRESETS.fast };
  gpu = await startGpuSimulator({ ...simulator, servedModelNames: ["sim-model", ...Object.keys(pools)] });
  const endpoint = (id: string, url: string) => ({
    id,
    region: "us-east",
    backend: "openai",
    url,
    concurrencyPerWorker: 64,
  });
  const morePools = Object.entries(pools).map(([id, one]) => [
    id,
    { paths: ["*"], endpoints: [endpoint(`gpu-${id}`, gpu.url)], rails: one, patienceMs: 5_000 },
  ]);
  fleet = await startFleet({
    endpoints: [
      { id: "us-a", region: "us-east", simulator },
      { id: "eu-a", region: "eu-west", simulator },
    ],
    bindings: { RAIL_SECRET: SECRET },
    pool: { patienceMs: 5_000, rails: { input: eight, overlap: "dispatch" }, hedge: { afterMsMin: 150 } },
    morePools: {
      ...Object.fromEntries(morePools),
      guard: { endpoints: [endpoint("guard-a", rails.url)], rails: { input: [] }, patienceMs: 5_000 },
    },
  });
});
afterAll(async () => {
  await fleet.close();
  await gpu.close();
  await rails.close();
});
beforeEach(() => {
  rails.forget();
  rails.onCall(() => undefined);
});
afterEach(async () => {
  await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  expect(
    await fleet.until(
      async () => gpu.stats.activeRequests,
      (requests) => requests === 0,
    ),
  ).toBe(0);
});

const allow = (call: RailCall): void => call.reply({ verdict: "allow" });

const ask = (pool: string, content = "hello", more: Record<string, unknown> = {}): Promise<Response> =>
  fleet.call("/v1/chat/completions", {
    method: "POST",
    body: JSON.stringify({ model: pool, max_tokens: 2, messages: [{ role: "user", content }], ...more }),
  });

const errorOf = async (response: Response) => {
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  return { status: response.status, code: error.code, message: error.message };
};

describe("a webhook", () => {
  test("is asked about every text, and its signature fits the reference library", async () => {
    rails.onCall(allow);
    const response = await ask("pair");
    expect(response.status).toBe(200);
    const call = rails.calls.find(({ path }) => path === "/first");
    const model = { path: "model", role: "parameter", text: "pair" };
    expect(call?.body).toEqual({
      type: "rail.check",
      stage: "input",
      parts: [model, { path: "messages[0].content", role: "user", text: "hello" }],
      requestId: response.headers.get("x-request-id"),
      tenant: "tests",
      pool: "pair",
    });
    new Webhook(SECRET).verify(call?.text ?? "", call?.headers as Record<string, string>);
    expect(response.headers.get("x-warmpath-rails")).toMatch(
      /^size=allow;\d+, secrets=allow;\d+, first=allow;\d+, second=allow;\d+$/,
    );
    expect(response.headers.get("server-timing")).toMatch(/rail-first;dur=\d+;desc="allow"/);
  });

  test("does not get to see what another rail has redacted", async () => {
    rails.onCall(allow);
    expect((await ask("pair", `key ${KEY}`)).status).toBe(200);
    for (const { text } of rails.calls) expect(text).not.toContain(KEY);
  });

  test("that blocks is named, the text is not repeated, nothing is dispatched, and the other call is closed", async () => {
    const { requests } = gpu.stats;
    rails.onCall((call) => {
      if (call.path === "/second") call.reply({ verdict: "block", reasons: ["bad idea", "x".repeat(500)] });
    });
    const answer = await errorOf(await ask("pair", "please repeat zebra"));
    expect(answer).toMatchObject({ status: 400, code: "blocked_by_guardrail" });
    expect(answer.message).toContain('"second"');
    expect(answer.message).not.toContain("zebra");
    await rails.calls.find(({ path }) => path === "/first")?.left;
    expect(gpu.stats.requests).toBe(requests);
  });

  test.each([
    ["in shadow decides nothing and is recorded", "shadowed", /^ghost=block;\d+;shadow$/],
    ["that may only flag does", "flags", /^mild=flag;\d+$/],
  ])("%s", async (_, pool, header) => {
    rails.onCall((call) => call.reply({ verdict: "block" }));
    const response = await ask(pool);
    expect([response.status, response.headers.get("x-warmpath-rails")]).toEqual([200, expect.stringMatching(header)]);
  });

  test("of other tenants, or sampled out, is not asked", async () => {
    const response = await ask("elsewhere");
    expect([response.status, rails.calls.length, response.headers.get("x-warmpath-rails")]).toEqual([200, 0, null]);
  });

  test.each(["redacts", "redacts-beside"])("that redacts changes its span alone: %s", async (pool) => {
    rails.onCall((call) => {
      const spans = [{ path: "messages[1].content", start: 3, end: 8, type: "name" }];
      call.reply({ verdict: "redact", spans });
    });
    const body =
      '{"model":"m","seed":9007199254740993,"messages":[{"role":"user","content":"zebra"},{"content":"I, zebra"}]}';
    const response = await fleet.call(`/p/${pool}/echo`, { method: "POST", body });
    const { bodyBase64 } = (await response.json()) as { bodyBase64: string };
    expect(Buffer.from(bodyBase64, "base64").toString()).toBe(body.replace('"I, zebra"', '"I, [REDACTED:name]"'));
  });
});

describe("a rail outside that fails, 200 times", () => {
  const ways: readonly [string, (call: RailCall) => void][] = [
    ["hanging", () => undefined],
    ["answering 500", (call) => call.reply({ verdict: "allow" }, 500)],
    ["answering garbage", (call) => call.reply("{]")],
    ["answering what is no verdict", (call) => call.reply({ verdict: "maybe" })],
    [
      "naming a text that is not there",
      (call) => call.reply({ verdict: "redact", spans: [{ path: "x", start: 0, end: 1 }] }),
    ],
  ];
  const flood = async (pool: string): Promise<readonly Response[]> => {
    const responses: Response[] = [];
    for (let sent = 0; sent < TIMES; sent += AT_ONCE) {
      responses.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => ask(pool)))));
    }
    return responses;
  };

  test.each(ways)("%s, closed: nothing is let through", async (_, handle) => {
    const { requests } = gpu.stats;
    rails.onCall(handle);
    const responses = await flood("closed");
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([503]));
    expect((await errorOf(responses[0] as Response)).code).toBe("guardrail_unavailable");
    // On a busy machine the time of some is over before they are asked.
    expect([rails.calls.length > 0, gpu.stats.requests - requests]).toEqual([true, 0]);
  });

  test.each(ways)("%s, open: all are let through, and the failure is recorded", async (_, handle) => {
    const { requests } = gpu.stats;
    rails.onCall(handle);
    const responses = await flood("open");
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    for (const { headers } of responses) {
      expect(headers.get("x-warmpath-rails")).toMatch(/^ext=rail_error;\d+;(error|timeout)$/);
    }
    expect(gpu.stats.requests - requests).toBe(TIMES);
  });

  test("the stage's deadline ends a rail that has more time of its own", async () => {
    rails.onCall(() => undefined);
    const response = await ask("late");
    expect(response.headers.get("x-warmpath-rails")).toBe(`ext=rail_error;${TIMEOUT_MS};timeout`);
    await (
      await rails.call(0)
    ).left;
  });
});

describe("in dispatch mode", () => {
  test("the request is on its way before the verdict, its answer is held back, and the time saved is told", async () => {
    const before = gpu.stats.answered;
    let isAnswered = false;
    const answering = ask("beside").then((response) => {
      isAnswered = true;
      return response;
    });
    await fleet.until(
      async () => gpu.stats.answered,
      (answered) => answered === before + 1,
    );
    expect(isAnswered).toBe(false);
    allow(await rails.call(0));
    const response = await answering;
    expect(response.status).toBe(200);
    expect(Number(response.headers.get("x-warmpath-rails-saved-ms"))).toBeGreaterThan(0);
  });

  test.each([true, false])("a block aborts the upstream and frees the lease (stream: %s)", async (stream) => {
    const { aborted } = gpu.stats;
    const answering = ask("beside", "zebra", { stream, max_tokens: 20_000 });
    await fleet.until(
      async () => gpu.stats.activeRequests,
      (requests) => requests === 1,
    );
    (await rails.call(0)).reply({ verdict: "block" });
    const answer = await errorOf(await answering);
    expect(answer).toMatchObject({ status: 400, code: "blocked_by_guardrail" });
    expect(answer.message).not.toContain("zebra");
    await fleet.until(
      async () => gpu.stats.aborted,
      (now) => now === aborted + 1,
    );
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  });

  test("an answer that is there is not shown if the verdict is a block", async () => {
    const before = gpu.stats.answered;
    const answering = ask("beside");
    await fleet.until(
      async () => gpu.stats.answered,
      (answered) => answered === before + 1,
    );
    (await rails.call(0)).reply({ verdict: "block" });
    expect(await errorOf(await answering)).toMatchObject({ status: 400, code: "blocked_by_guardrail" });
  });

  test("what a rail inside has redacted is redacted in what is sent at once", async () => {
    const body = JSON.stringify({ messages: [{ content: `key ${KEY}` }] });
    const answering = fleet.call("/p/beside/echo", { method: "POST", body });
    allow(await rails.call(0));
    const { bodyBase64 } = (await (await answering).json()) as { bodyBase64: string };
    expect(Buffer.from(bodyBase64, "base64").toString()).toBe(body.replace(KEY, "[REDACTED:aws_access_key_id]"));
  });

  test.each(["block", "allow"])("an endpoint that fails does not answer before the verdict: %s", async (verdict) => {
    gpu.setFault({ kind: "status", status: 500, times: 1 });
    const before = gpu.stats.requests;
    const answering = ask("beside");
    await fleet.until(
      async () => gpu.stats.requests,
      (requests) => requests === before + 1,
    );
    (await rails.call(0)).reply({ verdict });
    const { status } = await answering;
    expect(status).toBe(verdict === "block" ? 400 : 502);
  });

  test("eight rails, the dispatch and a hedge do not wait for each other, and no more than the bound run at once", async () => {
    rails.onCall(allow);
    const stream = { stream: true, max_tokens: 1 };
    for (let sent = 0; sent < HEDGE_SAMPLES_MIN + 5; sent += 1) {
      for (const place of [`${42 + sent / 10},-77`, `${52 + sent / 10},8`]) {
        const response = await fleet.chat({ stream: true, maxTokens: 1, place });
        await response.text();
      }
    }
    rails.forget();
    // The rails hang until both attempts are there: were a connection kept from either, nothing would ever end.
    const held: RailCall[] = [];
    let isOpen = false;
    rails.onCall((call) => {
      if (isOpen) allow(call);
      else held.push(call);
    });
    fleet.simulator("us-a").setFault({ kind: "hang", times: 1 });
    const before = fleet.simulator("eu-a").stats.requests;
    const answering = fleet.call("/v1/chat/completions", {
      method: "POST",
      place: "us-east",
      body: JSON.stringify({ model: fleet.model, messages: [{ role: "user", content: "hello" }], ...stream }),
    });
    await fleet.until(
      async () => fleet.simulator("eu-a").stats.requests,
      (requests) => requests === before + 1,
    );
    isOpen = true;
    for (const call of held) allow(call);
    const response = await answering;
    expect(await response.text()).toContain("[DONE]");
    expect(response.headers.get("x-warmpath-reason")).toBe("hedge");
    expect([rails.calls.length, rails.openMost()]).toEqual([8, OUTSIDE_AT_ONCE_MAX]);
  });
});

describe("a moderation service", () => {
  test.each([
    ["below the threshold", 0.49, true, 200],
    ["at the threshold", 0.5, false, 400],
  ])("%s", async (_, violence, flagged, status) => {
    rails.onCall((call) => call.reply({ results: [{ flagged, categories: {}, category_scores: { violence } }] }));
    const response = await ask("moderated", "hello");
    expect(response.status).toBe(status);
    expect(rails.calls[0]).toMatchObject({ path: "/moderations", body: { input: ["hello"] } });
    expect(rails.calls[0]?.headers.authorization).toBe(`Bearer ${SECRET}`);
  });

  test("that judges fewer texts than there are has not answered", async () => {
    rails.onCall((call) => call.reply({ results: [] }));
    expect(await errorOf(await ask("moderated"))).toMatchObject({ code: "guardrail_unavailable" });
  });
});

describe("Llama Guard in a pool of ours", () => {
  const says = (content: string) => (call: RailCall) => call.reply({ choices: [{ message: { content } }] });

  test.each([
    ["safe", 200],
    ["\n\nunsafe\nS1,S9", 400],
    ["I cannot say", 503],
  ])("says %j", async (content, status) => {
    rails.onCall(says(content));
    const response = await ask("guarded", "hello");
    expect(response.status).toBe(status);
    expect(rails.calls[0]).toMatchObject({
      path: "/v1/chat/completions",
      body: { model: "guard", messages: [{ role: "user", content: "hello" }], stream: false },
    });
  });
});

describe("a pool whose rails cannot run", () => {
  test.each([
    ["wrong-pattern", /pool wrong-pattern, rail regex: pattern "p"/],
    ["no-secret", /pool no-secret, rail signed: the secret NOT_THERE is not set/],
  ])("refuses every request and says why in the log: %s", async (pool, log) => {
    expect(await errorOf(await ask(pool))).toMatchObject({ status: 503, code: "misconfigured" });
    await fleet.until(
      async () => fleet.router.output(),
      (output) => log.test(output),
    );
  });
});
