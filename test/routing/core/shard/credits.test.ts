import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CREDIT_FILL_MAX,
  CREDIT_LIFE_MS,
  CREDIT_SLACK_SHARE,
  CREDITS_MAX,
  creditsFor,
} from "../../../../src/routing/core/shard/credits.ts";

describe("credits of one grant", () => {
  test.each([
    { name: "half of the slack for a lone busy asker", inFlight: 1, capacity: 21, askers: 1, perSecond: 1_000, is: 10 },
    { name: "half of the slack split among askers", inFlight: 1, capacity: 21, askers: 4, perSecond: 1_000, is: 2 },
    { name: "no more than it spends in a credit's life", inFlight: 0, capacity: 100, askers: 1, perSecond: 20, is: 4 },
    { name: "none for an isolate with little traffic", inFlight: 0, capacity: 100, askers: 1, perSecond: 7, is: 0 },
    { name: "CREDITS_MAX at most", inFlight: 0, capacity: 4_096, askers: 1, perSecond: 1e6, is: CREDITS_MAX },
    { name: "none at CREDIT_FILL_MAX", inFlight: 70, capacity: 100, askers: 1, perSecond: 1e6, is: 0 },
    { name: "some just below CREDIT_FILL_MAX", inFlight: 69, capacity: 100, askers: 1, perSecond: 1e6, is: 15 },
    { name: "none on an endpoint of one slot", inFlight: 1, capacity: 1, askers: 1, perSecond: 1e6, is: 0 },
    { name: "the same for no asker as for one", inFlight: 1, capacity: 21, askers: 0, perSecond: 1_000, is: 10 },
  ])("$name", ({ inFlight, capacity, askers, perSecond, is }) => {
    expect(creditsFor({ inFlight, capacity, askers, recentPerSecond: perSecond })).toBe(is);
  });

  test("never pass a bound, whatever is asked", () => {
    const number = fc.double({ min: 0, max: 1e6, noNaN: true });
    const input = fc.record({
      inFlight: fc.nat(5_000),
      capacity: fc.integer({ min: 1, max: 5_000 }),
      askers: fc.nat(2_000),
      recentPerSecond: fc.oneof(number, fc.constantFrom(0, Number.POSITIVE_INFINITY)),
    });
    fc.assert(
      fc.property(input, ({ inFlight, capacity, askers, recentPerSecond }) => {
        const credits = creditsFor({ inFlight, capacity, askers, recentPerSecond });
        expect(Number.isInteger(credits) && credits >= 0 && credits <= CREDITS_MAX).toBe(true);
        if (inFlight >= CREDIT_FILL_MAX * capacity) expect(credits).toBe(0);
        if (credits === 0) return;
        expect(credits).toBeLessThanOrEqual((CREDIT_SLACK_SHARE * (capacity - inFlight)) / Math.max(1, askers));
        expect(credits + 1).toBeLessThanOrEqual((recentPerSecond * CREDIT_LIFE_MS) / 1_000);
        expect(inFlight + credits).toBeLessThan(capacity);
      }),
      { numRuns: 500 },
    );
  });
});
