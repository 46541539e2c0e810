import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createHistogram,
  decay,
  HISTOGRAM_BUCKETS,
  HISTOGRAM_MAX_MS,
  HISTOGRAM_MIN_MS,
  HISTOGRAM_RELATIVE_ERROR,
  quantile,
  record,
} from "../../src/lib/histogram.ts";
import type { Histogram } from "../../src/lib/histogram.ts";

function histogramOf(values: readonly number[]): Histogram {
  const histogram = createHistogram();
  for (const value of values) record(histogram, value);
  return histogram;
}

/** The definition that the histogram approximates. */
function nearestRank(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

const inRange = fc.double({ min: HISTOGRAM_MIN_MS, max: HISTOGRAM_MAX_MS, noNaN: true });
const durations = fc.array(
  fc.oneof(inRange, fc.double({ min: 0.1, max: 100, noNaN: true }), fc.constantFrom(0.1, 1, 50)),
  { minLength: 1, maxLength: 200 },
);

describe("the histogram", () => {
  test("answers every quantile within its relative error of the nearest rank", () => {
    fc.assert(
      fc.property(durations, fc.integer({ min: 0, max: 20 }), (values, twentieths) => {
        const q = twentieths / 20;
        const exact = nearestRank(values, q);
        const answer = quantile(histogramOf(values), q) ?? Number.NaN;
        expect(Math.abs(answer - exact) / exact).toBeLessThanOrEqual(HISTOGRAM_RELATIVE_ERROR + 1e-9);
      }),
    );
  });

  test("has no quantile while it is empty", () => {
    expect(quantile(createHistogram(), 0.5)).toBeNull();
  });

  test.each([
    { name: "zero", value: 0, answer: HISTOGRAM_MIN_MS },
    { name: "the lower bound", value: HISTOGRAM_MIN_MS, answer: HISTOGRAM_MIN_MS },
    { name: "a day", value: 86_400_000, answer: HISTOGRAM_MAX_MS },
  ])("clamps $name into its range", ({ value, answer }) => {
    const found = quantile(histogramOf([value]), 0.5) ?? Number.NaN;
    expect(Math.abs(found - answer) / answer).toBeLessThanOrEqual(HISTOGRAM_RELATIVE_ERROR);
    expect(found).toBeLessThanOrEqual(HISTOGRAM_MAX_MS);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -1])("ignores %d", (value) => {
    expect(histogramOf([value]).total).toBe(0);
  });

  test("keeps the same number of buckets whatever it is fed", () => {
    const histogram = histogramOf([0, 0.1, 0.100001, 1, HISTOGRAM_MAX_MS, HISTOGRAM_MAX_MS * 2, Number.MAX_VALUE]);
    expect(histogram.counts).toHaveLength(HISTOGRAM_BUCKETS);
    expect(histogram.total).toBe(7);
    expect(HISTOGRAM_BUCKETS).toBe(168);
  });

  test("keeps its quantiles when all counts are halved alike", () => {
    const histogram = histogramOf([1, 2, 4, 8, 16, 32, 64]);
    const before = quantile(histogram, 0.5);
    decay(histogram, 0.5);
    expect(histogram.total).toBe(3.5);
    expect(quantile(histogram, 0.5)).toBe(before);
  });

  test("lets new samples outweigh faded ones", () => {
    const histogram = histogramOf([1, 1, 1, 1]);
    decay(histogram, 0.25);
    record(histogram, 1_000);
    record(histogram, 1_000);
    expect(quantile(histogram, 0.5)).toBeGreaterThan(900);
  });

  test("ends empty after enough half-lives", () => {
    const histogram = histogramOf([5, 5, 5]);
    for (let i = 0; i < 20; i += 1) decay(histogram, 0.5);
    expect(histogram.total).toBe(0);
    expect(quantile(histogram, 0.5)).toBeNull();
  });

  test("survives JSON", () => {
    const histogram = histogramOf([1, 10, 100]);
    expect(JSON.parse(JSON.stringify(histogram)) as Histogram).toEqual(histogram);
  });

  test.each([-0.1, 1.1, Number.NaN])("refuses the quantile and the factor %d", (value) => {
    expect(() => quantile(createHistogram(), value)).toThrow("invariant");
    expect(() => decay(createHistogram(), value)).toThrow("invariant");
  });
});
