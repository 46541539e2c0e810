import { describe, expect, test } from "vitest";
import {
  coldLeftMs,
  coldMs,
  createColdStart,
  observeColdStart,
  WARMING_FLOOR_MS,
} from "../../../../../src/routing/core/cost/terms/cold.ts";

test.each([
  { warmth: "warm", left: 9_000, is: 0 },
  { warmth: "cold", left: 9_000, is: 9_000 },
  { warmth: "warming", left: 9_000, is: 9_000 },
  { warmth: "warming", left: 0, is: WARMING_FLOOR_MS },
] as const)("cold is $is ms for a $warmth endpoint with $left ms left", ({ warmth, left, is }) => {
  expect(coldMs({ warmth, coldMs: left })).toBe(is);
});

describe("what is left of a cold start of 20 s", () => {
  test.each([
    { warmth: "warm", elapsedMs: 5_000, is: 0 },
    { warmth: "cold", elapsedMs: 5_000, is: 20_000 },
    { warmth: "warming", elapsedMs: 0, is: 20_000 },
    { warmth: "warming", elapsedMs: 15_000, is: 5_000 },
    { warmth: "warming", elapsedMs: 20_000, is: 0 },
    // Overdue by 40 s: whatever keeps it, it is not about to end.
    { warmth: "warming", elapsedMs: 60_000, is: 40_000 },
  ] as const)("is $is ms of a $warmth endpoint after $elapsedMs ms", ({ warmth, elapsedMs, is }) => {
    expect(coldLeftMs(warmth, 20_000, elapsedMs)).toBe(is);
  });
});

test("the length of a cold start follows the last few", () => {
  let coldStart = createColdStart(20_000);
  coldStart = observeColdStart(coldStart, 10_000);
  expect(coldStart.value).toBe(15_000);
  for (let start = 0; start < 10; start++) coldStart = observeColdStart(coldStart, 2_000);
  expect(coldStart.value).toBeLessThan(3_000);
});
