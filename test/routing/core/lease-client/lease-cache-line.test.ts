/** What an isolate tells of the prompts under its leases. */
import { describe, expect, test } from "vitest";
import {
  createLeaseCache,
  deposit,
  depositCredits,
  holdUnconfirmed,
  restoreReport,
  settleHeldLease,
  shardsOwed,
  spendCredit,
  takeReport,
} from "../../../../src/routing/core/lease-client/lease-cache.ts";
import {
  BEGUN_MAX,
  BEGUN_REPORT_MAX,
  noteBegun,
  noteSent,
} from "../../../../src/routing/core/lease-client/lease-cache-line.ts";
import { grantOf, settlement } from "../shard/shard-fixture.ts";

const KEY = "pool:pool:us|here";
const SHARD = "pool:pool:us";
const told = { work: 700, netMs: 40, begunWithinMs: 200 };

function held(changes: Parameters<typeof grantOf>[1] = told) {
  const leaseCache = createLeaseCache("i");
  return { leaseCache, heldLease: deposit(leaseCache, KEY, SHARD, grantOf("i-1", changes), 0, 0, 1_000) };
}

describe("a first token", () => {
  test("may wait as long as the shard says, and is told with its age and its way", () => {
    const { leaseCache, heldLease } = held();
    expect(noteBegun(leaseCache, heldLease, 100)).toBe(200);
    expect(shardsOwed(leaseCache, 100)).toEqual([SHARD]);
    expect(takeReport(leaseCache, SHARD, 130)).toEqual({
      settled: [],
      held: [],
      begun: [{ leaseId: "i-1", endpointId: "e1", agoMs: 30, backMs: 20 }],
    });
    expect(takeReport(leaseCache, SHARD, 130).begun, "once").toBeUndefined();
    expect(noteBegun(leaseCache, heldLease, 140)).toBeNull();
  });

  test("is told to nobody who did not ask for it, as an older shard", () => {
    const { leaseCache, heldLease } = held({});
    expect(noteBegun(leaseCache, heldLease, 100)).toBeNull();
    expect(shardsOwed(leaseCache, 100)).toEqual([]);
  });

  test("of a lease that has ended is no news", () => {
    const { leaseCache, heldLease } = held();
    settleHeldLease(leaseCache, heldLease, settlement({ leaseId: "i-1" }));
    expect(noteBegun(leaseCache, heldLease, 100)).toBeNull();
  });

  test("whose message was lost is told again, with its true age", () => {
    const { leaseCache, heldLease } = held();
    noteBegun(leaseCache, heldLease, 100);
    restoreReport(leaseCache, SHARD, takeReport(leaseCache, SHARD, 110));
    expect(takeReport(leaseCache, SHARD, 400).begun).toMatchObject([{ leaseId: "i-1", agoMs: 300 }]);
  });

  test("whose message was lost is not told again after its lease's end, which says as much", () => {
    const { leaseCache, heldLease } = held();
    noteBegun(leaseCache, heldLease, 100);
    const lost = takeReport(leaseCache, SHARD, 110);
    settleHeldLease(leaseCache, heldLease, settlement({ leaseId: "i-1" }));
    restoreReport(leaseCache, SHARD, lost);
    expect(takeReport(leaseCache, SHARD, 400).begun).toBeUndefined();
  });

  test("waits beside BEGUN_MAX others at most, and goes with BEGUN_REPORT_MAX in a message", () => {
    const leaseCache = createLeaseCache("i");
    for (let index = 0; index <= BEGUN_MAX; index++) {
      const heldLease = deposit(leaseCache, KEY, SHARD, grantOf(`i-${index}`, told), 0, 0, 1_000);
      noteBegun(leaseCache, heldLease, index);
    }
    expect(leaseCache.begun.get(SHARD)).toHaveLength(BEGUN_MAX);
    const { begun } = takeReport(leaseCache, SHARD, BEGUN_MAX);
    expect(begun).toHaveLength(BEGUN_REPORT_MAX);
    expect(begun?.[0]?.leaseId, "the oldest made room").toBe("i-1");
  });
});

describe("a confirmation", () => {
  test("says what runs under a lease that its shard has not given, and since when", () => {
    const leaseCache = createLeaseCache("i");
    const heldLease = holdUnconfirmed(leaseCache, KEY, SHARD, grantOf("i-1", told), 0, 1_000);
    const first = takeReport(leaseCache, SHARD, 0).held[0];
    expect(first, "it will be there after half the trip").toMatchObject({
      prompt: 1_000,
      work: 700,
      begun: false,
      sinceMs: -20,
      backMs: 20,
    });
    noteSent(heldLease, 10);
    noteBegun(leaseCache, heldLease, 300);
    expect(takeReport(leaseCache, SHARD, heldLease.confirmDueMs).held[0]).toMatchObject({ begun: true });
  });

  test("of a credit says it too; its first token is news only after that", () => {
    const spend = () => {
      const leaseCache = createLeaseCache("i");
      const at = { askedAtMs: 0, now: 0, firstAt: 0 };
      depositCredits(leaseCache, { key: KEY, shard: SHARD }, grantOf("j-1", told), ["j-1.1"], at);
      const heldLease = spendCredit(leaseCache, KEY, SHARD, 1, 400);
      if (heldLease === null) throw new Error("a credit was there");
      return { leaseCache, heldLease };
    };
    const quick = spend();
    expect(noteBegun(quick.leaseCache, quick.heldLease, 50)).toBeNull();
    const slow = spend();
    const { held: confirmed } = takeReport(slow.leaseCache, SHARD, slow.heldLease.confirmDueMs);
    expect(confirmed).toMatchObject([{ prompt: 400, work: 400, begun: false }]);
    expect(noteBegun(slow.leaseCache, slow.heldLease, 900)).toBe(200);
  });

  test("of a request without a prompt says nothing of one", () => {
    const leaseCache = createLeaseCache("i");
    holdUnconfirmed(leaseCache, KEY, SHARD, grantOf("i-1"), 0);
    expect(takeReport(leaseCache, SHARD, 0).held[0]).not.toHaveProperty("prompt");
  });
});
