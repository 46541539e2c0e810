/** The platform's rate limiters as the first shield: the shipped modules in Miniflare, which has them. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { PART } from "../../tools/cli/workerd-config.ts";
import { readPlatformConfig } from "../../tools/cli/wrangler-config.ts";
import type { Workerd } from "../../tools/cli/workerd.ts";
import { BUNDLE, startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

const BY_ADDRESS = 5;
const BY_KEY = 3;

const limiter = (id: string, limit: number) => ({ namespace_id: id, simple: { limit, period: 60 as const } });

async function startMiniflare(
  bindings: Readonly<Record<string, string>>,
  ratelimits: Readonly<Record<string, ReturnType<typeof limiter>>>,
): Promise<Workerd> {
  const { compatibilityDate, compatibilityFlags, durableObjects } = readPlatformConfig();
  const dir = dirname(BUNDLE);
  const names = ["worker.js", ...readdirSync(dir).filter((name) => PART.test(name))];
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: names.map((path) => ({ type: "ESModule", path, contents: readFileSync(join(dir, path), "utf8") })),
      compatibilityDate,
      compatibilityFlags: [...compatibilityFlags],
      durableObjects: Object.fromEntries(
        durableObjects.map(({ name, className }) => [name, { className, useSQLite: true }]),
      ),
      bindings: { ...bindings },
      ratelimits: { ...ratelimits },
    }),
  );
  const url = await miniflare.ready;
  const exited = Promise.withResolvers<{ readonly code: number | null; readonly signal: null }>();
  const stop = async (): Promise<void> => {
    await miniflare.dispose();
    exited.resolve({ code: 0, signal: null });
  };
  return {
    url: url.origin,
    port: Number(url.port),
    pid: 0,
    exited: exited.promise,
    output: () => "",
    stop,
    kill: stop,
  };
}

const start = (ratelimits: Readonly<Record<string, ReturnType<typeof limiter>>>): Promise<Fleet> =>
  startFleet({
    endpoints: [{ id: "us-a", region: "us-east", simulator: { engine: ENGINE_PRESETS.fast } }],
    keys: [
      { id: "busy", tenant: "one" },
      { id: "calm", tenant: "one" },
    ],
    config: {
      limits: { shield: { byAddress: "SHIELD_ADDRESS", byKey: "SHIELD_KEY", periodSeconds: 60 } },
    },
    runtime: async (bindings) => startMiniflare(bindings, ratelimits),
  });

async function get(fleet: Fleet, address: string, key: string) {
  const headers = { authorization: `Bearer ${key}`, "cf-connecting-ip": address };
  const response = await fetch(`${fleet.router.url}/v1/models`, { headers });
  const body = (await response.json()) as { error?: { code: string; message: string } };
  const { code, message } = body.error ?? {};
  return { status: response.status, code, message, retryAfter: response.headers.get("retry-after") };
}

const times = async <Value>(count: number, act: () => Promise<Value>): Promise<Value[]> => {
  const all: Value[] = [];
  for (let time = 0; time < count; time++) all.push(await act());
  return all;
};

describe("with two limiters bound", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await start({ SHIELD_ADDRESS: limiter("1001", BY_ADDRESS), SHIELD_KEY: limiter("1002", BY_KEY) });
  }, 60_000);
  afterAll(() => fleet.close());

  test("an address passes as often as its limiter says, and is then refused before its key is looked at", async () => {
    const guesses = await times(BY_ADDRESS + 1, async () => get(fleet, "203.0.113.7", "wp_guess"));
    expect(guesses.map(({ status }) => status)).toEqual([...Array.from({ length: BY_ADDRESS }, () => 401), 429]);
    expect(guesses.at(-1)).toMatchObject({ code: "rate_limited", retryAfter: "60" });
    expect(guesses.at(-1)?.message).toContain("this address");
    expect((await get(fleet, "203.0.113.7", fleet.keyOf("calm"))).status, "a good key makes no difference").toBe(429);
    expect((await get(fleet, "203.0.113.8", fleet.keyOf("calm"))).status, "nobody else is").toBe(200);
  });

  test("addresses of one customer's part of an IPv6 network count as one", async () => {
    let last = 0;
    const next = async () => (await get(fleet, `2001:db8:1:2::${(last += 1)}`, "wp_guess")).status;
    expect((await times(BY_ADDRESS + 1, next)).at(-1)).toBe(429);
    expect((await get(fleet, "2001:db8:1:3::1", "wp_guess")).status).toBe(401);
  });

  test("a key passes as often as its limiter says, from wherever it comes, and another one of its tenant goes on", async () => {
    let last = 0;
    const next = async () => (await get(fleet, `198.51.100.${(last += 1)}`, fleet.keyOf("busy"))).status;
    expect(await times(BY_KEY + 1, next)).toEqual([200, 200, 200, 429]);
    expect((await get(fleet, "198.51.100.99", fleet.keyOf("calm"))).status).toBe(200);
  });

  test("health is no matter of it", async () => {
    const health = await times(2 * BY_ADDRESS, async () => (await fetch(`${fleet.router.url}/livez`)).status);
    expect(new Set(health)).toEqual(new Set([200]));
  });
});

test("limiters that the config names and nobody has bound are off", async () => {
  const fleet = await start({});
  try {
    const seen = await times(3 * BY_ADDRESS, async () => (await get(fleet, "203.0.113.7", fleet.keyOf("busy"))).status);
    expect(new Set(seen)).toEqual(new Set([200]));
  } finally {
    await fleet.close();
  }
}, 60_000);
