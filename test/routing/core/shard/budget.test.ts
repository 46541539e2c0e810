import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  affords,
  createBucket,
  createBudgets,
  earn,
  HEDGE_RULE,
  purposeOf,
  RETRY_RULE,
  spend,
  spentMax,
} from "../../../../src/routing/core/shard/budget.ts";
import type { Bucket, BudgetRule } from "../../../../src/routing/core/shard/budget.ts";

const times = (count: number, act: () => void): void => {
  for (let time = 0; time < count; time++) act();
};

/** Spends until nothing is left; how often it could. */
function drain(bucket: Bucket): number {
  let paid = 0;
  while (spend(bucket)) paid += 1;
  return paid;
}

const rules: readonly { name: string; rule: BudgetRule; full: number; servedForOne: number }[] = [
  { name: "retries", rule: RETRY_RULE, full: 10, servedForOne: 10 },
  { name: "hedges", rule: HEDGE_RULE, full: 5, servedForOne: 50 },
];

describe.each(rules)("the bucket for $name", ({ rule, full, servedForOne }) => {
  test("is full at first, and pays for no more than it holds", () => {
    expect(drain(createBucket(rule))).toBe(full);
  });

  test("pays for one more after exactly as many served requests as one costs", () => {
    const bucket = createBucket(rule);
    drain(bucket);
    times(servedForOne - 1, () => earn(bucket));
    expect(spend(bucket)).toBe(false);
    earn(bucket);
    expect([affords(bucket), spend(bucket), spend(bucket)]).toEqual([true, true, false]);
  });

  test("holds no more than a full one however much is earned", () => {
    const bucket = createBucket(rule);
    times(10_000, () => earn(bucket));
    expect(drain(bucket)).toBe(full);
  });

  test("never pays for more than its bound, in any order of serving and spending", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 2_000 }), (serves) => {
        const bucket = createBucket(rule);
        let served = 0;
        for (const isServed of serves) {
          if (isServed) earn(bucket);
          else spend(bucket);
          served += isServed ? 1 : 0;
          expect(bucket.spent).toBeLessThanOrEqual(spentMax(rule, served));
          expect(bucket.milli).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 100 },
    );
  });

  test("pays for all that its bound allows when it is never full", () => {
    const bucket = createBucket(rule);
    drain(bucket);
    const served = 7 * servedForOne + 3;
    times(served, () => {
      earn(bucket);
      spend(bucket);
    });
    expect(bucket.spent).toBe(spentMax(rule, served));
  });
});

test("retries and hedges do not share", () => {
  const budgets = createBudgets();
  drain(budgets.hedge);
  expect(affords(budgets.retry)).toBe(true);
  expect(affords(budgets.hedge)).toBe(false);
});

test.each([
  { request: { excluded: [] }, purpose: "first" },
  { request: { excluded: ["e1"] }, purpose: "retry" },
  { request: { excluded: ["e1"], purpose: "hedge" as const }, purpose: "hedge" },
])("the purpose of $request is $purpose", ({ request, purpose }) => {
  expect(purposeOf(request)).toBe(purpose);
});
