import { describe, expect, test } from "vitest";
import {
  IN_TIME,
  isLate,
  LATE_ALPHA,
  LATE_HALF_LIFE_MS,
  LATE_OPEN_MS,
  lateMs,
  observeInTime,
  observeLate,
} from "../../../../src/routing/core/endpoint/lateness.ts";
import { waitMs } from "../../../../src/routing/core/cost/terms/wait.ts";

describe("an endpoint whose first tokens are late", () => {
  test("is expected to let wait for a share of what one attempt waited", () => {
    expect(lateMs(observeLate(IN_TIME, 8_000, 0), 0)).toBe(8_000 * LATE_ALPHA);
  });

  test("is expected to let wait as long as all wait, when all are late", () => {
    let late = IN_TIME;
    for (let attempt = 0; attempt < 50; attempt++) late = observeLate(late, 8_000, 0);
    expect(lateMs(late, 0)).toBeCloseTo(8_000, 0);
  });

  test("is forgiven with each that comes in time, and with time", () => {
    const late = observeLate(IN_TIME, 8_000, 0);
    expect(lateMs(late, LATE_HALF_LIFE_MS)).toBeCloseTo(1_000);
    expect(lateMs(observeInTime(late, 0), 0)).toBe(8_000 * LATE_ALPHA * (1 - LATE_ALPHA));
    expect(observeInTime(IN_TIME, 5)).toBe(IN_TIME);
  });

  test("is late until something comes in time, and no longer than the bound", () => {
    const late = observeLate(IN_TIME, 8_000, 0);
    expect([isLate(IN_TIME, 0), isLate(late, LATE_OPEN_MS - 1), isLate(late, LATE_OPEN_MS)]).toEqual([
      false,
      true,
      false,
    ]);
    expect(isLate(observeInTime(late, 1), 1)).toBe(false);
  });

  test("costs that wait", () => {
    const view = { inFlight: 0, capacity: 4, occupancyMs: 1_000 };
    expect(waitMs({ ...view, lateMs: 700 }) - waitMs(view)).toBe(700);
  });
});
