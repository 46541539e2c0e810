/** What GPU workers cost and how long requests wait: by hand where that can be counted, and as the known trade-off says. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fleetCost, type Load, type Workers } from "../../../tools/cost/fleet-cost.ts";
import { loadOfTrace, loadOfTraffic } from "../../../tools/cost/loads.ts";

const HOUR_MS = 3_600_000;
const BASE: Workers = {
  min: 0,
  max: 3,
  slots: 1,
  scalerValue: 1,
  idleMs: 300_000,
  coldMs: { from: 20_000, to: 90_000 },
};

const load = (horizonMs: number, ...requests: readonly (readonly [atMs: number, serviceMs: number])[]): Load => ({
  arrivalMs: Float64Array.from(requests, ([atMs]) => atMs),
  serviceMs: Float64Array.from(requests, ([, serviceMs]) => serviceMs),
  horizonMs,
});

describe("by hand", () => {
  const cold = { ...BASE, coldMs: { from: 30_000, to: 30_000 } };

  test("one request to nothing waits for the cold start, and pays for it, itself and the idle time", () => {
    const found = fleetCost(load(HOUR_MS, [1_000, 4_000]), cold, 1);
    expect(found).toMatchObject({ coldStarts: 1, shareCold: 1, waitMs: { first: 30_000, max: 30_000 } });
    expect(found.workerHours * HOUR_MS).toBeCloseTo(30_000 + 4_000 + 300_000);
  });

  test("a second one within the idle time finds it warm, after it a new cold start", () => {
    const warm = fleetCost(load(HOUR_MS, [0, 4_000], [333_000, 4_000]), cold, 1);
    expect(warm.waitMs).toMatchObject({ first: 30_000, p50: 0 });
    expect(warm.coldStarts).toBe(1);
    expect(fleetCost(load(HOUR_MS, [0, 4_000], [335_000, 4_000]), cold, 1).coldStarts).toBe(2);
  });

  test("what is kept is paid for all the time, and never goes", () => {
    const found = fleetCost(load(2 * HOUR_MS, [HOUR_MS, 1_000]), { ...cold, min: 3 }, 1);
    expect(found).toMatchObject({ workerHours: 6, coldStarts: 0, waitMs: { max: 0 } });
  });

  test("beyond the most GPU workers requests stand in line, first come first served", () => {
    const found = fleetCost(load(HOUR_MS, [0, 1_000], [0, 1_000], [0, 1_000]), { ...cold, min: 1, max: 1 }, 1);
    expect(found.waitMs).toMatchObject({ first: 0, p50: 1_000, max: 2_000 });
    expect(found.shareCold).toBe(0);
  });

  test("the scaler starts as many as requests by its value ask for", () => {
    const burst = Array.from({ length: 8 }, () => [0, 60_000] as const);
    const starts = (scalerValue: number, max: number) =>
      fleetCost(load(HOUR_MS, ...burst), { ...cold, scalerValue, max, slots: 8 }, 1).coldStarts;
    expect([starts(4, 9), starts(3, 9), starts(1, 9), starts(1, 5)]).toEqual([2, 3, 8, 5]);
  });

  test("without requests nothing is started", () => {
    expect(fleetCost(load(HOUR_MS), cold, 1)).toMatchObject({
      workerHours: 0,
      requests: 0,
      shareCold: 0,
      waitMs: { max: 0 },
    });
  });
});

test("whatever comes: nobody is lost, nobody waits a negative time, and what is paid lies between the bounds", () => {
  const request = fc.tuple(fc.integer({ min: 0, max: HOUR_MS }), fc.integer({ min: 1, max: 200_000 }));
  const workers = fc.record({
    min: fc.integer({ min: 0, max: 3 }),
    more: fc.integer({ min: 1, max: 4 }),
    slots: fc.integer({ min: 1, max: 4 }),
    scalerValue: fc.integer({ min: 1, max: 6 }),
    idleMs: fc.integer({ min: 1_000, max: 600_000 }),
  });
  fc.assert(
    fc.property(fc.array(request, { minLength: 1, maxLength: 60 }), workers, (requests, { min, more, ...set }) => {
      const sorted = requests.toSorted(([one], [other]) => one - other);
      const max = min + more;
      const found = fleetCost(load(2 * HOUR_MS, ...sorted), { ...BASE, ...set, min, max }, 7);
      expect(found.requests).toBe(sorted.length);
      expect(found.waitMs.p50).toBeGreaterThanOrEqual(0);
      // One that never got a slot would have waited 0 while a worker was there for it: the longest of the last is finite.
      expect(found.workerHours).toBeGreaterThanOrEqual(2 * min - 1e-9);
      expect(found.workerHours).toBeLessThanOrEqual(2 * max + 1e-9);
      if (min > 0) expect(found.waitMs.first).toBe(0);
      expect(fleetCost(load(2 * HOUR_MS, ...sorted), { ...BASE, ...set, min, max }, 7)).toEqual(found);
    }),
  );
});

describe("the known trade-off", () => {
  const traffic = { perHour: 2, seconds: 4, hours: 24 * 14, hoursActive: 24 };
  const few = loadOfTraffic(traffic, 1);
  const of = (min: number) => fleetCost(few, { ...BASE, min, slots: 8, scalerValue: 4 }, 1);

  test("none kept: a first request waits 20 to 90 s, and it is cheapest", () => {
    const { waitMs, workerHours } = of(0);
    expect(waitMs.first).toBeGreaterThanOrEqual(20_000);
    expect(waitMs.max).toBeLessThanOrEqual(90_000);
    expect(workerHours).toBeLessThan(of(1).workerHours / 2);
  });

  test("one kept: below a second, for one GPU worker's price", () => {
    const { waitMs, workerHours } = of(1);
    expect(waitMs.p99).toBeLessThan(1_000);
    expect(workerHours).toBeCloseTo(24 * 14, 0);
  });

  test("three kept: always ready, for three", () => {
    expect(of(3)).toMatchObject({ coldStarts: 0, waitMs: { max: 0 } });
    expect(of(3).workerHours).toBeCloseTo(3 * 24 * 14, 5);
  });
});

describe("traffic", () => {
  test("comes at its rate, in its hours alone", () => {
    const { arrivalMs, serviceMs } = loadOfTraffic({ perHour: 100, seconds: 4, hours: 240, hoursActive: 8 }, 3);
    expect(arrivalMs.length / 80).toBeGreaterThan(95);
    expect(arrivalMs.length / 80).toBeLessThan(105);
    expect(arrivalMs.every((atMs) => atMs % (24 * HOUR_MS) < 8 * HOUR_MS)).toBe(true);
    const mean = serviceMs.reduce((sum, ms) => sum + ms, 0) / serviceMs.length;
    expect(Math.abs(mean - 4_000)).toBeLessThan(200);
  });

  test("of a trace is as it was recorded", () => {
    const rows = [0, 500].map((atMs) => ({ atMs, promptTokens: 1, outputTokens: 100, blocks: [] }));
    expect(loadOfTrace(rows, 50)).toEqual({
      arrivalMs: Float64Array.of(0, 500),
      serviceMs: Float64Array.of(2_000, 2_000),
      horizonMs: 2_500,
    });
  });
});
