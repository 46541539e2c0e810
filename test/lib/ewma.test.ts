import { describe, expect, test } from "vitest";
import { createCountEwma, observeCount } from "../../src/lib/ewma.ts";
import type { CountEwma } from "../../src/lib/ewma.ts";

const INVALID = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0.001, -1e9];

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
