import { describe, expect, test } from "vitest";
import { ResidentAdapters } from "../../../tools/sim/adapters.ts";
import { production } from "../../../tools/sim/production/router.ts";
import type { World } from "../../../tools/sim/world.ts";
import { ranToEnd, scenarioOf, workloadOf } from "./worlds.ts";

describe("adapters of an endpoint", () => {
  const of = (resident: number) => new ResidentAdapters({ count: 9, resident, loadMs: 200, told: true }, 1);

  test("are loaded once, and whoever comes meanwhile waits for the rest of it", () => {
    const adapters = of(2);
    expect([adapters.use(0, 1, 0), adapters.use(0, 1, 150), adapters.use(0, 1, 200), adapters.use(0, 1, 900)]).toEqual([
      200, 50, 0, 0,
    ]);
    expect(adapters.loads).toBe(1);
  });

  test.each([
    [2, [0, 0, 200], ["adapter-2", "adapter-3"]],
    [1, [200, 200, 200], ["adapter-3"]],
  ])("are %i at once: the one used longest ago makes room", (resident, waits, told) => {
    const adapters = of(resident);
    for (const adapter of [1, 2]) adapters.use(0, adapter, 0);
    expect([adapters.use(0, 1, 1_000), adapters.use(0, 2, 2_000), adapters.use(0, 3, 3_000)]).toEqual(waits);
    expect(adapters.toldAt(0)).toEqual(told);
  });
});

const fields = (told: boolean) => ({
  endpoints: [{ region: "here", count: 4, slots: 16, id: "gpu" }],
  roundTripMs: [[2]],
  engine: { kind: "step", preset: "default" },
  demand: {
    promptTokens: { kind: "lognormal", mean: 300, sigma: 0.5 },
    outputTokens: { kind: "fixed", mean: 50 },
  },
  adapters: { count: 24, resident: 8, loadMs: 200, told },
});

async function seen(told: boolean) {
  const scenario = scenarioOf(fields(told));
  const workload = workloadOf(scenario, { count: 2_000, load: 0.4 });
  const world: World = await ranToEnd(scenario, workload, production());
  const ttft = [...world.outcomes.ttftMs].toSorted((one, other) => one - other);
  const at = (share: number): number => ttft[Math.floor(share * ttft.length)] ?? Number.NaN;
  return { loads: world.adapters?.loads ?? Number.NaN, p50: at(0.5), p90: at(0.9) };
}

describe("production, where endpoints hold a third of the adapters each", () => {
  test("leads requests to who has theirs, as far as endpoints tell it: fewer loads, and sooner first tokens", async () => {
    const [told, untold] = [await seen(true), await seen(false)];
    expect(told.loads).toBeLessThan(untold.loads / 2);
    expect(told.p90).toBeLessThan(untold.p90);
  });
});
