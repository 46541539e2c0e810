import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createCountEwma,
  createEwma,
  EWMA_FORGET_MS,
  EWMA_PRIOR_WEIGHT,
  observe,
  observeCount,
  read,
  weightAt,
} from "../../src/core/ewma.ts";
import type { CountEwma, Ewma } from "../../src/core/ewma.ts";

const INVALID = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0.001, -1e9];

describe("the time-decayed average", () => {
  const prior = createEwma({ priorValue: 100, tauMs: 10_000 });

  test("is the prior until the first sample, however late that comes", () => {
    expect(read(prior, 0)).toBe(100);
    expect(read(prior, 1e12)).toBe(100);
    expect(weightAt(prior, 1e12)).toBe(EWMA_PRIOR_WEIGHT);
    expect(read(observe(prior, 20, 1e12), 1e12)).toBe(60);
  });

  test.each([1, 2, 3, 9])("leaves the prior 1/(n + 1) of the estimate after %i samples in one instant", (count) => {
    let ewma = prior;
    for (let i = 0; i < count; i += 1) ewma = observe(ewma, 0, 5_000);
    expect(read(ewma, 5_000)).toBeCloseTo(100 / (count + 1), 9);
  });

  test("counts a burst as its mean, not as its last sample", () => {
    let ewma = observe(prior, 100, 0);
    for (const sample of [10, 20, 30]) ewma = observe(ewma, sample, 1_000_000);
    expect(read(ewma, 1_000_000)).toBeCloseTo(20, 6);
  });

  test("lets a sample fade by e per tau", () => {
    const ewma = observe(prior, 0, 0);
    expect(weightAt(ewma, 10_000)).toBeCloseTo((EWMA_PRIOR_WEIGHT + 1) / Math.E, 9);
  });

  test("follows a step within three tau of steady samples", () => {
    let ewma = prior;
    for (let now = 0; now <= 30_000; now += 100) ewma = observe(ewma, 300, now);
    expect(read(ewma, 30_000)).toBeGreaterThan(295);
  });

  test("holds through a minute of silence and drifts to the prior within half an hour", () => {
    const ewma = observe(createEwma({ priorValue: 100, tauMs: 10_000 }), 900, 0);
    expect(read(ewma, 60_000)).toBeGreaterThan(450);
    expect(read(ewma, 3 * EWMA_FORGET_MS)).toBeLessThan(121);
    expect(read(ewma, 3 * EWMA_FORGET_MS)).toBeGreaterThan(100);
  });

  test.each(INVALID)("ignores the sample %d", (sample) => {
    const ewma = observe(prior, 50, 1_000);
    expect(observe(ewma, sample, 2_000)).toBe(ewma);
  });

  test("takes a clock that jumps back as no time at all", () => {
    const ewma = observe(prior, 50, 10_000);
    expect(read(ewma, 0)).toBe(read(ewma, 10_000));
    expect(observe(ewma, 50, 0).atMs).toBe(10_000);
  });

  test("is unchanged by reading and survives JSON", () => {
    const ewma = observe(prior, 37, 1_234);
    const before = JSON.stringify(ewma);
    read(ewma, 99_999);
    weightAt(ewma, 99_999);
    expect(JSON.stringify(ewma)).toBe(before);
    expect(JSON.parse(before) as Ewma).toEqual(ewma);
  });

  test("stays within the range of prior and samples", () => {
    const step = fc.record({ gapMs: fc.nat(1e7), sample: fc.double({ min: 0, max: 1e6, noNaN: true }) });
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.array(step), (priorValue, steps) => {
        let ewma = createEwma({ priorValue, tauMs: 10_000 });
        let now = 0;
        for (const { gapMs, sample } of steps) {
          now += gapMs;
          ewma = observe(ewma, sample, now);
        }
        const seen = [priorValue, ...steps.map(({ sample }) => sample)];
        const slack = 1e-6;
        expect(read(ewma, now)).toBeGreaterThanOrEqual(Math.min(...seen) - slack);
        expect(read(ewma, now)).toBeLessThanOrEqual(Math.max(...seen) + slack);
      }),
    );
  });

  test.each([
    { priorValue: Number.NaN, tauMs: 1 },
    { priorValue: -1, tauMs: 1 },
    { priorValue: 1, tauMs: 0 },
    { priorValue: 1, tauMs: Number.POSITIVE_INFINITY },
  ])("refuses to be made with $priorValue and tau $tauMs", (options) => {
    expect(() => createEwma(options)).toThrow("invariant");
  });
});

describe("the sample-counted average", () => {
  const prior = createCountEwma({ priorValue: 1_000, alpha: 0.05 });
  const after = (samples: readonly number[]) => samples.reduce<CountEwma>(observeCount, prior).value;

  test("is a plain mean with the prior at first", () => {
    expect(after([0])).toBe(500);
    expect(after([0, 0])).toBeCloseTo(1_000 / 3, 9);
    expect(after([10, 20, 30])).toBeCloseTo(1_060 / 4, 9);
  });

  test("gives the newest sample alpha from the twentieth on", () => {
    const settled = Array.from({ length: 40 }, () => 100).reduce<CountEwma>(observeCount, prior);
    const next = observeCount(settled, settled.value + 100);
    expect(next.value - settled.value).toBeCloseTo(5, 9);
  });

  test.each(INVALID)("ignores the sample %d", (sample) => {
    expect(observeCount(prior, sample)).toBe(prior);
  });

  test.each([0, -0.1, 1.1, Number.NaN])("refuses alpha %d", (alpha) => {
    expect(() => createCountEwma({ priorValue: 1, alpha })).toThrow("invariant");
  });
});
