/**
 * A pool with other pools behind it, on raw workerd with the published openai package: what they serve when it cannot, what
 * they are never asked for, and what is told, counted and billed of it.
 */
import OpenAI from "openai";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startGpuSimulator } from "../../backends/gpu-simulator/server.ts";
import type { GpuSimulator } from "../../backends/gpu-simulator/simulator.ts";
import { startEngineProcess } from "../support/engine-process.ts";
import type { EngineProcess } from "../support/engine-process.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { readMetrics } from "../support/metrics-text.ts";
import { openaiOf } from "../support/openai.ts";
import { idOf, LOG_ALL, recordOf } from "../support/records.ts";

const messages = [{ role: "user" as const, content: "hello" }];

let fleet: Fleet;
let second: GpuSimulator;
let third: GpuSimulator;
beforeAll(async () => {
  second = await startGpuSimulator({ model: "second" });
  third = await startGpuSimulator({ model: "org/third" });
  const at = (id: string, { url }: GpuSimulator, more: object = {}) => ({
    id,
    region: "us-east",
    backend: "openai",
    url,
    ...more,
  });
  fleet = await startFleet({
    model: "first",
    endpoints: [{ id: "first-1", region: "us-east", config: { concurrencyPerWorker: 1 } }],
    pool: { fallback: ["second", "third"], queueDepthMax: 0, prices: { inputPerMTok: 1, outputPerMTok: 1 } },
    morePools: {
      second: {
        endpoints: [at("second-1", second)],
        prices: { inputPerMTok: 1000, outputPerMTok: 1000 },
        rails: {
          input: [
            { use: "regex", action: "block", options: { patterns: [{ name: "there", pattern: "forbidden there" }] } },
          ],
        },
      },
      third: { endpoints: [at("third-1", third, { model: "org/third" })], rails: { input: [] } },
    },
    config: LOG_ALL,
  });
});
afterAll(async () => {
  await fleet.close();
  await second.close();
  await third.close();
});
afterEach(() => {
  for (const simulator of [fleet.simulator("first-1"), second, third]) simulator.setFault({ kind: "none" });
});

async function ask(content = "hello", { stream = false, headers = {} }: { stream?: boolean; headers?: object } = {}) {
  const client = openaiOf(fleet, { defaultHeaders: { "x-warmpath-place": "us-east", ...headers } });
  const body = { model: "first", max_tokens: 4, messages: [{ role: "user" as const, content }] };
  if (!stream) {
    const { data, response } = await client.chat.completions.create(body).withResponse();
    return { response, model: data.model };
  }
  const { data, response } = await client.chat.completions.create({ ...body, stream: true }).withResponse();
  const names = new Set<string>();
  for await (const chunk of data) names.add(chunk.model);
  return { response, model: [...names].join(" ") };
}

const toldBy = ({ headers }: Response) => ({
  endpoint: headers.get("x-warmpath-endpoint"),
  fallback: headers.get("x-warmpath-fallback"),
});

const failed = async (asking: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> => {
  const error = await asking.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof OpenAI.APIError) return error;
  throw new Error("it was answered");
};

describe("a request that its pool cannot serve", () => {
  test("is its own pool's as long as that one serves", async () => {
    const { response } = await ask();
    expect(toldBy(response)).toEqual({ endpoint: "first-1", fallback: null });
  });

  test.each([false, true])("is answered by the next one, under the client's name, stream %s", async (stream) => {
    fleet.simulator("first-1").setFault({ kind: "status", status: 500 });
    const { response, model } = await ask("hello", { stream });
    expect(toldBy(response)).toEqual({ endpoint: "second-1", fallback: "from=main; reason=failed" });
    expect(model).toBe("first");
  });

  test("goes on to the one behind that, which is asked under its endpoint's own name", async () => {
    fleet.simulator("first-1").setFault({ kind: "status", status: 500 });
    second.setFault({ kind: "status", status: 500 });
    const { response, model } = await ask();
    const fallback = "from=main; reason=failed, from=second; reason=failed";
    expect([toldBy(response), model]).toEqual([{ endpoint: "third-1", fallback }, "first"]);
    const record = await recordOf(fleet, idOf(response));
    expect([record.pool, record.way?.fell]).toEqual([
      "third",
      [
        { from: "main", reason: "failed", to: "second" },
        { from: "second", reason: "failed", to: "third" },
      ],
    ]);
  });

  test("is told its own pool's reason when nobody serves it, with the way that it went", async () => {
    for (const simulator of [fleet.simulator("first-1"), second, third])
      simulator.setFault({ kind: "status", status: 500 });
    const error = await failed(ask());
    expect([error.status, error.code, error.headers?.get("x-warmpath-fallback")]).toEqual([
      502,
      "upstream_failed",
      "from=main; reason=failed, from=second; reason=failed",
    ]);
  });

  test("goes on when the pool is full, and is counted and billed where it was answered", async () => {
    const before = readMetrics(await (await fleet.call("/metrics")).text());
    const stop = new AbortController();
    const holding = await fleet.chat({ stream: true, maxTokens: 30_000, signal: stop.signal });
    const { response } = await ask();
    stop.abort();
    await holding.text().catch(() => null);
    expect(toldBy(response)).toEqual({ endpoint: "second-1", fallback: "from=main; reason=full" });
    const record = await recordOf(fleet, idOf(response));
    expect(record.costMicros).toBeGreaterThan(1_000);
    const fell = "warmpath_fallbacks_total";
    const labels = ["pool", "reason", "to"];
    const count = (text: string) => readMetrics(text).sums(fell, labels)["main full second"] ?? 0;
    const after = await fleet.until(
      async () => (await fleet.call("/metrics")).text(),
      (text) => count(text) > 0,
    );
    expect(count(after) - (before.sums(fell, labels)["main full second"] ?? 0)).toBe(1);
  });

  test("goes on when the pool's share of the client's time is over, and the rest is the next one's", async () => {
    fleet.simulator("first-1").setFault({ kind: "hang" });
    const { response } = await ask("hello", { headers: { "x-warmpath-timeout": "2" } });
    expect(toldBy(response)).toEqual({ endpoint: "second-1", fallback: "from=main; reason=late" });
    second.setFault({ kind: "hang" });
    third.setFault({ kind: "hang" });
    const error = await failed(ask("hello", { headers: { "x-warmpath-timeout": "1" } }));
    expect([error.status, error.code]).toEqual([504, "client_deadline"]);
  });
});

describe("another pool is not asked", () => {
  test("for what the client did wrong", async () => {
    fleet.simulator("first-1").setFault({ kind: "status", status: 400, times: 1 });
    const error = await failed(ask());
    expect([error.status, error.headers?.get("x-warmpath-fallback")]).toEqual([400, null]);
  });

  test("for what a rail of the first pool refuses, though the next one has no such rail", async () => {
    const railed = await startFleet({
      endpoints: [{ id: "railed-1", region: "us-east" }],
      pool: {
        fallback: ["open"],
        rails: {
          input: [{ use: "regex", action: "block", options: { patterns: [{ name: "word", pattern: "forbidden" }] } }],
        },
      },
      morePools: {
        open: {
          endpoints: [{ id: "open-1", region: "us-east", backend: "openai", url: second.url }],
          rails: { input: [] },
        },
      },
    });
    try {
      railed.simulator("railed-1").setFault({ kind: "status", status: 500 });
      const blocked = await railed.chat({ content: "forbidden" });
      expect([blocked.status, blocked.headers.get("x-warmpath-fallback")]).toEqual([400, null]);
      const allowed = await railed.chat();
      expect([allowed.status, allowed.headers.get("x-warmpath-endpoint")]).toEqual([200, "open-1"]);
      // Nothing that the first pool's rails redact gets there unredacted either.
      expect(allowed.headers.get("x-warmpath-rails")).toContain("regex=allow");
    } finally {
      await railed.close();
    }
  });

  test("for what a rail of the next one refuses: that is the answer", async () => {
    fleet.simulator("first-1").setFault({ kind: "status", status: 500 });
    const error = await failed(ask("forbidden there"));
    expect([error.status, error.code, error.headers?.get("x-warmpath-fallback")]).toEqual([
      400,
      "blocked_by_guardrail",
      "from=main; reason=failed",
    ]);
  });

  test("where the path names the pool", async () => {
    fleet.simulator("first-1").setFault({ kind: "status", status: 500 });
    const answer = await fleet.call("/p/main/v1/chat/completions", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "first", messages }),
    });
    expect([answer.status, answer.headers.get("x-warmpath-fallback")]).toEqual([500, null]);
  });

  test("that the key may not use", async () => {
    const made = await fleet.call("/admin/keys", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ tenant: "tests", pools: ["main", "third"] }),
    });
    const { key } = (await made.json()) as { readonly key: string };
    fleet.simulator("first-1").setFault({ kind: "status", status: 500 });
    const answer = await fleet.call("/v1/chat/completions", {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: "first", messages }),
    });
    expect([answer.status, toldBy(answer)]).toEqual([
      200,
      { endpoint: "third-1", fallback: "from=main; reason=failed" },
    ]);
  });
});

describe("a tenant with limits", () => {
  test("has one request counted, and pays the pool that answered", async () => {
    const limited = await startFleet({
      model: "first",
      endpoints: [{ id: "limited-1", region: "us-east" }],
      pool: { fallback: ["second"], prices: { inputPerMTok: 1, outputPerMTok: 1 } },
      morePools: {
        second: {
          endpoints: [{ id: "second-1", region: "us-east", backend: "openai", url: second.url }],
          prices: { inputPerMTok: 1_000, outputPerMTok: 1_000 },
        },
      },
      config: { ...LOG_ALL, tenants: { tests: { limits: { requestsPerMinute: 2, spendPerDay: 1_000 } } } },
    });
    try {
      limited.simulator("limited-1").setFault({ kind: "status", status: 500 });
      const answers = [await limited.chat(), await limited.chat(), await limited.chat()];
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
      expect(answers[1]?.headers.get("x-ratelimit-remaining-requests")).toBe("0");
      type Usage = {
        readonly data: readonly { model: string; requests: number; costMicros: number; outcome: string }[];
      };
      const served = await limited.until(
        async () => ((await (await limited.call("/v1/usage")).json()) as Usage).data,
        (rows) => rows.some(({ outcome, requests }) => outcome === "served" && requests === 2),
      );
      const paid = served.filter(({ outcome }) => outcome === "served");
      expect(paid).toMatchObject([{ model: "second", requests: 2 }]);
      expect(paid[0]?.costMicros).toBeGreaterThan(10_000);
      // The refused one alone is the first pool's.
      expect(served.filter(({ model }) => model === "first")).toMatchObject([{ outcome: "shed", requests: 1 }]);
    } finally {
      await limited.close();
    }
  });
});

describe("when every endpoint of a pool is killed while requests come", () => {
  const engines: EngineProcess[] = [];
  afterAll(async () => {
    for (const engine of engines) await engine.kill();
  });

  test("no request fails: the pool behind it answers", async () => {
    engines.push(await startEngineProcess("killed"), await startEngineProcess("killed"));
    const killed = await startFleet({
      model: "killed",
      endpoints: [{ id: "unused", region: "us-east", config: { url: engines[0]?.url } }],
      pool: {
        endpoints: engines.map(({ url }, nth) => ({ id: `killed-${nth}`, region: "us-east", backend: "openai", url })),
        fallback: ["second"],
      },
      morePools: {
        second: { endpoints: [{ id: "second-1", region: "us-east", backend: "openai", url: second.url }] },
      },
    });
    try {
      const client = openaiOf(killed);
      const endpoints = new Map<string, number>();
      const failures: unknown[] = [];
      let sent = 0;
      let killing: Promise<unknown> | null = null;
      const worker = async (): Promise<void> => {
        while (sent < 160) {
          sent += 1;
          if (sent === 60) killing = Promise.all(engines.map(async (engine) => engine.kill()));
          const asking = client.chat.completions.create({ model: "killed", messages, max_tokens: 2 }).withResponse();
          const answered = await asking.catch((error: unknown) => void failures.push(error));
          const endpoint = answered?.response.headers.get("x-warmpath-endpoint") ?? "none";
          endpoints.set(endpoint, (endpoints.get(endpoint) ?? 0) + 1);
        }
      };
      await Promise.all(Array.from({ length: 8 }, worker));
      await killing;
      expect(failures).toEqual([]);
      expect(endpoints.get("second-1") ?? 0).toBeGreaterThan(60);
      expect((endpoints.get("killed-0") ?? 0) + (endpoints.get("killed-1") ?? 0)).toBeGreaterThan(20);
    } finally {
      await killed.close();
    }
  });
});
