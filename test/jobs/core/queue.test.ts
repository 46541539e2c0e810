import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  admit,
  chooseLane,
  DEFAULT_LIMITS,
  DEPTH_MAX,
  holdReason,
  isBelowNormal,
  orderKey,
  type Placed,
  type QueueLimits,
} from "../../../src/jobs/core/queue.ts";

const placed = fc.record({
  dueAtMs: fc.integer({ min: 1_700_000_000_000, max: 1_700_000_600_000 }),
  seq: fc.nat(1_000_000),
  policy: fc.record({ priority: fc.nat(9) }),
});

const idle = { running: 0, runningAtWorker: 0, runningOfTenant: 0, waiting: 0, waitingOfTenant: 0 };

/** The definition that the key stands for: below 0, a job has waited so long that it comes before any newer one. */
function effectivePriority({ dueAtMs, policy }: Placed, ageingMs: number, now: number): number {
  return policy.priority - (now - dueAtMs) / ageingMs;
}

describe("order", () => {
  const byKey = (a: Placed, b: Placed, ageingMs: number | null): number =>
    orderKey(a, ageingMs) < orderKey(b, ageingMs) ? -1 : 1;

  test("without ageing: priority, then age, then the order of submission", () => {
    fc.assert(
      fc.property(placed, placed, (a, b) => {
        fc.pre(a.seq !== b.seq);
        const by = a.policy.priority - b.policy.priority || a.dueAtMs - b.dueAtMs || a.seq - b.seq;
        expect(byKey(a, b, null)).toBe(Math.sign(by));
      }),
    );
  });

  test("with ageing: the order of the effective priorities, at any instant, by a key that never changes", () => {
    fc.assert(
      fc.property(placed, placed, fc.integer({ min: 1, max: 600_000 }), fc.nat(1e7), (a, b, ageingMs, passedMs) => {
        const now = 1_700_000_600_000 + passedMs;
        const by = effectivePriority(a, ageingMs, now) - effectivePriority(b, ageingMs, now);
        fc.pre(Math.abs(by) > 1e-6);
        expect(byKey(a, b, ageingMs)).toBe(Math.sign(by));
      }),
    );
  });

  test("the lowest priority that waited nine levels long comes before the highest that is new", () => {
    const old = { dueAtMs: 0, seq: 1, policy: { priority: 9 } };
    const young = (dueAtMs: number): Placed => ({ dueAtMs, seq: 2, policy: { priority: 0 } });
    expect(byKey(old, young(8_999), 1_000)).toBe(1);
    expect(byKey(old, young(9_001), 1_000)).toBe(-1);
  });

  test("a key has one width: a digit, nine for the time, eight for the sequence", () => {
    fc.assert(fc.property(placed, (job) => orderKey(job, null).length === 1 + 9 + 8));
  });
});

describe("a job below a normal one", () => {
  const now = 1_700_000_000_000;
  const key = (priority: number, waitedMs: number, ageingMs: number | null) =>
    orderKey({ dueAtMs: now - waitedMs, seq: 1, policy: { priority } }, ageingMs);

  test.each([
    { name: "is one of lower priority, however long it waits", priority: 6, waitedMs: 1e9, ageingMs: null, is: true },
    { name: "is none of normal priority", priority: 5, waitedMs: 0, ageingMs: null, is: false },
    { name: "is one that ages, until it has aged to it", priority: 9, waitedMs: 3_999, ageingMs: 1_000, is: true },
    { name: "is none that has aged to it", priority: 9, waitedMs: 4_000, ageingMs: 1_000, is: false },
    { name: "is none that comes just now as normal", priority: 5, waitedMs: 0, ageingMs: 1_000, is: false },
  ])("$name", ({ priority, waitedMs, ageingMs, is }) => {
    expect(isBelowNormal(key(priority, waitedMs, ageingMs), ageingMs, now)).toBe(is);
  });
});

describe("limits", () => {
  const limits: QueueLimits = { ...DEFAULT_LIMITS, globalLimit: 3, workerLimit: 1, tenantLimit: 2 };

  test.each([
    { name: "room everywhere", counts: { running: 2, runningOfTenant: 1 }, reason: null },
    { name: "the pool is full", counts: { running: 3 }, reason: "global_limit" },
    { name: "the GPU worker is full", counts: { runningAtWorker: 1 }, reason: "worker_limit" },
    { name: "the tenant is full", counts: { runningOfTenant: 2 }, reason: "tenant_limit" },
  ])("$name: $reason", ({ counts, reason }) => {
    expect(holdReason("open", { ...idle, ...counts }, limits)).toBe(reason);
    const enqueued = admit("open", { ...idle, ...counts }, limits, false);
    const rejecting = admit("open", { ...idle, ...counts }, { ...limits, onConflict: "reject" }, false);
    expect(enqueued).toEqual({ kind: "admitted" });
    expect(rejecting).toEqual(reason === null ? { kind: "admitted" } : { kind: "refused", reason });
  });

  test("a scheduled job is in nobody's way, so reject does not refuse it", () => {
    expect(admit("open", { ...idle, running: 3 }, { ...limits, onConflict: "reject" }, true).kind).toBe("admitted");
  });

  test("no limit is no limit, and a limit of 0 holds everything", () => {
    expect(holdReason("open", { ...idle, running: 1e9 }, DEFAULT_LIMITS)).toBeNull();
    expect(holdReason("open", idle, { ...DEFAULT_LIMITS, globalLimit: 0 })).toBe("global_limit");
  });

  test("a queue holds as many as it may and not one more", () => {
    expect(admit("open", { ...idle, waiting: DEPTH_MAX - 1 }, DEFAULT_LIMITS, false).kind).toBe("admitted");
    expect(admit("open", { ...idle, waiting: DEPTH_MAX }, DEFAULT_LIMITS, false)).toEqual({
      kind: "refused",
      reason: "queue_full",
    });
  });

  test("paused takes jobs and starts none; draining starts what waits and takes none", () => {
    expect(admit("paused", idle, DEFAULT_LIMITS, false).kind).toBe("admitted");
    expect(holdReason("paused", idle, DEFAULT_LIMITS)).toBe("paused");
    expect(admit("draining", idle, DEFAULT_LIMITS, false)).toEqual({ kind: "refused", reason: "draining" });
    expect(holdReason("draining", idle, DEFAULT_LIMITS)).toBeNull();
  });

  test.each([
    ["one tenant alone fills nine tenths of a queue", 1_000, 899, 899, "admitted"],
    ["and no more", 1_000, 900, 900, "refused"],
    ["another one has room then", 1_000, 900, 0, "admitted"],
    ["a queue of a few is filled by one", 9, 8, 8, "admitted"],
  ] as const)("%s", (_, depthMax, waiting, waitingOfTenant, kind) => {
    const counts = { ...idle, waiting, waitingOfTenant };
    const admission = admit("open", counts, { ...DEFAULT_LIMITS, depthMax }, false);
    expect(admission).toMatchObject(kind === "admitted" ? { kind } : { kind, reason: "tenant_queue_full" });
  });

  test("a bound of its own holds in place of the share, at it and beyond", () => {
    const own = { ...DEFAULT_LIMITS, tenantDepthMax: 5 };
    expect(admit("open", { ...idle, waiting: 4, waitingOfTenant: 4 }, own, false).kind).toBe("admitted");
    expect(admit("open", { ...idle, waiting: 5, waitingOfTenant: 5 }, own, false)).toEqual({
      kind: "refused",
      reason: "tenant_queue_full",
    });
  });
});

describe("the next lane", () => {
  const now = 1_700_000_000_000;
  const lane = (tenant: string, priority: number, dueAgoMs: number, hadMs: number, ageingMs: number | null = null) => ({
    tenant,
    headKey: orderKey({ dueAtMs: now - dueAgoMs, seq: 1, policy: { priority } }, ageingMs),
    running: 1,
    hadMs,
  });

  test.each([
    ["has the best priority, whatever it had", [lane("a", 5, 0, 0), lane("b", 2, 0, 1e6)], "b"],
    ["is of the one that had least, inside a priority", [lane("a", 5, 9_000, 200), lane("b", 5, 0, 100)], "b"],
    ["is of the one that has waited longest, where they had the same", [lane("a", 5, 0, 7), lane("b", 5, 9, 7)], "b"],
  ] as const)("%s", (_, lanes, tenant) => {
    expect(chooseLane(lanes, DEFAULT_LIMITS, now)?.tenant).toBe(tenant);
  });

  test("counts two jobs as of one priority where they age, until one of them has a level more", () => {
    const ageing = { ...DEFAULT_LIMITS, ageingMs: 1_000 };
    const flood = (dueAgoMs: number) => lane("flood", 5, dueAgoMs, 1e6, 1_000);
    const other = lane("other", 5, 0, 0, 1_000);
    expect(chooseLane([flood(0), other], ageing, now)?.tenant).toBe("other");
    expect(chooseLane([flood(1_001), other], ageing, now)?.tenant).toBe("flood");
  });

  test("is none of a tenant at its limit, and none where nobody waits", () => {
    const full = { ...DEFAULT_LIMITS, tenantLimit: 1 };
    expect(chooseLane([lane("a", 5, 0, 0)], full, now)).toBeNull();
    expect(chooseLane([{ ...lane("b", 9, 0, 0), running: 0 }, lane("a", 5, 0, 0)], full, now)?.tenant).toBe("b");
    expect(chooseLane([], DEFAULT_LIMITS, now)).toBeNull();
  });
});
