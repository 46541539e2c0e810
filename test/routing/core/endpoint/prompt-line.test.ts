import { describe, expect, test } from "vitest";
import { lineOf, SLOW_TIMES, TOLD_LATE_MS, workOf } from "../../../../src/routing/core/endpoint/prompt-line.ts";
import type { LeasePrompt } from "../../../../src/routing/core/endpoint/prompt-line.ts";

/** At 10 tokens a ms. */
const prompt = (work: number, atEndpointMs = 0): { readonly prompt: LeasePrompt } => ({
  prompt: { tokens: work, work, atEndpointMs, backMs: 0, isBlocked: false, reuse: null },
});
const waits = (line: readonly { readonly prompt: LeasePrompt | null }[], now: number, lastMs = -Infinity): number =>
  lineOf(line, { speed: 10, lastMs }, now).leftMs;

describe("the line of prompts", () => {
  test("is empty without any, and without one that is known", () => {
    expect([waits([], 0), waits([{ prompt: null }], 0)]).toEqual([0, 0]);
  });

  test("is what all of them take, one after the other", () => {
    expect(waits([prompt(1_000), prompt(500), prompt(20)], 0)).toBe(152);
  });

  test("goes on by itself while the first is read", () => {
    const line = [prompt(1_000), prompt(500)];
    expect([0, 40, 99].map((now) => waits(line, now))).toEqual([150, 110, 51]);
  });

  test("stands still behind a prompt that is overdue, until its news must be lost; then it goes on", () => {
    const line = [prompt(1_000), prompt(500)];
    expect(waits(line, 101)).toBe(50);
    expect(waits(line, 100 + TOLD_LATE_MS)).toBe(50);
    expect(waits(line, 100 + TOLD_LATE_MS + 1), "all of it was read meanwhile").toBe(0);
    expect(waits([prompt(1_000), prompt(50_000)], 1_100)).toBe(4_000);
  });

  test("stands still for longer behind a stream, whose news comes: its engine is slow, and must not look empty", () => {
    const [first, second] = [prompt(2_000), prompt(500)];
    const line = [{ prompt: { ...first.prompt, isTold: true } }, second];
    const lateMs = SLOW_TIMES * 200;
    expect(lateMs).toBeGreaterThan(TOLD_LATE_MS);
    expect([200 + lateMs, 200 + lateMs + 1].map((now) => waits(line, now))).toEqual([50, 0]);
    // A short one is not given less than any other.
    const short = [{ prompt: { ...prompt(100).prompt, isTold: true } }, second];
    expect([10 + TOLD_LATE_MS, 10 + TOLD_LATE_MS + 1].map((now) => waits(short, now))).toEqual([50, 0]);
  });

  test("does not begin before the last first token, and not before a prompt is there", () => {
    expect(waits([prompt(1_000)], 50, 50)).toBe(100);
  });

  test("counts a prompt on its way as work, and not the time until it is there: others come before it", () => {
    expect(waits([prompt(1_000, 70)], 50, 20)).toBe(100);
    expect(waits([prompt(100, 0), prompt(1_000, 500)], 0)).toBe(110);
    expect(waits([prompt(0, 500)], 0)).toBe(0);
  });

  test("of prompts that come while others are read has been busy since the first of them", () => {
    const [first, second, late] = [prompt(1_000, 10), prompt(1_000, 60), prompt(1_000, 2_000)];
    const since = (until: { readonly prompt: LeasePrompt }) =>
      lineOf([first, second, late], { speed: 10, lastMs: 0 }, 60, until.prompt).busySinceMs;
    expect([since(first), since(second), since(late)]).toEqual([10, 10, 2_000]);
  });
});

test.each([
  { tokens: 2_000, hit: 0, is: 2_000 },
  { tokens: 2_000, hit: 1_500, is: 500 },
  { tokens: 2_000, hit: 2_000, is: 1 },
  { tokens: 2_000, hit: 9_999, is: 1 },
  { tokens: 0, hit: 0, is: 0 },
])("the work of $tokens tokens with $hit in the cache is $is", ({ tokens, hit, is }) => {
  expect(workOf(tokens, hit)).toBe(is);
});
