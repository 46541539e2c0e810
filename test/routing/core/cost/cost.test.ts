import fc from "fast-check";
import { expect, test } from "vitest";
import { costTerms, totalMs } from "../../../../src/routing/core/cost/cost.ts";
import { EXTERNALITY } from "../../../../src/routing/core/cost/terms/prefill.ts";
import type { CostInput } from "../../../../src/routing/core/cost/cost.ts";
import { endpointView, US } from "../shard/shard-fixture.ts";

const input = (changes: Partial<CostInput> = {}): CostInput => ({
  client: US,
  clientKey: "here",
  inputTokens: 0,
  ...changes,
});

test("each term is the one of its module, for one endpoint and one request", () => {
  const view = endpointView({
    roundTripMs: { here: 40 },
    inFlight: 5,
    capacity: 4,
    occupancyMs: 2_000,
    loadCurveMs: [0, 1, 2, 30, 44, 50, 60, 70, 80],
    prefillTokensPerMs: 8,
    warmth: "warming",
    coldMs: 9_000,
    failureProbability: 0.5,
    failureCostMs: 60,
  });
  const affinity = { heat: 2, tokensByEndpoint: new Map([["e1", 1_000]]) };
  const terms = costTerms(view, input({ inputTokens: 2_000, affinity }));
  expect(terms).toEqual({
    net: 40,
    wait: 1_000,
    load: 30,
    pre: (250 - 62.5) * (1 + 5 * EXTERNALITY),
    cold: 9_000,
    risk: 900,
  });
});

test("the total is the sum of the terms, so that the sum explains the choice", () => {
  expect(totalMs({ net: 1, wait: 2, load: 4, pre: 8, cold: 16, risk: 32 })).toBe(63);
});

test("no term of any endpoint is negative or not a number", () => {
  const anyView = fc.record({
    inFlight: fc.integer({ min: 0, max: 500 }),
    capacity: fc.integer({ min: 1, max: 500 }),
    occupancyMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
    prefillTokensPerMs: fc.double({ min: 1e-3, max: 1e4, noNaN: true }),
    warmth: fc.constantFrom("cold" as const, "warming" as const, "warm" as const),
    coldMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
    failureProbability: fc.double({ min: 0, max: 0.999, noNaN: true }),
    failureCostMs: fc.double({ min: 0, max: 1e5, noNaN: true }),
    roundTripMs: fc.dictionary(fc.constantFrom("here", "there"), fc.double({ min: 0, max: 1e3, noNaN: true })),
  });
  const anyMatch = fc.record({
    heat: fc.double({ min: 1, max: 64, noNaN: true }),
    tokensByEndpoint: fc.integer({ min: 0, max: 1e6 }).map((tokens) => new Map([["e1", tokens]])),
  });
  fc.assert(
    fc.property(anyView, fc.option(anyMatch), fc.integer({ min: 0, max: 1e6 }), (changes, affinity, inputTokens) => {
      const terms = costTerms(endpointView(changes), input({ inputTokens, affinity }));
      for (const value of Object.values(terms)) expect(value).toBeGreaterThanOrEqual(0);
      expect(Number.isFinite(totalMs(terms))).toBe(true);
    }),
  );
});
