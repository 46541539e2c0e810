import { expect, test } from "vitest";
import { createOccupancy, observeOccupancy, OCCUPANCY_PRIOR_MS, waitMs } from "../../../src/core/terms/wait.ts";

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

test("the occupancy begins with its prior as one sample, and later moves by a twentieth", () => {
  let occupancy = createOccupancy();
  expect(occupancy.value).toBe(OCCUPANCY_PRIOR_MS);
  occupancy = observeOccupancy(occupancy, 4_000);
  expect(occupancy.value).toBe(3_000);
  for (let sample = 0; sample < 500; sample++) occupancy = observeOccupancy(occupancy, 1_000);
  expect(observeOccupancy(occupancy, 2_000).value).toBeCloseTo(1_050, 3);
});
