import { describe, expect, test } from "vitest";
import * as bounds from "../../src/config/config-bounds.ts";
import { parseConfig, PROBLEMS_MAX } from "../../src/config/config-parse.ts";
import { CONFIG_CHARS_MAX, CONFIG_DEPTH_MAX } from "../../src/config/config-bounds.ts";
import { configText, type Json } from "./config-sample.ts";

const isAccepted = (path: string, value: Json) => parseConfig(configText(path, value)).ok;

/** `path`: below `alerts`. */
function isAlertGood(path: string, value: Json): boolean {
  const [name = "", inner] = path.split(".");
  const alerts = inner === undefined ? { [name]: value } : { [name]: { [inner]: value } };
  return isAccepted("alerts", { url: "https://ops.example.com", ...alerts });
}

describe("a number in the config", () => {
  const endpoint = "pools.llama.endpoints.0";
  test.each<[path: string, min: number, max: number]>([
    ["limits.bodyBytesMax", 1024, bounds.BODY_BYTES_MAX],
    ["limits.uploadBytesMax", 1024, bounds.UPLOAD_BYTES_MAX],
    ["limits.uploadHeadBytesMax", 1024, bounds.BODY_BYTES_MAX],
    [`${endpoint}.concurrencyPerWorker`, 1, bounds.CONCURRENCY_PER_WORKER_MAX],
    [`${endpoint}.scalerValue`, 1, bounds.SCALER_VALUE_MAX],
    [`${endpoint}.idleTimeoutSeconds`, 1, bounds.IDLE_TIMEOUT_SECONDS_MAX],
    [`${endpoint}.executionTimeoutMs`, 100, bounds.EXECUTION_TIMEOUT_MS_MAX],
    [`${endpoint}.coldStartMs`, 0, bounds.COLD_START_MS_MAX],
    ["pools.llama.patienceMs", 0, bounds.PATIENCE_MS_MAX],
    ["pools.llama.firstTokenTimeoutMs", 10, bounds.FIRST_TOKEN_TIMEOUT_MS_MAX],
    ["pools.llama.ttfbTimeoutMs", 10, bounds.FIRST_TOKEN_TIMEOUT_MS_MAX],
    ["pools.llama.connectTimeoutMs", 100, bounds.CONNECT_TIMEOUT_MS_MAX],
    ["pools.llama.stallTimeoutMs", 100, bounds.STALL_TIMEOUT_MS_MAX],
    ["pools.llama.attemptsMax", 1, bounds.ATTEMPTS_MAX],
    ["pools.llama.hedge.afterMsMin", bounds.HEDGE_AFTER_MS_MIN, bounds.FIRST_TOKEN_TIMEOUT_MS_MAX],
    ["pools.llama.queueDepthMax", 0, bounds.QUEUE_DEPTH_MAX],
    ["pools.llama.queueWaitMsMax", 0, bounds.QUEUE_WAIT_MS_MAX],
    ["pools.llama.leaseTtlMs", bounds.LEASE_TTL_MS_MIN, bounds.LEASE_TTL_MS_MAX],
    ["pools.llama.jobs.rates.run.callsPer10s", 1, bounds.JOB_RATE_MAX],
    ["pools.llama.jobs.rates.status-sync.concurrentMax", 1, bounds.JOB_RATE_MAX],
    ["pools.llama.jobs.limits.globalLimit", 0, bounds.JOB_LIMIT_MAX],
    ["pools.llama.jobs.limits.perWorker", 0, bounds.JOB_LIMIT_MAX],
    ["pools.llama.jobs.limits.perTenant", 0, bounds.JOB_LIMIT_MAX],
    ["pools.llama.jobs.limits.queueDepthMax", 0, bounds.JOB_LIMIT_MAX],
    ["regions.us.lat", -90, 90],
    ["regions.us.lon", -180, 180],
  ])("%s is good from %d to %d and not beyond", (path, min, max) => {
    expect([min - 1, min, max, max + 1].map((value) => isAccepted(path, value))).toEqual([false, true, true, false]);
  });

  test.each(["noHealthyEndpointMs", "queueOlderThanMs"])("%s of a pool's events is bounded", (name) => {
    const { JOB_EVENT_MS_MIN: min, JOB_EVENT_MS_MAX: max } = bounds;
    const isGood = (value: number) =>
      isAccepted("pools.llama.jobs.events", { url: "https://ops.example.com", [name]: value });
    expect([min - 1, min, max, max + 1].map(isGood)).toEqual([false, true, true, false]);
  });

  test.each<[path: string, min: number, max: number]>([
    ["repeatMs", bounds.ALERT_REPEAT_MS_MIN, bounds.ALERT_MS_MAX],
    ["rules.windowMs", bounds.ALERT_WINDOW_MS_MIN, bounds.ALERT_WINDOW_MS_MAX],
    ["rules.samplesMin", 1, bounds.ALERT_SAMPLES_MAX],
    ["rules.coldStarts", 1, bounds.ALERT_SAMPLES_MAX],
    ["rules.refusedRequests", 1, bounds.ALERT_SAMPLES_MAX],
    ["rules.firstTokenMs", 1, bounds.ALERT_MS_MAX],
    ["rules.noEndpointMs", bounds.ALERT_MS_MIN, bounds.ALERT_MS_MAX],
    ["rules.budgetMs", bounds.ALERT_MS_MIN, bounds.ALERT_MS_MAX],
    ["rules.queueOlderThanMs", bounds.ALERT_MS_MIN, bounds.ALERT_MS_MAX],
    ["rules.keyDays", 1, bounds.ALERT_KEY_DAYS_MAX],
  ])("%s of alerts is good from %d to %d and not beyond", (path, min, max) => {
    expect([min - 1, min, max, max + 1].map((value) => isAlertGood(path, value))).toEqual([false, true, true, false]);
  });

  test.each(["errorShare", "capacityShare", "spendShare"])("%s of alerts is a share above nothing, or null", (name) => {
    const values = [0, 0.001, 1, 1.001, null];
    expect(values.map((value) => isAlertGood(`rules.${name}`, value))).toEqual([false, true, true, false, true]);
  });

  test.each<[what: string, alerts: Json, isGood: boolean]>([
    ["no receiver", {}, false],
    ["a URL", { url: "https://ops.example.com/warmpath" }, true],
    ["the name of a secret that is a URL", { urlSecret: "SLACK_WEBHOOK_URL", form: "slack" }, true],
    ["both", { url: "https://ops.example.com", urlSecret: "SLACK_WEBHOOK_URL" }, false],
    ["a URL in a private network", { url: "http://10.0.0.7/alerts" }, true],
    ["plain http to a public host", { url: "http://ops.example.com" }, false],
    ["no URL", { url: "ops" }, false],
    ["a secret in place of its name", { url: "https://ops.example.com", secret: "whsec_abc" }, false],
  ])("alerts with %s", (_, alerts, isGood) => {
    expect(isAccepted("alerts", alerts)).toBe(isGood);
  });

  test("prefillTokensPerMs is above zero", () => {
    const path = "pools.llama.endpoints.0.prefillTokensPerMs";
    const values = [0, 0.001, bounds.PREFILL_TOKENS_PER_MS_MAX, bounds.PREFILL_TOKENS_PER_MS_MAX + 1];
    expect(values.map((value) => isAccepted(path, value))).toEqual([false, true, true, false]);
  });

  test("the number of GPU workers is bounded on both sides", () => {
    const path = "pools.llama.endpoints.0.workers";
    const most = bounds.GPU_WORKERS_MAX;
    const cases = [{ min: -1 }, { min: 0 }, { max: 0, min: 0 }, { min: most }, { min: most, max: most + 1 }];
    expect(cases.map((value) => isAccepted(path, value))).toEqual([false, true, false, true, false]);
  });

  test("the time of a rail and its options are bounded", () => {
    const rail = (fields: Json) => ({ input: [{ use: "size", ...(fields as object) }] }) as Json;
    const cases = [
      rail({ timeoutMs: 0 }),
      rail({ timeoutMs: bounds.RAIL_TIMEOUT_MS_MAX }),
      rail({ timeoutMs: bounds.RAIL_TIMEOUT_MS_MAX + 1 }),
      rail({ options: { charsMax: 0 } }),
      rail({ options: { charsMax: 1, messagesMax: 1 } }),
    ];
    expect(cases.map((value) => isAccepted("pools.llama.rails", value))).toEqual([false, true, false, false, true]);
  });
});

describe("a list in the config", () => {
  const many = (count: number, make: (index: number) => Json): Json => Array.from({ length: count }, (_, n) => make(n));
  const named = (count: number, make: (index: number) => Json): Json =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`n${n}`, make(n)]));
  const endpoint = (n: number): Json => ({
    id: `e${n}`,
    region: "us",
    backend: "openai",
    url: "https://a.example.com",
  });
  const region: Json = { lat: 1, lon: 1, hint: "enam" };

  test.each<[string, number, string, (count: number) => Json]>([
    ["endpoints", bounds.ENDPOINTS_PER_POOL_MAX, "pools.llama.endpoints", (count) => many(count, endpoint)],
    ["models", bounds.MODELS_PER_POOL_MAX, "pools.llama.models", (count) => many(count, (n) => `m${n}`)],
    ["adapters", bounds.ADAPTERS_PER_POOL_MAX, "pools.llama.adapters", (count) => many(count, (n) => `a${n}`)],
    [
      "keys",
      bounds.KEYS_MAX,
      "keys",
      (count) => many(count, (n) => ({ id: `k${n}`, tenant: "t", hmac: "0".repeat(64) })),
    ],
    ["routes", bounds.ROUTES_MAX, "routes", (count) => many(count, (n) => ({ path: `/r${n}`, pool: "llama" }))],
    [
      "regions",
      bounds.REGIONS_MAX - 2,
      "regions",
      (count) => ({ us: region, eu: region, ...(named(count, () => region) as object) }),
    ],
  ])("%s: %d are good and one more is not", (_, most, path, make) => {
    expect([most, most + 1].map((count) => isAccepted(path, make(count)))).toEqual([true, false]);
  });

  test("pools: the bound is good and one more is not", () => {
    const pools = (count: number) =>
      configText("pools", {
        llama: { endpoints: [endpoint(1000)] },
        ...(named(count - 1, (n) => ({ endpoints: [endpoint(n)] })) as object),
      });
    expect([bounds.POOLS_MAX, bounds.POOLS_MAX + 1].map((count) => parseConfig(pools(count)).ok)).toEqual([
      true,
      false,
    ]);
  });
});

describe("the text of the config", () => {
  test("may be as long as the bound and no longer", () => {
    const text = configText();
    const padded = (length: number) => text + " ".repeat(length - text.length);
    expect(parseConfig(padded(CONFIG_CHARS_MAX)).ok).toBe(true);
    expect(parseConfig(padded(CONFIG_CHARS_MAX + 1))).toMatchObject({ ok: false, error: [{ line: 1, column: 1 }] });
  });

  test("may nest as deep as the bound and no deeper", () => {
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    const problemOf = (text: string) => {
      const result = parseConfig(text);
      return result.ok ? "" : result.error[0]?.problem;
    };
    expect(problemOf(nested(CONFIG_DEPTH_MAX))).toBe("this is a list");
    expect(problemOf(nested(CONFIG_DEPTH_MAX + 1))).toBe("the file is nested too deep");
    expect(problemOf("[".repeat(200_000))).toBe("the file is nested too deep");
    expect(problemOf(`{"a":"${"[".repeat(100)}"}`)).not.toBe("the file is nested too deep");
  });

  test("reports a bounded number of problems", () => {
    const keys = Array.from({ length: PROBLEMS_MAX + 1 }, (_, index) => `"x${index}": 1`);
    const result = parseConfig(`{ "regions": {}, "pools": {}, ${keys.join(", ")} }`);
    expect(!result.ok && result.error.length).toBe(PROBLEMS_MAX);
  });
});
