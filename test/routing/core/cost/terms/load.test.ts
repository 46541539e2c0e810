import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createLoadCurve,
  fitLoadCurve,
  LOAD_FADE_MS,
  loadBucket,
  loadMs,
  observeLoad,
  readLoadCurve,
} from "../../../../../src/routing/core/cost/terms/load.ts";
import type { LoadCurve } from "../../../../../src/routing/core/cost/terms/load.ts";

const BUCKETS = 9;

const bucketValue = fc.record({
  mean: fc.double({ min: 0, max: 1e4, noNaN: true }),
  weight: fc.integer({ min: 1, max: 64 }),
});
const anyCurve = fc.array(bucketValue, { minLength: BUCKETS, maxLength: BUCKETS }).map((buckets): LoadCurve => ({
  ...createLoadCurve(),
  meanMs: buckets.map(({ mean }) => mean),
  weight: buckets.map(({ weight }) => weight),
}));

const squaredError = (curve: LoadCurve, fit: readonly number[]): number =>
  curve.meanMs.reduce((sum, mean, i) => sum + (curve.weight[i] ?? 0) * (mean - (fit[i] ?? 0)) ** 2, 0);

test.each([
  [0, 0],
  [1, 1],
  [2, 2],
  [3, 3],
  [4, 3],
  [5, 4],
  [8, 4],
  [9, 5],
  [17, 6],
  [33, 7],
  [64, 7],
  [65, 8],
  [1e9, 8],
])("an in-flight of %i falls in bucket %i", (inFlight, bucket) => {
  expect(loadBucket(inFlight)).toBe(bucket);
});

describe("a residual", () => {
  test("moves the mean of its bucket by one of nine: the prior is eight samples of 0", () => {
    const curve = createLoadCurve();
    observeLoad(curve, 3, 90, 0);
    expect(curve.meanMs).toEqual([0, 0, 0, 10, 0, 0, 0, 0, 0]);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])("of %d is ignored", (residualMs) => {
    const curve = createLoadCurve();
    observeLoad(curve, 3, residualMs, 0);
    expect(curve).toEqual(createLoadCurve());
  });

  test("below zero counts as zero", () => {
    const curve = createLoadCurve();
    observeLoad(curve, 3, 90, 0);
    observeLoad(curve, 3, -1_000, 0);
    expect(curve.meanMs[3]).toBeCloseTo(9, 9);
  });

  test("of a changed engine shows after some hundred samples, because the weight is capped", () => {
    const curve = createLoadCurve();
    for (let i = 0; i < 10_000; i++) observeLoad(curve, 2, 100, 0);
    for (let i = 0; i < 200; i++) observeLoad(curve, 2, 10, 0);
    expect(curve.meanMs[2]).toBeLessThan(15);
  });
});

describe("in silence", () => {
  const learned = () => {
    const curve = createLoadCurve();
    for (let i = 0; i < 64; i++) observeLoad(curve, 0, 80, 0);
    return curve;
  };

  test("what was learned stays for some seconds, and leaves little after minutes", () => {
    const curve = learned();
    const before = readLoadCurve(curve, 0);
    expect(readLoadCurve(curve, 4_999)).toBe(before);
    expect(readLoadCurve(curve, 5 * LOAD_FADE_MS)[0]).toBeLessThan(0.1 * (before[0] ?? 0));
  });

  test("it fades as fast, however often anyone looks", () => {
    const [often, once] = [learned(), learned()];
    for (let now = 0; now <= LOAD_FADE_MS; now += 1_000) readLoadCurve(often, now);
    expect(readLoadCurve(often, LOAD_FADE_MS)[0]).toBeCloseTo(readLoadCurve(once, LOAD_FADE_MS)[0] ?? 0, 6);
  });

  test("a sample then counts for more than one among sixty-four", () => {
    const curve = learned();
    observeLoad(curve, 0, 0, 5 * LOAD_FADE_MS);
    expect(curve.weight[0]).toBeLessThan(10);
  });
});

describe("the fit", () => {
  test("pools a bucket that is lower than the one before it, by weight", () => {
    const curve = createLoadCurve();
    curve.meanMs.splice(0, 3, 5, 30, 10);
    curve.weight.splice(0, 3, 8, 8, 24);
    curve.meanMs.fill(50, 3);
    expect(fitLoadCurve(curve)).toEqual([5, 15, 15, 50, 50, 50, 50, 50, 50]);
  });

  test("never decreases, keeps the weighted mean, and leaves a rising curve alone", () => {
    fc.assert(
      fc.property(anyCurve, (curve) => {
        const fit = fitLoadCurve(curve);
        expect(fit).toHaveLength(BUCKETS);
        for (const [i, value] of fit.entries()) expect(value).toBeGreaterThanOrEqual((fit[i - 1] ?? 0) - 1e-9);
        const weighted = (values: readonly number[]) =>
          values.reduce((sum, value, i) => sum + value * (curve.weight[i] ?? 0), 0);
        expect(weighted(fit)).toBeCloseTo(weighted(curve.meanMs), 3);
        expect(fitLoadCurve({ ...curve, meanMs: fit })).toEqual(fit);
      }),
    );
  });

  test("is nearer to the buckets than any other rising curve", () => {
    const rising = fc.array(fc.double({ min: 0, max: 1e4, noNaN: true }), { minLength: BUCKETS, maxLength: BUCKETS });
    fc.assert(
      fc.property(anyCurve, rising, (curve, values) => {
        const other = values.toSorted((a, b) => a - b);
        expect(squaredError(curve, fitLoadCurve(curve))).toBeLessThanOrEqual(squaredError(curve, other) + 1e-3);
      }),
    );
  });
});

test("reads the bucket of the in-flight, and 0 where nothing is known", () => {
  expect(loadMs([0, 1, 2, 3, 4, 5, 6, 7, 8], 5)).toBe(4);
  expect(loadMs([], 5)).toBe(0);
});
