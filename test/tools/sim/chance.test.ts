import { describe, expect, test } from "vitest";
import { draw, drawGamma, drawIndex, drawLognormal, meanOf, stream } from "../../../tools/sim/chance.ts";

const DRAWS = 200_000;

function momentsOf(next: () => number): { mean: number; cv: number } {
  let sum = 0;
  let squares = 0;
  for (let index = 0; index < DRAWS; index += 1) {
    const value = next();
    sum += value;
    squares += value * value;
  }
  const mean = sum / DRAWS;
  return { mean, cv: Math.sqrt(squares / DRAWS - mean * mean) / mean };
}

describe("streams", () => {
  test("of the same seed and purpose are the same", () => {
    const [one, other] = [stream(1, "work"), stream(1, "work")];
    expect(Array.from({ length: 5 }, one)).toEqual(Array.from({ length: 5 }, other));
  });

  test.each([
    ["another purpose", 1, "network"],
    ["the next seed", 2, "work"],
  ])("of %s are unrelated", (_, seed, purpose) => {
    const [one, other] = [stream(1, "work"), stream(seed, purpose)];
    let product = 0;
    for (let index = 0; index < 20_000; index += 1) product += (one() - 0.5) * (other() - 0.5);
    // 12 makes it a correlation; 20,000 pairs leave a standard deviation of 0.007.
    expect(Math.abs((12 * product) / 20_000)).toBeLessThan(0.03);
  });
});

describe("distributions have their mean and their spread", () => {
  test.each([
    ["fixed", { kind: "fixed", mean: 7 }, 0],
    ["exponential", { kind: "exponential", mean: 2_000 }, 1],
    ["lognormal of sigma 1", { kind: "lognormal", mean: 2_000, sigma: 1 }, Math.sqrt(Math.E - 1)],
    [
      "one of two",
      { kind: "either", share: 0.1, of: { kind: "fixed", mean: 100 }, else: { kind: "fixed", mean: 1 } },
      (99 * Math.sqrt(0.1 * 0.9)) / 10.9,
    ],
  ] as const)("%s", (_, distribution, cv) => {
    const rng = stream(3, "test");
    const found = momentsOf(() => draw(distribution, rng));
    expect(found.mean / meanOf(distribution)).toBeCloseTo(1, 1);
    expect(Math.abs(found.cv - cv)).toBeLessThan(0.1);
  });

  test.each([0.5, 1, 3])("gamma with a coefficient of variation of %s", (cv) => {
    const rng = stream(4, "test");
    const found = momentsOf(() => drawGamma(rng, cv));
    expect(Math.abs(found.mean - 1)).toBeLessThan(0.05);
    expect(Math.abs(found.cv / cv - 1)).toBeLessThan(0.05);
  });

  test("a lognormal of sigma 0 is 1", () => {
    expect(drawLognormal(stream(1, "x"), 0)).toBe(1);
  });
});

test("an index comes as often as its weight says, and never with weight 0", () => {
  const rng = stream(5, "test");
  const counts = [0, 0, 0];
  for (let index = 0; index < DRAWS; index += 1) {
    const drawn = drawIndex([3, 0, 1], rng);
    counts[drawn] = (counts[drawn] ?? 0) + 1;
  }
  expect(counts[1]).toBe(0);
  expect((counts[0] ?? 0) / DRAWS).toBeCloseTo(0.75, 1);
});
