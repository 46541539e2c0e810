import fc from "fast-check";
import { expect, test } from "vitest";
import { costOf, msToNextDay, msToNextMonth, periodOf } from "../../../src/tenants/core/amounts.ts";

const PRICES = { input: 1_000_000, cachedInput: 250_000, output: 10_000_000 };

test.each([
  ["nothing", { input: 0, cached: 0, output: 0 }, 0],
  ["a prompt", { input: 100, cached: 0, output: 0 }, 100],
  ["what was cached is priced apart", { input: 100, cached: 80, output: 0 }, 20 + 20],
  ["an answer", { input: 0, cached: 0, output: 7 }, 70],
  ["a part of a millionth is a whole one", { input: 1, cached: 1, output: 0 }, 1],
])("the cost of %s", (_, tokens, micros) => {
  expect(costOf(tokens, PRICES)).toBe(micros);
});

test("answers that are asked for have a price of their own beside their tokens", () => {
  const priced = { ...PRICES, request: 40_000 };
  expect(costOf({ input: 100, cached: 0, output: 0, requests: 3 }, priced)).toBe(120_100);
  expect(costOf({ input: 100, cached: 0, output: 0, requests: 3 }, PRICES)).toBe(100);
  expect(costOf({ input: 0, cached: 0, output: 0 }, priced)).toBe(0);
});

test("without prices nothing costs anything", () => {
  expect(costOf({ input: 5, cached: 0, output: 5 }, null)).toBe(0);
});

test("a cost is exact, as far as prices and tokens may go", () => {
  const tokens = fc.integer({ min: 0, max: 100_000_000 });
  const price = fc.integer({ min: 0, max: 1_000_000_000 });
  fc.assert(
    fc.property(tokens, tokens, tokens, price, price, price, (input, some, output, one, two, three) => {
      const cached = Math.min(input, some);
      const exact =
        BigInt(input - cached) * BigInt(one) + BigInt(cached) * BigInt(two) + BigInt(output) * BigInt(three);
      const cost = costOf({ input, cached, output }, { input: one, cachedInput: two, output: three });
      expect(BigInt(cost)).toBe((exact + 999_999n) / 1_000_000n);
    }),
  );
});

test("days and months are those of UTC", () => {
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date(Date.UTC(2200, 0, 1)), noInvalidDate: true }), (date) => {
      const day = date.toISOString().slice(0, 10);
      expect(periodOf(date.getTime())).toEqual({ day, month: day.slice(0, 7) });
      const [year = 0, month = 0] = day.split("-").map(Number);
      expect(date.getTime() + msToNextMonth(date.getTime())).toBe(Date.UTC(year, month, 1));
      expect(periodOf(date.getTime() + msToNextDay(date.getTime())).day).not.toBe(day);
      expect(periodOf(date.getTime() + msToNextDay(date.getTime()) - 1).day).toBe(day);
    }),
  );
});
