import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  fibreBoundMs,
  greatCircleKm,
  nearest,
  ROUND_TRIP_FIXED_MS,
  roundTripPriorMs,
  UNKNOWN_PLACE_RTT_MS,
} from "../../../../src/routing/core/cost/geography.ts";
import type { Place } from "../../../../src/routing/core/cost/geography.ts";

const virginia = { lat: 38.95, lon: -77.45 };
const ohio = { lat: 39.96, lon: -83.0 };
const oregon = { lat: 45.84, lon: -119.7 };
const ireland = { lat: 53.34, lon: -6.26 };
const frankfurt = { lat: 50.11, lon: 8.68 };
const tokyo = { lat: 35.68, lon: 139.69 };
const singapore = { lat: 1.35, lon: 103.82 };
const sydney = { lat: -33.87, lon: 151.21 };
const saoPaulo = { lat: -23.55, lon: -46.63 };

/**
 * Round trips between AWS regions, ms: aws_rtt_ms_cloudping_sample.tsv, a sample of cloudping.co. The prior is a median
 * over the matrix, so a pair may be 45 % off; none may be below the fibre bound.
 */
const PAIRS: readonly { name: string; a: Place; b: Place; km: number; measuredMs: number }[] = [
  { name: "us-east-1 to us-east-2", a: virginia, b: ohio, km: 488, measuredMs: 12 },
  { name: "us-east-1 to us-west-2", a: virginia, b: oregon, km: 3_520, measuredMs: 63 },
  { name: "us-east-1 to eu-west-1", a: virginia, b: ireland, km: 5_450, measuredMs: 69 },
  { name: "us-east-1 to eu-central-1", a: virginia, b: frankfurt, km: 6_540, measuredMs: 92 },
  { name: "us-east-1 to ap-northeast-1", a: virginia, b: tokyo, km: 10_880, measuredMs: 146 },
  { name: "us-east-1 to sa-east-1", a: virginia, b: saoPaulo, km: 7_640, measuredMs: 113 },
  { name: "ap-northeast-1 to ap-southeast-1", a: tokyo, b: singapore, km: 5_310, measuredMs: 69 },
  { name: "ap-southeast-1 to ap-southeast-2", a: singapore, b: sydney, km: 6_300, measuredMs: 93 },
];

const place = fc.record({
  lat: fc.double({ min: -90, max: 90, noNaN: true }),
  lon: fc.double({ min: -180, max: 180, noNaN: true }),
});

describe("the great circle", () => {
  test.each(PAIRS)("is about $km km for $name", ({ a, b, km }) => {
    expect(Math.abs(greatCircleKm(a, b) - km) / km).toBeLessThan(0.01);
  });

  test.each([
    { name: "the same place", a: tokyo, b: tokyo, km: 0 },
    { name: "pole to pole", a: { lat: 90, lon: 0 }, b: { lat: -90, lon: 0 }, km: 20_015.1 },
    { name: "a degree across the antimeridian", a: { lat: 0, lon: 179.5 }, b: { lat: 0, lon: -179.5 }, km: 111.2 },
    { name: "antipodes on the equator", a: { lat: 0, lon: 0 }, b: { lat: 0, lon: 180 }, km: 20_015.1 },
  ])("is $km km for $name", ({ a, b, km }) => {
    expect(greatCircleKm(a, b)).toBeCloseTo(km, 0);
  });

  test("is symmetric and never longer than half of the Earth", () => {
    fc.assert(
      fc.property(place, place, (a, b) => {
        expect(greatCircleKm(a, b)).toBeCloseTo(greatCircleKm(b, a), 6);
        expect(greatCircleKm(a, b)).toBeLessThanOrEqual(20_016);
      }),
    );
  });
});

describe("the round-trip prior", () => {
  test.each(PAIRS)("is near the measured $measuredMs ms of $name, which fibre allows", ({ a, b, measuredMs }) => {
    expect(measuredMs).toBeGreaterThan(fibreBoundMs(a, b));
    expect(Math.abs(roundTripPriorMs(a, b) - measuredMs) / measuredMs).toBeLessThan(0.45);
  });

  test("is the fixed part alone within one place", () => {
    expect(roundTripPriorMs(tokyo, tokyo)).toBe(ROUND_TRIP_FIXED_MS);
  });

  test.each([
    { a: null, b: tokyo },
    { a: tokyo, b: null },
    { a: null, b: null },
    { a: { lat: Number.NaN, lon: 0 }, b: tokyo },
  ])("is 80 ms when a place is unknown: $a, $b", ({ a, b }) => {
    expect(roundTripPriorMs(a, b)).toBe(UNKNOWN_PLACE_RTT_MS);
    expect(UNKNOWN_PLACE_RTT_MS).toBe(80);
  });
});

describe("the nearest of several", () => {
  const items = [virginia, frankfurt, tokyo].map((at, index) => ({ index, place: at }));

  test.each([
    { name: "Ohio", from: ohio, index: 0 },
    { name: "Ireland", from: ireland, index: 1 },
    { name: "Sydney", from: sydney, index: 2 },
  ])("is found from $name", ({ from, index }) => {
    expect(nearest(from, items)?.index).toBe(index);
  });

  test("is null among none, the first among equals, and never a place that is not a number", () => {
    const nowhere = { index: 9, place: { lat: Number.NaN, lon: 0 } };
    expect(nearest(ohio, [])).toBeNull();
    expect(nearest(ohio, [...items, ...items.map((item) => ({ ...item, index: 9 }))])?.index).toBe(0);
    expect(nearest(ohio, [nowhere, ...items])?.index).toBe(0);
    expect(nearest(ohio, [nowhere])?.index).toBe(9);
  });
});
