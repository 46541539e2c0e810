import { expect, test } from "vitest";
import { ask, capShares, createLedger, report } from "../../../src/tenants/core/ledger.ts";
import type { Limits } from "../../../src/tenants/core/amounts.ts";

const NOON = Date.UTC(2026, 10, 30, 12);
const DAY = 86_400_000;

/** A ledger of which one key has spent this much. */
function spent(micros: number, key: Limits) {
  const ledger = createLedger(NOON);
  const bounds = { tenant: {}, key };
  const rest = { tokens: 1, micros: 1, wants: 1, holdMs: 1_000, queueMax: 0, queueWaitMs: 0 };
  ask(ledger, { id: "a", isolate: "i", key: "k", bounds, ...rest }, NOON);
  const tokens = { requests: 1, input: 1, cached: 0, output: 1, micros, estimated: 0 };
  const usage = [{ key: "k", model: "m", outcome: "served", ...tokens }];
  report(ledger, { isolate: "i", from: 1, entries: [{ seq: 1, closes: [], dropped: [], usage }] }, NOON);
  return ledger;
}

test("of each cap of money the used share is told, of two the one that is nearer to its end", () => {
  const ledger = spent(80, { microsPerDay: 160 });
  expect(capShares(ledger, { microsPerDay: 100, microsPerMonth: 400 }, NOON)).toEqual([
    { key: null, period: "day", share: 0.8 },
    { key: "k", period: "day", share: 0.5 },
  ]);
  expect(capShares(ledger, { microsPerDay: 200, microsPerMonth: 100 }, NOON)[0]).toEqual({
    key: null,
    period: "month",
    share: 0.8,
  });
});

test("what has no cap of money has no share, and what was spent yesterday, or last month, is none of today's", () => {
  expect(capShares(spent(80, {}), { tokensPerDay: 5 }, NOON)).toEqual([]);
  const ledger = spent(80, {});
  expect(capShares(ledger, { microsPerDay: 100 }, NOON + DAY)).toEqual([{ key: null, period: "day", share: 0 }]);
  expect(capShares(ledger, { microsPerMonth: 100 }, NOON + DAY)).toEqual([{ key: null, period: "month", share: 0 }]);
});
