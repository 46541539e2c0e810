import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  budgetOf,
  readWithin,
  spend,
  STEPS_PER_MS,
  STEPS_PER_PART,
  takeSteps,
  within,
} from "../../../src/rails/core/budget.ts";
import type { RailInput } from "../../../src/rails/core/rail.ts";
import { railResult } from "../../../src/rails/core/rail.ts";

const inputOf = (...texts: string[]): RailInput => ({
  parts: texts.map((text, index) => ({ path: `messages[${index}].content`, role: "user", text })),
  messageCount: texts.length,
  unseen: [],
});
const textsOf = ({ parts }: RailInput) => parts.map(({ text }) => text);
const costOf = (...texts: string[]) => texts.reduce((sum, text) => sum + STEPS_PER_PART + text.length, 0);

describe("what a rail may read", () => {
  test("is all of it at the bound, and one character less beyond", () => {
    const budget = { stepsLeft: costOf("abc", "def") };
    expect(within(inputOf("abc", "def"), budget)).toEqual({ input: inputOf("abc", "def"), isCut: false });
    expect(budget).toEqual({ stepsLeft: 0 });
    const cut = within(inputOf("abc", "def"), { stepsLeft: costOf("abc", "def") - 1 });
    expect([textsOf(cut.input), cut.isCut]).toEqual([["abc", "de"], true]);
  });

  test("is nothing without steps, and nothing behind the text in which they end, however short", () => {
    expect(textsOf(within(inputOf("abc"), { stepsLeft: 0 }).input)).toEqual([]);
    expect(textsOf(within(inputOf("abcdef", ""), { stepsLeft: STEPS_PER_PART + 2 }).input)).toEqual(["ab"]);
  });

  test("is what a text says in another way too, and what is sent beside the body, which comes first", () => {
    const view = { text: "abcd", isSame: false, original: (start: number, end: number) => ({ start, end }) };
    const beside = [{ path: "request.target", role: "", text: "/v1" }];
    const input: RailInput = { ...inputOf("abc"), beside, views: new Map([["messages[0].content", [view]]]) };
    const steps = costOf("abc", "abcd", "/v1");
    expect(within(input, { stepsLeft: steps })).toEqual({ input, isCut: false });
    const cut = within(input, { stepsLeft: steps - 1 });
    expect([textsOf(cut.input), cut.input.views?.size, cut.input.beside, cut.isCut]).toEqual([
      ["abc"],
      0,
      beside,
      true,
    ]);
    const none = within(input, { stepsLeft: costOf("/v1") - 1 });
    expect([none.input.beside, none.isCut]).toEqual([[], true]);
  });

  test("is the least of its limits, in steps", () => {
    expect(budgetOf(250, 30)).toEqual({ stepsLeft: 30 * STEPS_PER_MS });
  });

  test("is taken or left whole", () => {
    const budget = { stepsLeft: 5 };
    expect([takeSteps(budget, 6), takeSteps(budget, 5), takeSteps(budget, 1)]).toEqual([false, true, false]);
  });

  test("is no more than other rails of the stage have left", () => {
    const shared = budgetOf(3);
    const given = (timeoutMs: number, takes: number) =>
      spend(shared, timeoutMs, (budget) => {
        const { stepsLeft } = budget;
        takeSteps(budget, takes);
        return stepsLeft;
      });
    expect(given(2, 2 * STEPS_PER_MS)).toBe(2 * STEPS_PER_MS);
    expect(given(2, STEPS_PER_MS)).toBe(STEPS_PER_MS);
    expect(given(2, 0)).toBe(0);
  });

  test("never costs more than there is, and is the beginning of what was there", () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 6 }), fc.nat(400), (texts, steps) => {
        const budget = { stepsLeft: steps };
        const { input, isCut } = within(inputOf(...texts), budget);
        const read = textsOf(input);
        expect(costOf(...read)).toBeLessThanOrEqual(steps);
        expect(budget.stepsLeft).toBeGreaterThanOrEqual(0);
        expect(isCut).toBe(costOf(...texts) > steps);
        expect(texts.join("\n").startsWith(read.join("\n"))).toBe(true);
      }),
    );
  });
});

describe("a rail that was cut", () => {
  const policy = { rail: "words", action: "redact" } as const;
  const finds = (input: RailInput) => ({
    spans: new Map(input.parts.map(({ path }) => [path, [{ start: 0, end: 1, type: "word" }]])),
    reasons: [],
  });

  test("counts for what it found, and does not allow the rest", () => {
    const found = readWithin(inputOf("abc", "def"), { stepsLeft: costOf("abc") }, finds);
    expect(railResult(policy, found, 0)).toMatchObject({
      verdict: "redact",
      status: "budget",
      reasons: ["unread:budget"],
    });
    const nothing = readWithin(inputOf("abc"), { stepsLeft: 0 }, finds);
    expect(railResult(policy, nothing, 0)).toMatchObject({ verdict: "allow", status: "budget" });
  });

  test("has blocked if it found something that blocks", () => {
    const found = readWithin(inputOf("abc", "def"), { stepsLeft: costOf("abc") }, finds);
    expect(railResult({ ...policy, action: "block" }, found, 0)).toMatchObject({ verdict: "block", status: "done" });
  });

  test("has not been, if it read all", () => {
    const found = readWithin(inputOf("abc"), { stepsLeft: costOf("abc") }, finds);
    expect(railResult(policy, found, 0)).toMatchObject({ verdict: "redact", status: "done", reasons: [] });
  });
});
