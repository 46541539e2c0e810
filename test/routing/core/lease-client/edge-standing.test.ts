/** What the edge tells a shard of how a request stands in line, and what it is told of it. */
import { describe, expect, test } from "vitest";
import { beginLease, onAwaited, onReply } from "../../../../src/routing/core/lease-client/edge-lease.ts";
import type { LeaseRequest } from "../../../../src/routing/core/lease-client/edge-lease.ts";
import {
  createLeaseCache,
  depositCredits,
  settleHeldLease,
  takeReport,
} from "../../../../src/routing/core/lease-client/lease-cache.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import { grantOf, poolSpec, settlement, US } from "../shard/shard-fixture.ts";

const SHARD = "pool:pool:us";
const KEY = `${SHARD}|here`;
const sender = { tenant: "a", session: "s" };
const at = (now: number) => ({ now, rng: seededRng(1) });

const leaseRequest = (changes: Partial<LeaseRequest> = {}): LeaseRequest => ({
  pool: poolSpec(),
  client: US,
  clientKey: "here",
  inputTokens: 0,
  excluded: [],
  explain: false,
  ...changes,
});

function asked(changes: Partial<LeaseRequest>, now = 0) {
  const { step } = beginLease(createLeaseCache("edge"), leaseRequest(changes), now);
  if (step.kind !== "ask") throw new Error(step.kind);
  return step.asking;
}

describe("a shard is asked", () => {
  test("with class and sender; the usual class is not said, so that older shards hear nothing new", () => {
    expect(asked({ priority: "low", sender }).request).toMatchObject({ priority: "low", sender });
    const { request } = asked({ priority: "normal" });
    expect(Object.keys(request).filter((name) => ["priority", "sender", "clientWaitsMs"].includes(name))).toEqual([]);
  });

  test("with how much longer the client waits, where that is less than the pool lets anybody", () => {
    expect(asked({ clientGivesUpAtMs: 9_999 }, 1_000).request.clientWaitsMs).toBe(8_999);
    expect(asked({ clientGivesUpAtMs: 11_000 }, 1_000).request).not.toHaveProperty("clientWaitsMs");
    expect(asked({ clientGivesUpAtMs: 500 }, 1_000).request.clientWaitsMs).toBe(0);
  });
});

describe("a lease that was granted ahead", () => {
  test("is told with whose it is, when it is confirmed and when it ends", () => {
    const leaseCache = createLeaseCache("edge");
    depositCredits(leaseCache, { key: KEY, shard: SHARD }, grantOf("i-1"), ["i-1.1"], {
      askedAtMs: 0,
      now: 0,
      firstAt: 1,
    });
    const { step } = beginLease(leaseCache, leaseRequest({ sender, priority: "low" }), 10);
    if (step.kind !== "leased") throw new Error(step.kind);
    const of = { sender, priority: "low" };
    expect(takeReport(leaseCache, SHARD, 400).held).toMatchObject([{ leaseId: "i-1.1", of }]);
    settleHeldLease(leaseCache, step.heldLease, settlement({ leaseId: "i-1.1" }));
    expect(takeReport(leaseCache, SHARD, 500).settled).toMatchObject([{ leaseId: "i-1.1", of }]);
  });

  test("and one that a shard granted for its request is not: the shard knows", () => {
    const leaseCache = createLeaseCache("edge");
    const request = leaseRequest({ sender });
    const { step } = beginLease(leaseCache, request, 0);
    if (step.kind !== "ask") throw new Error(step.kind);
    const reply = {
      outcome: { kind: "granted", grant: grantOf(step.asking.request.leaseId) },
      tight: false,
      snapshot: null,
      candidates: null,
    } as const;
    const next = onReply(leaseCache, request, step.asking, reply, at(5));
    if (next.kind !== "leased") throw new Error(next.kind);
    settleHeldLease(leaseCache, next.heldLease, settlement({ leaseId: next.heldLease.leaseId }));
    expect(takeReport(leaseCache, SHARD, 10).settled[0]).not.toHaveProperty("of");
  });
});

test("an explained request that was held knows where it stood, and for how long", () => {
  const leaseCache = createLeaseCache("edge");
  const request = leaseRequest({ explain: true });
  const asking = asked({ explain: true });
  const { leaseId } = asking.request;
  const line = { priority: "normal", waiting: { high: 1, normal: 2, low: 0 }, ahead: 1, waitMs: 700 } as const;
  const outcome = { kind: "queued", leaseId, etaMs: 700 } as const;
  const reply = { outcome, tight: true, snapshot: null, candidates: [], line };
  const held = onReply(leaseCache, request, asking, reply, at(10));
  if (held.kind !== "await") throw new Error(held.kind);
  const granted = onAwaited(leaseCache, request, held.asking, { kind: "granted", grant: grantOf(leaseId) }, at(810));
  expect(granted).toMatchObject({ kind: "leased", line: { ...line, waitedMs: 810 } });
});
