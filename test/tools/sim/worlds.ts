/** Small worlds for the tests of the simulator. */
import { ROUTERS, type RouterEntry } from "../../../tools/sim/policies/registry.ts";
import { parseScenario } from "../../../tools/sim/report/scenario-parse.ts";
import type { Router } from "../../../tools/sim/router.ts";
import type { Scenario } from "../../../tools/sim/scenario.ts";
import { createWorkload, type Workload } from "../../../tools/sim/workload.ts";
import { World } from "../../../tools/sim/world.ts";

/** One region, two endpoints with one slot, work of exactly 1000 ms, round trip 100 ms; fields replace these. */
export function scenarioOf(fields: Readonly<Record<string, unknown>> = {}): Scenario {
  const scenario = parseScenario(
    JSON.stringify({
      regions: ["here"],
      roundTripMs: [[100]],
      endpoints: [{ region: "here", count: 2, slots: 1, id: "gpu" }],
      demand: { workMs: { kind: "fixed", mean: 1000 } },
      loads: [0.5],
      ...fields,
    }),
    "test",
  );
  if (!scenario.ok) throw new Error(scenario.error);
  return scenario.value;
}

export function routerNamed(name: string): RouterEntry | undefined {
  return ROUTERS.find((entry) => entry.name === name);
}

export function workloadOf(scenario: Scenario, { count = 100, seed = 1, load = 0.5 } = {}): Workload {
  return createWorkload(scenario, { load, seed, count, trace: null });
}

/** A workload whose requests arrive at the given times from region 0. */
export function arrivingAt(scenario: Scenario, timesMs: readonly number[]): Workload {
  const workload = workloadOf(scenario, { count: timesMs.length });
  workload.requests.arrivalMs.set(timesMs);
  workload.requests.region.fill(0);
  return workload;
}

/** Runs a world to its end and returns it; for routers that make no promises. */
export function ran(scenario: Scenario, workload: Workload, router: (world: World) => Router, seed = 1): World {
  const world = new World({ scenario, workload, seed });
  world.runAtOnce(router);
  return world;
}

/** Runs a world to its end, whatever its router is. */
export async function ranToEnd(
  scenario: Scenario,
  workload: Workload,
  router: (world: World) => Router,
  seed = 1,
): Promise<World> {
  const world = new World({ scenario, workload, seed });
  await world.run(router);
  return world;
}
