import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { shareOf, sideOf } from "../../../src/dispatch/core/split.ts";
import type { Side } from "../../../src/dispatch/core/split.ts";
import { hashKeyOf } from "../../../src/lib/keyed-hash.ts";

const secret = hashKeyOf("a secret of the deployment, long enough");
const KEYS = Array.from({ length: 10_000 }, (_, nth) => `session-${nth}`);

const sides = (weights: Readonly<Record<string, number>>): readonly Side[] =>
  Object.entries(weights).map(([poolId, weight]) => ({ poolId, weight }));

const placed = (weights: Readonly<Record<string, number>>): readonly (string | undefined)[] =>
  KEYS.map((key) => sideOf(sides(weights), key, secret)?.poolId);

const countOf = (all: readonly unknown[], one: unknown): number => all.filter((each) => each === one).length;

describe("a split over 10,000 keys", () => {
  test.each([
    [{ stable: 95, canary: 5 }, "canary", 500],
    [{ stable: 99, canary: 1 }, "canary", 100],
    [{ a: 1, b: 1, c: 2 }, "c", 5_000],
    [{ a: 1, b: 999_999 }, "b", 10_000],
  ])("of %o gives %s its share, within four deviations of chance", (weights, pool, expected) => {
    const share = expected / KEYS.length;
    const noise = 4 * Math.sqrt(KEYS.length * share * (1 - share));
    expect(Math.abs(countOf(placed(weights), pool) - expected)).toBeLessThanOrEqual(noise + 1);
  });

  test("is the same each time, and at every isolate", () => {
    expect(placed({ stable: 95, canary: 5 })).toEqual(placed({ canary: 5, stable: 95 }));
  });

  test("moves only what the heavier canary wins when its weight is raised", () => {
    const before = placed({ stable: 95, canary: 5 });
    const after = placed({ stable: 90, canary: 10 });
    const moved = KEYS.map((_, nth) => [before[nth], after[nth]]).filter(([was, is]) => was !== is);
    expect(moved.filter(([, is]) => is !== "canary")).toEqual([]);
    // From 5 to 10 of 100 keys: what moves is the difference.
    expect(moved.length).toBe(countOf(after, "canary") - countOf(before, "canary"));
    expect(moved.length).toBeLessThan(650);
  });

  test("moves nothing between pools that a third one joins", () => {
    const before = placed({ a: 50, b: 50 });
    const after = placed({ a: 50, b: 50, c: 10 });
    expect(after.filter((one, nth) => one !== before[nth] && one !== "c")).toEqual([]);
  });
});

describe("whatever the weights", () => {
  test("a pool without weight gets nothing, and somebody with weight gets each key", () => {
    const weight = fc.integer({ min: 0, max: 1_000_000 });
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), weight, { maxKeys: 8 }), fc.string(), (all, key) => {
        const side = sideOf(sides(all), key, secret);
        const heavy = Object.values(all).some((one) => one > 0);
        return heavy ? side !== null && side.weight > 0 : side === null;
      }),
    );
  });

  test("shares add up to one", () => {
    const all = sides({ a: 1, b: 2, c: 7 });
    expect(all.map(({ poolId }) => shareOf(all, poolId))).toEqual([0.1, 0.2, 0.7]);
    expect(shareOf(sides({ a: 0 }), "a")).toBe(0);
  });
});
