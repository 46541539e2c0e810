import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  affinityDiscountMs,
  createPrefillSpeed,
  observePrefill,
  PREFILL_TOKENS_MIN,
  prefillMs,
} from "../../../../../src/routing/core/cost/terms/prefill.ts";

const view = { id: "e1", prefillTokensPerMs: 8 };
const matchAt = (endpointId: string, tokens: number, heat = 1) => ({
  heat,
  tokensByEndpoint: new Map([[endpointId, tokens]]),
});

describe("pre", () => {
  test.each([
    { name: "the prompt through the prefill speed", affinity: null, is: 250 },
    { name: "less what is cached here", affinity: matchAt("e1", 1_600), is: 50 },
    { name: "nothing when all of it is cached", affinity: matchAt("e1", 9_999), is: 0 },
    { name: "whole where another endpoint has it", affinity: matchAt("e2", 2_000), is: 250 },
    { name: "less only a part of it for a hot key", affinity: matchAt("e1", 1_600, 4), is: 200 },
  ])("is $name", ({ affinity, is }) => {
    expect(prefillMs(view, { inputTokens: 2_000, affinity })).toBe(is);
  });

  test("is never negative, and a discount never more than the whole", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-3, max: 1e4, noNaN: true }),
        fc.integer({ min: 0, max: 1e6 }),
        fc.integer({ min: 0, max: 1e6 }),
        fc.double({ min: 1, max: 64, noNaN: true }),
        (prefillTokensPerMs, inputTokens, cached, heat) => {
          const at = { id: "e1", prefillTokensPerMs };
          const input = { inputTokens, affinity: matchAt("e1", cached, heat) };
          const wholeMs = inputTokens / prefillTokensPerMs;
          expect(affinityDiscountMs(at, input)).toBeGreaterThanOrEqual(0);
          expect(affinityDiscountMs(at, input)).toBeLessThanOrEqual(wholeMs);
          expect(prefillMs(at, input)).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });
});

describe("the prefill speed", () => {
  const telling = { inputTokens: 2_000, cachedTokens: 0, afterNetMs: 100, inFlightAtGrant: 1 };

  test("is learned from a long prompt on an idle engine, with the prior as one sample", () => {
    expect(observePrefill(createPrefillSpeed(10), telling).value).toBe(15);
  });

  test.each([
    { name: "a short prompt", changes: { inputTokens: PREFILL_TOKENS_MIN - 1 } },
    { name: "a busy engine", changes: { inFlightAtGrant: 2 } },
    { name: "a prompt that was in the cache", changes: { cachedTokens: 1 } },
    { name: "a first token sooner than the network", changes: { afterNetMs: 0 } },
  ])("is not learned from $name", ({ changes }) => {
    expect(observePrefill(createPrefillSpeed(10), { ...telling, ...changes }).value).toBe(10);
  });
});
