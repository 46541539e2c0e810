/** What an isolate knows of requests that end endpoints, and what it tells of them. */
import { expect, test } from "vitest";
import {
  createLeaseCache,
  deposit,
  settleHeldLease,
  takeReport,
} from "../../../../src/routing/core/lease-client/lease-cache.ts";
import { settlementOf } from "../../../../src/routing/core/lease-client/lease-cache-end.ts";
import {
  leaveStep,
  noteHeard,
  POISON_HEARD_MS,
  poisonHeard,
} from "../../../../src/routing/core/lease-client/lease-cache-leave.ts";
import { grantOf } from "../shard/shard-fixture.ts";

const poison = [
  { request: "x", forMs: 1_000 },
  { request: "y", forMs: 0 },
];

test("the last word of any shard of the pool counts, less the time since, and no other pool's", () => {
  const leaseCache = createLeaseCache("i");
  noteHeard(leaseCache, "pool:p:eu", {}, -1);
  noteHeard(leaseCache, "pool:p:us", { poison }, 0);
  noteHeard(leaseCache, "pool:q:us", { poison: [{ request: "z", forMs: 1 }] }, 1);
  expect(poisonHeard(leaseCache, "p", 400)).toEqual([
    { request: "x", forMs: 600 },
    { request: "y", forMs: 0 },
  ]);
  expect(poisonHeard(leaseCache, "p", 1_500)[0]?.forMs).toBe(0);
});

test("what one shard has said is over when another one says that there is none", () => {
  const leaseCache = createLeaseCache("i");
  noteHeard(leaseCache, "pool:p:eu", { poison }, 0);
  noteHeard(leaseCache, "pool:p:us", {}, 1);
  expect(poisonHeard(leaseCache, "p", 2)).toEqual([]);
});

test("an old word counts for POISON_HEARD_MS", () => {
  const leaseCache = createLeaseCache("i");
  noteHeard(leaseCache, "pool:p:us", { poison }, 0);
  expect(poisonHeard(leaseCache, "p", POISON_HEARD_MS - 1)).toHaveLength(2);
  expect(poisonHeard(leaseCache, "p", POISON_HEARD_MS)).toEqual([]);
});

test("asking for news forgets nothing of it", () => {
  const leaseCache = createLeaseCache("i");
  noteHeard(leaseCache, "pool:p:us", { poison }, 0);
  const heldLease = deposit(leaseCache, "pool:p:us|here", "pool:p:us", grantOf("i-1"), 0, 0);
  expect(leaveStep(leaseCache, heldLease, 0, 10_000)).toBe("ask");
  expect(poisonHeard(leaseCache, "p", 10_000)).toHaveLength(2);
});

test.each([undefined, "x"])("a settlement names its request only where it may be such a one: %s", (suspect) => {
  const leaseCache = createLeaseCache("i");
  const heldLease = deposit(leaseCache, "pool:p:us|here", "pool:p:us", grantOf("i-1"), 0, 0);
  if (suspect !== undefined) heldLease.suspect = suspect;
  const end = { outcome: "served", heldMs: 1, ttftMs: null, headersMs: null } as const;
  settleHeldLease(leaseCache, heldLease, settlementOf(heldLease, end));
  expect(takeReport(leaseCache, "pool:p:us", 0).settled[0]?.suspect).toBe(suspect);
});
