/** Noise that only forgets is no cycle; a cycle is one also when noise hides it from the eye. */
import { describe, expect, test } from "vitest";
import { seededRng } from "../../../src/lib/rng.ts";
import { riseOverNoise, SEGMENT_SAMPLES, SEGMENTS_MIN, ShareSampler } from "../../../tools/sim/oscillation.ts";

const SAMPLES = 4_096;

/** Sum of first-order autoregressions with these memories, 0..1. */
function noise(memories: readonly number[], seed = 1): number[] {
  const rng = seededRng(seed);
  const states = memories.map(() => 0);
  return Array.from({ length: SAMPLES }, () => {
    for (const [index, memory] of memories.entries()) states[index] = memory * (states[index] ?? 0) + rng() - 0.5;
    return states.reduce((sum, state) => sum + state, 0);
  });
}

const cycle = (period: number, height: number): number[] =>
  Array.from({ length: SAMPLES }, (_, at) => height * Math.cos((2 * Math.PI * at) / period));

const together = (one: readonly number[], other: readonly number[]): number[] =>
  one.map((value, at) => value + (other[at] ?? 0));

describe("the rise over noise", () => {
  test.each([
    ["without memory", [0]],
    ["of seconds", [0.6]],
    ["of minutes", [0.98]],
    ["of both", [0.3, 0.97]],
  ])("is small for noise with a memory %s", (_, memories) => {
    for (const seed of [1, 2, 3]) expect(riseOverNoise(noise(memories, seed))).toBeLessThan(1.8);
  });

  test.each([2, 4, 8, 16])("is large for a cycle of %i samples within noise", (period) => {
    expect(riseOverNoise(together(noise([0.6]), cycle(period, 0.4)))).toBeGreaterThan(2.5);
  });

  test("says nothing of a short run or of a constant", () => {
    const enough = SEGMENT_SAMPLES * SEGMENTS_MIN;
    expect(riseOverNoise(cycle(4, 1).slice(0, enough - 1))).toBe(0);
    expect(riseOverNoise(cycle(4, 1).slice(0, enough))).toBeGreaterThan(3);
    expect(riseOverNoise(Array.from({ length: SAMPLES }, () => 0.25))).toBe(0);
  });
});

test("two endpoints that take turns swing, and two that share alike do not", () => {
  const read = (first: (at: number) => number) => {
    const sampler = new ShareSampler(2);
    for (let at = 0; at < 1_024; at += 1) sampler.sample(Float64Array.of(first(at), 10 - first(at)));
    return sampler.read();
  };
  const turns = read((at) => (at % 8 < 4 ? 9 : 1));
  expect(turns).toMatchObject({ shareVariance: expect.closeTo(0.16, 6), peakPeriodS: 8 });
  expect(turns.overNoise).toBeGreaterThan(3);
  expect(read(() => 5)).toEqual({ shareVariance: 0, peakPower: 0, peakPeriodS: 0, overNoise: 0 });
});
