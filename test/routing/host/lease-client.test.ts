/**
 * The lease client over ports that a test holds in its hands: how it waits for a shard, and how it tells the shards what the
 * isolate owes them. The shards here only write down what they hear.
 */
import { describe, expect, test } from "vitest";
import { seededRng } from "../../../src/lib/rng.ts";
import type { LeaseRequest } from "../../../src/routing/core/lease-client/edge-lease.ts";
import {
  REPORT_MAX,
  createLeaseCache,
  deposit,
  holdUnconfirmed,
  OUTBOX_MAX,
  settleHeldLease,
} from "../../../src/routing/core/lease-client/lease-cache.ts";
import type { LeaseCache } from "../../../src/routing/core/lease-client/lease-cache.ts";
import type { AcquireReply, AwaitOutcome, Report } from "../../../src/routing/core/shard-messages.ts";
import { LEASES_MAX } from "../../../src/routing/core/shard/leases.ts";
import { FLUSH_MESSAGES_MAX, LeaseClient } from "../../../src/routing/host/lease-client.ts";
import type { LeasePorts, LeasingShard } from "../../../src/routing/host/lease-ports.ts";
import { endpointSpec, grantOf, poolSpec, settlement } from "../core/shard/shard-fixture.ts";

const US = "pool:p:us";
const EU = "pool:p:eu";

/** Ports on which time passes when the test says so. */
function portsOn(shardOf: LeasePorts["shardOf"]) {
  let nowMs = 0;
  const timers: { dueMs: number; fn: () => void }[] = [];
  const spawned: Promise<unknown>[] = [];
  const ports: LeasePorts = {
    clock: {
      now: () => nowMs,
      after: (ms, fn) => {
        const timer = { dueMs: nowMs + ms, fn };
        timers.push(timer);
        return () => void (timers.includes(timer) && timers.splice(timers.indexOf(timer), 1));
      },
    },
    rng: seededRng(1),
    spawn: (work) => void spawned.push(work),
    shardOf,
  };
  const passTo = (ms: number): void => {
    for (;;) {
      const next = timers.filter(({ dueMs }) => dueMs <= ms).sort((a, b) => a.dueMs - b.dueMs)[0];
      nowMs = next?.dueMs ?? ms;
      if (next === undefined) return;
      timers.splice(timers.indexOf(next), 1);
      next.fn();
    }
  };
  /** All that goes on beside is over, also what it set off. */
  const settled = async (): Promise<void> => {
    for (let work = spawned.shift(); work !== undefined; work = spawned.shift()) await work;
  };
  return { ports, passTo, timers, settled };
}

/** Shards that hear; `refuses` says which message of a shard fails. */
function hearing(leaseCache: LeaseCache, refuses: (shard: string, message: number) => boolean = () => false) {
  const heard: { readonly shard: string; readonly report: Report }[] = [];
  const calls = new Map<string, number>();
  const { ports } = portsOn((shard) => ({
    ...SILENT,
    report: async (report) => {
      const message = calls.get(shard) ?? 0;
      calls.set(shard, message + 1);
      if (refuses(shard, message)) throw new Error("away");
      heard.push({ shard, report });
      return undefined;
    },
  }));
  const leases = new LeaseClient({ leaseCache, flushUntilMs: 0 }, ports);
  const settledAt = (shard: string) =>
    heard.filter((one) => one.shard === shard).flatMap(({ report }) => report.settled.map(({ leaseId }) => leaseId));
  const sizes = (shard: string) =>
    heard.filter((one) => one.shard === shard).map(({ report }) => report.settled.length);
  return { leases, heard, calls, settledAt, sizes };
}

const never = async <Value>(): Promise<Value> => new Promise(() => undefined);

const SILENT: LeasingShard = { acquire: never, awaitGrant: never, report: never };

/** `count` attempts that have ended, untold. */
function owe(leaseCache: LeaseCache, shard: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const leaseId = `${shard}-${index}`;
    const heldLease = deposit(leaseCache, `${shard}|here`, shard, grantOf(leaseId), 0, 0);
    settleHeldLease(leaseCache, heldLease, settlement({ leaseId }));
    return leaseId;
  });
}

describe("a flush", () => {
  test.each([
    [0, []],
    [1, [1]],
    [REPORT_MAX, [REPORT_MAX]],
    [REPORT_MAX + 1, [REPORT_MAX, 1]],
    [2 * REPORT_MAX + 7, [REPORT_MAX, REPORT_MAX, 7]],
  ])("of %i settlements tells all of them, each once, in messages of %j", async (count, sizes) => {
    const leaseCache = createLeaseCache("edge");
    const owed = owe(leaseCache, US, count);
    const { leases, ...told } = hearing(leaseCache);
    await leases.flush();
    expect(told.sizes(US)).toEqual(sizes);
    expect(told.settledAt(US)).toEqual(owed);
  });

  test("of all that an outbox holds, for several shards, tells every shard its own", async () => {
    const leaseCache = createLeaseCache("edge");
    const [us, eu] = [owe(leaseCache, US, OUTBOX_MAX), owe(leaseCache, EU, 300)];
    const { leases, settledAt } = hearing(leaseCache);
    await leases.flush();
    expect([settledAt(US), settledAt(EU)]).toEqual([us, eu]);
  });

  test("confirms every lease that is due, and none twice", async () => {
    const leaseCache = createLeaseCache("edge");
    const held = Array.from({ length: REPORT_MAX + 3 }, (_, index) => `h-${index}`);
    for (const leaseId of held) holdUnconfirmed(leaseCache, `${US}|here`, US, grantOf(leaseId), 0);
    const { leases, heard } = hearing(leaseCache);
    await leases.flush();
    expect(heard.flatMap(({ report }) => report.held.map(({ leaseId }) => leaseId))).toEqual(held);
    await leases.flush();
    expect(heard).toHaveLength(2);
  });

  test("stops at a shard that is away, loses nothing, and tells the others", async () => {
    const leaseCache = createLeaseCache("edge");
    const [us, eu] = [owe(leaseCache, US, 3 * REPORT_MAX), owe(leaseCache, EU, 2)];
    const away = hearing(leaseCache, (shard, message) => shard === US && message === 1);
    await away.leases.flush();
    expect([away.calls.get(US), away.sizes(US), away.settledAt(EU)]).toEqual([2, [REPORT_MAX], eu]);
    const back = hearing(leaseCache);
    await back.leases.flush();
    expect([...away.settledAt(US), ...back.settledAt(US)]).toEqual(us);
  });

  test("ends, even if the shard is owed more with every message", async () => {
    const leaseCache = createLeaseCache("edge");
    owe(leaseCache, US, 1);
    const { leases, calls } = hearing(leaseCache, () => {
      owe(leaseCache, US, 1);
      return false;
    });
    await leases.flush();
    expect(calls.get(US)).toBe(FLUSH_MESSAGES_MAX);
    expect(FLUSH_MESSAGES_MAX * REPORT_MAX).toBe(LEASES_MAX);
  });
});

const PATIENCE_MS = 50;
const WAIT_MS = 3_000;
const LEASE_REQUEST: LeaseRequest = {
  pool: poolSpec([endpointSpec()], { queueWaitMsMax: WAIT_MS }),
  client: null,
  clientKey: "here",
  inputTokens: 10,
  excluded: [],
  explain: false,
};

/** One shard whose answers come when the test says so. */
function answering() {
  const leaseCache = createLeaseCache("edge");
  const acquired = Promise.withResolvers<AcquireReply>();
  const awaited = Promise.withResolvers<AwaitOutcome>();
  const told: Report[] = [];
  const { ports, ...time } = portsOn(() => ({
    acquire: async () => acquired.promise,
    awaitGrant: async () => awaited.promise,
    report: async (report) => {
      told.push(report);
      return { leave: ["e1"] };
    },
  }));
  const leases = new LeaseClient({ leaseCache, flushUntilMs: 0 }, ports);
  return { leases, leaseCache, acquired, awaited, told, ...time };
}

const reply = (outcome: AcquireReply["outcome"]): AcquireReply => ({
  outcome,
  tight: false,
  snapshot: null,
  candidates: null,
});

/** What follows from a promise that was settled has happened. */
const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a lease", () => {
  test("is the shard's where it answers within the pool's patience, and no timer is left", async () => {
    const { leases, acquired, passTo, timers } = answering();
    const leasing = leases.take(LEASE_REQUEST, PATIENCE_MS);
    passTo(PATIENCE_MS - 1);
    acquired.resolve(reply({ kind: "granted", grant: grantOf("edge-1") }));
    expect(await leasing).toMatchObject({ kind: "leased", heldLease: { leaseId: "edge-1" } });
    expect(timers).toEqual([]);
  });

  test("is decided alone when the patience is over, and told at once; a grant that comes then goes home", async () => {
    const { leases, acquired, passTo, told, settled } = answering();
    const leasing = leases.take(LEASE_REQUEST, PATIENCE_MS);
    passTo(PATIENCE_MS);
    const answer = await leasing;
    expect(answer).toMatchObject({ kind: "leased", reason: "static" });
    const own = answer.kind === "leased" ? answer.heldLease.leaseId : "";
    acquired.resolve(reply({ kind: "granted", grant: grantOf("edge-1") }));
    await settled();
    expect(told.flatMap(({ held }) => held.map(({ leaseId }) => leaseId))).toEqual([own]);
    expect(told.flatMap(({ settled: ended }) => ended.map(({ leaseId, outcome }) => [leaseId, outcome]))).toEqual([
      ["edge-1", "unused"],
    ]);
  });

  test("is decided alone at once where the call fails", async () => {
    const { leases, acquired } = answering();
    const leasing = leases.take(LEASE_REQUEST, PATIENCE_MS);
    acquired.reject(new Error("away"));
    expect(await leasing).toMatchObject({ kind: "leased", reason: "static" });
  });

  test.each([
    ["is waited for in the shard's queue", WAIT_MS + 999, true, "edge-1"],
    ["is decided alone a second after the longest wait", WAIT_MS + 1_000, false, "edge-2"],
  ])("%s", async (_, waitedMs, isGranted, leaseId) => {
    const { leases, acquired, awaited, passTo } = answering();
    const leasing = leases.take(LEASE_REQUEST, PATIENCE_MS);
    acquired.resolve(reply({ kind: "queued", leaseId: "edge-1", etaMs: 100 }));
    await turn();
    passTo(waitedMs);
    if (isGranted) awaited.resolve({ kind: "granted", grant: grantOf("edge-1") });
    expect(await leasing).toMatchObject({ kind: "leased", heldLease: { leaseId } });
  });
});

describe("an attempt that waits", () => {
  test("leaves when its shard says that its endpoint is gone, for which one message asks", async () => {
    const { leases, leaseCache, told, passTo, settled } = answering();
    const heldLease = deposit(leaseCache, `${US}|here`, US, grantOf("edge-1"), 0, 0);
    passTo(500);
    expect([leases.hasToLeave(heldLease, 0), leases.hasToLeave(heldLease, 0)]).toEqual([null, null]);
    await settled();
    expect(told).toHaveLength(1);
    expect(leases.hasToLeave(heldLease, 0)).toBe("leave");
  });

  test("has its lease confirmed when that is due, and not before", async () => {
    const { leases, leaseCache, told, passTo, settled } = answering();
    const heldLease = deposit(leaseCache, `${US}|here`, US, grantOf("edge-1"), 0, 0);
    const dueMs = heldLease.confirmDueMs;
    passTo(dueMs - 1);
    leases.keep(heldLease);
    await settled();
    expect(told).toEqual([]);
    passTo(dueMs);
    leases.keep(heldLease);
    await settled();
    expect(told.flatMap(({ held }) => held.map(({ leaseId }) => leaseId))).toEqual(["edge-1"]);
  });
});

describe("a first token", () => {
  const told = { work: 900, netMs: 20, begunWithinMs: 200 };

  function waiting() {
    const leaseCache = createLeaseCache("edge");
    const heard: { readonly atMs: number; readonly report: Report }[] = [];
    const time = portsOn(() => ({
      ...SILENT,
      report: async (report) => {
        heard.push({ atMs: time.ports.clock.now(), report });
        return undefined;
      },
    }));
    const leases = new LeaseClient({ leaseCache, flushUntilMs: 0 }, time.ports);
    const hold = (leaseId: string) =>
      deposit(leaseCache, `${US}|here`, US, grantOf(leaseId, told), 0, time.ports.clock.now(), 1_000);
    return { ...time, leases, heard, hold };
  }

  test("is told by itself when its ride has not come, with those that came meanwhile", async () => {
    const { leases, heard, hold, passTo, settled } = waiting();
    for (const leaseId of ["i-1", "i-2"]) leases.begun(hold(leaseId));
    passTo(199);
    expect(heard).toEqual([]);
    passTo(200);
    await settled();
    expect(heard.map(({ atMs, report }) => [atMs, report.begun?.map(({ leaseId }) => leaseId)])).toEqual([
      [200, ["i-1", "i-2"]],
    ]);
  });

  test("that may wait keeps no settlement waiting, and rides with it", async () => {
    const { leases, heard, hold, passTo, settled } = waiting();
    const [first, second] = [hold("i-1"), hold("i-2")];
    leases.begun(first);
    passTo(10);
    leases.giveBack(second);
    passTo(200);
    await settled();
    expect(heard.map(({ atMs, report }) => [atMs, report.settled.length, report.begun?.length])).toEqual([[10, 1, 1]]);
  });
});
