import { expect, test } from "vitest";
import { createLogBudget, LINES_AT_ONCE_MAX, LINES_PER_SECOND_MAX, takeLine } from "../../src/sight/core/log-budget.ts";

test("a flood has so many lines, and one more is held back, counted, and told by the next", () => {
  const budget = createLogBudget(0);
  const taken = Array.from({ length: LINES_AT_ONCE_MAX }, () => takeLine(budget, 0));
  expect(new Set(taken)).toEqual(new Set([0]));
  expect([takeLine(budget, 0), takeLine(budget, 0)]).toEqual([null, null]);
  const nextMs = 1_000 / LINES_PER_SECOND_MAX;
  expect([takeLine(budget, nextMs), takeLine(budget, nextMs)]).toEqual([2, null]);
  expect(takeLine(budget, 2 * nextMs)).toBe(1);
});

test("a clock that went back earns nothing, and a long pause no more than all", () => {
  const budget = createLogBudget(1_000_000);
  for (let line = 0; line < LINES_AT_ONCE_MAX; line++) takeLine(budget, 1_000_000);
  expect(takeLine(budget, 0)).toBeNull();
  expect(takeLine(budget, 1e9)).toBe(1);
  expect(budget.left).toBe(LINES_AT_ONCE_MAX - 1);
});
