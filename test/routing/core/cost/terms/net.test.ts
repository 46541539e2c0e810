import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { roundTripPriorMs, UNKNOWN_PLACE_RTT_MS } from "../../../../../src/routing/core/cost/geography.ts";
import {
  BUSY_TRUST,
  expectRoundTrip,
  exploring,
  FORGET_MS,
  measuredRoundTrips,
  netMs,
  observeRoundTrip,
  PLACES_MAX,
  readRoundTrip,
  regionRoundTrip,
  regionRoundTrips,
  RISE_MS,
  RISE_SHARE,
  TRUSTED_SAMPLES,
} from "../../../../../src/routing/core/cost/terms/net.ts";
import type { NetInput, RoundTrips, RoundTripSample } from "../../../../../src/routing/core/cost/terms/net.ts";
import { EU, US } from "../../shard/shard-fixture.ts";

const FROM_EU = { client: EU, clientKey: "FRA" };
const priorMs = roundTripPriorMs(EU, US);

test.each([
  { name: "the measured round trip", client: EU, clientKey: "here", is: 42 },
  { name: "the distance where nothing is measured", client: EU, clientKey: "other", is: priorMs },
  { name: "a constant for a client of unknown place", client: null, clientKey: "other", is: UNKNOWN_PLACE_RTT_MS },
  { name: "the measured one also for an unknown place", client: null, clientKey: "here", is: 42 },
])("net is $name", ({ client, clientKey, is }) => {
  expect(netMs({ roundTripMs: { here: 42 }, place: US }, { client, clientKey })).toBe(is);
});

const alone = (headersMs: number) => ({ headersMs, alone: true });
const busy = (headersMs: number) => ({ headersMs, alone: false });

/** Samples of one a second from `fromMs` on. */
function feed(trips: RoundTrips, samples: readonly RoundTripSample[], fromMs = 0): number {
  for (const [index, sample] of samples.entries()) observeRoundTrip(trips, "FRA", sample, fromMs + index * 1_000);
  return fromMs + (samples.length - 1) * 1_000;
}

const times = <Item>(count: number, item: Item): Item[] => Array.from({ length: count }, () => item);

describe("a measured round trip", () => {
  test("is the least that was seen, whatever the engine did before its headers", () => {
    const trips: RoundTrips = new Map();
    const now = feed(trips, [alone(9), alone(2), alone(4), busy(5_277), busy(158), busy(800)]);
    expect(readRoundTrip(trips, "FRA", now)).toBeLessThan(4);
  });

  test("is at most what was expected until TRUSTED_SAMPLES have come", () => {
    const trips: RoundTrips = new Map();
    expectRoundTrip(trips, FROM_EU, US);
    let now = feed(trips, times(TRUSTED_SAMPLES - 1, alone(3_000)));
    expect(readRoundTrip(trips, "FRA", now)).toBe(priorMs);
    now = feed(trips, [alone(3_000)], now);
    expect(readRoundTrip(trips, "FRA", now)).toBeCloseTo(3_000, 6);
  });

  test("of a busy endpoint is trusted after ten times as many", () => {
    const trips: RoundTrips = new Map();
    expectRoundTrip(trips, FROM_EU, US);
    for (let sample = 1; sample < TRUSTED_SAMPLES / BUSY_TRUST; sample++)
      observeRoundTrip(trips, "FRA", busy(3_000), 0);
    expect(readRoundTrip(trips, "FRA", 0)).toBe(priorMs);
    observeRoundTrip(trips, "FRA", busy(3_000), 0);
    expect(readRoundTrip(trips, "FRA", 0)).toBe(3_000);
  });

  test("of an endpoint that has moved is learned within a minute and a half", () => {
    const trips: RoundTrips = new Map();
    const movedAtMs = feed(trips, times(10, alone(10)));
    feed(trips, times(90, alone(150)), movedAtMs);
    expect(readRoundTrip(trips, "FRA", movedAtMs + 90_000)).toBe(150);
  });

  test("stays below 20 ms on a machine whose engine never stops queueing, for ten minutes", () => {
    const trips: RoundTrips = new Map();
    const fromMs = feed(trips, times(TRUSTED_SAMPLES, alone(1)));
    const now = feed(trips, times(600, busy(400)), fromMs);
    expect(readRoundTrip(trips, "FRA", now)).toBeLessThan(20);
  });

  test("is raised by one sample after a pause by no more than by one after a second", () => {
    const trips: RoundTrips = new Map();
    const now = feed(trips, times(TRUSTED_SAMPLES, alone(10)));
    observeRoundTrip(trips, "FRA", alone(5_000), now + 300_000);
    expect(readRoundTrip(trips, "FRA", now + 300_000)).toBe(10 + 10 * RISE_SHARE + RISE_MS);
  });

  test("is never above the last sample, nor below the least", () => {
    const sample = fc.record({ headersMs: fc.nat(10_000), alone: fc.boolean(), gapMs: fc.nat(20_000) });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1 }), (samples) => {
        const trips: RoundTrips = new Map();
        let now = 0;
        for (const one of samples) {
          now += one.gapMs;
          observeRoundTrip(trips, "FRA", one, now);
          expect(readRoundTrip(trips, "FRA", now)).toBeLessThanOrEqual(one.headersMs);
        }
        const least = Math.min(...samples.map(({ headersMs }) => headersMs));
        expect(readRoundTrip(trips, "FRA", now)).toBeGreaterThanOrEqual(least);
      }),
    );
  });

  test("is nothing before the first measurement, though one is expected", () => {
    const trips: RoundTrips = new Map();
    expectRoundTrip(trips, FROM_EU, US);
    expect(readRoundTrip(trips, "FRA", 0)).toBeNull();
    expect(measuredRoundTrips(trips, 0)).toEqual({});
  });

  test("of a place that was not expected begins with itself", () => {
    const trips: RoundTrips = new Map();
    observeRoundTrip(trips, "FRA", alone(60), 0);
    expect(measuredRoundTrips(trips, 0)).toEqual({ FRA: 60 });
  });

  test("is forgotten in a long silence, and begins anew", () => {
    const trips: RoundTrips = new Map();
    expectRoundTrip(trips, FROM_EU, US);
    const now = feed(trips, times(TRUSTED_SAMPLES, alone(5_000)));
    expect(readRoundTrip(trips, "FRA", now + FORGET_MS)).toBeCloseTo(5_000, 6);
    expect(readRoundTrip(trips, "FRA", now + FORGET_MS + 1)).toBeNull();
    observeRoundTrip(trips, "FRA", alone(5_000), now + FORGET_MS + 1);
    expect(readRoundTrip(trips, "FRA", now + FORGET_MS + 1)).toBe(priorMs);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -1])("of %d ms is ignored", (headersMs) => {
    const trips: RoundTrips = new Map();
    observeRoundTrip(trips, "FRA", alone(headersMs), 0);
    expect(trips.size).toBe(0);
  });

  test("can be read for one place alone", () => {
    const trips: RoundTrips = new Map();
    for (const key of ["FRA", "IAD"]) observeRoundTrip(trips, key, alone(60), 0);
    expect(readRoundTrip(trips, "IAD", 0)).toBe(60);
    expect(readRoundTrip(trips, "NRT", 0)).toBeNull();
  });
});

describe("what is measured for one endpoint of a region", () => {
  const twins = (): [RoundTrips, RoundTrips] => [new Map(), new Map()];

  test("is the prior of the others, once it is trusted", () => {
    const [one, other] = twins();
    feed(one, times(TRUSTED_SAMPLES - 1, alone(2)));
    expect(regionRoundTrips([one, other], 0)).toEqual({});
    feed(one, [alone(2)]);
    const regionTripMs = regionRoundTrips([one, other], 0);
    expect(regionTripMs).toEqual({ FRA: 2 });
    expect(netMs({ roundTripMs: {}, regionTripMs, place: US }, { client: null, clientKey: "FRA" })).toBe(2);
    expect(netMs({ roundTripMs: {}, regionTripMs, place: US }, FROM_EU)).toBe(2);
  });

  test("is the least of them, for the asked place alone, and yields to what is measured at the endpoint itself", () => {
    const [one, other] = twins();
    feed(one, times(TRUSTED_SAMPLES, alone(2)));
    feed(other, times(TRUSTED_SAMPLES, alone(7)));
    expect(regionRoundTrip([one, other], 0, "FRA")).toBe(2);
    expect(regionRoundTrip([one, other], 0, "IAD")).toBeNull();
    expect(netMs({ roundTripMs: { FRA: 7 }, regionTripMs: { FRA: 2 }, place: US }, FROM_EU)).toBe(7);
  });

  test("holds against the first samples of another, which stood in line", () => {
    const [one, other] = twins();
    feed(one, times(TRUSTED_SAMPLES, alone(2)));
    feed(other, [busy(900), busy(1_800)]);
    expect(measuredRoundTrips(other, 0, regionRoundTrips([one, other], 0))).toEqual({ FRA: 2 });
  });
});

describe("for a client of unknown place", () => {
  const nowhere = { client: null, clientKey: "unknown" };
  const views = [
    { id: "a", place: US, roundTripMs: { unknown: 3 } },
    { id: "b", place: EU, roundTripMs: {} },
  ];
  const nets = (request: NetInput) => exploring(views, request).map((view) => netMs(view, request));

  test("an endpoint that was never tried counts as near as the nearest that was", () => {
    expect(nets(nowhere)).toEqual([3, 3]);
  });

  test("all are alike before anything is measured, and a known place keeps its distances", () => {
    expect(nets({ ...nowhere, clientKey: "else" })).toEqual([UNKNOWN_PLACE_RTT_MS, UNKNOWN_PLACE_RTT_MS]);
    expect(nets({ client: EU, clientKey: "unknown" })).toEqual([3, roundTripPriorMs(EU, EU)]);
  });
});

describe("places are remembered", () => {
  const keys = Array.from({ length: PLACES_MAX }, (_, index) => `place ${index}`);

  test("up to PLACES_MAX, and one more takes the room of the one that was silent longest", () => {
    const trips: RoundTrips = new Map();
    for (const key of keys) observeRoundTrip(trips, key, alone(10), 0);
    expect(trips.size).toBe(PLACES_MAX);
    observeRoundTrip(trips, "place 0", alone(10), 1);
    observeRoundTrip(trips, "new", alone(10), 2);
    expect(trips.size).toBe(PLACES_MAX);
    expect(["place 0", "place 1", "place 2", "new"].map((key) => trips.has(key))).toEqual([true, false, true, true]);
  });

  test("also where one is only expected", () => {
    const trips: RoundTrips = new Map();
    for (const clientKey of [...keys, "new"]) expectRoundTrip(trips, { client: EU, clientKey }, US);
    expect(trips.size).toBe(PLACES_MAX);
    expect(trips.has("new")).toBe(true);
  });
});
