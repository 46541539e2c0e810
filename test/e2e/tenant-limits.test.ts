/**
 * Limits of tenants and keys over three isolates that share one ledger: exact, over a crash of the ledger, and in the forms
 * that clients read.
 */
import { createServer } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { APIError, RateLimitError } from "openai";
import { afterEach, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { BUNDLE, startFleet } from "../support/fleet.ts";
import type { Fleet, FleetPlan } from "../support/fleet.ts";
import { startIsolates } from "../support/isolates.ts";
import type { Isolates } from "../support/isolates.ts";
import { openaiOf } from "../support/openai.ts";

const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 2 };
const PRICES = { inputPerMTok: 1, cachedInputPerMTok: 0.5, outputPerMTok: 10 };

type Limits = Readonly<Record<string, unknown>>;

let fleet: Fleet;
let isolates: Isolates;
const dirs: string[] = [];

afterEach(async () => {
  await fleet.close();
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

async function start(
  limits: Limits,
  more: { keys?: FleetPlan["keys"]; pool?: object; slots?: number } = {},
): Promise<void> {
  const stateDir = mkdtempSync(join(tmpdir(), "warmpath-limits-"));
  dirs.push(stateDir);
  fleet = await startFleet({
    endpoints: [
      { id: "a", region: "us-east", simulator: { engine }, config: { concurrencyPerWorker: more.slots ?? 256 } },
    ],
    keys: [{ id: "other", tenant: "tests" }, { id: "far", tenant: "far" }, ...(more.keys ?? [])],
    pool: { prices: PRICES, streamUsage: true, patienceMs: 5_000, ...more.pool },
    config: { tenants: { tests: { limits } } },
    runtime: async (bindings) => {
      isolates = await startIsolates(BUNDLE, bindings, stateDir);
      return isolates;
    },
  });
}

const body = (wish: object = {}): string =>
  JSON.stringify({ model: fleet.model, max_tokens: 4, messages: [{ role: "user", content: "hello" }], ...wish });

let turn = 0;

/** At each isolate in turn. */
async function ask(wish: object = {}, path = "/v1/chat/completions", key = fleet.key): Promise<Response> {
  turn += 1;
  const url = isolates.urls[turn % isolates.urls.length] ?? "";
  return fetch(url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: body(wish),
  });
}

async function statuses(count: number, wish: object = {}, path?: string): Promise<Record<number, number>> {
  const answers = await Promise.all(Array.from({ length: count }, async () => ask(wish, path)));
  await Promise.all(answers.map(async (answer) => answer.arrayBuffer()));
  return Object.fromEntries(
    Object.entries(Object.groupBy(answers, ({ status }) => status)).map(([status, all]) => [status, all?.length ?? 0]),
  );
}

type Usage = {
  readonly key: string;
  readonly outcome: string;
  readonly requests: number;
  readonly outputTokens: number;
  readonly costMicros: number;
  readonly estimatedRequests: number;
  readonly inputTokens: number;
};

async function usage(): Promise<readonly Usage[]> {
  const response = await fleet.call("/v1/usage");
  expect(response.status).toBe(200);
  return ((await response.json()) as { data: readonly Usage[] }).data;
}

const servedUsage = async (): Promise<Usage | undefined> => (await usage()).find(({ outcome }) => outcome === "served");

test("500 simultaneous requests at three isolates: as many as the limit of a minute allows are served, and no more", async () => {
  await start({ requestsPerMinute: 120 });
  const counts = await statuses(500);
  expect(counts).toEqual({ 200: 120, 429: 380 });
});

test("a limit of a minute holds over a crash of everything in the middle of it, and little of it is lost", async () => {
  const limit = 400;
  await start({ requestsPerMinute: limit });
  const startedAtMs = Date.now();
  const before = (await statuses(200))[200] ?? 0;
  await fleet.until(servedUsage, (row) => row?.requests === before);
  await fleet.crash();
  const after = (await statuses(400))[200] ?? 0;
  expect(before).toBe(200);
  // On a machine so slow that the minute is over, the next one is counted too.
  const minutes = Math.ceil((Date.now() - startedAtMs) / 60_000);
  expect(before + after).toBeLessThanOrEqual(limit * minutes);
  // What was lent when it ended is gone until its minute is over, and a restart counts a 200th more.
  expect(before + after).toBeGreaterThan(limit * 0.9);
});

test("the end of a minute is told, and a client that waits for it is served", async () => {
  await start({ requestsPerMinute: 5 });
  await statuses(5);
  const refused = await ask();
  expect(refused.status).toBe(429);
  const { error, retryAfterMs } = (await refused.json()) as {
    error: { code: string; message: string };
    retryAfterMs: number;
  };
  expect(error.code).toBe("rate_limit_exceeded");
  expect(error.message).toContain("requestsPerMinute (5)");
  expect(retryAfterMs).toBeGreaterThan(30_000);
  expect(Number(refused.headers.get("retry-after"))).toBe(Math.min(60, Math.ceil(retryAfterMs / 1_000)));
  expect(refused.headers.get("x-ratelimit-remaining-requests")).toBe("0");
});

test("1,000 simultaneous requests at a cap of money overspend by nothing, streams that are cut are billed for what came, and the cap is final for OpenAI's client", async () => {
  // 4 tokens of an answer are 40 micro-units, and the prompt some 20 to 30 more: about 300 of 1,000 fit.
  await start({ spendPerDay: 0.02 });
  // Every tenth is a stream whose client leaves at the first event.
  const found = await Promise.all(
    Array.from({ length: 1_000 }, async (_, at) => {
      const isStream = at % 10 === 0;
      const answer = await ask(isStream ? { stream: true, max_tokens: 40 } : {});
      if (!isStream || answer.status !== 200) await answer.arrayBuffer();
      else {
        const reader = answer.body?.getReader();
        await reader?.read();
        await reader?.cancel();
      }
      return answer.status;
    }),
  );
  const passed = found.filter((status) => status === 200).length;
  expect(found.filter((status) => status === 429).length).toBeGreaterThan(400);
  expect(passed).toBeGreaterThan(50);
  const rows = await fleet.until(
    async () => (await usage()).filter(({ outcome }) => outcome === "served" || outcome === "cancelled"),
    (all) => all.reduce((sum, { requests }) => sum + requests, 0) >= passed,
  );
  expect(rows.reduce((sum, { costMicros }) => sum + costMicros, 0)).toBeLessThanOrEqual(20_000);
  const left = rows.find(({ outcome }) => outcome === "cancelled");
  // 40 tokens were reserved of each.
  if (left !== undefined) expect(left.outputTokens).toBeLessThan(40 * left.requests);
  let requests = 0;
  const client = openaiOf(fleet, {
    maxRetries: 3,
    fetch: async (url, init) => {
      requests += 1;
      return fetch(url, init);
    },
  });
  // What one request leaves free may still be spent.
  const failed = await (async () => {
    for (;;)
      await client.chat.completions.create({
        model: fleet.model,
        max_tokens: 64,
        messages: [{ role: "user", content: "hello" }],
      });
  })().catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(RateLimitError);
  expect((failed as APIError).code).toBe("insufficient_quota");
  const before = requests;
  await client.chat.completions
    .create({ model: fleet.model, max_tokens: 64, messages: [{ role: "user", content: "hello" }] })
    .catch(() => undefined);
  expect(requests - before).toBe(1);
});

test("what was spent before a crash of the ledger counts after it, in usage and against the cap", async () => {
  await start({ spendPerDay: 0.01, maxTokensMax: 50 });
  const before = await statuses(60);
  await fleet.until(servedUsage, (row) => row?.requests === before[200]);
  await fleet.crash();
  const after = await statuses(400);
  const served = (before[200] ?? 0) + (after[200] ?? 0);
  const used = await fleet.until(servedUsage, (row) => row?.requests === served);
  expect(used?.costMicros).toBeLessThanOrEqual(10_000);
  expect(used?.costMicros).toBeGreaterThan(60 * 40);
});

test("requests at once: some wait in line by turns, the rest are told when, and OpenAI's client comes back then", async () => {
  await start({ concurrency: 2, queueMax: 4 });
  const streams = await Promise.all([0, 1].map(async () => ask({ stream: true, max_tokens: 20_000 })));
  expect(streams.map(({ status }) => status)).toEqual([200, 200]);
  // Four find a place in the line.
  const all = Array.from({ length: 9 }, async () => ask());
  const refused = await Promise.any(
    all.map(async (asking) => {
      const answer = await asking;
      if (answer.status !== 429) throw new Error("it was served");
      return answer;
    }),
  );
  const told = (await refused.json()) as { error: { code: string; message: string }; retryAfterMs: number };
  expect(told.error.code).toBe("rate_limit_exceeded");
  expect(told.error.message).toMatch(/\d of its requests wait already/);
  expect(told.retryAfterMs).toBeGreaterThan(0);
  expect(refused.headers.get("retry-after-ms")).toBe(String(told.retryAfterMs));
  expect(refused.headers.get("retry-after")).toBe(String(Math.ceil(told.retryAfterMs / 1_000)));
  let asked = 0;
  const client = openaiOf(fleet, {
    maxRetries: 8,
    fetch: async (url, init) => {
      asked += 1;
      return fetch(url, init);
    },
  });
  const retrying = client.chat.completions.create({
    model: fleet.model,
    max_tokens: 4,
    messages: [{ role: "user", content: "hello" }],
  });
  await fleet.until(
    async () => asked,
    (count) => count > 0,
  );
  await Promise.all(streams.map(async ({ body: stream }) => stream?.cancel()));
  const found = (await Promise.all(all)).map(({ status }) => status).toSorted((one, other) => one - other);
  expect(found).toEqual([200, 200, 200, 200, 429, 429, 429, 429, 429]);
  expect((await retrying).choices).toHaveLength(1);
  // A client that left is billed for what was delivered, by its bytes.
  const rows = await fleet.until(usage, (seen) => seen.some(({ outcome }) => outcome === "cancelled"));
  const left = rows.find(({ outcome }) => outcome === "cancelled");
  expect(left?.outputTokens).toBeGreaterThan(0);
  expect(left?.outputTokens).toBeLessThan(40_000);
  expect(left?.estimatedRequests).toBe(left?.requests);
});

test("a tenant without limits is within the caps of all; one with a cap has it written into requests that name none", async () => {
  await start({ maxTokensMax: 5, tokensPerMinute: 10_000 });
  const far = fleet.keyOf("far");
  for (const wish of [{ max_tokens: 1e9 }, { n: 1_000 }]) {
    expect((await ask(wish, "/v1/chat/completions", far)).status).toBe(400);
    expect((await ask(wish, "/p/main/v1/chat/completions", far)).status).toBe(400);
  }
  expect((await ask({ max_tokens: 6 })).status).toBe(400);
  const { response } = await openaiOf(fleet)
    .chat.completions.create({ model: fleet.model, messages: [{ role: "user", content: "hello" }] })
    .withResponse();
  expect(response.headers.get("x-ratelimit-limit-tokens")).toBe("10000");
  expect(Number(response.headers.get("x-ratelimit-remaining-tokens"))).toBeLessThan(10_000);
  expect(response.headers.get("x-ratelimit-reset-tokens")).toMatch(/^(?:\d+m)?\d+m?s$/);
  const answer = await ask({ max_tokens: undefined });
  const { usage: counted } = (await answer.json()) as { usage: { completion_tokens: number; prompt_tokens: number } };
  expect(counted.completion_tokens).toBeLessThanOrEqual(5);
  expect(answer.headers.get("x-ratelimit-limit-tokens")).toBe("10000");
  expect(answer.headers.get("ratelimit-policy")).toContain('"tokens";q=10000;w=60');
  const row = await fleet.until(servedUsage, (found) => found?.requests === 2);
  // The same question twice.
  expect(row).toMatchObject({
    inputTokens: 2 * counted.prompt_tokens,
    outputTokens: 2 * counted.completion_tokens,
    costMicros: 2 * (counted.prompt_tokens + 10 * counted.completion_tokens),
    estimatedRequests: 0,
  });
  // Nobody else sees it, but operators.
  const own = await fleet.call("/v1/usage", { headers: { authorization: `Bearer ${far}` } });
  expect(((await own.json()) as { data: unknown[] }).data).toEqual([]);
  const all = await fleet.call("/admin/usage");
  expect(((await all.json()) as { data: { tenant: string }[] }).data.map(({ tenant }) => tenant)).toContain("tests");
  expect((await fleet.call("/admin/usage", { headers: { authorization: `Bearer ${far}` } })).status).toBe(403);
  const csv = await (await fleet.call("/v1/usage?format=csv")).text();
  expect(csv.split("\r\n")[1]).toMatch(/^tests,\d{4}-\d\d-\d\d,test,test-model,served,2,/);
  for (const query of [
    "from=2026-02-30",
    "from=2026-01-01&to=2026-12-31",
    "from=2026-02-02&to=2026-02-01",
    "format=xml",
  ])
    expect((await fleet.call(`/v1/usage?${query}`)).status).toBe(400);
});

test("jobs keep to the limits: when they are submitted, and when they run", async () => {
  await start({ spendPerDay: 0.001, maxTokensMax: 50 });
  const job = { model: "test-model", max_tokens: 50, messages: [{ role: "user", content: "hello" }] };
  const submit = async (wish: object) =>
    fleet.call("/v1/chat/completions", {
      method: "POST",
      headers: { "content-type": "application/json", prefer: "respond-async" },
      body: JSON.stringify({ ...job, ...wish }),
    });
  expect((await submit({ max_tokens: 51 })).status).toBe(400);
  expect((await submit({})).status).toBe(202);
  const rows = await fleet.until(usage, (all) =>
    all.some(({ outcome, outputTokens }) => outcome === "served" && outputTokens > 0),
  );
  expect(rows.map(({ outcome }) => outcome).toSorted()).toEqual(["served", "submitted"]);
  await fleet.until(
    async () => (await submit({})).status,
    (status) => status === 429,
  );
});

test.each(["config", "registry"])(
  "a key of the %s pays for the jobs that it submitted, and for no other's",
  async (from) => {
    const limits = { spendPerDay: 0.0009 };
    await start({}, { keys: [{ id: "spender", tenant: "tests", limits }] });
    const made = await fleet.call("/admin/keys", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ tenant: "tests", label: "spender", limits }),
    });
    expect(made.status).toBe(201);
    const record = (await made.json()) as { readonly id: string; readonly key: string };
    const [key, id] = from === "config" ? [fleet.keyOf("spender"), "spender"] : [record.key, record.id];
    const submit = async (by: string) =>
      fetch(`${isolates.urls[0]}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${by}`, "content-type": "application/json", prefer: "respond-async" },
        body: body({ max_tokens: 50 }),
      });
    // One of them reserves 500 micro-units and its prompt: there is no room for two at once, and none after the second.
    expect((await submit(key)).status).toBe(202);
    const ofKey = async () => (await usage()).filter((row) => row.key === id && row.outcome === "served");
    await fleet.until(ofKey, ([row]) => (row?.requests ?? 0) === 1 && (row?.costMicros ?? 0) > 0);
    await fleet.until(
      async () => (await submit(key)).status,
      (status) => status === 429,
    );
    expect((await submit(fleet.keyOf("other"))).status).toBe(202);
    await fleet.until(usage, (rows) => rows.some((row) => row.key === "other" && row.outcome === "served"));
    // Below its cap, and as good as at it.
    const [row] = await ofKey();
    expect(row?.costMicros ?? 0).toBeLessThanOrEqual(900);
    expect(row?.costMicros ?? 0).toBeGreaterThan(0);
    expect((await usage()).map((one) => one.key)).not.toContain("JOBS");
  },
);

test("a job that is bounded keeps the digits of its numbers", async () => {
  const heard = Promise.withResolvers<string>();
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    request.on("end", () => {
      if (request.method === "POST") heard.resolve(text);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const endpoints = [{ id: "own", region: "us-east", backend: "openai", url }];
    await start({ maxTokensMax: 50 }, { pool: { endpoints } });
    const messages = [{ role: "user", content: "hello" }];
    const input = JSON.stringify({ model: fleet.model, messages }).replace("{", '{"seed":12345678901234567891,');
    const submitted = await fleet.call("/v2/main/run", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: `{"input":{"openai_route":"/v1/chat/completions","openai_input":${input}}}`,
    });
    expect(submitted.status).toBe(200);
    const got = await heard.promise;
    expect(got).toContain('"seed":12345678901234567891');
    expect(JSON.parse(got)).toMatchObject({ max_tokens: 50 });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
