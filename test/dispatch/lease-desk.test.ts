/** How an isolate tells its shards what it owes them. The shards here only write down what they hear. */
import { describe, expect, test } from "vitest";
import type { Report } from "../../src/routing/core/shard-messages.ts";
import { LEASES_MAX } from "../../src/routing/core/shard/leases.ts";
import {
  REPORT_MAX,
  createLeaseCache,
  deposit,
  holdUnconfirmed,
  OUTBOX_MAX,
  settleHeldLease,
} from "../../src/routing/core/lease-client/lease-cache.ts";
import type { LeaseCache } from "../../src/routing/core/lease-client/lease-cache.ts";
import { grantOf, settlement } from "../routing/core/shard/shard-fixture.ts";

type Desk = { readonly runtime: unknown; readonly env: unknown; readonly ctx: unknown };

// By a name that the type checker does not follow: the module's types are those of the Workers runtime, not of Node.
const module = "../../src/dispatch/lease-desk.ts";
const { flush, FLUSH_MESSAGES_MAX } = (await import(/* @vite-ignore */ new URL(module, import.meta.url).href)) as {
  flush: (desk: Desk) => Promise<void>;
  FLUSH_MESSAGES_MAX: number;
};

const US = "pool:p:us";
const EU = "pool:p:eu";

/** A desk whose shards hear; `refuses` says which message of a shard fails. */
function deskOf(leaseCache: LeaseCache, refuses: (shard: string, message: number) => boolean = () => false) {
  const heard: { readonly shard: string; readonly report: Report }[] = [];
  const calls = new Map<string, number>();
  const hear = (shard: string) => async (report: Report) => {
    const message = calls.get(shard) ?? 0;
    calls.set(shard, message + 1);
    if (refuses(shard, message)) throw new Error("away");
    heard.push({ shard, report });
  };
  const desk: Desk = {
    runtime: { leaseCache, flushUntilMs: 0, config: { regions: new Map([["us", { hint: "enam" }]]) } },
    env: { POOL_SHARD: { getByName: (shard: string) => ({ report: hear(shard) }) } },
    ctx: {},
  };
  const settledAt = (shard: string) =>
    heard.filter((one) => one.shard === shard).flatMap(({ report }) => report.settled.map(({ leaseId }) => leaseId));
  const sizes = (shard: string) =>
    heard.filter((one) => one.shard === shard).map(({ report }) => report.settled.length);
  return { desk, heard, calls, settledAt, sizes };
}

/** `count` attempts that have ended, untold. */
function owe(leaseCache: LeaseCache, shard: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const leaseId = `${shard}-${index}`;
    const heldLease = deposit(leaseCache, `${shard}|here`, shard, grantOf(leaseId), 0, Date.now());
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
    const { desk, ...told } = deskOf(leaseCache);
    await flush(desk);
    expect(told.sizes(US)).toEqual(sizes);
    expect(told.settledAt(US)).toEqual(owed);
  });

  test("of all that an outbox holds, for several shards, tells every shard its own", async () => {
    const leaseCache = createLeaseCache("edge");
    const [us, eu] = [owe(leaseCache, US, OUTBOX_MAX), owe(leaseCache, EU, 300)];
    const { desk, settledAt } = deskOf(leaseCache);
    await flush(desk);
    expect([settledAt(US), settledAt(EU)]).toEqual([us, eu]);
  });

  test("confirms every lease that is due, and none twice", async () => {
    const leaseCache = createLeaseCache("edge");
    const held = Array.from({ length: REPORT_MAX + 3 }, (_, index) => `h-${index}`);
    for (const leaseId of held) holdUnconfirmed(leaseCache, `${US}|here`, US, grantOf(leaseId), Date.now());
    const { desk, heard } = deskOf(leaseCache);
    await flush(desk);
    expect(heard.flatMap(({ report }) => report.held.map(({ leaseId }) => leaseId))).toEqual(held);
    await flush(desk);
    expect(heard).toHaveLength(2);
  });

  test("stops at a shard that is away, loses nothing, and tells the others", async () => {
    const leaseCache = createLeaseCache("edge");
    const [us, eu] = [owe(leaseCache, US, 3 * REPORT_MAX), owe(leaseCache, EU, 2)];
    const away = deskOf(leaseCache, (shard, message) => shard === US && message === 1);
    await flush(away.desk);
    expect([away.calls.get(US), away.sizes(US), away.settledAt(EU)]).toEqual([2, [REPORT_MAX], eu]);
    const back = deskOf(leaseCache);
    await flush(back.desk);
    expect([...away.settledAt(US), ...back.settledAt(US)]).toEqual(us);
  });

  test("ends, even if the shard is owed more with every message", async () => {
    const leaseCache = createLeaseCache("edge");
    owe(leaseCache, US, 1);
    const { desk, calls } = deskOf(leaseCache, () => {
      owe(leaseCache, US, 1);
      return false;
    });
    await flush(desk);
    expect(calls.get(US)).toBe(FLUSH_MESSAGES_MAX);
    expect(FLUSH_MESSAGES_MAX * REPORT_MAX).toBe(LEASES_MAX);
  });
});
