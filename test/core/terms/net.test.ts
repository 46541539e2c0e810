import { describe, expect, test } from "vitest";
import { roundTripPriorMs, UNKNOWN_PLACE_RTT_MS } from "../../../src/core/geography.ts";
import {
  expectRoundTrip,
  measuredRoundTrips,
  netMs,
  observeRoundTrip,
  PLACES_MAX,
  readRoundTrip,
} from "../../../src/core/terms/net.ts";
import type { RoundTrips } from "../../../src/core/terms/net.ts";
import { EU, US } from "../shard-fixture.ts";

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

describe("a measured round trip", () => {
  test("is mixed with the distance, which counts as one sample", () => {
    const trips: RoundTrips = new Map();
    expectRoundTrip(trips, FROM_EU, US);
    for (const roundTripMs of [300, 300, 300]) observeRoundTrip(trips, "FRA", roundTripMs, 0);
    expect(readRoundTrip(trips, "FRA", 0)).toBeCloseTo((priorMs + 900) / 4, 9);
  });

  test("is nothing before the first measurement, though one is expected", () => {
    const trips: RoundTrips = new Map();
    expectRoundTrip(trips, FROM_EU, US);
    expect(readRoundTrip(trips, "FRA", 0)).toBeNull();
    expect(measuredRoundTrips(trips, 0)).toEqual({});
  });

  test("of a place that was not expected begins with itself", () => {
    const trips: RoundTrips = new Map();
    observeRoundTrip(trips, "FRA", 60, 0);
    expect(measuredRoundTrips(trips, 0)).toEqual({ FRA: 60 });
  });

  test("drifts back to the distance in a long silence", () => {
    const trips: RoundTrips = new Map();
    expectRoundTrip(trips, FROM_EU, US);
    observeRoundTrip(trips, "FRA", 5_000, 0);
    expect(readRoundTrip(trips, "FRA", 24 * 3_600_000)).toBeCloseTo(priorMs, 6);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -1])("of %d ms is ignored", (roundTripMs) => {
    const trips: RoundTrips = new Map();
    observeRoundTrip(trips, "FRA", roundTripMs, 0);
    expect(trips.size).toBe(0);
  });

  test("can be read for one place alone", () => {
    const trips: RoundTrips = new Map();
    for (const key of ["FRA", "IAD"]) observeRoundTrip(trips, key, 60, 0);
    expect(measuredRoundTrips(trips, 0, "IAD")).toEqual({ IAD: 60 });
    expect(measuredRoundTrips(trips, 0, "NRT")).toEqual({});
  });
});

describe("places are remembered", () => {
  const keys = Array.from({ length: PLACES_MAX }, (_, index) => `place ${index}`);

  test("up to PLACES_MAX, and one more takes the room of the one that was silent longest", () => {
    const trips: RoundTrips = new Map();
    for (const key of keys) observeRoundTrip(trips, key, 10, 0);
    expect(trips.size).toBe(PLACES_MAX);
    observeRoundTrip(trips, "place 0", 10, 1);
    observeRoundTrip(trips, "new", 10, 2);
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
