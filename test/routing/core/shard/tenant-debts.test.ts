/** One tenant's failures leave the others' second attempts to them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRng } from "../../../../src/lib/rng.ts";
import { createBudgets, HEDGE_RULE, RETRY_RULE, spentMax } from "../../../../src/routing/core/shard/budget.ts";
import { HEDGE_FILL_MAX } from "../../../../src/routing/core/endpoint/first-byte.ts";
import { createShard } from "../../../../src/routing/core/shard/shard.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import { applyReport } from "../../../../src/routing/core/shard/shard-settle.ts";
import {
  canPay,
  createDebts,
  DEBTORS_MAX,
  earnFor,
  pay,
  payerFor,
  tokensLeft,
} from "../../../../src/routing/core/shard/tenant-debts.ts";
import { acquireRequest, endpointSpec, poolSpec, settlement } from "./shard-fixture.ts";

function account() {
  const budgets = createBudgets();
  const debts = createDebts();
  const payer = (tenant: string, purpose: "retry" | "hedge" = "retry") => payerFor(budgets, debts, purpose, { tenant });
  /** Until it is paid for no more; how often it was. */
  const drain = (tenant: string, purpose: "retry" | "hedge" = "retry"): number => {
    let times = 0;
    while (pay(payer(tenant, purpose))) times += 1;
    return times;
  };
  const serve = (tenant: string, times = 1): void => {
    for (let time = 0; time < times; time++) earnFor(budgets, debts, { tenant });
  };
  return { budgets, debts, payer, drain, serve };
}

describe("what a bucket pays", () => {
  test.each([
    { purpose: "retry", rule: RETRY_RULE, shares: [5, 3, 1, 1, 0] },
    { purpose: "hedge", rule: HEDGE_RULE, shares: [3, 1, 1, 0, 0] },
  ] as const)(
    "for one tenant is half of a $purpose bucket, for the next half of the rest, and all of it in the end",
    ({ purpose, rule, shares }) => {
      const { drain } = account();
      expect(["a", "b", "c", "d", "e"].map((tenant) => drain(tenant, purpose))).toEqual(shares);
      expect(shares.reduce<number>((sum, one) => sum + one, 0)).toBe(rule.tokensMax);
    },
  );

  test("is earned by the tenant's own served requests, and not by others'", () => {
    const { drain, serve, payer } = account();
    drain("fails");
    serve("well", 10);
    expect(canPay(payer("well"))).toBe(true);
    // The bucket holds six again, of which the one that fails owes five: what would be left is what it owes.
    expect(drain("fails")).toBe(1);
    expect(drain("fails")).toBe(0);
    serve("fails", 20);
    expect(drain("fails")).toBe(2);
  });

  test("for one tenant is never more than a full bucket and its own share, whatever others earn", () => {
    const step = fc.record({ tenant: fc.constantFrom("a", "b", "c"), isServed: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 1_000 }), (steps) => {
        const { payer, serve } = account();
        const by = new Map(["a", "b", "c"].map((tenant) => [tenant, { paid: 0, served: 0 }]));
        for (const { tenant, isServed } of steps) {
          const one = by.get(tenant) ?? { paid: 0, served: 0 };
          if (isServed) {
            serve(tenant);
            one.served += 1;
          } else if (pay(payer(tenant))) one.paid += 1;
          expect(one.paid).toBeLessThanOrEqual(spentMax(RETRY_RULE, one.served));
        }
      }),
      { numRuns: 200 },
    );
  });

  test("is paid to the last token for whoever owes nothing", () => {
    const { budgets, payer } = account();
    budgets.retry.milli = 1_000;
    expect([canPay(payer("new")), pay(payer("new")), canPay(payer("other"))]).toEqual([true, true, false]);
  });
});

test("what is told of a bucket is what the tenant that owes most has left: below one it is paid for nothing", () => {
  const { budgets, debts, drain, payer } = account();
  expect(tokensLeft(budgets.retry, debts.retry)).toBe(10);
  drain("fails");
  expect([tokensLeft(budgets.retry, debts.retry), canPay(payer("fails"))]).toEqual([0, false]);
  budgets.retry.milli += 1_000;
  expect([tokensLeft(budgets.retry, debts.retry), canPay(payer("fails"))]).toEqual([1, true]);
});

test("DEBTORS_MAX tenants are remembered, and the one that was paid for longest ago is forgotten for the next", () => {
  const { budgets, debts, payer } = account();
  const paid = (tenant: string): void => {
    budgets.retry.milli = 10_000;
    expect(pay(payer(tenant))).toBe(true);
  };
  for (let tenant = 0; tenant < DEBTORS_MAX; tenant++) paid(`t${tenant}`);
  expect([debts.retry.size, debts.retry.has("t0")]).toEqual([DEBTORS_MAX, true]);
  paid("one-more");
  expect([debts.retry.size, debts.retry.has("t0"), debts.retry.has("t1")]).toEqual([DEBTORS_MAX, false, true]);
});

describe("at a shard whose slots are taken", () => {
  const SLOTS = 10;
  const TWO = [endpointSpec({ concurrencyPerWorker: SLOTS }), endpointSpec({ id: "e2", concurrencyPerWorker: SLOTS })];
  const rng = seededRng(1);

  function full(): ShardState {
    const state = createShard(poolSpec(TWO), "us", 1, 0);
    for (let taken = 0; taken < HEDGE_FILL_MAX * 2 * SLOTS; taken++)
      acquire(state, acquireRequest(`holder-${taken}`), 0, rng);
    return state;
  }

  let count = 0;
  const retryOf = (state: ShardState, tenant: string): string => {
    const leaseId = `i-${(count += 1)}`;
    const asked = acquireRequest(leaseId, { excluded: ["e1"], purpose: "retry", sender: { tenant } });
    const { kind } = acquire(state, asked, 0, rng).reply.outcome;
    if (kind === "granted")
      applyReport(
        state,
        { settled: [settlement({ leaseId, endpointId: "e2", outcome: "cancelled" })], held: [] },
        0,
        rng,
      );
    return kind;
  };

  test("a tenant whose requests all fail is refused retries, and another one's next is granted", () => {
    const state = full();
    const failing = Array.from({ length: 20 }, () => retryOf(state, "fails"));
    expect(failing.filter((kind) => kind === "granted")).toHaveLength(5);
    expect(failing.at(-1)).toBe("over_budget");
    expect(retryOf(state, "well")).toBe("granted");
  });

  test("requests of which nobody knows whose they are share one part, as if they were one tenant's", () => {
    const state = full();
    expect(Array.from({ length: 20 }, () => retryOf(state, "")).filter((kind) => kind === "granted")).toHaveLength(5);
    expect(retryOf(state, "well")).toBe("granted");
  });

  test("a served request earns for the tenant under whose lease it ran", () => {
    const state = full();
    while (retryOf(state, "fails") === "granted");
    for (let served = 0; served < 20; served++) {
      const leaseId = `s-${served}`;
      acquire(state, acquireRequest(leaseId, { sender: { tenant: "fails" } }), 0, rng);
      applyReport(state, { settled: [settlement({ leaseId, endpointId: "e1" })], held: [] }, 0, rng);
    }
    expect(state.debts.retry.get("fails")).toBe(3_000);
    expect(retryOf(state, "fails")).toBe("granted");
  });
});
