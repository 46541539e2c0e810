import { describe, expect, test } from "vitest";
import { type ConfigProblem, parseConfig } from "../../src/config/config-parse.ts";
import { configText, type Json } from "./config-sample.ts";

const problemsOf = (text: string): readonly ConfigProblem[] => {
  const result = parseConfig(text);
  return result.ok ? [] : result.error;
};

describe("a wrong config", () => {
  const endpoint = "pools.llama.endpoints.0";
  test.each<[string, string, Json | undefined, Partial<ConfigProblem>]>([
    [
      "a misspelt key",
      `${endpoint}.concurency`,
      3,
      { path: "pools.llama.endpoints[0].concurency", fix: 'did you mean "concurrencyPerWorker"?' },
    ],
    ["a key in another spelling", "pools.llama.ttfb_timeout_ms", 3, { fix: 'did you mean "ttfbTimeoutMs"?' }],
    [
      "a key that is nothing like a known one",
      "limits.zzz",
      3,
      {
        path: "limits.zzz",
        fix: "remove it; known: shield, bodyBytesMax, uploadBytesMax, uploadHeadBytesMax, bodyTimeoutMs, clientTimeoutMsMax, maxTokensMax, nMax, resumable, perTenant",
      },
    ],
    [
      "an endpoint's name for a model that the pool has not",
      `${endpoint}.model`,
      { lama: "org/llama" },
      {
        path: "pools.llama.endpoints[0].model.lama",
        problem: 'the pool has no model "lama"',
        fix: 'did you mean "llama"?',
      },
    ],
    [
      "an adapter whose name is another pool's model",
      "pools.llama.adapters",
      ["sql", "small"],
      { path: "pools.small", problem: 'the model name "small" selects the pool "llama" already' },
    ],
    [
      "an adapter that is its pool's own model",
      "pools.llama.adapters",
      ["llama"],
      { path: "pools.llama.adapters[0]", problem: 'the model name "llama" selects the pool "llama" already' },
    ],
    [
      "an endpoint's name for a model that is no name",
      `${endpoint}.model`,
      { llama: "" },
      { path: "pools.llama.endpoints[0].model.llama" },
    ],
    [
      "a missing field",
      `${endpoint}.region`,
      undefined,
      { path: "pools.llama.endpoints[0].region", problem: '"region" is missing here', value: null },
    ],
    [
      "a misspelt region",
      `${endpoint}.region`,
      "use",
      { path: "pools.llama.endpoints[0].region", value: '"use"', fix: 'did you mean "us"?' },
    ],
    [
      "a region far from every known one",
      `${endpoint}.region`,
      "antarctica",
      { fix: 'declare it under "regions"; known: us, eu' },
    ],
    [
      "an issuer whose public keys are nowhere",
      "jwt",
      [{ issuer: "https://login.example.com", audience: "warmpath", algorithms: ["RS256"] }],
      { path: "jwt[0]", fix: "write jwksUrl or keys" },
    ],
    [
      "an issuer whose public keys anybody on the way could change",
      "jwt",
      [
        {
          issuer: "https://login.example.com",
          audience: "warmpath",
          algorithms: ["RS256"],
          jwksUrl: "http://login.example.com/jwks",
        },
      ],
      { path: "jwt[0].jwksUrl", fix: "use https" },
    ],
    [
      "an issuer that signs with a shared secret",
      "jwt",
      [{ issuer: "https://login.example.com", audience: "warmpath", algorithms: ["HS256"], keys: [{ kty: "oct" }] }],
      { path: "jwt[0].algorithms[0]" },
    ],
    [
      "a tenant's secret itself",
      "tenants",
      { acme: { webhookSecret: "whsec_abc" } },
      { path: "tenants.acme.webhookSecret" },
    ],
    [
      "an operation that has no rate",
      "pools.llama.jobs.rates",
      { "run-sync": { callsPer10s: 1 } },
      { path: "pools.llama.jobs.rates.run-sync", fix: 'did you mean "runsync"?' },
    ],
    [
      "a limit of jobs under another name",
      "pools.llama.jobs.limits",
      { tenantLimit: 1 },
      { problem: "this key is not known here" },
    ],
    [
      "another word for what a job at a limit does",
      "pools.llama.jobs.limits",
      { onConflict: "refuse" },
      { path: "pools.llama.jobs.limits.onConflict", problem: "this value is not known" },
    ],
    [
      "events without a receiver",
      "pools.llama.jobs.events",
      { jobLate: true },
      { path: "pools.llama.jobs.events.url", problem: '"url" is missing here' },
    ],
    [
      "events to a public host over http",
      "pools.llama.jobs.events",
      { url: "http://ops.example.com" },
      { path: "pools.llama.jobs.events.url", fix: "use https" },
    ],
    [
      "a secret of events that is the secret itself",
      "pools.llama.jobs.events",
      { url: "https://ops.example.com", secret: "whsec_abc" },
      { fix: 'write the NAME of a secret, such as "OPS_WEBHOOK_SECRET", never the secret itself' },
    ],
    ["a misspelt hint", "regions.us.hint", "enamm", { fix: 'did you mean "enam"?' }],
    [
      "a region id in upper case",
      "regions.US",
      { lat: 1, lon: 1, hint: "enam" },
      { path: "regions.US", problem: "this name has the wrong form" },
    ],
    [
      "a fraction for a whole number",
      `${endpoint}.concurrencyPerWorker`,
      1.5,
      { problem: "this is not a whole number", fix: "write a whole number from 1 to 4096" },
    ],
    [
      "a string for a number",
      `${endpoint}.coldStartMs`,
      "5s",
      { problem: "this is a string", fix: "write a whole number from 0 to 3600000" },
    ],
    ["null for an object", "pools.llama", null, { problem: "this is null", fix: 'write an object, "{ … }"' }],
    [
      "no endpoint",
      "pools.llama.endpoints",
      [],
      { problem: "nobody serves this pool", fix: expect.stringContaining("pull") },
    ],
    ["no pool", "pools", undefined, { path: "pools", problem: '"pools" is missing here' }],
    [
      "an endpoint id in use",
      "pools.small.endpoints.0.id",
      "a",
      { path: "pools.small.endpoints[0].id", problem: "pools.llama.endpoints[0] has this id already" },
    ],
    [
      "a model name in use",
      "pools.small.models",
      ["llama"],
      { path: "pools.small.models[0]", problem: 'the model name "llama" selects the pool "llama" already' },
    ],
    ["a pool id that is a model elsewhere", "pools.llama.models", ["small"], { path: "pools.small" }],
    [
      "an engine's load behind a load balancer",
      endpoint,
      {
        id: "a",
        region: "us",
        backend: "openai",
        url: "https://a.example.com",
        workers: { min: 1, max: 2 },
        engineLoad: "/metrics",
      },
      {
        path: "pools.llama.endpoints[0].engineLoad",
        problem: "behind a load balancer one engine does not speak for the others",
      },
    ],
    [
      "workers.max below min",
      `${endpoint}.workers`,
      { min: 3, max: 2 },
      { path: "pools.llama.endpoints[0].workers.max", problem: "max is below min (3)" },
    ],
    ["a route to nowhere", "routes.0.pool", "lama", { path: "routes[0].pool", fix: 'did you mean "llama"?' }],
    [
      "a route twice",
      "routes.1",
      { path: "/score", pool: "small" },
      { path: "routes[1].path", problem: "another route has this path" },
    ],
    ["a reserved route", "routes.0.path", "/v1/embeddings", { problem: "the router serves this path itself" }],
    [
      "a URL of a whole request",
      "pools.llama.endpoints.0.url",
      "https://a.example.com/x/v1/chat/completions",
      {
        problem: "the URL ends in a path of the API, which is appended to it",
        fix: 'write the base URL, "https://a.example.com/x"',
      },
    ],
    ["a path to open with dots", "pools.llama.paths", ["/a/../b"], { path: "pools.llama.paths[0]" }],
    ["a path to open with a star inside", "pools.llama.paths", ["/a/*/b"], { path: "pools.llama.paths[0]" }],
    ["a path to open without a slash", "pools.llama.paths", ["a"], { path: "pools.llama.paths[0]" }],
    ["a route at a health path", "routes.0.path", "/health", { problem: "the router serves this path itself" }],
    ["a route under a reserved prefix", "routes.0.path", "/p/llama", { problem: "the router serves this path itself" }],
    ["a route that climbs", "routes.0.path", "/a/../b", { path: "routes[0].path" }],
    ["a route with a query", "routes.0.path", "/a?b", { path: "routes[0].path" }],
    [
      "a key id twice",
      "keys.1",
      { id: "ops", tenant: "t", hmac: "1".repeat(64) },
      { path: "keys[1].id", problem: "another key has this id" },
    ],
    ["an expiry that is no date", "keys.0.expiresAt", "soon", { path: "keys[0].expiresAt", value: '"soon"' }],
    ["the 30th of February", "keys.0.expiresAt", "2027-02-30", { path: "keys[0].expiresAt" }],
    ["no URL", `${endpoint}.url`, "gpu.example.com", { problem: "this is not a URL" }],
    ["another protocol", `${endpoint}.url`, "ftp://gpu.example.com", { problem: "ftp: is not served" }],
    ["http to a public host", `${endpoint}.url`, "http://gpu.example.com", { path: "pools.llama.endpoints[0].url" }],
    ["http to cloud metadata", `${endpoint}.url`, "http://169.254.169.254", { path: "pools.llama.endpoints[0].url" }],
    [
      "a base URL with a query",
      `${endpoint}.url`,
      "https://gpu.example.com/?a=1",
      { path: "pools.llama.endpoints[0].url" },
    ],
    [
      "a health path and url",
      `${endpoint}.health`,
      { path: "/a", url: "https://x.example.com/" },
      { path: "pools.llama.endpoints[0].health.path" },
    ],
    [
      "a misspelt rail",
      "pools.llama.rails",
      { input: ["sizes"] },
      { path: "pools.llama.rails.input[0]", fix: 'did you mean "size"?' },
    ],
    [
      "a misspelt rail in an object",
      "pools.llama.rails",
      { input: [{ use: "secret" }] },
      { path: "pools.llama.rails.input[0].use", fix: 'did you mean "secrets"?' },
    ],
    [
      "a rail that does not exist",
      "pools.llama.rails",
      { input: ["toxicity"] },
      { problem: "this value is not known", fix: "write one of the known values" },
    ],
    [
      "a rail without a name",
      "pools.llama.rails",
      { input: [{}] },
      { problem: '"use" is missing here', fix: expect.stringMatching(/^add it: one of size, tokens, secrets, /) },
    ],
    ["a rail that is a number", "pools.llama.rails", { input: [4] }, { problem: "this is a number" }],
    [
      "a rail twice",
      "pools.llama.rails",
      { input: ["size", { use: "size" }] },
      { problem: 'the rail "size" is listed twice' },
    ],
    [
      "a misspelt rail option",
      "pools.llama.rails",
      { input: [{ use: "size", options: { charMax: 1 } }] },
      { path: "pools.llama.rails.input[0].options.charMax", fix: 'did you mean "charsMax"?' },
    ],
    [
      "an option of another rail",
      "pools.llama.rails",
      { input: [{ use: "secrets", options: { charsMax: 1 } }] },
      { fix: "remove it" },
    ],
    [
      "a size rail that redacts",
      "pools.llama.rails",
      { input: [{ use: "size", action: "redact" }] },
      { path: "pools.llama.rails.input[0].action" },
    ],
    [
      "a wait for a start that the first token's timeout would cut",
      "pools.llama.coldWaitMsMax",
      300_001,
      { path: "pools.llama.coldWaitMsMax" },
    ],
    ["an origin with a path", "cors", { allowOrigin: "https://a.example.com/x" }, { path: "cors.allowOrigin" }],
  ])("%s", (_, path, value, expected) => {
    expect(problemsOf(configText(path, value))).toEqual([expect.objectContaining(expected)]);
  });

  test("without any pool says so", () => {
    expect(problemsOf('{ "regions": {}, "pools": {} }')).toMatchObject([
      { path: "pools", problem: "there is no pool" },
    ]);
  });

  test("is reported whole and in the order of the file", () => {
    const text = configText("pools.llama.endpoints.1", { id: "b", region: 4, backend: "vlm", url: "" });
    const found = problemsOf(text.replace('"enam"', '"nowhere"'));
    expect(found.map(({ path }) => path)).toEqual([
      "regions.us.hint",
      "pools.llama.endpoints[1].region",
      "pools.llama.endpoints[1].backend",
      "pools.llama.endpoints[1].url",
    ]);
  });

  test("points at the line and the column of the value", () => {
    const text = configText("pools.llama.endpoints.0.region", "mars");
    const [found] = problemsOf(text);
    const lines = text.split("\n");
    expect(lines[(found?.line ?? 0) - 1]?.slice((found?.column ?? 0) - 1)).toBe('"mars",');
  });
});

describe("hosts that http may reach", () => {
  test.each([
    ["localhost", true],
    ["gpu.localhost", true],
    ["127.0.0.1", true],
    ["127.255.0.9", true],
    ["[::1]", true],
    ["10.1.2.3", true],
    ["172.16.0.1", true],
    ["172.31.255.255", true],
    ["172.32.0.1", false],
    ["172.15.0.1", false],
    ["192.168.1.1", true],
    ["192.169.1.1", false],
    ["100.64.0.1", true],
    ["100.128.0.1", false],
    ["[fd00::1]", true],
    ["[fe80::1]", false],
    ["[2001:db8::1]", false],
    ["8.8.8.8", false],
    ["vllm", true],
    ["gpu.internal", true],
    ["gpu.local", true],
    ["internal.example.com", false],
    ["localhost.example.com", false],
  ])("%s: %s", (host, allowed) => {
    const text = configText("pools.llama.endpoints.0.url", `http://${host}:8000`);
    expect(parseConfig(text).ok).toBe(allowed);
  });

  test("any, when the endpoint says so", () => {
    const endpoint = { id: "a", region: "us", backend: "openai", url: "http://8.8.8.8", allowPlainHttp: true };
    expect(parseConfig(configText("pools.llama.endpoints.0", endpoint)).ok).toBe(true);
  });
});
