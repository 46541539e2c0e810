/** The bracket in which the best possible policy lies: the bound is below every rule, request by request. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BOUND, referencesOf } from "../../../tools/sim/bounds/references.ts";
import { servedOf } from "../../../tools/sim/metrics.ts";
import { ROUTERS } from "../../../tools/sim/policies/registry.ts";
import { simulate } from "../../../tools/sim/run.ts";
import { ranToEnd, scenarioOf, workloadOf } from "./worlds.ts";

const regions = {
  regions: ["here", "there"],
  roundTripMs: [
    [10, 90],
    [90, 10],
  ],
  demandByRegion: [3, 1],
};

const slots = (speed: number) =>
  scenarioOf({
    ...regions,
    endpoints: [
      { region: "here", slots: 2, speed },
      { region: "there", slots: 3 },
    ],
    demand: { workMs: { kind: "lognormal", mean: 1_000, sigma: 1 } },
  });

const step = (speed: number) =>
  scenarioOf({
    ...regions,
    endpoints: [
      { region: "here", slots: 8, speed },
      { region: "there", slots: 8 },
    ],
    engine: { kind: "step", preset: "default" },
    demand: {
      promptTokens: { kind: "lognormal", mean: 1_500, sigma: 1 },
      outputTokens: { kind: "lognormal", mean: 150, sigma: 1 },
      prefixCount: 3,
      prefixTokens: 1_024,
    },
  });

describe.each([
  ["slots", slots, ["no-queue", "central-queue", "ect"]],
  ["step", step, ["no-queue", "ect", "ect-externality", "token-cost"]],
] as const)("on %s engines", (_, scenarioAt, names) => {
  test("no request of any rule is below the bound", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1_000 }), fc.constantFrom(0.5, 1, 3), async (seed, speed) => {
        const scenario = scenarioAt(speed);
        const workload = workloadOf(scenario, { count: 150, seed, load: 0.9 });
        const references = await referencesOf(scenario, workload, seed);
        expect(references.map(([name]) => name)).toEqual(names);
        const bound = references.find(([name]) => name === BOUND)?.[1].ttftMs ?? new Float64Array(0);
        for (const [, { ttftMs }] of references) {
          // A prompt that is too long for every engine, as one of seed 455 is, has no first token: NaN, below nothing.
          expect(ttftMs.some((ms, request) => ms < (bound[request] ?? NaN) - 1e-6)).toBe(false);
        }
      }),
      { numRuns: 12, examples: [[455, 0.5]] },
    );
  });

  test("the best clairvoyant is the rule with the lowest p99, and never the bound", async () => {
    const options = { load: 0.8, routers: [], seed: 1, seeds: 2, requests: 300, trace: null };
    const { references, best } = await simulate({ ...options, scenario: scenarioAt(1) });
    const rules = references.filter(({ name }) => name !== BOUND);
    expect(best.name).not.toBe(BOUND);
    expect(best.ttftMs.p99).toBe(Math.min(...rules.map(({ ttftMs }) => ttftMs.p99)));
  });
});

test("no policy is below the bound on step engines", { timeout: 60_000 }, async () => {
  const scenario = step(2);
  const workload = workloadOf(scenario, { count: 400, load: 0.8 });
  const references = await referencesOf(scenario, workload, 1);
  const bound = references[0]?.[1].ttftMs ?? new Float64Array(0);
  for (const { factory, name } of ROUTERS) {
    const { ttftMs } = (await ranToEnd(scenario, workload, factory)).outcomes;
    const under = [...ttftMs].filter((ms, request) => ms < (bound[request] ?? NaN) - 1e-6);
    expect([name, under]).toEqual([name, []]);
  }
});

describe("what clients got", () => {
  test("is, of one request on an idle engine, what can be reckoned by hand", async () => {
    const scenario = scenarioOf({
      endpoints: [{ region: "here", slots: 4 }],
      engine: { kind: "step", preset: "default" },
      demand: { promptTokens: { kind: "fixed", mean: 500 }, outputTokens: { kind: "fixed", mean: 101 } },
    });
    const [, ect] = await referencesOf(scenario, workloadOf(scenario, { count: 1 }), 1);
    // A trip of 100 ms both ways; a step of 12 ms and 500 tokens of 0.06; then 100 steps of 12 + 0.4 ms.
    expect(ect?.[1].ttftMs[0]).toBeCloseTo(100 + 12 + 30, 6);
    expect(ect?.[1].tpotMs[0]).toBeCloseTo(12.4, 6);
    expect(ect?.[1].e2eMs[0]).toBeCloseTo(142 + 1_240, 6);
    expect(ect?.[1].goodShare).toBe(1);
  });

  test.each([
    ["twice the idle time between tokens is good", 31, 1],
    ["more is not", 32, 0],
  ])("%s", async (_, decoding, goodShare) => {
    // All come at once and are read in one step; then each step takes 12 + 0.4 x their number, at most 24.8 for good.
    const scenario = scenarioOf({
      endpoints: [{ region: "here", slots: 64 }],
      engine: { kind: "step", preset: "default" },
      demand: { promptTokens: { kind: "fixed", mean: 1 }, outputTokens: { kind: "fixed", mean: 50 } },
    });
    const workload = workloadOf(scenario, { count: decoding + 1 });
    workload.requests.arrivalMs.fill(0);
    const world = await ranToEnd(scenario, workload, (its) => ({ arrive: (request) => void its.dispatch(request, 0) }));
    expect(servedOf(world).goodShare).toBe(goodShare);
  });

  test("a first token after the objective is not good, however fast the rest", async () => {
    const scenario = scenarioOf({ objectiveMs: 100 + 50 });
    const workload = workloadOf(scenario, { count: 2 });
    workload.requests.arrivalMs.set([0, 10_000]);
    workload.requests.workMs.set([1_000, 1_001]);
    const world = await ranToEnd(scenario, workload, (its) => ({ arrive: (request) => void its.dispatch(request, 0) }));
    expect(servedOf(world).goodShare).toBe(0.5);
  });
});
