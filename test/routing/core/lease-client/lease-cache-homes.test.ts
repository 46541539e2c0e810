import { describe, expect, test } from "vitest";
import type { AffinityKey } from "../../../../src/routing/core/shard/affinity.ts";
import { beginLease } from "../../../../src/routing/core/lease-client/edge-lease.ts";
import { ASK_TOKENS } from "../../../../src/routing/core/lease-client/lease-cache-line.ts";
import type { LeaseRequest } from "../../../../src/routing/core/lease-client/edge-lease.ts";
import {
  createLeaseCache,
  depositCredits,
  settleHeldLease,
  takeReport,
} from "../../../../src/routing/core/lease-client/lease-cache.ts";
import type { LeaseCache } from "../../../../src/routing/core/lease-client/lease-cache.ts";
import { homeMatch, HOMES_MAX, noteHome } from "../../../../src/routing/core/lease-client/lease-cache-homes.ts";
import type { Homes } from "../../../../src/routing/core/lease-client/lease-cache-homes.ts";
import { noteAnswering } from "../../../../src/routing/core/lease-client/lease-cache-worker.ts";
import { grantOf, poolSpec, settlement, US } from "../shard/shard-fixture.ts";

const SESSION: AffinityKey = { key: "s", tokens: 4_000, kind: "session" };
const PREFIX: AffinityKey = { key: "p", tokens: 256, kind: "prefix" };
const AT = { key: "pool:pool:us|here", shard: "pool:pool:us" };

/** A lease cache with one credit for `e1` and then one for `e2`. */
function withCredits(): LeaseCache {
  const leaseCache = createLeaseCache("i");
  for (const endpointId of ["e1", "e2"]) {
    const grant = grantOf(`j-${endpointId}`, { endpointId });
    depositCredits(leaseCache, AT, grant, [`${grant.leaseId}.1`], { askedAtMs: 0, now: 0, firstAt: 0 });
  }
  return leaseCache;
}

const leaseRequest = (affinityKey: AffinityKey | null): LeaseRequest => ({
  pool: poolSpec(),
  client: US,
  clientKey: "here",
  inputTokens: affinityKey === null ? 100 : 4_000,
  affinityKey,
  excluded: [],
  explain: false,
});

describe("a credit", () => {
  test.each([
    { name: "a prompt below ASK_TOKENS", inputTokens: ASK_TOKENS - 1, is: "e1" },
    { name: "no longer one", inputTokens: ASK_TOKENS, is: "ask" },
  ])("is spent by $name", ({ inputTokens, is }) => {
    const { step } = beginLease(withCredits(), { ...leaseRequest(null), inputTokens }, 10);
    expect(step.kind === "leased" ? step.heldLease.grant.endpointId : step.kind).toBe(is);
  });

  test("that is past its life goes home with the next acquire", () => {
    const late = withCredits();
    beginLease(late, leaseRequest(null), 1_000);
    const { settled } = takeReport(late, AT.shard, 1_000);
    expect(settled, "told with the acquire").toEqual([]);
    expect(late.credits.get(AT.key)).toEqual([]);
  });
});

describe("an acquire", () => {
  test("carries the key; a refill does not", () => {
    const leaseCache = createLeaseCache("i");
    expect(beginLease(leaseCache, leaseRequest(SESSION), 0).step).toMatchObject({
      asking: { request: { affinity: SESSION } },
    });
    const rich = withCredits();
    beginLease(rich, leaseRequest(null), 10);
    const { refill } = beginLease(rich, leaseRequest(null), 10);
    expect(refill?.request).toMatchObject({ ahead: true, affinity: null });
  });
});

describe("a home", () => {
  const homes = (): Homes => new Map();

  test("is where the key was answered last", () => {
    const known = homes();
    noteHome(known, settlement({ affinity: SESSION, endpointId: "e1" }));
    noteHome(known, settlement({ affinity: SESSION, endpointId: "e2", outcome: "cancelled" }));
    expect(homeMatch(known, SESSION)).toEqual({ heat: 1, tokensByEndpoint: new Map([["e2", 4_000]]) });
  });

  test.each([
    { outcome: "failed", endpointId: "e1", left: false },
    { outcome: "cut", endpointId: "e1", left: false },
    { outcome: "capacity", endpointId: "e1", left: false },
    { outcome: "failed", endpointId: "e2", left: true },
    { outcome: "unused", endpointId: "e1", left: true },
  ] as const)("after an attempt that was $outcome at $endpointId is known: $left", ({ outcome, endpointId, left }) => {
    const known = homes();
    noteHome(known, settlement({ affinity: SESSION, endpointId: "e1" }));
    noteHome(known, settlement({ affinity: SESSION, endpointId, outcome }));
    expect(known.has("s")).toBe(left);
  });

  test("is nothing for a request without a key", () => {
    const known = homes();
    noteHome(known, settlement());
    expect([known.size, homeMatch(known, null), homeMatch(known, undefined)]).toEqual([0, null, null]);
  });

  test("makes room for one more than HOMES_MAX, the one used least recently", () => {
    const known = homes();
    const note = (key: string) => noteHome(known, settlement({ affinity: { ...SESSION, key } }));
    for (let index = 0; index < HOMES_MAX; index++) note(`k${index}`);
    note("k0");
    note("new");
    expect(known.size).toBe(HOMES_MAX);
    expect(["k0", "k1", "new"].map((key) => known.has(key))).toEqual([true, false, true]);
  });

  test("is remembered when a held lease is settled", () => {
    const leaseCache = withCredits();
    const { step } = beginLease(leaseCache, leaseRequest(null), 10);
    if (step.kind !== "leased") throw new Error("a credit was there");
    settleHeldLease(leaseCache, step.heldLease, settlement({ leaseId: step.heldLease.leaseId, affinity: PREFIX }));
    expect(leaseCache.homes.get("p")?.endpointId).toBe("e1");
  });
});

describe("the GPU worker that answers", () => {
  const heldLeaseOf = (leaseCache: LeaseCache) => {
    const { step } = beginLease(leaseCache, leaseRequest(null), 10);
    if (step.kind !== "leased") throw new Error("a credit was there");
    return step.heldLease;
  };

  test("is told to the shard with the next confirmation", () => {
    const leaseCache = withCredits();
    const heldLease = heldLeaseOf(leaseCache);
    noteAnswering(leaseCache, heldLease, "w-1.a_B", 20);
    expect(heldLease.workerId).toBe("w-1.a_B");
    expect(takeReport(leaseCache, AT.shard, heldLease.confirmDueMs).held).toMatchObject([{ workerId: "w-1.a_B" }]);
  });

  test.each([null, "", "a b", "a\r\nb", "x".repeat(65)])("is not known when the answer says %j", (told) => {
    const leaseCache = withCredits();
    const heldLease = heldLeaseOf(leaseCache);
    noteAnswering(leaseCache, heldLease, told, 20);
    expect(heldLease.workerId).toBeNull();
  });
});
