import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { median, percentile } from "../../../bench/stats.ts";

const values = fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 1, maxLength: 50 });

describe("median", () => {
  test.each([
    { of: [3], is: 3 },
    { of: [3, 1, 2], is: 2 },
    { of: [4, 1, 2, 3], is: 2.5 },
    { of: [10, 9], is: 9.5 },
  ])("of $of is $is", ({ of, is }) => {
    expect(median(of)).toBe(is);
  });

  test("has as many values below as above", () => {
    fc.assert(
      fc.property(values, (all) => {
        const middle = median(all);
        const below = all.filter((value) => value < middle).length;
        const above = all.filter((value) => value > middle).length;
        expect(Math.max(below, above)).toBeLessThanOrEqual(all.length / 2);
      }),
    );
  });

  test("does not change what it is given", () => {
    const given = Object.freeze([3, 1, 2]);
    expect(median(given)).toBe(2);
  });
});

describe("percentile", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  test.each([
    { share: 0, is: 1 },
    { share: 0.5, is: 50 },
    { share: 0.99, is: 99 },
    { share: 0.991, is: 100 },
    { share: 1, is: 100 },
  ])("$share of 1 to 100 is $is", ({ share, is }) => {
    expect(percentile(hundred, share)).toBe(is);
  });

  test("is a value that occurs, and that at least the share does not exceed", () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (all, share) => {
        const value = percentile(all, share);
        expect(all).toContain(value);
        expect(all.filter((other) => other <= value).length).toBeGreaterThanOrEqual(share * all.length);
      }),
    );
  });
});

test("no summary is made of nothing, and a share is 0 to 1", () => {
  expect(() => median([])).toThrow(RangeError);
  expect(() => percentile([], 0.5)).toThrow(RangeError);
  expect(() => percentile([1], 1.01)).toThrow(RangeError);
  expect(() => percentile([1], -0.01)).toThrow(RangeError);
});
