import { describe, expect, test } from "vitest";
import {
  createReading,
  MEMORY_TOKENS,
  observeCounted,
  observeRead,
  PRIOR_TOKENS,
  SAME_STEP_MS,
  speedOf,
  STEP_MS_MAX,
} from "../../../../src/routing/core/endpoint/reading.ts";
import { AHEAD_MS_MAX, NOTHING_AHEAD } from "../../../../src/routing/core/endpoint/endpoint-learn.ts";
import type { LineSeen } from "../../../../src/routing/core/endpoint/endpoint-learn.ts";
import type { Settlement } from "../../../../src/routing/core/shard-messages.ts";
import { observeAttempt } from "../../../../src/routing/core/endpoint/endpoint.ts";
import { endpointState, settlement } from "../shard/shard-fixture.ts";
import type { Reading } from "../../../../src/routing/core/endpoint/reading.ts";

const prompt = { work: 1_000, busySinceMs: 0, isBlocked: false };

/** `prompts` one after the other, each read at `tokensPerMs`. */
function readAll(reading: Reading, prompts: number, tokensPerMs: number): void {
  let atMs = 0;
  for (let index = 0; index < prompts; index++) {
    const busySinceMs = atMs;
    atMs += prompt.work / tokensPerMs;
    observeRead(reading, { ...prompt, busySinceMs }, atMs);
  }
}

describe("an answer that says how long its prompt was read", () => {
  const told = (changes: Partial<Settlement>) =>
    settlement({ inputTokens: 2_000, promptTokens: 1_000, cachedTrue: 500, readMs: 500, ttftMs: null, ...changes });
  const learned = (changes: Partial<Settlement>, line: LineSeen | null = NOTHING_AHEAD): number => {
    const state = endpointState({ prefillTokensPerMs: 10 });
    observeAttempt(state, told(changes), 0, () => 0.5, line);
    return speedOf(state.reading);
  };

  test("teaches the speed, by what was not cached, where nothing was in line ahead", () => {
    // Half of 2,000 tokens in 500 ms, beside the prior.
    expect(learned({})).toBeCloseTo((PRIOR_TOKENS + 1_000) / (PRIOR_TOKENS / 10 + 500), 9);
    expect(learned({}, { ...NOTHING_AHEAD, aheadMs: AHEAD_MS_MAX - 1 })).toBeLessThan(10);
  });

  test.each([
    { name: "stood behind others", changes: {}, line: { ...NOTHING_AHEAD, aheadMs: AHEAD_MS_MAX } },
    { name: "is of a lease that is not known", changes: {}, line: null },
    { name: "does not say what was cached", changes: { cachedTrue: undefined } },
    { name: "was cached whole", changes: { cachedTrue: 1_000 } },
  ])("teaches nothing if it $name", ({ changes, line = NOTHING_AHEAD }) => {
    expect(learned(changes as Partial<Settlement>, line)).toBe(10);
  });
});
/** Prompts of these lengths in turn, each read at 16 tokens per ms in a step that takes `stepMs` by itself. */
function readShort(reading: Reading, lengths: readonly number[], stepMs: number): void {
  let atMs = 0;
  for (let index = 0; index < 200; index++) {
    const work = lengths[index % lengths.length] ?? 0;
    const busySinceMs = atMs;
    atMs += stepMs + work / 16;
    observeRead(reading, { work, busySinceMs, isBlocked: false }, atMs);
  }
}

describe("the reading speed", () => {
  test("is the configured one at first, and after PRIOR_TOKENS tokens half of what is seen", () => {
    const reading = createReading(10);
    expect(speedOf(reading)).toBe(10);
    observeRead(reading, { ...prompt, work: PRIOR_TOKENS }, PRIOR_TOKENS / 2);
    // Twice the tokens, in a tenth and a half of a ms each.
    expect(speedOf(reading)).toBeCloseTo(2 / (0.1 + 0.5), 9);
  });

  test("is found within 10 % after fifty prompts, from a prior wrong by ten times either way", () => {
    for (const prior of [2, 200]) {
      const reading = createReading(prior);
      readAll(reading, 50, 20);
      expect(Math.abs(speedOf(reading) / 20 - 1), `from ${prior}`).toBeLessThan(prior < 20 ? 0.35 : 0.1);
    }
  });

  test("is that of all time and tokens, not the mean of quotients, which a quick prompt among slow ones lifts", () => {
    const reading = createReading(1);
    let atMs = 0;
    for (let index = 0; index < 200; index++) {
      const tookMs = index % 2 === 0 ? 100 : 1_900;
      observeRead(reading, { ...prompt, busySinceMs: atMs }, (atMs += tookMs));
    }
    // Quotients of 10 and 0.53 have a mean of 5.3.
    expect(speedOf(reading)).toBeCloseTo(1, 1);
  });

  test("charges prompts whose first tokens come together with one time", () => {
    const reading = createReading(10);
    observeRead(reading, prompt, 100);
    observeRead(reading, prompt, 100);
    expect(reading.tokens).toBe(PRIOR_TOKENS + 2_000);
    expect(reading.busyMs).toBeCloseTo(PRIOR_TOKENS / 10 + 100, 9);
  });

  test("counts no time in which nothing was there to be read", () => {
    const reading = createReading(10);
    observeRead(reading, prompt, 100);
    observeRead(reading, { ...prompt, busySinceMs: 60_000 }, 60_100);
    expect(reading.busyMs).toBeCloseTo(PRIOR_TOKENS / 10 + 200, 9);
  });

  test.each([
    { name: "that waited for KV memory", seen: { ...prompt, isBlocked: true } },
    { name: "of which nothing had to be read", seen: { ...prompt, work: 0 } },
  ])("is not learned from a prompt $name, but the line went on from its first token", ({ seen }) => {
    const reading = createReading(10);
    observeRead(reading, seen, 9_000);
    expect(speedOf(reading)).toBe(10);
    expect(reading.lastMs).toBe(9_000);
  });

  test("forgets what is more than MEMORY_TOKENS ago: a GPU that became half as fast is known after as many", () => {
    const reading = createReading(20);
    readAll(reading, 200, 20);
    expect(reading.tokens).toBeCloseTo(MEMORY_TOKENS, 6);
    reading.lastMs = 0;
    readAll(reading, (2 * MEMORY_TOKENS) / prompt.work, 10);
    expect(speedOf(reading)).toBeLessThan(12);
  });

  test("is never nothing, whatever is configured", () => {
    expect(speedOf(createReading(0))).toBeGreaterThan(0);
  });

  test("is the engine's own where it counts tokens and time", () => {
    const reading = createReading(10);
    observeCounted(reading, MEMORY_TOKENS, MEMORY_TOKENS / 25);
    expect(speedOf(reading)).toBeCloseTo(25, 9);
    observeCounted(reading, 0, 5);
    observeCounted(reading, 5, 0);
    expect(speedOf(reading)).toBeCloseTo(25, 9);
    observeCounted(reading, 10 * MEMORY_TOKENS, (10 * MEMORY_TOKENS) / 5);
    expect(speedOf(reading)).toBeCloseTo(5, 9);
    expect(reading.tokens).toBeCloseTo(MEMORY_TOKENS, 6);
  });

  test("does not take for reading what each step takes by itself: who is given short prompts reads long ones as fast", () => {
    const reading = createReading(16);
    readShort(reading, [100, 400, 250, 700], 25);
    expect(Math.abs(speedOf(reading) / 16 - 1)).toBeLessThan(0.1);
  });

  test("is all of the time by all of the tokens where prompts are alike, which tell no step from what is read in it", () => {
    const reading = createReading(16);
    readShort(reading, [400], 25);
    expect(reading.stepMs).toBe(0);
    expect(speedOf(reading)).toBeCloseTo(400 / 50, 0);
  });

  test("takes at most STEP_MS_MAX for the step's own, and never all of the time", () => {
    const slow = createReading(16);
    readShort(slow, [100, 400, 250, 700], 400);
    expect(slow.stepMs).toBe(STEP_MS_MAX);
    const alone = createReading(16);
    for (let index = 0; index < 200; index++) {
      observeRead(alone, { work: 1 + (index % 3), busySinceMs: index * 30, isBlocked: false }, index * 30 + 30);
    }
    expect(speedOf(alone)).toBeGreaterThan(0);
    expect(speedOf(alone)).toBeLessThan(16);
  });

  test.each([
    { apartMs: SAME_STEP_MS, stretches: 1 },
    { apartMs: SAME_STEP_MS + 1, stretches: 2 },
  ])("takes first tokens $apartMs ms apart for $stretches step(s)", ({ apartMs, stretches }) => {
    const reading = createReading(10);
    observeRead(reading, prompt, 100);
    observeRead(reading, prompt, 100 + apartMs);
    expect(reading.stretches).toBe(stretches);
  });
});
