/** What waits at an endpoint that is gone is told to leave it, and only that. */
import { describe, expect, test } from "vitest";
import { afterLoss, createAttemptPlan } from "../../../../src/dispatch/core/attempt-plan.ts";
import type { Loss } from "../../../../src/dispatch/core/attempt-plan.ts";
import { FAILURES_MAX } from "../../../../src/routing/core/endpoint/breaker.ts";
import { PROBE_FAILURES_MAX } from "../../../../src/routing/core/endpoint/endpoint.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import { createShard } from "../../../../src/routing/core/shard/shard.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import { leaveNews } from "../../../../src/routing/core/shard/shard-leave.ts";
import type { ProbeResult } from "../../../../src/routing/core/endpoint/endpoint.ts";
import { applyDrain, applyProbe } from "../../../../src/routing/core/shard/shard-observe.ts";
import { applyReport } from "../../../../src/routing/core/shard/shard-settle.ts";
import { createLeaseCache, deposit } from "../../../../src/routing/core/lease-client/lease-cache.ts";
import { LEAVE_LOOK_MS, leaveStep, noteHeard } from "../../../../src/routing/core/lease-client/lease-cache-leave.ts";
import { acquireRequest, endpointSpec, granted, poolSpec, settlement } from "./shard-fixture.ts";

const rng = seededRng(1);
const TWO = [endpointSpec({ concurrencyPerWorker: 1 }), endpointSpec({ id: "e2", concurrencyPerWorker: 1 })];
const shard = (): ShardState => createShard(poolSpec(TWO), "us", 1, 0);
const reply = (state: ShardState, leaseId: string, excluded: readonly string[] = []) =>
  acquire(state, acquireRequest(leaseId, { excluded }), 0, rng).reply;

function probe(state: ShardState, result: ProbeResult, times: number): void {
  for (let time = 0; time < times; time++) applyProbe(state, "e1", result, 0, rng);
}

const goesDown = (state: ShardState): void => probe(state, { kind: "failed" }, PROBE_FAILURES_MAX);

function fails(state: ShardState): void {
  for (let time = 0; time < FAILURES_MAX; time++) {
    const settled = [settlement({ leaseId: `f-${time}`, endpointId: "e1", outcome: "failed" })];
    applyReport(state, { settled, held: [] }, 0, rng);
  }
}

describe("a shard says which of its endpoints are to be left", () => {
  test.each([
    { name: "is well", happens: () => {}, leave: undefined },
    { name: "is suspect", happens: (state: ShardState) => probe(state, { kind: "failed" }, 1), leave: undefined },
    { name: "is down", happens: goesDown, leave: ["e1"] },
    { name: "is ejected", happens: fails, leave: ["e1"] },
    {
      name: "was taken out by an operator",
      happens: (state: ShardState) => applyDrain(state, "e1", true, 0, rng),
      leave: undefined,
    },
  ])("one that $name", ({ happens, leave }) => {
    const state = shard();
    happens(state);
    expect(reply(state, "i-1", ["e1", "e2"]).leave).toEqual(leave);
  });

  test("while another has room, and no longer", () => {
    const state = shard();
    goesDown(state);
    expect(leaveNews(state, 0)).toEqual({ leave: ["e1"] });
    granted(reply(state, "i-1").outcome);
    expect(leaveNews(state, 0)).toEqual({});
  });

  test("and not when it takes traffic again", () => {
    const state = shard();
    goesDown(state);
    probe(state, { kind: "ready", warmWorkers: null }, 1);
    expect(leaveNews(state, 0)).toEqual({});
  });
});

describe("an attempt that waits", () => {
  const SENT_MS = 100;
  const waiting = () => {
    const leaseCache = createLeaseCache("i");
    const outcome = reply(shard(), "i-1", ["e2"]).outcome;
    const heldLease = deposit(leaseCache, "key", "shard", granted(outcome), 0, SENT_MS);
    return { leaseCache, heldLease };
  };

  test.each([
    { said: ["e1"], atMs: SENT_MS + 1, step: "leave" },
    { said: ["e2"], atMs: SENT_MS + 1, step: "stay" },
    { said: undefined, atMs: SENT_MS + 1, step: "stay" },
    // Whoever sent it knew.
    { said: ["e1"], atMs: SENT_MS, step: "stay" },
  ])("is told $step by $said, heard at $atMs", ({ said, atMs, step }) => {
    const { leaseCache, heldLease } = waiting();
    noteHeard(leaseCache, "shard", said === undefined ? undefined : { leave: said }, atMs);
    expect(leaveStep(leaseCache, heldLease, SENT_MS, atMs + 1)).toBe(step);
  });

  test("asks when nothing was heard for a while: one for all, and again when that brought nothing", () => {
    const { leaseCache, heldLease } = waiting();
    const step = (now: number) => leaveStep(leaseCache, heldLease, SENT_MS, now);
    noteHeard(leaseCache, "shard", undefined, SENT_MS);
    expect(step(SENT_MS + LEAVE_LOOK_MS - 1)).toBe("stay");
    const atMs = SENT_MS + LEAVE_LOOK_MS;
    expect([step(atMs), step(atMs), step(atMs + LEAVE_LOOK_MS - 1)]).toEqual(["ask", "stay", "stay"]);
    expect(step(atMs + LEAVE_LOOK_MS)).toBe("ask");
  });

  test.each([
    { said: ["i-1"], step: "put_back" },
    { said: ["i-2"], step: "stay" },
  ])("is told $step where $said are to be put back", ({ said, step }) => {
    const { leaseCache, heldLease } = waiting();
    noteHeard(leaseCache, "shard", { putBack: said }, SENT_MS + 1);
    expect(leaveStep(leaseCache, heldLease, SENT_MS, SENT_MS + 2)).toBe(step);
    noteHeard(leaseCache, "shard", {}, SENT_MS + 3);
    expect(leaveStep(leaseCache, heldLease, SENT_MS, SENT_MS + 4)).toBe("stay");
  });

  test("asks where nothing was ever heard", () => {
    const { leaseCache, heldLease } = waiting();
    expect([leaveStep(leaseCache, heldLease, SENT_MS, 600), leaveStep(leaseCache, heldLease, SENT_MS, 601)]).toEqual([
      "ask",
      "stay",
    ]);
  });

  test("is repeated elsewhere as a first attempt, and uses up none of those that may fail", () => {
    const plan = createAttemptPlan();
    plan.tried.push("e1");
    const loss: Loss = {
      endpointId: "e1",
      region: "us",
      why: "left",
      maybeProcessed: true,
      silent: false,
      cutOff: false,
      undecided: false,
      retryAfterMs: null,
      heldMs: 5_000,
      wasIdle: true,
      withHedge: false,
    };
    const next = afterLoss(plan, loss, { attemptsMax: 2, repeatable: true });
    expect([next, plan.failures]).toEqual([{ excluded: ["e1"], avoidRegion: null, purpose: "first" }, 0]);
  });
});
