import { expect, test } from "vitest";
import {
  createOccupancy,
  observeOccupancy,
  OCCUPANCY_PRIOR_MS,
  waitMs,
} from "../../../../../src/routing/core/cost/terms/wait.ts";

// S = 2,000 ms, K = 4: a slot frees every 500 ms.
test.each([
  { inFlight: 0, is: 0 },
  { inFlight: 3, is: 0 },
  { inFlight: 4, is: 500 },
  { inFlight: 5, is: 1_000 },
  { inFlight: 11, is: 4_000 },
])("wait is $is ms with $inFlight of 4 slots taken", ({ inFlight, is }) => {
  expect(waitMs({ inFlight, capacity: 4, occupancyMs: 2_000 })).toBe(is);
});

test("an old picture expects a wait even of the last free slot, more the older it is, and none of an idle endpoint", () => {
  const slots = { capacity: 8, occupancyMs: 1_000 };
  const last = [0, 50, 200, 800].map((unseenMs) => waitMs({ ...slots, inFlight: 7 }, unseenMs));
  expect(last[0]).toBe(0);
  expect(last.toSorted((one, other) => one - other)).toEqual(last);
  expect(new Set(last).size).toBe(last.length);
  expect(waitMs({ ...slots, inFlight: 0 }, 200)).toBeLessThan(1);
});

test("what is expected of a full endpoint far beyond its slots is what is seen", () => {
  const full = { capacity: 8, occupancyMs: 1_000, inFlight: 80 };
  expect(waitMs(full, 50) / waitMs(full)).toBeCloseTo(1, 2);
});

test("no age and no occupancy makes the wait negative or not a number", () => {
  for (const occupancyMs of [0, 1, 1e6])
    for (const inFlight of [0, 1, 7, 8, 500])
      for (const unseenMs of [0, 1, 1e6]) {
        const wait = waitMs({ capacity: 8, occupancyMs, inFlight }, unseenMs);
        expect(Number.isFinite(wait) && wait >= 0).toBe(true);
      }
});

test("the occupancy begins with its prior as one sample, and later moves by a twentieth", () => {
  let occupancy = createOccupancy();
  expect(occupancy.value).toBe(OCCUPANCY_PRIOR_MS);
  occupancy = observeOccupancy(occupancy, 4_000);
  expect(occupancy.value).toBe(3_000);
  for (let sample = 0; sample < 500; sample++) occupancy = observeOccupancy(occupancy, 1_000);
  expect(observeOccupancy(occupancy, 2_000).value).toBeCloseTo(1_050, 3);
});
