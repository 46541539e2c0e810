import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { affinityDiscountMs, prefillMs, workAt } from "../../../../../src/routing/core/cost/terms/prefill.ts";

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

test("pre charges the reading of a prompt for those who run there: a hundredth of it each", () => {
  const beside = (inFlight: number) => prefillMs({ ...view, inFlight }, { inputTokens: 800 });
  expect([0, 1, 50].map(beside)).toEqual([100, 101, 150]);
});

test("the work of a prompt is what no cache has of it, whatever the key's heat, and never nothing", () => {
  const work = (cached: number, heat = 1, inputTokens = 2_000) =>
    workAt(view, { inputTokens, affinity: matchAt("e1", cached, heat) });
  expect([work(0), work(1_600), work(1_600, 4), work(9_999), work(0, 1, 0)]).toEqual([2_000, 400, 400, 1, 0]);
});
