import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BYTES_PER_TOKEN } from "../../src/wire/openai.ts";
import {
  BYTES_MAX,
  BYTES_MIN,
  createTokenBytes,
  observeTokens,
  TOKENS_PRIOR,
  TOKENS_REMEMBERED,
  tokensIn,
} from "../../src/wire/token-bytes.ts";

/** Bytes a token after these prompts, as bytes of the body and tokens. */
function after(...prompts: readonly (readonly [number, number])[]): number {
  const known = createTokenBytes();
  for (const [bytes, tokens] of prompts) observeTokens(known, bytes, tokens);
  return known.bytes / known.tokens;
}

test("before anything was counted a token is BYTES_PER_TOKEN bytes, and never less than a whole one", () => {
  const known = createTokenBytes();
  expect([0, 1, 4, 5, 4_000].map((bytes) => tokensIn(known, bytes))).toEqual([0, 1, 1, 2, 1_000]);
  expect(after()).toBe(BYTES_PER_TOKEN);
});

describe("the bytes of a token", () => {
  test("are those of the prompts, by their tokens, with a prior of TOKENS_PRIOR", () => {
    expect(after([2 * TOKENS_PRIOR, TOKENS_PRIOR])).toBe(3);
    expect(after([20_000, 10_000], [60_000, 10_000])).toBeCloseTo((8_000 + 20_000 + 60_000) / 22_000, 9);
  });

  test("follow another kind of traffic within TOKENS_REMEMBERED", () => {
    const code = Array.from({ length: 100 }, () => [6_000, 2_000] as const);
    const chinese = Array.from({ length: TOKENS_REMEMBERED / 2_000 }, () => [3_000, 2_000] as const);
    expect(after(...code)).toBeCloseTo(3, 1);
    expect(after(...code, ...chinese)).toBeLessThan(2.2);
  });

  test("are not learned from a body that holds something else than text", () => {
    expect(after([BYTES_MAX * 10_000, 10_000])).toBeGreaterThan(BYTES_PER_TOKEN);
    expect(after([BYTES_MAX * 10_000 + 1, 10_000])).toBe(BYTES_PER_TOKEN);
    expect(after([BYTES_MIN * 10_000, 10_000])).toBeLessThan(BYTES_PER_TOKEN);
    expect(after([BYTES_MIN * 10_000 - 1, 10_000])).toBe(BYTES_PER_TOKEN);
    expect(after([0, 0], [0, 10], [Number.NaN, 1])).toBe(BYTES_PER_TOKEN);
  });

  test("stay within their bounds whatever is counted", () => {
    const prompt = fc.tuple(fc.integer({ min: 0, max: 1e8 }), fc.integer({ min: 1, max: 1e8 }));
    fc.assert(
      fc.property(fc.array(prompt, { maxLength: 50 }), (prompts) => {
        const bytes = after(...prompts);
        expect(bytes).toBeGreaterThanOrEqual(BYTES_MIN);
        expect(bytes).toBeLessThanOrEqual(BYTES_MAX);
      }),
    );
  });
});
