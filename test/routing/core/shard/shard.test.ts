// size: what a shard promises, over one fixture, is read as a whole
import { describe, expect, test } from "vitest";
import { CREDIT_LIFE_MS } from "../../../../src/routing/core/shard/credits.ts";
import { inheritInFlight, observeProbe, OUTPUT_TOKENS_PRIOR } from "../../../../src/routing/core/endpoint/endpoint.ts";
import { acquireLease, checkLeaseTable, inFlight, LEASES_MAX } from "../../../../src/routing/core/shard/leases.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import {
  ACTIVE_MS,
  ASKER_MS,
  ASKERS_MAX,
  countAsker,
  createShard,
  isActive,
  ownViews,
} from "../../../../src/routing/core/shard/shard.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import type { Effect } from "../../../../src/routing/core/shard/shard.ts";
import { acquire, TIGHT_FILL } from "../../../../src/routing/core/shard/shard-acquire.ts";
import { CONFIRM_GRACE_MS } from "../../../../src/routing/core/shard/shard-grant.ts";
import { RESOLVED_LIFE_MS } from "../../../../src/routing/core/shard/shard-queue.ts";
import type { AcquireRequest, Settlement } from "../../../../src/routing/core/shard-messages.ts";
import { applyReport, sweep } from "../../../../src/routing/core/shard/shard-settle.ts";
import { acquireRequest, endpointSpec, granted, poolSpec, settlement } from "./shard-fixture.ts";

const rng = seededRng(1);
/** Epoch of the shards under test. */
const EPOCH = 5;
const UNCONFIRMED_MS = CREDIT_LIFE_MS + CONFIRM_GRACE_MS;

const shard = (pool = poolSpec()): ShardState => createShard(pool, "us", EPOCH, 0);

const ask = (state: ShardState, leaseId: string, now = 0, changes: Partial<AcquireRequest> = {}) =>
  acquire(state, acquireRequest(leaseId, changes), now, rng).reply.outcome;

const settle = (state: ShardState, leaseId: string, now = 0, changes: Partial<Settlement> = {}): readonly Effect[] =>
  applyReport(state, { settled: [settlement({ leaseId, epoch: EPOCH, ...changes })], held: [] }, now, rng);

const hold = (state: ShardState, leaseId: string, now: number, epoch = EPOCH): readonly Effect[] =>
  applyReport(state, { settled: [], held: [{ leaseId, endpointId: "e1", epoch, capLeftMs: 60_000 }] }, now, rng);

const live = (state: ShardState, endpointId = "e1"): number => inFlight(state.leases, endpointId);

/** All four slots of `e1` taken by `i-1` … `i-4`. */
function fullShard(pool = poolSpec()): ShardState {
  const state = shard(pool);
  for (let i = 1; i <= 4; i++) expect(ask(state, `i-${i}`).kind).toBe("granted");
  return state;
}

describe("an acquire", () => {
  test("is granted the slot of a warm endpoint, which then counts", () => {
    const state = shard();
    expect(granted(ask(state, "i-1"))).toMatchObject({
      leaseId: "i-1",
      endpointId: "e1",
      region: "us",
      epoch: EPOCH,
      reason: "nearest_warm",
      inFlightAtGrant: 0,
      credits: 0,
    });
    expect(granted(ask(state, "i-2")).inFlightAtGrant).toBe(1);
    expect(live(state)).toBe(2);
  });

  test("that is repeated gets the same lease and no second slot", () => {
    const state = shard();
    const first = granted(ask(state, "i-1", 0, { recentPerSecond: 100 }));
    expect(first.credits).toBeGreaterThan(0);
    const before = live(state);
    expect(granted(ask(state, "i-1", 5))).toMatchObject({ leaseId: "i-1", endpointId: first.endpointId, credits: 0 });
    expect(live(state)).toBe(before);
  });

  test.each([
    { name: "settled", end: (state: ShardState) => settle(state, "i-1", 10), repeatedAtMs: 11 },
    { name: "expired", end: () => {}, repeatedAtMs: 30_000 },
  ])(
    "that is repeated after its lease was $name is refused, even when all slots are taken",
    ({ end, repeatedAtMs }) => {
      const state = shard();
      ask(state, "i-1");
      end(state);
      expect(ask(state, "i-1", repeatedAtMs)).toMatchObject({ kind: "shed" });
      for (let i = 2; i <= 5; i++) ask(state, `i-${i}`, repeatedAtMs);
      expect(ask(state, "i-1", repeatedAtMs)).toMatchObject({ kind: "shed" });
      expect([live(state), state.queue.size]).toEqual([4, 0]);
    },
  );

  test("carries settlements that make its own slot free", () => {
    const state = fullShard();
    const report = { settled: [settlement({ leaseId: "i-2", epoch: EPOCH })], held: [] };
    expect(ask(state, "i-5", 1, { carry: report }).kind).toBe("granted");
    expect(live(state)).toBe(4);
  });

  test("finds a slot whose lease has expired", () => {
    const state = fullShard();
    expect(ask(state, "i-5", 29_999).kind).toBe("queued");
    expect(ask(state, "i-6", 30_000).kind).toBe("granted");
  });

  test("is refused when the lease table is full, and when no endpoint is left", () => {
    const state = shard();
    for (let i = 0; i < LEASES_MAX; i++) {
      acquireLease(state.leases, { id: `x-${i}`, endpointId: "other", ttlMs: 1e6, capMs: 1e6, spent: true }, 0);
    }
    expect(ask(state, "i-1")).toMatchObject({ kind: "shed", retryAfterMs: 1_000 });
    expect(ask(shard(), "i-1", 0, { excluded: ["e1"] })).toEqual({ kind: "no_endpoint" });
  });

  test("explains itself and brings a snapshot only when asked", () => {
    const state = shard();
    const { reply } = acquire(state, acquireRequest("i-1"), 0, rng);
    expect([reply.snapshot, reply.candidates]).toEqual([null, null]);
    const told = acquire(state, acquireRequest("i-2", { wantsSnapshot: true, explain: true }), 0, rng).reply;
    expect(told.snapshot).toMatchObject({ epoch: EPOCH, region: "us", views: [{ id: "e1", inFlight: 2 }] });
    expect(told.candidates).toMatchObject([{ endpointId: "e1", inFlight: 1 }]);
  });
});

describe("the queue", () => {
  test("gives a freed slot to the first that came", () => {
    const state = fullShard();
    expect(ask(state, "i-5", 10)).toMatchObject({ kind: "queued", leaseId: "i-5", etaMs: 500 });
    expect(ask(state, "i-6", 20)).toMatchObject({ kind: "queued", etaMs: 1_000 });
    expect(settle(state, "i-1", 30)).toEqual([{ kind: "resolved", leaseId: "i-5" }]);
    expect(state.resolved.get("i-5")?.outcome).toMatchObject({ kind: "granted", grant: { endpointId: "e1" } });
    expect([...state.queue.keys()]).toEqual(["i-6"]);
    expect(live(state)).toBe(4);
  });

  test("comes before an acquire that arrives with the settlement", () => {
    const state = fullShard();
    ask(state, "i-5");
    const report = { settled: [settlement({ leaseId: "i-1", epoch: EPOCH })], held: [] };
    expect(ask(state, "i-6", 5, { carry: report }).kind).toBe("queued");
    expect(state.resolved.get("i-5")?.outcome.kind).toBe("granted");
  });

  test("answers a repeated acquire as the first, while it waits and once it is served", () => {
    const state = fullShard();
    ask(state, "i-5");
    expect(ask(state, "i-5", 1)).toMatchObject({ kind: "queued", leaseId: "i-5" });
    expect(state.queue.size).toBe(1);
    settle(state, "i-1", 2);
    expect(granted(ask(state, "i-5", 3)).leaseId).toBe("i-5");
    expect(live(state)).toBe(4);
  });

  test("takes a grant back that nobody confirms, and keeps one that is confirmed", () => {
    const state = fullShard();
    ask(state, "i-5");
    ask(state, "i-6");
    settle(state, "i-1", 0);
    settle(state, "i-2", 0);
    hold(state, "i-5", 100);
    sweep(state, UNCONFIRMED_MS, rng);
    expect([state.leases.live.has("i-5"), state.leases.live.has("i-6")]).toEqual([true, false]);
    expect(state.resolved.has("i-6"), "a grant that ended is not handed out").toBe(false);
  });

  test("does not hand out the grant of a lease that was settled", () => {
    const state = fullShard();
    ask(state, "i-5");
    settle(state, "i-1", 0);
    settle(state, "i-5", 10, { outcome: "unused" });
    expect(state.resolved.has("i-5")).toBe(false);
    expect(ask(state, "i-5", 20)).toMatchObject({ kind: "shed" });
  });

  test("forgets an outcome that nobody fetched", () => {
    const state = fullShard();
    ask(state, "i-5");
    settle(state, "i-1", 0);
    hold(state, "i-5", 1);
    sweep(state, RESOLVED_LIFE_MS, rng);
    expect(state.resolved.size).toBe(0);
  });

  test("gives the place up of a request that is settled while it waits, and tells whoever awaits it", () => {
    const state = fullShard();
    ask(state, "i-5");
    expect(settle(state, "i-5", 10, { outcome: "unused" })).toContainEqual({ kind: "resolved", leaseId: "i-5" });
    expect(state.queue.size).toBe(0);
    expect(state.resolved.get("i-5")?.outcome).toMatchObject({ kind: "shed" });
    settle(state, "i-1", 20);
    expect(live(state)).toBe(3);
  });

  test("sheds at the pool's wait and not before, with the time after which it may be worth it", () => {
    const state = fullShard(poolSpec([endpointSpec()], { queueWaitMsMax: 800 }));
    ask(state, "i-5");
    expect(sweep(state, 799, rng)).toEqual([]);
    expect(sweep(state, 800, rng)).toEqual([{ kind: "resolved", leaseId: "i-5" }]);
    expect(state.resolved.get("i-5")?.outcome).toEqual({ kind: "shed", retryAfterMs: 500 });
  });

  test("is bounded by its depth", () => {
    const state = fullShard(poolSpec([endpointSpec()], { queueDepthMax: 2, queueWaitMsMax: 60_000 }));
    expect([ask(state, "i-5").kind, ask(state, "i-6").kind, ask(state, "i-7").kind]).toEqual([
      "queued",
      "queued",
      "shed",
    ]);
    expect(state.queue.size).toBe(2);
  });

  test.each([
    { queueWaitMsMax: 500, is: { kind: "queued", etaMs: 500 } },
    { queueWaitMsMax: 499, is: { kind: "shed", retryAfterMs: 500 } },
  ])("refuses at once a wait of 500 ms that cannot end within $queueWaitMsMax ms", ({ queueWaitMsMax, is }) => {
    expect(ask(fullShard(poolSpec([endpointSpec()], { queueWaitMsMax })), "i-5")).toMatchObject(is);
  });

  test("passes over a waiter that may not use the freed slot", () => {
    const specs = [endpointSpec(), endpointSpec({ id: "e2", concurrencyPerWorker: 1 })];
    const state = shard(poolSpec(specs));
    for (let i = 1; i <= 5; i++) ask(state, `i-${i}`);
    ask(state, "i-6", 0, { excluded: ["e1"] });
    ask(state, "i-7");
    const onE1 = [...state.leases.live.values()].find(({ endpointId }) => endpointId === "e1")?.id ?? "";
    expect(settle(state, onE1, 1)).toEqual([{ kind: "resolved", leaseId: "i-7" }]);
    expect([...state.queue.keys()]).toEqual(["i-6"]);
  });

  test("is served by a report that finds leases expired, too", () => {
    const state = fullShard(poolSpec([endpointSpec()], { queueWaitMsMax: 60_000 }));
    ask(state, "i-5", 29_000);
    hold(state, "i-1", 29_999);
    expect(hold(state, "i-1", 30_000)).toEqual([{ kind: "resolved", leaseId: "i-5" }]);
    expect([...state.leases.live.keys()]).toEqual(["i-1", "i-5"]);
  });
});

describe("cold endpoints", () => {
  const coldPool = (coldWaitMsMax: number) => poolSpec([endpointSpec({ workersMin: 0 })], { coldWaitMsMax });

  test("are woken once for all who need them, and tell when to come back", () => {
    const state = shard(coldPool(5_000));
    const seen = [0, 100, 200].map((now) => acquire(state, acquireRequest(`i-${now}`), now, rng));
    expect(seen.flatMap(({ effects }) => effects)).toEqual([{ kind: "wake", endpointId: "e1" }]);
    expect(seen.map(({ reply }) => reply.outcome)).toEqual([
      { kind: "warming_up", retryAfterMs: 20_000 },
      { kind: "warming_up", retryAfterMs: 19_900 },
      { kind: "warming_up", retryAfterMs: 19_800 },
    ]);
    expect(live(state)).toBe(0);
  });

  test("are waited for when the pool allows so long a wait, without credits", () => {
    const state = shard(coldPool(20_000));
    const { reply, effects } = acquire(state, acquireRequest("i-1", { recentPerSecond: 1_000 }), 0, rng);
    expect(granted(reply.outcome)).toMatchObject({ reason: "cold_start", credits: 0 });
    expect(effects).toEqual([{ kind: "wake", endpointId: "e1" }]);
  });

  test.each([
    { name: "not given to the queue when the wait is too long", coldWaitMsMax: 5_000, granted: false },
    { name: "given to the queue when it is not", coldWaitMsMax: 20_000, granted: true },
  ])("are woken for the queue, but $name", ({ coldWaitMsMax, granted: isGranted }) => {
    const specs = [endpointSpec(), endpointSpec({ id: "e2", workersMin: 0 })];
    const state = fullShard(poolSpec(specs, { coldWaitMsMax, queueWaitMsMax: 60_000 }));
    ask(state, "i-5");
    const warm = state.endpoints.get("e1");
    if (warm !== undefined) for (let i = 0; i < 2; i++) observeProbe(warm, { kind: "failed" }, 10);
    const effects = sweep(state, 20, rng);
    expect(effects).toContainEqual({ kind: "wake", endpointId: "e2" });
    expect(live(state, "e2")).toBe(isGranted ? 1 : 0);
    expect(state.queue.size).toBe(isGranted ? 0 : 1);
  });
});

describe("credits", () => {
  const wide = () => shard(poolSpec([endpointSpec({ concurrencyPerWorker: 21 })]));
  const busy = { recentPerSecond: 1_000 };

  test("count as in flight from their grant", () => {
    const state = wide();
    expect(granted(ask(state, "i-1", 0, busy)).credits).toBe(10);
    expect(live(state)).toBe(11);
    expect(ownViews(state, 0)[0]?.inFlight).toBe(11);
    expect(state.leases.live.get("i-1.10")?.spent).toBe(false);
  });

  test("go back after their life and its grace when nobody confirmed them, and live on when someone did", () => {
    const state = wide();
    ask(state, "i-1", 0, busy);
    hold(state, "i-1.3", 300);
    sweep(state, UNCONFIRMED_MS - 1, rng);
    expect(live(state)).toBe(11);
    sweep(state, UNCONFIRMED_MS, rng);
    expect([...state.leases.live.keys()]).toEqual(["i-1", "i-1.3"]);
    checkLeaseTable(state.leases);
  });

  test("that come home unused free their slot and teach nothing", () => {
    const state = wide();
    ask(state, "i-1", 0, busy);
    const before = ownViews(state, 0)[0];
    for (let i = 1; i <= 10; i++) settle(state, `i-1.${i}`, 1, { outcome: "unused" });
    expect(ownViews(state, 1)[0]).toEqual({ ...before, inFlight: 1, kvUsed: OUTPUT_TOKENS_PRIOR, workTokens: 0 });
  });

  test("do not come with a retry, and are split among the isolates that ask", () => {
    const state = wide();
    expect(granted(ask(state, "i-1", 0, { ...busy, excluded: ["other"] })).credits).toBe(0);
    expect(granted(ask(state, "j-1", 0, busy)).credits).toBe(4);
    expect(granted(ask(wide(), "j-1", ASKER_MS + 1, busy)).credits).toBe(10);
  });

  test("are split among ASKERS_MAX isolates at most, and only among those that asked lately", () => {
    const state = shard();
    for (let i = 0; i <= ASKERS_MAX; i++) countAsker(state, `isolate${i}-1`, 0);
    expect(state.askers.size).toBe(ASKERS_MAX);
    expect(countAsker(state, "last-1", ASKER_MS)).toBe(ASKERS_MAX);
    expect(countAsker(state, "last-2", ASKER_MS + 1)).toBe(1);
  });
});

describe("being tight", () => {
  test("begins at TIGHT_FILL of the slots there are now", () => {
    const state = shard(poolSpec([endpointSpec({ concurrencyPerWorker: 10 })]));
    const tight = Array.from({ length: 10 }, (_, i) => acquire(state, acquireRequest(`i-${i}`), 0, rng).reply.tight);
    expect(tight.indexOf(true)).toBe(TIGHT_FILL * 10 - 1);
    expect(tight.lastIndexOf(false)).toBe(TIGHT_FILL * 10 - 2);
  });

  test("holds for a request in the queue, and where a capacity answer has lowered the slots", () => {
    expect(acquire(fullShard(), acquireRequest("i-5"), 0, rng).reply.tight).toBe(true);
    const state = shard(poolSpec([endpointSpec({ concurrencyPerWorker: 10 })]));
    ask(state, "i-1");
    settle(state, "i-1", 0, { outcome: "capacity", inFlightAtGrant: 0 });
    expect(acquire(state, acquireRequest("i-2"), 1, rng).reply.tight).toBe(true);
  });
});

describe("what a settlement teaches", () => {
  test("it teaches once, however often it comes", () => {
    const state = shard();
    ask(state, "i-1");
    const asks = () => settle(state, "i-1", 5, { outcome: "failed" });
    expect(asks()).toEqual([{ kind: "probe", endpointId: "e1" }]);
    expect(asks()).toEqual([]);
    expect(state.endpoints.get("e1")?.tries.failures).toBe(1);
  });

  test("it is heard of a lease that this shard never saw, and that can then never be granted", () => {
    const state = shard();
    settle(state, "edge-1", 0, { outcome: "failed", epoch: 0 });
    expect(state.endpoints.get("e1")?.tries.failures).toBe(1);
    expect(ask(state, "edge-1", 1)).toMatchObject({ kind: "shed" });
  });

  test("of another shard's endpoint teaches nothing", () => {
    const state = shard();
    expect(settle(state, "i-1", 0, { endpointId: "elsewhere", outcome: "failed" })).toEqual([]);
    hold(state, "i-2", 0);
    expect(state.leases.live.size).toBe(0);
  });
});

describe("after a restart", () => {
  /** A shard whose last incarnation had three in flight. */
  function restarted(): ShardState {
    const state = shard();
    const endpoint = state.endpoints.get("e1");
    if (endpoint !== undefined) inheritInFlight(endpoint, 3, 30_000, 0);
    return state;
  }
  const seen = (state: ShardState, now = 0) => ownViews(state, now)[0]?.inFlight;

  test("a lease that turns up is counted once: as live, and no longer as estimated", () => {
    const state = restarted();
    expect(seen(state)).toBe(3);
    hold(state, "i-1", 0, EPOCH - 1);
    hold(state, "i-1", 0, EPOCH - 1);
    expect([live(state), seen(state)]).toEqual([1, 3]);
  });

  test("a settlement of the last incarnation takes one off the estimate, once", () => {
    const state = restarted();
    settle(state, "i-1", 0, { epoch: EPOCH - 1 });
    settle(state, "i-1", 0, { epoch: EPOCH - 1 });
    expect(seen(state)).toBe(2);
  });

  test("a lease that the edge gave itself was never in the estimate", () => {
    const state = restarted();
    hold(state, "i-1", 0, 0);
    settle(state, "i-2", 0, { epoch: 0 });
    expect([live(state), seen(state)]).toEqual([1, 4]);
  });

  test("the estimate keeps slots from being given away twice", () => {
    const state = restarted();
    expect([ask(state, "i-1").kind, ask(state, "i-2").kind]).toEqual(["granted", "queued"]);
    expect(ask(state, "i-3", 30_000).kind).toBe("granted");
  });
});

test("a shard is active while it has traffic or leases", () => {
  const state = shard();
  expect(isActive(state, 0)).toBe(false);
  ask(state, "i-1");
  expect([isActive(state, ACTIVE_MS - 1), isActive(state, ACTIVE_MS)]).toEqual([true, true]);
  settle(state, "i-1", 10);
  expect([isActive(state, ACTIVE_MS + 9), isActive(state, ACTIVE_MS + 10)]).toEqual([true, false]);
});
