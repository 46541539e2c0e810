import { describe, expect, test } from "vitest";
import { differenceOf, differenceText, relativeTo } from "../../../tools/sim/report/difference.ts";
import { seededRng } from "../../../src/lib/rng.ts";

describe("a difference", () => {
  test.each([
    ["one seed shows nothing", [0.5], false],
    ["two seeds that agree closely", [0.2, 0.205], true],
    ["two seeds that agree by half", [0.1, 0.2], false],
    ["three seeds, at twice their spread, may be luck", [0.1, 0.2, 0.3], false],
    ["three seeds, at three times their spread", [0.2, 0.3, 0.4], true],
    ["nothing at all", [0, 0, 0], false],
    ["the same everywhere", [-0.1, -0.1, -0.1], true],
    ["ten seeds whose mean is within their spread", [3, -1, 3, -1, 3, -1, 3, -1, 3, -1], false],
    ["ten seeds whose mean is beyond it", [3, 1, 3, 1, 3, 1, 3, 1, 3, 1], true],
  ])("%s", (_, values, isReal) => {
    expect(differenceOf(values).isReal).toBe(isReal);
    expect(differenceOf(values.map((value) => -value)).isReal).toBe(isReal);
  });

  test.each([2, 3, 5, 10, 40])("of %i seeds that differ by luck is called one at most 1 time in 15", (seeds) => {
    const rng = seededRng(seeds);
    const tries = 4_000;
    let called = 0;
    for (let at = 0; at < tries; at += 1) {
      const values = Array.from({ length: seeds }, () => normal(rng));
      if (differenceOf(values).isReal) called += 1;
    }
    expect(called / tries).toBeLessThan(1 / 15);
  });

  test("says what it is, and marks what lies within its spread", () => {
    expect(differenceText(differenceOf([0.2, 0.3, 0.4]))).toBe("+30 ±10 %");
    expect(differenceText(differenceOf([-0.01, 0.02]))).toBe("~+0.5 ±2.1 %");
    expect(differenceText(differenceOf([-0.5]))).toBe("~-50 %");
    expect(differenceText(differenceOf([NaN, 1]))).toBe("-");
  });

  test("is relative to the other of the same seed", () => {
    expect(relativeTo([2, 3], [1, 2])).toEqual([1, 0.5]);
  });
});

/** Nearly normal, mean 0, deviation 1: twelve even draws. */
const normal = (rng: () => number): number => Array.from({ length: 12 }, rng).reduce((sum, one) => sum + one, -6);
