import { describe, expect, test } from "vitest";
import { policyRouter } from "../../../tools/sim/policy-router.ts";
import { leastOutstanding } from "../../../tools/sim/policies/simple.ts";
import type { Router } from "../../../tools/sim/router.ts";
import type { World } from "../../../tools/sim/world.ts";
import { arrivingAt, ran, scenarioOf, workloadOf } from "./worlds.ts";

const tokens = (prompt: number, output: number, prefixCount = 0) => ({
  demand: {
    promptTokens: { kind: "fixed", mean: prompt },
    outputTokens: { kind: "fixed", mean: output },
    prefixCount,
    prefixTokens: 1_024,
  },
  engine: { kind: "step", preset: "default" },
});

const toFirst = (world: World): Router => ({ arrive: (request) => void world.dispatch(request, 0) });

describe("the step engine in the world", () => {
  test("reads a prompt in a + c x tokens, after half of the trip and before the other", () => {
    const scenario = scenarioOf({ ...tokens(1_000, 10), endpoints: [{ region: "here", slots: 4 }] });
    const world = ran(scenario, arrivingAt(scenario, [0]), toFirst);
    expect(world.outcomes.ttftMs[0]).toBeCloseTo(100 + 12 + 60, 6);
  });

  test("divides every step by the speed", () => {
    const scenario = scenarioOf({ ...tokens(1_000, 10), endpoints: [{ region: "here", slots: 4, speed: 2 }] });
    const world = ran(scenario, arrivingAt(scenario, [0]), toFirst);
    expect(world.outcomes.ttftMs[0]).toBeCloseTo(100 + 36, 6);
  });

  test("does not read again what a prefix left behind", () => {
    const scenario = scenarioOf({ ...tokens(100, 2, 1), endpoints: [{ region: "here", slots: 4 }] });
    const world = ran(scenario, arrivingAt(scenario, [0, 5_000]), toFirst);
    const [cold = 0, warm = 0] = world.outcomes.ttftMs;
    expect(cold - warm).toBeCloseTo(1_024 * 0.06, 6);
  });

  test("serves everything and ends empty, also through a crash and a slowdown", () => {
    const scenario = scenarioOf({
      ...tokens(500, 50),
      endpoints: [{ region: "here", count: 2, slots: 4, id: "gpu" }],
      faults: [
        { kind: "slow", endpoints: ["gpu.0"], fromShare: 0.1, toShare: 0.3 },
        { kind: "outage", endpoints: ["gpu.1"], fromShare: 0.4, toShare: 0.5 },
      ],
    });
    const world = ran(scenario, workloadOf(scenario, { count: 500, load: 0.4 }), policyRouter(leastOutstanding));
    expect(world.outcomes.open).toBe(0);
    expect([...world.fleet.inFlight, ...world.fleet.running, ...world.fleet.waiting]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});
