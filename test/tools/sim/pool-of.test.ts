/** What the core is told of a world by its operator, and what only the world knows. */
import { expect, test } from "vitest";
import { CONFIG_DEFAULTS } from "../../../tools/sim/production/options.ts";
import { ESTIMATE_FACTOR_MAX, poolOf } from "../../../tools/sim/production/pool-of.ts";
import { World } from "../../../tools/sim/world.ts";
import { scenarioOf, workloadOf } from "./worlds.ts";

const endpoints = [{ region: "here", count: 8, slots: 20, id: "gpu" }];
const step = scenarioOf({
  endpoints,
  engine: { kind: "step", preset: "default" },
  demand: { promptTokens: { kind: "fixed", mean: 500 }, outputTokens: { kind: "fixed", mean: 50 } },
});

const toldOf = (scenario: typeof step, seed: number) => {
  const workload = workloadOf(scenario, { seed });
  const { spec } = poolOf(new World({ scenario, workload, seed }), CONFIG_DEFAULTS);
  return spec.endpoints.map(({ concurrencyPerWorker, prefillTokensPerMs }, index) => ({
    slots: (concurrencyPerWorker ?? NaN) / 20,
    speed: prefillTokensPerMs / (workload.capacities[index]?.prefillTokensPerMs ?? NaN),
  }));
};

test("of an engine it is told estimates: each off within its factor, others with another seed", () => {
  const told = toldOf(step, 1);
  // Slots are whole: half of one is a fortieth.
  for (const { slots, speed } of told) {
    expect(Math.abs(Math.log(speed))).toBeLessThanOrEqual(Math.log(ESTIMATE_FACTOR_MAX));
    expect(Math.abs(Math.log(slots))).toBeLessThanOrEqual(Math.log(ESTIMATE_FACTOR_MAX) + 0.03);
  }
  expect(Math.max(...told.map(({ speed }) => speed))).toBeGreaterThan(1.05);
  expect(Math.min(...told.map(({ speed }) => speed))).toBeLessThan(0.95);
  expect(new Set(told.map(({ slots }) => slots)).size).toBeGreaterThan(3);
  expect(toldOf(step, 2)).not.toEqual(told);
  expect(toldOf(step, 1)).toEqual(told);
});

test("slots that an endpoint really has are told as they are", () => {
  const slots = scenarioOf({ endpoints });
  expect(toldOf(slots, 1).map((told) => told.slots)).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
});
