import { describe, expect, test } from "vitest";
import { costTerms, totalMs, WARMING_FLOOR_MS } from "../../src/core/cost.ts";
import type { CostInput } from "../../src/core/cost.ts";
import type { EndpointView } from "../../src/core/endpoint-view.ts";
import { roundTripPriorMs, UNKNOWN_PLACE_RTT_MS } from "../../src/core/geography.ts";
import { endpointView, EU, US } from "./shard-fixture.ts";

const input = (changes: Partial<CostInput> = {}): CostInput => ({
  client: US,
  clientKey: "here",
  inputTokens: 0,
  ...changes,
});

const termsOf = (changes: Partial<EndpointView>, asked: Partial<CostInput> = {}) =>
  costTerms(endpointView(changes), input(asked));

describe("net", () => {
  test.each([
    { name: "the measured round trip", client: EU, clientKey: "here", is: 42 },
    { name: "the distance where nothing is measured", client: EU, clientKey: "other", is: roundTripPriorMs(EU, US) },
    { name: "a constant for a client of unknown place", client: null, clientKey: "other", is: UNKNOWN_PLACE_RTT_MS },
    { name: "the measured one also for an unknown place", client: null, clientKey: "here", is: 42 },
  ])("is $name", ({ client, clientKey, is }) => {
    expect(termsOf({ roundTripMs: { here: 42 }, place: US }, { client, clientKey }).net).toBe(is);
  });
});

describe("wait", () => {
  // S = 2,000 ms, K = 4: a slot frees every 500 ms.
  test.each([
    { inFlight: 0, is: 0 },
    { inFlight: 3, is: 0 },
    { inFlight: 4, is: 500 },
    { inFlight: 5, is: 1_000 },
    { inFlight: 11, is: 4_000 },
  ])("is $is ms with $inFlight of 4 slots taken", ({ inFlight, is }) => {
    expect(termsOf({ inFlight, capacity: 4, occupancyMs: 2_000 }).wait).toBe(is);
  });
});

test("load is the fitted curve at the in-flight", () => {
  expect(termsOf({ inFlight: 3, loadCurveMs: [0, 1, 2, 30, 40, 50, 60, 70, 80] }).load).toBe(30);
});

test("pre is the prompt through the prefill speed", () => {
  expect(termsOf({ prefillTokensPerMs: 8 }, { inputTokens: 2_000 }).pre).toBe(250);
});

describe("cold", () => {
  test.each([
    { warmth: "warm", coldMs: 9_000, is: 0 },
    { warmth: "cold", coldMs: 9_000, is: 9_000 },
    { warmth: "warming", coldMs: 9_000, is: 9_000 },
    { warmth: "warming", coldMs: 0, is: WARMING_FLOOR_MS },
  ] as const)("is $is ms for a $warmth endpoint with $coldMs ms left", ({ warmth, coldMs, is }) => {
    expect(termsOf({ warmth, coldMs }).cold).toBe(is);
  });
});

test("risk is the expected failures before the first success, each with its trip", () => {
  const risk = (failureProbability: number) =>
    termsOf({ failureProbability, failureCostMs: 60, roundTripMs: { here: 40 } }).risk;
  expect(risk(0)).toBe(0);
  expect(risk(0.5)).toBe(100);
  expect(risk(0.75)).toBeCloseTo(300, 9);
});

test("the total is the sum of the terms, so that the sum explains the choice", () => {
  expect(totalMs({ net: 1, wait: 2, load: 4, pre: 8, cold: 16, risk: 32 })).toBe(63);
});
