import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { COUNTED } from "../../../src/sight/core/metric-names.ts";
import {
  addDeltas,
  addFigures,
  costIn,
  countOf,
  errorShare,
  type Figures,
  noFigures,
  RAIL_TRIPS_MAX,
  railTrips,
  requestsIn,
  timeQuantile,
  withFewTrips,
} from "../../../src/sight/core/figures.ts";
import { keyOf, createTally, deltasOf, observe } from "../../../src/sight/core/tally.ts";

const figuresOf = (...deltas: Parameters<typeof addDeltas>[1]): Figures => {
  const figures = noFigures();
  addDeltas(figures, deltas);
  return figures;
};

test("requests are told apart by how they ended; who is at fault decides what an error is", () => {
  const figures = figuresOf(
    [keyOf("requests", "main", "/v1/models", "served", ""), [6]],
    [keyOf("requests", "other", "/v1/models", "served", ""), [2]],
    [keyOf("requests", "main", "/v1/models", "upstream_failed", "upstream_failed"), [1]],
    [keyOf("requests", "main", "/v1/models", "shed", "saturated"), [1]],
    [keyOf("requests", "main", "/v1/models", "refused", "invalid_json"), [6]],
    [keyOf("requests", "main", "/v1/models", "shed", "rate_limit_exceeded"), [4]],
    [keyOf("requests", "main", "/v1/models", "cancelled", "client_left"), [3]],
  );
  expect(requestsIn(figures)).toEqual({ all: 23, errors: 2, served: 8 });
  expect(errorShare(figures)).toBe(0.2);
  expect(errorShare(noFigures())).toBe(null);
});

test("counts are of what their labels say; what has no price has no cost; a stranger's series is left out", () => {
  const figures = figuresOf(
    [keyOf("decisions", "main", "us", "spill"), [2]],
    [keyOf("decisions", "main", "us", "nearest_warm"), [9]],
    [keyOf("hedges", "main", "won"), [1]],
    [keyOf("hedges", "main", "lost"), [2]],
    [keyOf("tokens", "acme", "main", "input"), [100]],
    [keyOf("tokens", "acme", "main", "cached"), [40]],
    [keyOf("tokens", "acme", "main", "output"), [7]],
    ["of-a-later-version\u001Fx", [5]],
  );
  expect(countOf(figures, "spills")).toBe(2);
  expect(countOf(figures, "hedges")).toBe(3);
  expect([countOf(figures, "tokensIn"), countOf(figures, "tokensCached"), countOf(figures, "tokensOut")]).toEqual([
    100, 40, 7,
  ]);
  expect(costIn(figures)).toBe(null);
  expect(costIn(figuresOf([keyOf("cost", "acme", "main"), [500_000]]))).toBe(0.5);
});

describe("a quantile", () => {
  const bounds = COUNTED.firstToken.bucketsS ?? [];
  const timesOf = (...timesMs: readonly number[]): Figures => {
    const tally = createTally();
    for (const ms of timesMs) observe(tally, keyOf("firstToken", "p", "m", "chat", "us"), bounds, ms);
    return figuresOf(...deltasOf(tally));
  };

  test("lies in the bucket of the sample that it is", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 2_000_000, noNaN: true }), { minLength: 1, maxLength: 60 }),
        fc.constantFrom(0.5, 0.95, 0.99),
        (times, q) => {
          const exact = times.toSorted((left, right) => left - right)[Math.ceil(q * times.length) - 1] ?? 0;
          const index = bounds.findIndex((bound) => exact <= bound * 1_000);
          const told = timeQuantile(timesOf(...times), "firstToken", q) ?? Number.NaN;
          expect(told).toBeGreaterThanOrEqual((bounds[index - 1] ?? 0) * 1_000 - 0.1);
          expect(told).toBeLessThanOrEqual((bounds[index] ?? 0) * 1_000 + 0.1);
        },
      ),
    );
  });

  test("of nothing is not known, and beyond every bound is the last one", () => {
    expect(timeQuantile(noFigures(), "firstToken", 0.5)).toBe(null);
    expect(timeQuantile(timesOf(9_999_999), "firstToken", 0.5)).toBe((bounds.at(-1) ?? 0) * 1_000);
  });

  test("of two spans together is that of all their samples", () => {
    const both = timesOf(10, 20);
    addFigures(both, timesOf(5_000, 6_000));
    const [half, all] = [timeQuantile(both, "firstToken", 0.5), timeQuantile(both, "firstToken", 1)];
    expect(half).toBeLessThanOrEqual(20);
    expect(all).toBeGreaterThan(5_000);
  });
});

test("rules of rails are told by how often they are met, as many as the bound and no more", () => {
  const rule = (index: number) => [keyOf("railRules", "secrets", `secrets:r${index}`, "redact"), [index + 1]] as const;
  const figures = figuresOf(...Array.from({ length: RAIL_TRIPS_MAX + 1 }, (_, index) => rule(index)));
  const trips = railTrips(figures);
  expect(trips).toHaveLength(RAIL_TRIPS_MAX);
  const most = { rail: "secrets", rule: `secrets:r${RAIL_TRIPS_MAX}`, action: "redact", count: RAIL_TRIPS_MAX + 1 };
  expect(trips[0]).toEqual(most);
  expect(Object.keys(withFewTrips(figures).trips)).toHaveLength(RAIL_TRIPS_MAX);
  expect(JSON.parse(JSON.stringify(figures))).toEqual(figures);
});
