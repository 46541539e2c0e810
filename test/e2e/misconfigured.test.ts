/** A deployment that is not complete answers 503 and tells its operator, in the log, what to write where. */
import { afterEach, describe, expect, test } from "vitest";
import { startWorkerd } from "../../tools/cli/workerd.ts";
import type { Workerd } from "../../tools/cli/workerd.ts";
import { BUNDLE, REGIONS, startFleet } from "../support/fleet.ts";

const PEPPER = "0123456789abcdef0123456789abcdef";
const SECRET_VALUE = "the-value-of-a-secret";

const endpoint = (changes: Record<string, unknown> = {}) => ({
  id: "us-a",
  region: "us-east",
  backend: "openai",
  url: "http://127.0.0.1:9",
  ...changes,
});
const config = (changes: Record<string, unknown> = {}) => ({
  regions: REGIONS,
  keys: [{ id: "test", tenant: "tests", hmac: "0".repeat(64) }],
  pools: { main: { endpoints: [endpoint()] } },
  ...changes,
});

let workerd: Workerd | null = null;
afterEach(async () => {
  await workerd?.kill();
  workerd = null;
});

async function start(bindings: Record<string, string>): Promise<Workerd> {
  workerd = await startWorkerd({ bundlePath: BUNDLE, bindings });
  return workerd;
}

/** Resolves with the log once it says `pattern`: workerd prints when it likes. */
async function logOf(router: Workerd, pattern: RegExp): Promise<string> {
  for (let look = 0; look < 500; look++) {
    if (pattern.test(router.output())) return router.output();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`the log does not say ${pattern}: ${router.output()}`);
}

type Case = readonly [name: string, bindings: Record<string, string>, log: readonly RegExp[]];
const json = JSON.stringify;
const cases: readonly Case[] = [
  [
    "a value out of range",
    { WARMPATH_CONFIG: json(config({ limits: { bodyBytesMax: 12 } })), WARMPATH_KEY_PEPPER: PEPPER },
    [/limits\.bodyBytesMax/, /12/, /1024/],
  ],
  [
    "a misspelt key",
    {
      WARMPATH_CONFIG: json(config({ pools: { main: { endpoints: [endpoint({ concurencyPerWorker: 4 })] } } })),
      WARMPATH_KEY_PEPPER: PEPPER,
    },
    [/pools\.main\.endpoints\[0\]/, /concurencyPerWorker/, /concurrencyPerWorker/],
  ],
  [
    "a region that is not declared",
    {
      WARMPATH_CONFIG: json(config({ pools: { main: { endpoints: [endpoint({ region: "us-eest" })] } } })),
      WARMPATH_KEY_PEPPER: PEPPER,
    },
    [/pools\.main\.endpoints\[0\]\.region/, /us-eest/, /us-east/],
  ],
  ["no JSON at all", { WARMPATH_CONFIG: "{ pools: ", WARMPATH_KEY_PEPPER: PEPPER }, [/warmpath\.jsonc:1/]],
  [
    "no pepper, although there are keys",
    { WARMPATH_CONFIG: json(config()) },
    [/WARMPATH_KEY_PEPPER is not set \(API keys\)/, /wrangler secret put WARMPATH_KEY_PEPPER/],
  ],
  [
    "an endpoint's secret that is not set",
    {
      WARMPATH_CONFIG: json(
        config({ pools: { main: { endpoints: [endpoint({ auth: { secret: "ENDPOINT_KEY" } })] } } }),
      ),
      WARMPATH_KEY_PEPPER: PEPPER,
      OTHER_KEY: SECRET_VALUE,
    },
    [/endpoint us-a/, /ENDPOINT_KEY is not set/, /wrangler secret put ENDPOINT_KEY/],
  ],
];

describe("the log names the place, the value and the fix", () => {
  test.each(cases)("%s", async (_, bindings, log) => {
    const router = await start(bindings);
    const response = await fetch(`${router.url}/v1/models`, { headers: { authorization: "Bearer x" } });
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    expect([response.status, error.code]).toEqual([503, "misconfigured"]);
    // The client learns whom to ask, and nothing of the deployment.
    expect(error.message).toMatch(/The operator finds it in the log/);
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    expect(response.headers.get("x-should-retry")).toBe("false");
    const [first = /./] = log;
    const text = await logOf(router, first);
    for (const pattern of log) expect(text).toMatch(pattern);
    expect(text).not.toContain(PEPPER);
    expect(text).not.toContain(SECRET_VALUE);
  });
});

describe("health of a deployment that is not complete", () => {
  test("it is alive, and not ready", async () => {
    const router = await start({ WARMPATH_CONFIG: "{}" });
    expect((await fetch(`${router.url}/livez`)).status).toBe(200);
    const notReady = await fetch(`${router.url}/readyz`);
    expect([notReady.status, await notReady.text()]).toEqual([503, expect.stringContaining("see the log")]);
    expect((await fetch(`${router.url}/ping`)).status).toBe(503);
  });

  test("the same problem is logged once, however often it is met", async () => {
    const router = await start({ WARMPATH_CONFIG: "{ pools: " });
    for (let request = 0; request < 5; request++) await (await fetch(`${router.url}/readyz`)).text();
    await logOf(router, /warmpath\.jsonc:1/);
    expect(router.output().match(/warmpath\.jsonc:1/g)).toHaveLength(1);
  });

  test("without keys in the config nobody may call, and no pepper is needed", async () => {
    const router = await start({ WARMPATH_CONFIG: json(config({ keys: [] })) });
    expect((await fetch(`${router.url}/readyz`)).status).toBe(200);
    const response = await fetch(`${router.url}/v1/models`, { headers: { authorization: "Bearer x" } });
    expect(response.status).toBe(401);
  });
});

describe("outside development", () => {
  test("the routes and headers of development do nothing, not even for operators", async () => {
    const endpoints = (["us-east", "eu-west"] as const).map((region) => ({ id: region, region }));
    const fleet = await startFleet({ endpoints, bindings: { WARMPATH_DEV: "0" }, pool: { patienceMs: 5_000 } });
    try {
      const before = await fleet.shards();
      const response = await fleet.call("/admin/shards/main/us-east/restart", { method: "POST" });
      expect(response.status).toBe(404);
      // Nobody knows where this client is, so both regions are equally near, whatever it says.
      const served = async () =>
        (await fleet.chat({ place: "eu-west", maxTokens: 1 })).headers.get("x-warmpath-region");
      await fleet.until(served, (region) => region === "us-east");
      const epochs = (shards: typeof before) => shards.map(({ status }) => status?.epoch);
      expect(epochs(await fleet.shards())).toEqual(epochs(before));
    } finally {
      await fleet.close();
    }
  });
});
