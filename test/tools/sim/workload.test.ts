import { describe, expect, test } from "vitest";
import { parseTrace } from "../../../tools/sim/trace.ts";
import { createWorkload } from "../../../tools/sim/workload.ts";
import { scenarioOf, workloadOf } from "./worlds.ts";

const spanOf = (arrivalMs: Float64Array): number => arrivalMs.at(-1) ?? 0;

function cvOfGaps(arrivalMs: Float64Array): number {
  const gaps = arrivalMs.slice(1).map((at, index) => at - (arrivalMs[index] ?? 0));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  return Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length) / mean;
}

describe("a load is a share of total capacity", () => {
  test.each([
    ["slots x speed / work", { endpoints: [{ region: "here", slots: 4, speed: 2 }] }, 4 * 2],
    ["two endpoints of one slot", {}, 2],
  ])("%s", (_, fields, perSecond) => {
    const { requests } = workloadOf(scenarioOf(fields), { count: 20_000, load: 0.5 });
    const rate = requests.count / (spanOf(requests.arrivalMs) / 1_000);
    expect(Math.abs(rate / (0.5 * perSecond) - 1)).toBeLessThan(0.03);
  });
});

describe("arrivals", () => {
  test.each([
    ["Poisson gaps vary as much as their mean", { kind: "poisson" }, 0.95, 1.05],
    ["gamma gaps vary as told", { kind: "gamma", cv: 4 }, 3.7, 4.3],
    ["bursts vary more than Poisson", { kind: "bursts", factor: 8, share: 0.1, burstMs: 20_000 }, 1.5, 6],
  ])("%s", (_, arrivals, least, most) => {
    const { requests } = workloadOf(scenarioOf({ arrivals }), { count: 50_000 });
    const cv = cvOfGaps(requests.arrivalMs);
    expect(cv).toBeGreaterThan(least);
    expect(cv).toBeLessThan(most);
  });

  test("of a diurnal demand come at noon, which is elsewhere at another hour", () => {
    const periodMs = 400_000;
    const scenario = scenarioOf({
      regions: [
        { name: "west", lon: 0 },
        { name: "east", lon: 180 },
      ],
      roundTripMs: [
        [1, 1],
        [1, 1],
      ],
      endpoints: [{ region: "west", slots: 50 }],
      arrivals: { kind: "diurnal", amplitude: 1, periodMs },
    });
    const { requests } = workloadOf(scenario, { count: 10_000 });
    const counts = { west: [0, 0], east: [0, 0] };
    for (let request = 0; request < requests.count; request += 1) {
      const phase = ((requests.arrivalMs[request] ?? 0) / periodMs) % 1;
      const half = phase < 0.25 || phase > 0.75 ? 0 : 1;
      const region = requests.region[request] === 0 ? counts.west : counts.east;
      region[half] = (region[half] ?? 0) + 1;
    }
    expect(counts.west[0]).toBeGreaterThan(3 * (counts.west[1] ?? 0));
    expect(counts.east[1]).toBeGreaterThan(3 * (counts.east[0] ?? 0));
  });

  test("come ten times as fast in a burst fault", () => {
    const faults = [{ kind: "burst", factor: 10, fromShare: 0.5, toShare: 0.53 }];
    const { requests, faults: windows } = workloadOf(scenarioOf({ faults }), { count: 20_000 });
    const [window] = windows;
    const from = window?.fromMs ?? 0;
    const inside = requests.arrivalMs.filter((at) => at >= from && at < (window?.toMs ?? 0)).length;
    const before = requests.arrivalMs.filter((at) => at < from).length;
    expect(inside / before).toBeGreaterThan(0.5);
    expect(inside / before).toBeLessThan(0.7);
  });

  test("of a burst fault with a region come from there alone", () => {
    const world = {
      regions: ["here", "there"],
      roundTripMs: [
        [1, 1],
        [1, 1],
      ],
      endpoints: [{ region: "here", slots: 4 }],
    };
    const burst = (regions: readonly string[]) =>
      workloadOf(
        scenarioOf({ ...world, faults: [{ kind: "burst", factor: 10, fromShare: 0.5, toShare: 0.54, regions }] }),
        { count: 20_000 },
      );
    const countOf = ({ requests, faults: [window] }: ReturnType<typeof burst>, region: number, during: boolean) =>
      requests.arrivalMs.filter((at, index) => {
        const inside = at >= (window?.fromMs ?? 0) && at < (window?.toMs ?? 0);
        return requests.region[index] === region && (during ? inside : at < (window?.fromMs ?? 0));
      }).length;
    const [there, everywhere] = [burst(["there"]), burst([])];
    // The window is 0.08 of the time before it, at ten times the rate or at the same.
    const rise = (of: typeof there, region: number) => countOf(of, region, true) / countOf(of, region, false) / 0.08;
    expect(rise(there, 1)).toBeCloseTo(10, -1);
    expect(rise(there, 0)).toBeCloseTo(1, 0);
    expect(rise(everywhere, 0)).toBeCloseTo(10, -1);
  });

  test("do not move when something else is drawn", () => {
    const other = { demand: { workMs: { kind: "lognormal", mean: 1000, sigma: 1 } } };
    const one = workloadOf(scenarioOf()).requests.arrivalMs;
    expect(workloadOf(scenarioOf(other)).requests.arrivalMs).toEqual(one);
  });
});

const azure = `TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:17:03.9799600,4808,10
2023-11-16 18:17:04.0319600,3180,8
`;
const mooncake = `{"timestamp": 100, "input_length": 1200, "output_length": 5, "hash_ids": [0, 1, 2]}
{"timestamp": 40, "input_length": 600, "output_length": 0, "hash_ids": [0, 7]}`;

describe("traces", () => {
  test("of Azure are read, seven decimals included", () => {
    const rows = parseTrace(azure);
    expect(rows.ok && rows.value).toEqual([
      { atMs: 0, promptTokens: 4808, outputTokens: 10, blocks: [] },
      { atMs: expect.closeTo(52, 3), promptTokens: 3180, outputTokens: 8, blocks: [] },
    ]);
  });

  test("of Mooncake are read with their blocks, and sorted by time", () => {
    const rows = parseTrace(mooncake);
    expect(rows.ok && rows.value).toEqual([
      { atMs: 0, promptTokens: 600, outputTokens: 1, blocks: [0, 7] },
      { atMs: 60, promptTokens: 1200, outputTokens: 5, blocks: [0, 1, 2] },
    ]);
  });

  test.each([
    ["a broken row", `${azure}x,y,z\n`, "line 4"],
    ["a row without blocks", `${mooncake}\n{"timestamp": 1}`, "line 3"],
    ["a single request", azure.split("\n").slice(0, 2).join("\n"), "at least two"],
    ["an empty file", "", "at least two"],
  ])("with %s are refused", (_, text, problem) => {
    const rows = parseTrace(text);
    expect(rows.ok ? "" : rows.error).toContain(problem);
  });

  test("keep their lengths and blocks and are stretched to the load", () => {
    const rows = parseTrace(mooncake);
    const scenario = scenarioOf({
      engine: { kind: "step" },
      demand: { promptTokens: { kind: "fixed", mean: 1 }, outputTokens: { kind: "fixed", mean: 1 } },
      arrivals: { kind: "trace" },
    });
    const workload = createWorkload(scenario, { load: 0.5, seed: 1, count: 10, trace: rows.ok ? rows.value : null });
    const { requests, capacities } = workload;
    expect([...requests.promptTokens]).toEqual([600, 1200]);
    expect([...requests.blockStart]).toEqual([0, 2, 5]);
    const perMs = capacities.reduce((sum, one) => sum + one.perMs, 0);
    expect(spanOf(requests.arrivalMs)).toBeCloseTo(2 / (0.5 * perMs), 6);
  });

  test("keep a session in the region where it began, whatever its turns are drawn", () => {
    const turn = (atMs: number, session: number, turns: number): string =>
      JSON.stringify({
        timestamp: atMs,
        input_length: 512 * (turns + 2),
        output_length: 1,
        hash_ids: [0, session, ...Array.from({ length: turns }, (_, at) => 1_000 * session + at)],
      });
    const lines = Array.from({ length: 200 }, (_, at) => turn(at, 1 + (at % 20), Math.floor(at / 20)));
    const rows = parseTrace(lines.join("\n"));
    const scenario = scenarioOf({
      regions: ["here", "there"],
      roundTripMs: [
        [1, 1],
        [1, 1],
      ],
      endpoints: [{ region: "here", slots: 4 }],
      engine: { kind: "step" },
      demand: { promptTokens: { kind: "fixed", mean: 1 }, outputTokens: { kind: "fixed", mean: 1 } },
      arrivals: { kind: "trace" },
    });
    const regionsOf = (seed: number) => {
      const { requests } = createWorkload(scenario, { load: 0.5, seed, count: 200, trace: rows.ok ? rows.value : [] });
      return [...requests.region];
    };
    const regions = regionsOf(1);
    for (const [at, region] of regions.entries()) expect(region).toBe(regions[at % 20]);
    expect(new Set(regions).size).toBe(2);
    expect(regionsOf(2)).not.toEqual(regions);
  });
});
