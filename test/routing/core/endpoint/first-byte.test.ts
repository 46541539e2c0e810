import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createFirstByteTimes,
  FADE_EVERY_MS,
  fillOf,
  FIRST_BYTE_HALF_LIFE_MS,
  firstByteP95Ms,
  HEDGE_SAMPLES_MIN,
  hedgeDelayMs,
  lateTimes,
  MOVE_AFTER_MS_DEFAULT,
  MOVE_AFTER_MS_MIN,
  MOVE_FACTOR,
  moveAfterMs,
  observeFirstByte,
} from "../../../../src/routing/core/endpoint/first-byte.ts";
import type { FirstByteTimes } from "../../../../src/routing/core/endpoint/first-byte.ts";
import { HISTOGRAM_RELATIVE_ERROR } from "../../../../src/lib/histogram.ts";
import { route } from "../../../../src/routing/core/cost/route.ts";
import { endpointView } from "../shard/shard-fixture.ts";

function timesOf(samples: readonly number[], now = 0): FirstByteTimes {
  const times = createFirstByteTimes();
  for (const sample of samples) observeFirstByte(times, sample, now);
  return times;
}

const many = (count: number, ms: number): number[] => Array.from({ length: count }, () => ms);
const near = (ms: number) => ({ low: ms * (1 - HISTOGRAM_RELATIVE_ERROR), high: ms * (1 + HISTOGRAM_RELATIVE_ERROR) });

function expectNear(seen: number | null, ms: number): void {
  expect(seen).toBeGreaterThanOrEqual(near(ms).low);
  expect(seen).toBeLessThanOrEqual(near(ms).high);
}

describe("the 95th percentile of first-byte times", () => {
  test.each([
    { count: HEDGE_SAMPLES_MIN - 1, isKnown: false },
    { count: HEDGE_SAMPLES_MIN, isKnown: true },
  ])("of $count samples is known: $isKnown", ({ count, isKnown }) => {
    expect(firstByteP95Ms(timesOf(many(count, 100)), 0) !== null).toBe(isKnown);
  });

  test("lies above 95 of 100 and not at the worst", () => {
    expectNear(firstByteP95Ms(timesOf([...many(95, 100), ...many(5, 9_000)]), 0), 100);
    expectNear(firstByteP95Ms(timesOf([...many(94, 100), ...many(6, 9_000)]), 0), 9_000);
  });

  test("follows an endpoint that became slower, within a few half-lives of the old samples", () => {
    const times = timesOf(many(100, 100));
    const later = 5 * FIRST_BYTE_HALF_LIFE_MS;
    for (const sample of many(100, 800)) observeFirstByte(times, sample, later);
    expectNear(firstByteP95Ms(times, later), 800);
  });

  test("is forgotten when nobody has come for long", () => {
    const times = timesOf(many(100, 100));
    expect(firstByteP95Ms(times, FADE_EVERY_MS)).not.toBeNull();
    expect(firstByteP95Ms(times, 3 * FIRST_BYTE_HALF_LIFE_MS)).toBeNull();
  });

  test("that is remembered is never far from one read afresh", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 20, maxLength: 200 }), (samples) => {
        const often = createFirstByteTimes();
        for (const sample of samples) {
          observeFirstByte(often, sample, 0);
          firstByteP95Ms(often, 0);
        }
        for (const sample of many(20, 100)) observeFirstByte(often, sample, 0);
        expect(firstByteP95Ms(often, 0)).toBe(firstByteP95Ms(timesOf([...samples, ...many(20, 100)]), 0));
      }),
      { numRuns: 50 },
    );
  });

  test("takes what lies below zero for zero", () => {
    expect(firstByteP95Ms(timesOf(many(100, -50)), 0)).toBeLessThan(1);
  });
});

describe("a request is late", () => {
  test.each([
    { name: "after the grant's time", advice: { hedgeAfterMs: 200, prefillTokensPerMs: 10 }, delayMs: 200 },
    {
      name: "later by the reading of its prompt",
      advice: { hedgeAfterMs: 200, prefillTokensPerMs: 10 },
      tokens: 1_000,
      delayMs: 300,
    },
    { name: "never, when the grant says so", advice: { hedgeAfterMs: null }, delayMs: null },
    { name: "never, by a shard of an older version", advice: {}, delayMs: null },
  ])("$name", ({ advice, tokens = 0, delayMs }) => {
    expect(hedgeDelayMs(advice, tokens)).toBe(delayMs);
  });
});

describe("an attempt is moved", () => {
  test.each([
    ["after what is known to be unusual", 4_000, MOVE_FACTOR * 4_000],
    ["not before the least time", 10, MOVE_AFTER_MS_MIN],
    ["after a fixed time where nothing is known", null, MOVE_AFTER_MS_DEFAULT],
  ] as const)("%s", (_, p95Ms, afterMs) => {
    expect(moveAfterMs(p95Ms)).toBe(afterMs);
  });

  test("later by the reading of its prompt, and never where the grant does not say when", () => {
    const advice = { hedgeAfterMs: 100, moveAfterMs: 5_000, prefillTokensPerMs: 10 };
    expect(lateTimes(advice, 1_000)).toEqual({ hedgeAfterMs: 200, moveAfterMs: 5_100 });
    expect(lateTimes({ ...advice, hedgeAfterMs: null }, 0)).toEqual({ hedgeAfterMs: Infinity, moveAfterMs: 5_000 });
    expect(lateTimes({ hedgeAfterMs: 100 }, 0)).toEqual({ hedgeAfterMs: 100, moveAfterMs: Infinity });
    expect(lateTimes({}, 0)).toBeNull();
  });
});

describe("the share of taken slots", () => {
  const weighed = (...changes: Parameters<typeof endpointView>[0][]) => {
    const views = changes.map((change, index) => endpointView({ id: `e${index}`, ...change }));
    const request = { client: null, clientKey: "here", inputTokens: 0, excluded: ["e0"], exact: true };
    return route(views, request, () => 0).candidates;
  };

  test.each([
    { name: "counts the endpoint that was tried", of: [{ inFlight: 8 }, { inFlight: 0 }], fill: 0.5 },
    {
      name: "counts slots, not endpoints",
      of: [
        { inFlight: 1, capacity: 1 },
        { inFlight: 0, capacity: 3 },
      ],
      fill: 0.25,
    },
    { name: "leaves out what is cold", of: [{ inFlight: 4 }, { warmth: "cold" as const }], fill: 0.5 },
    { name: "leaves out what takes no traffic", of: [{ inFlight: 4 }, { standing: "draining" as const }], fill: 0.5 },
    { name: "is all of nothing", of: [{ warmth: "cold" as const }], fill: 1 },
  ])("$name", ({ of, fill }) => {
    expect(fillOf(weighed(...of))).toBe(fill);
  });
});
