/**
 * A lower class's attempt without a byte gives its place to a higher class that waits: whom a shard names, and when.
 */
import { describe, expect, test } from "vitest";
import { seededRng } from "../../../../src/lib/rng.ts";
import {
  afterLoss,
  afterNoLease,
  createAttemptPlan,
  PUT_BACKS_MAX,
} from "../../../../src/dispatch/core/attempt-plan.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import { createShard } from "../../../../src/routing/core/shard/shard.ts";
import {
  PUT_BACK_LIFE_MS,
  PUT_BACK_NAMES_MAX,
  PUT_BACK_WAIT_MS,
  putBackNames,
} from "../../../../src/routing/core/shard/shard-put-back.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import { applyReport, sweep } from "../../../../src/routing/core/shard/shard-settle.ts";
import type { AcquireRequest } from "../../../../src/routing/core/shard-messages.ts";
import { acquireRequest, endpointSpec, poolSpec, settlement } from "./shard-fixture.ts";

const EPOCH = 5;
const rng = seededRng(1);

/** Slots of 2 s each. */
const shard = (slots = 2) =>
  createShard(
    poolSpec([endpointSpec({ concurrencyPerWorker: slots })], { queueWaitMsMax: 120_000, queueDepthMax: 1_000 }),
    "us",
    EPOCH,
    0,
  );

const ask = (state: ShardState, leaseId: string, changes: Partial<AcquireRequest> = {}, now = 0) =>
  acquire(state, acquireRequest(leaseId, changes), now, rng).reply;

const settle = (state: ShardState, leaseId: string, now: number) =>
  applyReport(state, { settled: [settlement({ leaseId, epoch: EPOCH, outcome: "unused" })], held: [] }, now, rng);

const LOW = { priority: "low", mayPutBack: true } as const;
const HIGH = { priority: "high" } as const;

/** Two slots, taken by `i-1` and, later, `i-2`. */
function busy(changes: Partial<AcquireRequest> = LOW): ShardState {
  const state = shard();
  expect(ask(state, "i-1", changes, 0).outcome.kind).toBe("granted");
  expect(ask(state, "i-2", changes, 10).outcome.kind).toBe("granted");
  return state;
}

describe("a request of a higher class that waits", () => {
  test("has the youngest of a lower class named, one for each that waits, in every answer of the shard", () => {
    const state = busy();
    expect(ask(state, "i-3", HIGH, 20)).toMatchObject({ outcome: { kind: "queued" }, putBack: ["i-2"] });
    expect(ask(state, "i-4", HIGH, 30).putBack).toEqual(["i-2", "i-1"]);
    expect(ask(state, "i-5", { priority: "low" }, 40).putBack).toEqual(["i-2", "i-1"]);
  });

  test("has the slot of the one that was put back, which waits in its turn", () => {
    const state = busy();
    ask(state, "i-3", HIGH, 20);
    settle(state, "i-2", 600);
    expect(state.leases.live.has("i-3")).toBe(true);
    const again = { ...LOW, again: true, patient: true, waitedMs: 590 };
    expect(ask(state, "i-6", again, 610)).toMatchObject({ outcome: { kind: "queued" } });
    expect(putBackNames(state, 620)).toEqual([]);
  });

  test("has the lowest class named first, and never its own", () => {
    const state = shard();
    ask(state, "i-1", LOW, 0);
    ask(state, "i-2", { mayPutBack: true }, 10);
    expect(ask(state, "i-3", {}, 20).putBack).toEqual(["i-1"]);
    const same = busy({ mayPutBack: true });
    expect(ask(same, "i-3", {}, 20)).not.toHaveProperty("putBack");
    const high = busy({ ...HIGH, mayPutBack: true });
    expect(ask(high, "i-3", HIGH, 20)).not.toHaveProperty("putBack");
  });

  test("has nobody named that does not say that it may be put back, as an older Worker does not", () => {
    expect(ask(busy({ priority: "low" }), "i-3", HIGH, 20)).not.toHaveProperty("putBack");
  });

  test("has another one named where the first still lives after a while, and each for so long only", () => {
    const state = busy();
    ask(state, "i-3", HIGH, 20);
    expect(putBackNames(state, 20 + PUT_BACK_LIFE_MS - 1)).toEqual(["i-2"]);
    expect(putBackNames(state, 20 + PUT_BACK_LIFE_MS)).toEqual(["i-1"]);
    expect(putBackNames(state, 20 + 2 * PUT_BACK_LIFE_MS)).toEqual([]);
  });

  test("has nobody named whose answer has begun, as far as the shard has heard", () => {
    const state = busy();
    const begin = (leaseId: string, now: number) => {
      const begun = [{ leaseId, endpointId: "e1", agoMs: 0, backMs: 0 }];
      applyReport(state, { settled: [], held: [], begun }, now, rng);
    };
    begin("i-2", 15);
    expect(ask(state, "i-3", HIGH, 20).putBack).toEqual(["i-1"]);
    begin("i-1", 30);
    expect(putBackNames(state, 40)).toEqual([]);
  });

  test("has nobody named while its slot is expected sooner than an edge would hear", () => {
    const state = busy();
    ask(state, "i-3", HIGH, 20);
    const waiter = state.queue.get("i-3");
    if (waiter === undefined) throw new Error("it waits");
    waiter.etaMs = PUT_BACK_WAIT_MS;
    expect(putBackNames(state, 30)).toEqual([]);
    waiter.etaMs = PUT_BACK_WAIT_MS + 1;
    expect(putBackNames(state, 30)).toEqual(["i-2"]);
  });
});

describe("what may be put back", () => {
  test("is forgotten when its lease ends, by word or by time", () => {
    const state = busy();
    const left = () => state.putBackable.flatMap((ids) => [...(ids ?? [])]);
    expect(left()).toEqual(["i-1", "i-2"]);
    settle(state, "i-1", 20);
    expect(left()).toEqual(["i-2"]);
    sweep(state, 400_000, rng);
    expect([left(), state.leases.live.size]).toEqual([[], 0]);
  });

  test(`is named ${PUT_BACK_NAMES_MAX} at once and no more`, () => {
    const state = shard(100);
    for (let n = 0; n < 100; n++) ask(state, `l-${n}`, LOW, n);
    for (let n = 0; n < 100; n++) ask(state, `h-${n}`, HIGH, 200);
    for (const waiter of state.queue.values()) waiter.etaMs = 10_000;
    expect(putBackNames(state, 200)).toHaveLength(PUT_BACK_NAMES_MAX);
  });
});

describe("a request that was put back", () => {
  const loss = {
    endpointId: "e1",
    region: "us",
    why: "put_back",
    maybeProcessed: true,
    silent: false,
    cutOff: false,
    undecided: false,
    retryAfterMs: null,
    heldMs: 700,
    wasIdle: false,
    withHedge: false,
  } as const;
  const rule = { attemptsMax: 2, repeatable: true };

  test("may go to the same endpoint again, keeps its age, waits however long, and has used up no attempt", () => {
    const plan = createAttemptPlan();
    plan.tried.push("e0", "e1");
    const repeat = afterLoss(plan, loss, rule);
    expect(repeat).toEqual({
      excluded: ["e0"],
      avoidRegion: null,
      purpose: "first",
      patient: true,
      waitedMs: 700,
    });
    expect([plan.failures, plan.refusals, plan.tried]).toEqual([0, 0, ["e0"]]);
  });

  test(`is put back ${PUT_BACKS_MAX} times, and then runs`, () => {
    const plan = createAttemptPlan();
    const may = Array.from({ length: PUT_BACKS_MAX }, () => {
      plan.tried.push("e1");
      return afterLoss(plan, loss, rule)?.mayPutBack;
    });
    // Absent: as it asked before.
    expect(may).toEqual([undefined, false]);
    plan.tried.push("e1");
    const refused = { ...loss, why: "capacity" } as const;
    expect(afterLoss(plan, refused, rule)).toMatchObject({ purpose: "first", mayPutBack: false });
    expect(afterNoLease(plan)).toMatchObject({ mayPutBack: false });
  });

  test("is not given up for what it waited at the endpoint", () => {
    const pool = poolSpec([endpointSpec({ concurrencyPerWorker: 1 })], { queueWaitMsMax: 1_000 });
    const state = createShard(pool, "us", EPOCH, 0);
    ask(state, "i-1");
    ask(state, "i-2", { ...LOW, again: true, patient: true, waitedMs: 5_000 }, 0);
    sweep(state, 999, rng);
    expect(state.queue.has("i-2")).toBe(true);
    sweep(state, 1_000, rng);
    expect(state.queue.has("i-2")).toBe(false);
  });
});
