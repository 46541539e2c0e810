/** An operator takes an endpoint out of traffic: nothing new goes there, what runs there ends, and it stays so. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet, FleetPlan } from "../support/fleet.ts";
import { freshPlace } from "../support/openai.ts";

type Answer = { readonly drained: boolean; readonly standing: string; readonly inFlight: number };

const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 10 };
const TWO_REGIONS: FleetPlan["endpoints"] = [
  { id: "us-a", region: "us-east", simulator: { engine } },
  { id: "eu-a", region: "eu-west", simulator: { engine } },
];

const dir = mkdtempSync(join(tmpdir(), "warmpath-test-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let running: Fleet | null = null;
afterEach(async () => {
  await running?.close();
  running = null;
});

async function start(changes: Partial<FleetPlan> = {}): Promise<Fleet> {
  running = await startFleet({
    keys: [{ id: "user", scopes: ["infer"] }],
    endpoints: TWO_REGIONS,
    ...changes,
    pool: { patienceMs: 5_000, ...changes.pool },
  });
  return running;
}

const order = (fleet: Fleet, what: string, endpointId: string, headers: Record<string, string> = {}) =>
  fleet.call(`/admin/endpoints/${endpointId}/${what}`, { method: "POST", headers });

async function ordered(fleet: Fleet, what: "drain" | "undrain", endpointId: string): Promise<Answer> {
  const response = await order(fleet, what, endpointId);
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

/** Where a request from a place where nobody was goes, so that no lease granted earlier is at hand. */
async function goesTo(fleet: Fleet): Promise<string | null> {
  const response = await fleet.chat({ place: freshPlace("us-east"), maxTokens: 1 });
  await response.text();
  return response.headers.get("x-warmpath-endpoint");
}

const shown = async (fleet: Fleet) => {
  const shards = await fleet.shards();
  return shards.flatMap(({ status }) => status?.endpoints.map(({ id, standing }) => `${id} ${standing}`) ?? []);
};

test("it takes nothing new while its streams run to their end, and is shown to drain until it is put back", async () => {
  const fleet = await start();
  const stream = await fleet.chat({ stream: true, maxTokens: 60, place: freshPlace("us-east") });
  expect(stream.headers.get("x-warmpath-endpoint")).toBe("us-a");
  expect(await ordered(fleet, "drain", "us-a")).toMatchObject({ drained: true, standing: "draining", inFlight: 1 });
  for (let request = 0; request < 5; request++) expect(await goesTo(fleet)).toBe("eu-a");
  expect(await shown(fleet)).toEqual(["us-a draining", "eu-a admitting"]);
  const text = await stream.text();
  expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  expect(text).not.toContain('"error"');
  await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  expect(await ordered(fleet, "undrain", "us-a")).toMatchObject({ drained: false, standing: "admitting", inFlight: 0 });
  expect(await goesTo(fleet)).toBe("us-a");
});

test("asked twice it is the same, and an endpoint that nobody has is 404", async () => {
  const fleet = await start();
  for (const what of ["drain", "drain", "undrain", "undrain"] as const) {
    expect((await ordered(fleet, what, "us-a")).drained).toBe(what === "drain");
  }
  for (const [what, endpointId] of [
    ["drain", "nobody"],
    ["undrain", "nobody"],
    ["drain", "__proto__"],
    ["drain", "us-a%20eu-a"],
  ] as const) {
    const response = await order(fleet, what, endpointId);
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    expect([response.status, error.code]).toEqual([404, "not_found"]);
    expect(error.message).toMatch(/GET \/admin\/fleet lists/);
  }
  expect(await shown(fleet)).toEqual(["us-a admitting", "eu-a admitting"]);
});

test("only a key with the scope admin may order it", async () => {
  const fleet = await start();
  for (const what of ["drain", "undrain"]) {
    const response = await order(fleet, what, "us-a", { authorization: `Bearer ${fleet.keyOf("user")}` });
    expect([response.status, response.headers.get("x-should-retry")]).toEqual([403, "false"]);
  }
  expect(await shown(fleet)).toEqual(["us-a admitting", "eu-a admitting"]);
});

test("it is still drained after the router was killed and started again on the same state", async () => {
  const fleet = await start({ stateDir: join(dir, "state") });
  await ordered(fleet, "drain", "us-a");
  await fleet.crash();
  expect(await shown(fleet)).toEqual(["us-a draining", "eu-a admitting"]);
  for (let request = 0; request < 3; request++) expect(await goesTo(fleet)).toBe("eu-a");
});

test("a request is refused rather than sent to the only endpoint while that is drained", async () => {
  const fleet = await start({ endpoints: TWO_REGIONS.slice(0, 1) });
  await ordered(fleet, "drain", "us-a");
  const response = await fleet.chat({ place: freshPlace("us-east") });
  expect([response.status, response.headers.has("retry-after")]).toEqual([503, true]);
  expect(fleet.simulator("us-a").stats.dispatchedIds).toEqual([]);
});

test("the peers send nothing there, also when their own endpoints are full", async () => {
  const fleet = await start({
    endpoints: TWO_REGIONS.map((endpoint) => ({ ...endpoint, config: { concurrencyPerWorker: 1 } })),
    pool: { queueDepthMax: 1 },
  });
  await ordered(fleet, "drain", "eu-a");
  const holder = new AbortController();
  await fleet.chat({ stream: true, maxTokens: 30_000, signal: holder.signal, place: freshPlace("us-east") });
  const waiting = fleet.chat({ place: freshPlace("us-east"), maxTokens: 1 });
  await fleet.until(
    () => fleet.shards(),
    (shards) => shards.some(({ status }) => status?.queued === 1),
  );
  expect((await fleet.chat({ place: freshPlace("us-east") })).status).toBe(429);
  expect(fleet.simulator("eu-a").stats.dispatchedIds).toEqual([]);
  holder.abort();
  expect((await waiting).status).toBe(200);
});

describe("an endpoint that is put back, or is well again, serves at once who waits for it", () => {
  /** `us-b` may take nothing, the only slot of `us-a` is taken by a stream that does not end, and one request waits. */
  async function oneWaits(keepAway: (fleet: Fleet) => Promise<void>) {
    const config = { concurrencyPerWorker: 1 };
    const fleet = await start({
      endpoints: ["us-a", "us-b"].map((id) => ({ id, region: "us-east", simulator: { engine }, config })),
      pool: { queueWaitMsMax: 60_000 },
    });
    await keepAway(fleet);
    const holder = new AbortController();
    await fleet.chat({ stream: true, maxTokens: 30_000, signal: holder.signal, place: freshPlace("us-east") });
    const waiting = fleet.chat({ place: freshPlace("us-east"), maxTokens: 1 });
    await fleet.until(
      () => fleet.shards(),
      ([shard]) => shard?.status?.queued === 1,
    );
    return { fleet, waiting, holder };
  }

  test("put back by an operator", async () => {
    const { fleet, waiting, holder } = await oneWaits(async (router) => {
      await ordered(router, "drain", "us-b");
    });
    await ordered(fleet, "undrain", "us-b");
    expect((await waiting).headers.get("x-warmpath-endpoint")).toBe("us-b");
    holder.abort();
  });

  test("found well by a probe", async () => {
    const { fleet, waiting, holder } = await oneWaits(async (router) => {
      router.simulator("us-b").setFault({ kind: "status", status: 500, paths: "all" });
      await router.until(
        async () => {
          await router.shards(true);
          return shown(router);
        },
        (endpoints) => endpoints.includes("us-b down"),
      );
    });
    fleet.simulator("us-b").setFault({ kind: "none" });
    expect((await waiting).headers.get("x-warmpath-endpoint")).toBe("us-b");
    holder.abort();
  });
});

test("a pool is drained as a whole: its requests are refused until it is put back", async () => {
  const fleet = await start();
  const orderPool = async (pool: string, what: string) => {
    const response = await fleet.call(`/admin/pools/${pool}/${what}`, { method: "POST" });
    return { status: response.status, json: (await response.json()) as object };
  };
  expect((await orderPool("main", "drain")).json).toMatchObject({
    pool: "main",
    drained: true,
    endpoints: [
      { endpoint: "us-a", region: "us-east", standing: "draining" },
      { endpoint: "eu-a", region: "eu-west", standing: "draining" },
    ],
    unreached: [],
  });
  expect((await fleet.chat({ place: freshPlace("us-east") })).status).toBe(503);
  expect((await orderPool("main", "undrain")).status).toBe(200);
  expect(await goesTo(fleet)).toBe("us-a");
  expect((await orderPool("nowhere", "drain")).status).toBe(404);
});
