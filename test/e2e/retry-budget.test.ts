/**
 * When everything fails, the router does not double the load: what reaches the endpoints is counted at the endpoints.
 * Every fleet starts with full budgets of its own.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { FaultInput } from "../../backends/gpu-simulator/faults.ts";
import { buildWorker } from "../../tools/cli/build.ts";
import { RETRY_RULE } from "../../src/routing/core/shard/budget.ts";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet, FleetPlan } from "../support/fleet.ts";
import { freshPlace } from "../support/openai.ts";

const REGIONS = ["us-east", "eu-west"] as const;
/** The bound on what a failing fleet gets per client request. */
const AMPLIFICATION_MAX = 1.1;

let fleet: Fleet | null = null;
afterEach(async () => {
  await fleet?.close();
  fleet = null;
});

async function start(changes: Partial<FleetPlan> = {}): Promise<Fleet> {
  fleet = await startFleet({
    endpoints: REGIONS.map((region) => ({ id: region, region, simulator: { engine: ENGINE_PRESETS.fast } })),
    ...changes,
    pool: { patienceMs: 5_000, ...changes.pool },
  });
  return fleet;
}

const fail = (router: Fleet, fault: FaultInput): void => {
  for (const simulator of router.simulators.values()) simulator.setFault(fault);
};

const upstream = ({ simulators }: Fleet): number =>
  [...simulators.values()].reduce((sum, { stats }) => sum + stats.requests, 0);

/** Sends `count` requests, one after the other; what came of each, and how many reached an endpoint. */
async function send(router: Fleet, count: number) {
  const before = upstream(router);
  const statuses: number[] = [];
  let dispatched = 0;
  for (let sent = 0; sent < count; sent++) {
    const response = await router.chat({ stream: true, place: freshPlace("us-east") });
    await response.text();
    statuses.push(response.status);
    dispatched += Number(response.headers.get("x-warmpath-attempts") ?? 0);
  }
  return { statuses: new Set(statuses), attempts: upstream(router) - before, dispatched };
}

/** Takes eight of the ten slots, for good: from here on a second attempt has to be paid for. */
async function fillSlots(router: Fleet): Promise<void> {
  fail(router, { kind: "hang" });
  for (let held = 0; held < 2 * HELD_PER_ENDPOINT; held++) {
    void router.chat({ place: freshPlace(REGIONS[held % 2] ?? "us-east") }).catch(() => undefined);
  }
  await router.until(
    async () => upstream(router),
    (held) => held === 2 * HELD_PER_ENDPOINT,
  );
}

const SLOTS = 5;
const HELD_PER_ENDPOINT = 4;
const startFull = async (): Promise<Fleet> => {
  const router = await start({
    endpoints: REGIONS.map((region) => ({
      id: region,
      region,
      simulator: { engine: ENGINE_PRESETS.fast },
      config: { concurrencyPerWorker: SLOTS },
    })),
    // One that was ejected has no slot for a trial beside those that hang there.
    pool: { queueWaitMsMax: 0 },
  });
  await fillSlots(router);
  return router;
};

describe.each([
  ["answers 500", { kind: "status", status: 500 }],
  ["resets the connection", { kind: "reset" }],
] as const)("every endpoint of a full fleet %s", (_, fault: FaultInput) => {
  test("retries end with the budget, and each request still reaches an endpoint at most once", async () => {
    const router = await startFull();
    fail(router, fault);
    const budget = RETRY_RULE.tokensMax * REGIONS.length;
    const first = await send(router, budget + 5);
    expect(first.dispatched).toBe(first.attempts);
    const later = await send(router, 20);
    expect(later.attempts / 20).toBeLessThanOrEqual(AMPLIFICATION_MAX);
    expect(first.attempts + later.attempts).toBeLessThanOrEqual(budget + 5 + 20 + budget);
    expect([...first.statuses, ...later.statuses].every((status) => status >= 429)).toBe(true);
  });
});

test("a fleet that has room for none refuses at once, and is left alone", async () => {
  const router = await start({ pool: { queueWaitMsMax: 0 } });
  fail(router, { kind: "status", status: 503, retryAfter: 30 });
  const { statuses, attempts } = await send(router, 20);
  expect([[...statuses], attempts]).toEqual([[429], REGIONS.length]);
  const refused = await router.chat({ place: freshPlace("us-east") });
  const { error } = (await refused.json()) as { error: { code: string } };
  expect(error.code).toBe("saturated");
  const seconds = Number(refused.headers.get("retry-after"));
  expect(seconds).toBeGreaterThan(20);
  expect(seconds).toBeLessThanOrEqual(30);
});

describe("while no shard answers", () => {
  const dir = mkdtempSync(join(tmpdir(), "warmpath-test-"));
  const bundlePath = join(dir, "worker.js");
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  beforeAll(async () => {
    await buildWorker({ entry: join(import.meta.dirname, "../objects/broken-shard.ts"), outfile: bundlePath });
  });

  test("the isolate's own budget bounds the retries", async () => {
    const router = await start({
      bundlePath,
      bindings: { SHARD_FAULT: "throw", SHARD_BROKEN: "1" },
      pool: { patienceMs: 50 },
    });
    fail(router, { kind: "status", status: 500 });
    const { attempts } = await send(router, 40);
    // They are one tenant's, which has half of it.
    expect(attempts).toBe(40 + RETRY_RULE.tokensMax / 2);
  });
});
