import { describe, expect, test } from "vitest";
import type { Config } from "../../src/config/config.ts";
import { parseConfig } from "../../src/config/config-parse.ts";
import { configText, type Json } from "./config-sample.ts";

const parsed = (text: string): Config => {
  const result = parseConfig(text);
  if (!result.ok) throw new Error(JSON.stringify(result.error, null, 2));
  return result.value;
};

describe("a valid config", () => {
  test("has every default applied", () => {
    const config = parsed(configText());
    expect(config.limits).toEqual({
      bodyBytesMax: 16_777_216,
      uploadBytesMax: 31_457_280,
      uploadHeadBytesMax: 8_388_608,
      bodyTimeoutMs: 120_000,
      clientTimeoutMsMax: 86_400_000,
      maxTokensMax: 1_048_576,
      nMax: 128,
      resumable: { graceMs: 30_000, retentionMs: 300_000, bytesMax: 4_194_304 },
      shield: null,
      perTenant: null,
    });
    expect(config.currency).toBe("USD");
    expect(config.cors).toBeNull();
    expect(config.keys).toEqual([
      { id: "ops", tenant: "acme", hmac: "0".repeat(64), scopes: ["infer"], priorityMax: "normal", expiresAtMs: null },
    ]);
    expect(config.pools.get("small")).toEqual({
      id: "small",
      models: ["small"],
      paths: [],
      endpoints: [
        {
          id: "c",
          region: "us",
          backend: "openai",
          url: "https://c.example.com",
          model: null,
          protocols: null,
          auth: null,
          gpu: [],
          workersMin: 1,
          workersMax: 1,
          concurrencyPerWorker: null,
          queuesExcess: true,
          engineLoad: "auto",
          prefill: "flags",
          scalerValue: 4,
          idleTimeoutMs: 60_000,
          executionTimeoutMs: 300_000,
          coldStartMs: 30_000,
          prefillTokensPerMs: 16,
          health: { url: "https://c.example.com/health", auth: null },
        },
      ],
      patienceMs: 50,
      connectTimeoutMs: 5_000,
      firstTokenTimeoutMs: 300_000,
      stallTimeoutMs: 30_000,
      attemptsMax: 2,
      hedge: { enabled: true, afterMsMin: 100 },
      queueDepthMax: 100,
      queueWaitMsMax: 10_000,
      leaseTtlMs: 30_000,
      coldWaitMsMax: 10_000,
      affinity: "prefix",
      streamUsage: false,
      answerModel: "asked",
      onCut: "error",
      adapters: [],
      fallback: [],
      jobs: {},
      rails: {
        input: [
          {
            use: "size",
            name: "size",
            action: "block",
            onError: "closed",
            onMedia: "open",
            timeoutMs: 250,
            shadow: false,
            sample: 1,
            tenants: null,
            options: { charsMax: 2_000_000, messagesMax: 10_000 },
          },
          {
            use: "secrets",
            name: "secrets",
            action: "redact",
            onError: "open",
            onMedia: "open",
            timeoutMs: 250,
            shadow: false,
            sample: 1,
            tenants: null,
            options: {},
          },
        ],
        output: [],
        overlap: "acquire",
        deadlineMs: 5_000,
        sockets: "refuse",
      },
      sockets: {
        idleTimeoutMs: 300_000,
        lifeMsMax: 3_600_000,
        messageBytesMax: 16_777_216,
        unheardBytesMax: 33_554_432,
      },
    });
  });

  test("finds pools by model and routes by path, and misses what a prototype would answer", () => {
    const config = parsed(configText("pools.llama.models", ["llama", "org/Llama 3"]));
    expect([...config.poolIdByModel]).toEqual([
      ["llama", "llama"],
      ["org/Llama 3", "llama"],
      ["small", "small"],
    ]);
    expect(config.poolIdByModel.get("__proto__")).toBeUndefined();
    expect(config.routes.get("/score")).toEqual({
      path: "/score",
      poolId: "llama",
      upstreamPath: "/score",
      openTo: null,
    });
  });

  test("may hold comments, trailing commas and a byte order mark", () => {
    expect(parseConfig(`\uFEFF// one\n${configText().replace(/\}$/, ", /* two */ }")}`).ok).toBe(true);
  });

  test.each<[string, string, Json, (config: Config) => unknown, unknown]>([
    [
      "a pool without models is reached by path only",
      "pools.small.models",
      [],
      (c) => c.poolIdByModel.has("small"),
      false,
    ],
    [
      "workers.max follows min",
      "pools.small.endpoints.0.workers",
      { min: 3 },
      (c) => c.pools.get("small")?.endpoints[0]?.workersMax,
      3,
    ],
    [
      "workers.max is at least one",
      "pools.small.endpoints.0.workers",
      { min: 0 },
      (c) => c.pools.get("small")?.endpoints[0]?.workersMax,
      1,
    ],
    [
      "a short patience for the first byte bounds the wait for a start",
      "pools.small.ttfbTimeoutMs",
      500,
      (c) => c.pools.get("small")?.coldWaitMsMax,
      500,
    ],
    [
      "a date means midnight UTC",
      "keys.0.expiresAt",
      "2027-01-31",
      (c) => c.keys[0]?.expiresAtMs,
      Date.UTC(2027, 0, 31),
    ],
    [
      "a date-time keeps its offset",
      "keys.0.expiresAt",
      "2027-01-31T12:00:00+02:00",
      (c) => c.keys[0]?.expiresAtMs,
      Date.UTC(2027, 0, 31, 10),
    ],
    [
      "a URL loses its final slash and keeps its prefix",
      "pools.small.endpoints.0.url",
      "HTTPS://C.example.com/base//",
      (c) => c.pools.get("small")?.endpoints[0]?.url,
      "https://c.example.com/base",
    ],
    ...["/v1", "/v1/", "//v1//"].map((end): [string, string, Json, (config: Config) => unknown, unknown] => [
      `a URL with ${end} behind its prefix is the URL without, for its health too`,
      "pools.small.endpoints.0.url",
      `https://c.example.com/base${end}`,
      (c) => [c.pools.get("small")?.endpoints[0]?.url, c.pools.get("small")?.endpoints[0]?.health.url],
      ["https://c.example.com/base", "https://c.example.com/base/health"],
    ]),
    [
      "a URL keeps what only ends like /v1",
      "pools.small.endpoints.0.url",
      "https://c.example.com/api-v1",
      (c) => c.pools.get("small")?.endpoints[0]?.url,
      "https://c.example.com/api-v1",
    ],
    ["cors without an origin allows every origin", "cors", {}, (c) => c.cors, { allowOrigin: "*" }],
    [
      "a rail that only flags fails open",
      "pools.small.rails",
      { input: [{ use: "size", action: "flag" }] },
      (c) => c.pools.get("small")?.rails.input[0]?.onError,
      "open",
    ],
    [
      "a rail that blocks fails closed",
      "pools.small.rails",
      { input: [{ use: "secrets", action: "block" }] },
      (c) => c.pools.get("small")?.rails.input[0]?.onError,
      "closed",
    ],
    ["a pool may run without rails", "pools.small.rails", { input: [] }, (c) => c.pools.get("small")?.rails.input, []],
    [
      "an upstream path may differ",
      "routes.0.upstreamPath",
      "/v1/rerank",
      (c) => c.routes.get("/score")?.upstreamPath,
      "/v1/rerank",
    ],
  ])("%s", (_, path, value, read, expected) => {
    expect(read(parsed(configText(path, value)))).toEqual(expected);
  });
});

describe("the health check", () => {
  const auth = { secret: "RUNPOD_API_KEY" };
  test.each<[string, Json, { url: string; auth: { secret: string } | null }]>([
    [
      "of a runpod-lb endpoint asks Runpod's API with the endpoint's secret",
      { backend: "runpod-lb", url: "https://abc123.api.runpod.ai", auth },
      { url: "https://api.runpod.ai/v2/abc123/health", auth },
    ],
    [
      "of a runpod-lb endpoint goes through the load balancer when a path is given",
      { backend: "runpod-lb", url: "https://abc123.api.runpod.ai", auth, health: { path: "/ping" } },
      { url: "https://abc123.api.runpod.ai/ping", auth },
    ],
    [
      "of a runpod-lb endpoint elsewhere is its own",
      { backend: "runpod-lb", url: "http://127.0.0.1:9000", auth },
      { url: "http://127.0.0.1:9000/ping", auth },
    ],
    [
      "stands behind a path prefix",
      { backend: "openai", url: "https://gpu.example.com/base/", health: { path: "/ready" } },
      { url: "https://gpu.example.com/base/ready", auth: null },
    ],
    [
      "on another origin never gets the endpoint's secret by itself",
      {
        backend: "openai",
        url: "https://gpu.example.com",
        auth,
        health: { url: "https://status.example.com/gpu?id=1" },
      },
      { url: "https://status.example.com/gpu?id=1", auth: null },
    ],
    [
      "on another origin gets the secret that is named for it",
      {
        backend: "openai",
        url: "https://gpu.example.com",
        auth,
        health: { url: "https://status.example.com/gpu", auth: { secret: "STATUS" } },
      },
      { url: "https://status.example.com/gpu", auth: { secret: "STATUS" } },
    ],
  ])("%s", (_, endpoint, expected) => {
    const text = configText("pools.small.endpoints", [{ id: "c", region: "us", ...(endpoint as object) }]);
    expect(parsed(text).pools.get("small")?.endpoints[0]?.health).toEqual(expected);
  });
});
