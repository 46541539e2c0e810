import { describe, expect, test } from "vitest";
import {
  countTry,
  createFailureCost,
  createTries,
  FAILURE_COST_PRIOR_MS,
  FAILURE_PRIOR,
  FAILURE_TAU_MS,
  failureProbability,
  observeFailureCost,
  riskMs,
} from "../../../../../src/routing/core/cost/terms/risk.ts";

test.each([
  { failureProbability: 0, is: 0 },
  { failureProbability: 0.1, is: 100 / 9 },
  { failureProbability: 0.5, is: 100 + 800 },
  { failureProbability: 0.75, is: 300 + 2_600 },
])("risk is the failures before a success, each with its trip, and a second where no retry is paid: $is ms", (row) => {
  expect(riskMs({ ...row, failureCostMs: 60 }, 40)).toBeCloseTo(row.is, 9);
});

describe("the failure probability", () => {
  test("of an endpoint without history is half a failure in twenty", () => {
    expect(failureProbability(createTries(0), 0)).toBe(FAILURE_PRIOR);
    expect(FAILURE_PRIOR).toBe(0.025);
  });

  test("rises with failures, falls with successes, and forgets both", () => {
    let tries = createTries(0);
    for (let i = 0; i < 3; i++) tries = countTry(tries, 1, 0);
    expect(failureProbability(tries, 0)).toBeCloseTo(3.5 / 23, 9);
    expect(failureProbability(countTry(tries, 0, 0), 0)).toBeCloseTo(3.5 / 24, 9);
    expect(failureProbability(tries, FAILURE_TAU_MS)).toBeCloseTo((3 / Math.E + 0.5) / (3 / Math.E + 20), 9);
    expect(failureProbability(tries, 100 * FAILURE_TAU_MS)).toBeCloseTo(FAILURE_PRIOR, 9);
  });

  test("is always above 0 and below 1", () => {
    let tries = createTries(0);
    for (let i = 0; i < 100_000; i++) tries = countTry(tries, 1, 0);
    expect(failureProbability(tries, 0)).toBeLessThan(1);
    expect(failureProbability(createTries(0), 1e12)).toBeGreaterThan(0);
  });
});

test("the cost of a failure follows how long failures take", () => {
  expect(createFailureCost().value).toBe(FAILURE_COST_PRIOR_MS);
  expect(observeFailureCost(createFailureCost(), 150).value).toBe(100);
});
