/** The production core with every message's delay, in overload: what a tenant or a class feels of the others. */
import { describe, expect, test } from "vitest";
import { CONFIG_DEFAULTS, type Speaker } from "../../../tools/sim/production/options.ts";
import { production } from "../../../tools/sim/production/router.ts";
import { OUTCOME } from "../../../tools/sim/outcomes.ts";
import { ranToEnd, scenarioOf, workloadOf } from "./worlds.ts";

/** Four slots of a second, and clients of two tenants, each in a region of its own. */
const scenario = scenarioOf({
  regions: ["gpus", "ones", "others"],
  roundTripMs: [
    [5, 20, 20],
    [20, 5, 20],
    [20, 20, 5],
  ],
  endpoints: [{ region: "gpus", count: 2, slots: 2, id: "gpu" }],
});
const RUN_MS = 60_000;

type Crowd = { readonly everyMs: number; readonly fromMs?: number; readonly says: Speaker };

type Felt = {
  readonly ttftMs: number[];
  /** Not served: refused, or failed. */
  readonly shed: number;
  readonly failed: number;
  /** Attempts beyond a request's first. Nothing fails here, so each one before was put back. */
  readonly putBack: number;
};

/** TTFT of those who were served, and what became of the others, of each crowd. */
async function felt(crowds: readonly [Crowd, Crowd]): Promise<Felt[]> {
  const arrivals = crowds
    .flatMap(({ everyMs, fromMs = 0 }, crowd) =>
      Array.from({ length: Math.floor((RUN_MS - fromMs) / everyMs) }, (_, index) => ({
        atMs: fromMs + index * everyMs,
        crowd,
      })),
    )
    .toSorted((one, other) => one.atMs - other.atMs);
  const workload = workloadOf(scenario, { count: arrivals.length });
  workload.requests.arrivalMs.set(arrivals.map(({ atMs }) => atMs));
  workload.requests.region.set(arrivals.map(({ crowd }) => crowd + 1));
  const options = { ...CONFIG_DEFAULTS, says: [[], ...crowds.map(({ says }) => [says])] };
  const world = await ranToEnd(scenario, workload, production(options));
  return crowds.map((_, crowd) => {
    const own = arrivals.flatMap((arrival, request) => (arrival.crowd === crowd ? [request] : []));
    const served = own.filter((request) => world.outcomes.outcome[request] === OUTCOME.served);
    const { attempts } = world;
    const sent = Array.from({ length: attempts.count }, (_unused, attempt) => attempts.requestOf(attempt));
    const ofCrowd = sent.filter((request) => arrivals[request]?.crowd === crowd);
    return {
      ttftMs: served.map((request) => world.outcomes.ttftMs[request] ?? Number.NaN),
      shed: own.length - served.length,
      failed: own.filter((request) => world.outcomes.outcome[request] === OUTCOME.failed).length,
      putBack: ofCrowd.length - new Set(ofCrowd).size,
    };
  });
}

const mean = (values: readonly number[] = []) => values.reduce((sum, value) => sum + value, 0) / values.length;
const p95 = (values: readonly number[] = []) =>
  values.toSorted((one, other) => one - other)[Math.floor(0.95 * values.length)] ?? Number.NaN;
const worst = (values: readonly number[] = []) => Math.max(...values);

describe("a tenant that sends a tenth of what the fleet can do", () => {
  const small = (says: Crowd["says"]): Crowd => ({ everyMs: 2_530, says });
  /** `times` what the fleet can do. */
  const heavy = (says: Crowd["says"], times: number): Crowd => ({ everyMs: 250 / times, says });
  const one = { sender: { tenant: "one" } };
  const other = { sender: { tenant: "other" } };

  test("waits no longer when another one sends ten times as much, and is never refused", async () => {
    const [once] = await felt([small(one), heavy(other, 1.5)]);
    const [tenTimes, ofHeavy] = await felt([small(one), heavy(other, 15)]);
    expect(mean(tenTimes?.ttftMs)).toBeLessThan(1.25 * mean(once?.ttftMs) + 100);
    // A slot's time, and the trips.
    expect(worst(tenTimes?.ttftMs)).toBeLessThan(2_000);
    expect([once?.shed, tenTimes?.shed]).toEqual([0, 0]);
    expect(ofHeavy?.shed).toBeGreaterThan(1_000);
  });

  test("would wait ten seconds, or be refused, if nobody knew whose a request is", async () => {
    const [unknown] = await felt([small({}), heavy({}, 15)]);
    expect((unknown?.shed ?? 0) + (unknown?.ttftMs ?? []).filter((ms) => ms > 5_000).length).toBeGreaterThan(15);
  });
});

test("a higher class is served as if it were alone, and the lower one is what is refused", async () => {
  const sender = { tenant: "one" };
  const half: Crowd = { everyMs: 500, says: { sender, priority: "high" } };
  const flood: Crowd = { everyMs: 100, says: { sender, priority: "low" } };
  const [high, low] = await felt([half, flood]);
  expect(high?.shed).toBe(0);
  expect(mean(high?.ttftMs)).toBeLessThan(1_000);
  expect(low?.shed).toBeGreaterThan(100);
  // A quarter of the slots are left to it, and are used.
  expect(low?.ttftMs.length).toBeGreaterThan(50);
});

test("a higher class that comes late takes the places of a lower one that waits at the endpoints, and none of it is lost", async () => {
  const sender = { tenant: "one" };
  const flood: Crowd = { everyMs: 100, says: { sender, priority: "low" } };
  const [high, low] = await felt([{ everyMs: 500, fromMs: 20_000, says: { sender, priority: "high" } }, flood]);
  // Without classes it is ten seconds, or a refusal.
  expect(p95(high?.ttftMs)).toBeLessThan(1_000);
  expect(worst(high?.ttftMs)).toBeLessThan(2_000);
  expect(high).toMatchObject({ shed: 0, failed: 0, putBack: 0 });
  expect(low?.putBack).toBeGreaterThan(0);
  expect(low?.failed).toBe(0);
});
