/** Second attempts at a shard: who pays, who may, and when a first one is late. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HEDGE_RULE, RETRY_RULE, spentMax } from "../../../../src/routing/core/shard/budget.ts";
import { HEDGE_FILL_MAX, HEDGE_SAMPLES_MIN } from "../../../../src/routing/core/endpoint/first-byte.ts";
import { HISTOGRAM_RELATIVE_ERROR } from "../../../../src/lib/histogram.ts";
import type { PoolSpec } from "../../../../src/routing/core/pool.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import { absorbDigest, createShard, makeDigest } from "../../../../src/routing/core/shard/shard.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import type { AcquireRequest, Settlement } from "../../../../src/routing/core/shard-messages.ts";
import { applyReport } from "../../../../src/routing/core/shard/shard-settle.ts";
import { acquireRequest, endpointSpec, EU, granted, poolSpec, settlement } from "./shard-fixture.ts";

const rng = seededRng(1);
const SLOTS = 10;
const HEDGE_AFTER_MS_MIN = 100;
const TWO = [endpointSpec({ concurrencyPerWorker: SLOTS }), endpointSpec({ id: "e2", concurrencyPerWorker: SLOTS })];
const POOL = poolSpec(TWO, { hedgeAfterMsMin: HEDGE_AFTER_MS_MIN });

const shard = (pool: PoolSpec = POOL): ShardState => createShard(pool, "us", 1, 0);
const reply = (state: ShardState, leaseId: string, changes: Partial<AcquireRequest> = {}) =>
  acquire(state, acquireRequest(leaseId, changes), 0, rng).reply;
const ask = (state: ShardState, leaseId: string, changes: Partial<AcquireRequest> = {}) =>
  reply(state, leaseId, changes).outcome;
const retry = { excluded: ["e1"], purpose: "retry" } as const;
const hedge = { excluded: ["e1"], purpose: "hedge" } as const;
const settle = (state: ShardState, leaseId: string, changes: Partial<Settlement> = {}) =>
  applyReport(state, { settled: [settlement({ leaseId, ...changes })], held: [] }, 0, rng);

let count = 0;
const fresh = (): string => `i-${(count += 1)}`;

/** Asks until refused, freeing each slot at once; how often it was granted. */
function spendAll(state: ShardState, changes: Partial<AcquireRequest>): number {
  for (let grants = 0; ; grants++) {
    expect(grants, "tokens that a bucket holds").toBeLessThanOrEqual(RETRY_RULE.tokensMax);
    const leaseId = fresh();
    // Each of a tenant of its own: what one of them may have is in tenant-debts.test.ts.
    if (ask(state, leaseId, { ...changes, sender: { tenant: leaseId } }).kind !== "granted") return grants;
    settle(state, leaseId, { endpointId: "e2", outcome: "failed" });
    // Only the budget is looked at here, not the breaker.
    settle(state, fresh(), { endpointId: "e2", outcome: "client_fault" });
  }
}

const serve = (state: ShardState, times: number): void => {
  for (let time = 0; time < times; time++) settle(state, fresh());
};

const fill = (state: ShardState, leases: number): void => {
  for (let lease = 0; lease < leases; lease++) expect(ask(state, fresh()).kind).toBe("granted");
};

/** As if `samples` streams had begun after `firstByteMs`, of which the trip was 10 ms. */
const learn = (
  state: ShardState,
  firstByteMs: number,
  samples = HEDGE_SAMPLES_MIN,
  endpointIds = ["e1", "e2"],
): void => {
  for (const endpointId of endpointIds) {
    for (let sample = 0; sample < samples; sample++) {
      settle(state, fresh(), { endpointId, firstByteMs, headersMs: 10, ttftMs: firstByteMs });
    }
  }
};

describe.each([
  // While there are slots to spare a retry is free.
  { purpose: "retry", changes: retry, rule: RETRY_RULE, taken: HEDGE_FILL_MAX * 2 * SLOTS },
  { purpose: "hedge", changes: hedge, rule: HEDGE_RULE, taken: 0 },
] as const)("a $purpose, $taken of 20 slots being taken", ({ changes, rule, purpose, taken }) => {
  const perServed = 1_000 / rule.milliPerServed;
  const shardOf = (): ShardState => {
    const state = shard();
    fill(state, taken);
    return state;
  };

  test("is granted until the bucket is empty, and then refused by name, without a slot", () => {
    const state = shardOf();
    expect(spendAll(state, changes)).toBe(rule.tokensMax);
    expect(ask(state, "i-last", changes)).toEqual({ kind: "over_budget" });
    expect(state.leases.live.size).toBe(taken);
  });

  test("is granted again when enough requests were served, and not one sooner", () => {
    const state = shardOf();
    spendAll(state, changes);
    serve(state, perServed - 1);
    expect(ask(state, fresh(), changes).kind).toBe("over_budget");
    serve(state, 1);
    expect(ask(state, fresh(), changes).kind).toBe("granted");
  });

  test("is paid once however often it is asked for, and a settlement told twice earns once", () => {
    const state = shardOf();
    for (let time = 0; time < 3; time++) ask(state, "same-1", changes);
    expect(state.budgets[purpose].spent).toBe(1);
    for (let time = 0; time < 3; time++) settle(state, "same-1", { endpointId: "e2" });
    expect(state.budgets[purpose].milli).toBe((rule.tokensMax - 1) * 1_000 + rule.milliPerServed);
  });

  test.each(["failed", "capacity", "cut", "cancelled", "client_fault", "unused"] as const)(
    "is not earned by an attempt that ended as %s",
    (outcome) => {
      const state = shardOf();
      ask(state, fresh(), changes);
      const { milli } = state.budgets[purpose];
      settle(state, fresh(), { outcome });
      expect(state.budgets[purpose].milli).toBe(milli);
    },
  );

  test("costs a first attempt nothing", () => {
    const state = shardOf();
    spendAll(state, changes);
    expect(ask(state, fresh(), { purpose: "first" }).kind).toBe("granted");
  });
});

describe("a Worker of an older version, which names no purpose", () => {
  test("is refused a retry in words that it knows", () => {
    const state = shard();
    fill(state, HEDGE_FILL_MAX * 2 * SLOTS);
    expect(spendAll(state, { excluded: ["e1"] })).toBe(RETRY_RULE.tokensMax);
    expect(ask(state, fresh(), { excluded: ["e1"] }).kind).toBe("shed");
  });
});

describe("a retry when every slot is taken", () => {
  const full = (): ShardState => {
    const state = shard(poolSpec([endpointSpec({ id: "e2", concurrencyPerWorker: SLOTS })]));
    ask(state, "holder-1");
    fill(state, SLOTS - 1);
    return state;
  };

  test("waits, and is paid for when its slot comes", () => {
    const state = full();
    expect(ask(state, "i-r", retry).kind).toBe("queued");
    expect(state.budgets.retry.spent).toBe(0);
    settle(state, "holder-1", { endpointId: "e2", outcome: "cancelled" });
    expect(granted(state.resolved.get("i-r")?.outcome).endpointId).toBe("e2");
    expect(state.budgets.retry.spent).toBe(1);
  });

  test("takes no place in the queue when nothing could pay for it", () => {
    const state = full();
    state.budgets.retry.milli = 999;
    expect(ask(state, "i-r", retry).kind).toBe("over_budget");
    expect(state.queue.size).toBe(0);
  });

  test.each([
    { who: "it", asked: retry, told: "over_budget" },
    { who: "one of an older Worker", asked: { excluded: ["e1"] }, told: "shed" },
  ])("gives the slot to the next when others spent the budget while $who waited", ({ asked, told }) => {
    const state = full();
    ask(state, "i-r", asked);
    ask(state, "i-next");
    state.budgets.retry.milli = 0;
    settle(state, "holder-1", { endpointId: "e2", outcome: "cancelled" });
    expect(state.resolved.get("i-r")?.outcome).toMatchObject({ kind: told });
    expect(granted(state.resolved.get("i-next")?.outcome).endpointId).toBe("e2");
  });
});

describe("a hedge", () => {
  test("gets a free slot of another endpoint", () => {
    expect(granted(ask(shard(), fresh(), hedge)).endpointId).toBe("e2");
  });

  test.each([
    { inFlight: HEDGE_FILL_MAX * 2 * SLOTS - 1, kind: "granted" },
    { inFlight: HEDGE_FILL_MAX * 2 * SLOTS, kind: "shed" },
  ])("with $inFlight of 20 slots taken is $kind", ({ inFlight, kind }) => {
    const state = shard();
    fill(state, inFlight);
    expect(ask(state, fresh(), hedge).kind).toBe(kind);
    expect(state.budgets.hedge.spent).toBe(kind === "granted" ? 1 : 0);
  });

  test("does not wait for a slot", () => {
    const pool = poolSpec([
      endpointSpec({ concurrencyPerWorker: 40 }),
      endpointSpec({ id: "e2", concurrencyPerWorker: 1 }),
    ]);
    const state = shard(pool);
    ask(state, fresh(), { excluded: ["e1"], purpose: "first" });
    expect(ask(state, fresh(), hedge).kind).toBe("shed");
    expect(state.queue.size).toBe(0);
  });

  test("takes no slot while somebody waits for one", () => {
    const state = shard();
    state.queue.set("waiter-1", {
      request: acquireRequest("waiter-1", { excluded: ["e1", "e2"] }),
      sinceMs: 0,
      giveUpAtMs: 1_000,
      etaMs: 0,
      service: 0,
    });
    expect(ask(state, fresh(), hedge).kind).toBe("shed");
  });

  test("wakes no cold endpoint", () => {
    const state = shard(poolSpec([endpointSpec(), endpointSpec({ id: "e2", workersMin: 0 })]));
    const { reply: answer, effects } = acquire(state, acquireRequest("i-1", hedge), 0, rng);
    expect([answer.outcome.kind, effects]).toEqual(["shed", []]);
  });

  test("is sent to the region that has a slot, whose shard pays", () => {
    const pool = poolSpec([endpointSpec(), endpointSpec({ id: "e2", region: "eu", place: EU })]);
    const [us, eu] = [shard(pool), createShard(pool, "eu", 1, 0)];
    absorbDigest(us, makeDigest(eu, 0), 0);
    expect(ask(us, fresh(), hedge)).toMatchObject({ kind: "spill", region: "eu" });
    expect(granted(ask(eu, fresh(), { ...hedge, hop: 1 })).endpointId).toBe("e2");
    expect([us.budgets.hedge.spent, eu.budgets.hedge.spent]).toEqual([0, 1]);
  });
});

describe("a place beside an attempt that is so late that it is moved", () => {
  const move = { ...hedge, lateForMs: 12_000 };

  test("is free of charge, however often", () => {
    const state = shard();
    spendAll(state, hedge);
    for (let time = 0; time < 3; time++) {
      const leaseId = fresh();
      expect(granted(ask(state, leaseId, move)).endpointId).toBe("e2");
      settle(state, leaseId, { endpointId: "e2" });
    }
  });

  test("is only what is to spare, as a hedge's", () => {
    const state = shard();
    fill(state, Math.ceil(2 * SLOTS * HEDGE_FILL_MAX));
    expect(ask(state, fresh(), move).kind).toBe("shed");
  });

  test("is none where somebody waits likewise: two slow endpoints would only work twice", () => {
    const state = shard();
    expect(granted(ask(state, fresh(), move)).endpointId).toBe("e2");
    expect(ask(state, fresh(), { ...move, excluded: ["e2"] }).kind).toBe("shed");
    // A first token in time ends that.
    settle(state, fresh(), { endpointId: "e1", firstByteMs: 30 });
    expect(granted(ask(state, fresh(), { ...move, excluded: ["e2"] })).endpointId).toBe("e1");
  });

  test("makes the endpoint that is late dearer at once", () => {
    const state = shard();
    ask(state, fresh(), move);
    const { candidates } = reply(state, fresh(), { explain: true });
    expect(candidates?.find(({ endpointId }) => endpointId === "e1")?.terms.wait).toBeGreaterThan(1_000);
  });
});

describe("a grant says when its attempt is late", () => {
  const hedgeAfterMs = (state: ShardState, changes: Partial<AcquireRequest> = {}) =>
    granted(ask(state, fresh(), changes)).hedgeAfterMs ?? null;

  test("after the endpoint's own 95th percentile and the trip of this client", () => {
    const state = shard();
    learn(state, 510);
    const afterMs = hedgeAfterMs(state) ?? 0;
    expect(afterMs).toBeGreaterThan(500 * (1 - HISTOGRAM_RELATIVE_ERROR) + 10);
    expect(afterMs).toBeLessThan(500 * (1 + HISTOGRAM_RELATIVE_ERROR) + 11);
  });

  test("the reading of the prompt is no part of it, and is added for the request's own", () => {
    const state = shard();
    // Reading 4,000 tokens takes 400 ms at this endpoint, and so it does when it has been seen.
    for (const endpointId of ["e1", "e2"]) {
      for (let sample = 0; sample < 30; sample++) {
        settle(state, fresh(), { endpointId, firstByteMs: 610, headersMs: 10, inputTokens: 4_000 });
      }
    }
    const grant = granted(ask(state, fresh()));
    expect(grant.hedgeAfterMs).toBeLessThan(230);
    expect(grant.prefillTokensPerMs).toBeCloseTo(10, 0);
  });

  test("never sooner than the pool allows", () => {
    const state = shard();
    learn(state, 12);
    expect(hedgeAfterMs(state)).toBe(HEDGE_AFTER_MS_MIN);
  });

  test("also of the leases in advance", () => {
    const state = shard();
    learn(state, 12);
    expect(hedgeAfterMs(state, { ahead: true, recentPerSecond: 1_000 })).toBe(HEDGE_AFTER_MS_MIN);
  });

  test.each<{ name: string; state: () => ShardState; changes?: Partial<AcquireRequest> }>([
    {
      name: "too little is known",
      state: () => {
        const state = shard();
        learn(state, 12, HEDGE_SAMPLES_MIN - 1);
        return state;
      },
    },
    {
      name: "the pool is busy",
      state: () => {
        const state = shard();
        learn(state, 12);
        fill(state, HEDGE_FILL_MAX * 2 * SLOTS);
        return state;
      },
    },
    {
      name: "the pool says no",
      state: () => {
        const state = shard(poolSpec(TWO));
        learn(state, 12);
        return state;
      },
    },
    {
      name: "there is nowhere else to go",
      state: () => {
        const state = shard(poolSpec([endpointSpec()], { hedgeAfterMsMin: HEDGE_AFTER_MS_MIN }));
        learn(state, 12, HEDGE_SAMPLES_MIN, ["e1"]);
        return state;
      },
    },
    {
      name: "it is a second attempt",
      state: () => {
        const state = shard();
        learn(state, 12);
        return state;
      },
      changes: retry,
    },
  ])("or never, when $name", ({ state, changes = {} }) => {
    expect(hedgeAfterMs(state(), changes)).toBeNull();
  });

  test("an attempt that lost to its hedge counts with the time after which it was given up", () => {
    const state = shard();
    learn(state, 10);
    for (let lost = 0; lost < 2 * HEDGE_SAMPLES_MIN; lost++) {
      settle(state, fresh(), { endpointId: "e1", outcome: "cancelled", firstByteMs: 900 });
    }
    expect(granted(ask(state, fresh(), { excluded: ["e2"], purpose: "first" })).hedgeAfterMs).toBeGreaterThan(800);
  });
});

test("over any sequence of attempts, second ones are never more than what was served allows", () => {
  const step = fc.record({
    purpose: fc.constantFrom("first", "retry", "hedge"),
    outcome: fc.constantFrom("served", "served", "failed", "cancelled", "capacity"),
    isDoubled: fc.boolean(),
    isSettled: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const state = shard();
      const granted_ = { first: 0, retry: 0, hedge: 0 };
      let served = 0;
      for (const { purpose, outcome, isDoubled, isSettled } of steps) {
        const leaseId = fresh();
        const changes = purpose === "first" ? { purpose } : { purpose, excluded: ["e1"] };
        const answer = ask(state, leaseId, changes);
        if (isDoubled) ask(state, leaseId, changes);
        if (answer.kind !== "granted") continue;
        granted_[purpose] += 1;
        const { endpointId } = answer.grant;
        if (isSettled) settle(state, leaseId, { endpointId, outcome });
        if (isSettled && isDoubled) settle(state, leaseId, { endpointId, outcome });
        served += isSettled && outcome === "served" ? 1 : 0;
        expect(granted_.retry).toBeLessThanOrEqual(spentMax(RETRY_RULE, served));
        expect(granted_.hedge).toBeLessThanOrEqual(spentMax(HEDGE_RULE, served));
      }
    }),
    { numRuns: 100 },
  );
});
