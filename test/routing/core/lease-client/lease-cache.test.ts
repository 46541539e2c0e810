import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { heldLocally } from "../../../../src/routing/core/lease-client/lease-cache-local.ts";
import { CREDIT_LIFE_MS } from "../../../../src/routing/core/shard/credits.ts";
import {
  REPORT_MAX,
  claimRefill,
  CONFIRM_CREDIT_MS,
  CONFIRM_SHARE,
  countRequest,
  confirmEveryMs,
  createLeaseCache,
  deposit,
  depositCredits,
  endRefill,
  holdUnconfirmed,
  KEYS_MAX,
  noteTight,
  ORPHAN_CONFIRMS,
  ORPHAN_MS_MIN,
  OUTBOX_MAX,
  recentPerSecond,
  REFILL_MS,
  REFILL_SHARE,
  restoreReport,
  returnUnused,
  RIDE_MS,
  rideMs,
  settleHeldLease,
  shardsOwed,
  spendCredit,
  takeReport,
  touch,
} from "../../../../src/routing/core/lease-client/lease-cache.ts";
import type { LeaseCache } from "../../../../src/routing/core/lease-client/lease-cache.ts";
import { LOCAL_EPOCH } from "../../../../src/routing/core/shard-messages.ts";
import type { Report } from "../../../../src/routing/core/shard-messages.ts";
import { grantOf, settlement } from "../shard/shard-fixture.ts";

const SHARD = "pool:p:us";
const KEY = `${SHARD}|here`;
const TTL_MS = 30_000;
const CONFIRM_MS = TTL_MS * CONFIRM_SHARE;

/** A lease cache with the grant `i-1` and `credits` of it, asked for at 0. */
function withCredits(credits: number, changes = {}): LeaseCache {
  const leaseCache = createLeaseCache("edge");
  deposit(leaseCache, KEY, SHARD, grantOf("i-1", { credits, ...changes }), 0, 0);
  return leaseCache;
}

const settledIds = (report: Report): string[] => report.settled.map(({ leaseId }) => leaseId);
const heldIds = (report: Report): string[] => report.held.map(({ leaseId }) => leaseId);

describe("credits", () => {
  test("are spent one by one, each once, and held from then on", () => {
    const leaseCache = withCredits(2);
    const spent = [1, 2, 3].map((now) => spendCredit(leaseCache, KEY, SHARD, now)?.leaseId ?? null);
    expect(spent).toEqual(["i-1.1", "i-1.2", null]);
    expect([...leaseCache.heldLeases.keys()]).toEqual(["i-1", "i-1.1", "i-1.2"]);
  });

  test("belong to the place and shard they were asked for", () => {
    const leaseCache = withCredits(2);
    expect(spendCredit(leaseCache, `${SHARD}|elsewhere`, SHARD, 1)).toBeNull();
  });

  test.each([
    { name: "the shard's", creditLifeMs: 100, lifeMs: 100 },
    { name: "ours where the shard's is longer", creditLifeMs: 60_000, lifeMs: CREDIT_LIFE_MS },
  ])("live as long as $name, counted from the question", ({ creditLifeMs, lifeMs }) => {
    const spendAt = (now: number) => spendCredit(withCredits(1, { creditLifeMs }), KEY, SHARD, now)?.leaseId ?? null;
    expect([spendAt(lifeMs - 1), spendAt(lifeMs)]).toEqual(["i-1.1", null]);
  });

  test("that have expired go home unused, each once", () => {
    const leaseCache = withCredits(3);
    expect(spendCredit(leaseCache, KEY, SHARD, CREDIT_LIFE_MS)).toBeNull();
    const { settled } = takeReport(leaseCache, SHARD, CREDIT_LIFE_MS);
    expect(settled.map(({ leaseId, outcome }) => [leaseId, outcome])).toEqual([
      ["i-1.1", "unused"],
      ["i-1.2", "unused"],
      ["i-1.3", "unused"],
    ]);
    expect(spendCredit(leaseCache, KEY, SHARD, CREDIT_LIFE_MS)).toBeNull();
    expect(takeReport(leaseCache, SHARD, CREDIT_LIFE_MS).settled).toEqual([]);
  });

  test("are spent oldest first: the next to go home goes last", () => {
    const leaseCache = withCredits(1);
    deposit(leaseCache, KEY, SHARD, grantOf("i-2", { credits: 1 }), 100, 100);
    const spent = [200, 201].map((now) => spendCredit(leaseCache, KEY, SHARD, now)?.leaseId);
    expect(spent).toEqual(["i-1.1", "i-2.1"]);
  });

  test("that came too late to be spent go home at once", () => {
    const leaseCache = createLeaseCache("edge");
    deposit(leaseCache, KEY, SHARD, grantOf("i-1", { credits: 2 }), 0, CREDIT_LIFE_MS);
    expect(shardsOwed(leaseCache, CREDIT_LIFE_MS)).toEqual([SHARD]);
    expect(settledIds(takeReport(leaseCache, SHARD, CREDIT_LIFE_MS)).toSorted()).toEqual(["i-1.1", "i-1.2"]);
    expect(leaseCache.heldLeases.has("i-1")).toBe(true);
  });
});

describe("a refill", () => {
  const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `r.${i}`);

  test("is asked for by one request at a time, and by another when it does not come back", () => {
    const leaseCache = createLeaseCache("edge");
    expect([0, 0, REFILL_MS - 1, REFILL_MS].map((now) => claimRefill(leaseCache, KEY, now))).toEqual([
      true,
      false,
      false,
      true,
    ]);
    expect(claimRefill(leaseCache, "another key", 0)).toBe(true);
  });

  test("is asked for when REFILL_SHARE of the last is left, and not before", () => {
    const leaseCache = createLeaseCache("edge");
    const at = { key: KEY, shard: SHARD };
    depositCredits(leaseCache, at, grantOf("r"), ids(10), { askedAtMs: 0, now: 0, firstAt: 0 });
    endRefill(leaseCache, KEY, 10);
    for (let left = 10; left > REFILL_SHARE * 10; left--) {
      expect(claimRefill(leaseCache, KEY, 0), `with ${left} left`).toBe(false);
      spendCredit(leaseCache, KEY, SHARD, 0);
    }
    expect(claimRefill(leaseCache, KEY, 0)).toBe(true);
  });

  test("that brought nothing is not repeated before REFILL_MS", () => {
    const leaseCache = createLeaseCache("edge");
    claimRefill(leaseCache, KEY, 0);
    endRefill(leaseCache, KEY, 0);
    expect([claimRefill(leaseCache, KEY, REFILL_MS - 1), claimRefill(leaseCache, KEY, REFILL_MS)]).toEqual([
      false,
      true,
    ]);
  });
});

describe("a held lease", () => {
  test("is settled once: the second call sends nothing", () => {
    const leaseCache = withCredits(0);
    const [heldLease] = leaseCache.heldLeases.values();
    if (heldLease === undefined) throw new Error("the grant is held");
    expect(settleHeldLease(leaseCache, heldLease, settlement())).toBe(true);
    expect(settleHeldLease(leaseCache, heldLease, settlement())).toBe(false);
    expect(settledIds(takeReport(leaseCache, SHARD, 1))).toEqual(["i-1"]);
  });

  test.each([
    { name: "of a grant after a third of its life", at: CONFIRM_MS, hold: () => withCredits(0) },
    {
      name: "of a spent credit soon after",
      at: 10 + CONFIRM_CREDIT_MS,
      hold: () => {
        const leaseCache = withCredits(1);
        spendCredit(leaseCache, KEY, SHARD, 10);
        return leaseCache;
      },
    },
    {
      name: "that the shard may not know of at once",
      at: 0,
      hold: () => {
        const leaseCache = createLeaseCache("edge");
        holdUnconfirmed(leaseCache, KEY, SHARD, grantOf("i-9"), 0);
        return leaseCache;
      },
    },
  ])("$name is confirmed, and not a millisecond before", ({ at, hold }) => {
    const leaseCache = hold();
    expect(takeReport(leaseCache, SHARD, at - 1).held).toEqual([]);
    expect(shardsOwed(leaseCache, at - 1)).toEqual([]);
    expect(shardsOwed(leaseCache, at)).toEqual([SHARD]);
    expect(takeReport(leaseCache, SHARD, at).held).toHaveLength(1);
    expect(takeReport(leaseCache, SHARD, at).held).toEqual([]);
    expect(takeReport(leaseCache, SHARD, at + CONFIRM_MS).held).not.toEqual([]);
  });

  test("is confirmed to its own shard only, with what is left of its life", () => {
    const leaseCache = withCredits(0);
    holdUnconfirmed(leaseCache, KEY, "other", grantOf("j-1"), 0);
    expect(takeReport(leaseCache, "other", CONFIRM_MS).held).toEqual([
      { leaseId: "j-1", endpointId: "e1", epoch: 1, capLeftMs: 300_000 - CONFIRM_MS, workerId: null },
    ]);
    expect(heldIds(takeReport(leaseCache, SHARD, CONFIRM_MS))).toEqual(["i-1"]);
  });

  test("that was given by the edge itself is counted at its endpoint", () => {
    const leaseCache = withCredits(1);
    holdUnconfirmed(leaseCache, KEY, SHARD, grantOf("j-1", { epoch: LOCAL_EPOCH }), 0);
    holdUnconfirmed(leaseCache, KEY, SHARD, grantOf("j-2", { epoch: LOCAL_EPOCH, endpointId: "e2" }), 0);
    expect([heldLocally(leaseCache, "e1"), heldLocally(leaseCache, "e2")]).toEqual([1, 1]);
  });
});

describe("what a message carries", () => {
  test("is REPORT_MAX of each at most; the rest goes with the next", () => {
    const leaseCache = createLeaseCache("edge");
    for (let i = 0; i <= REPORT_MAX; i++) {
      returnUnused(leaseCache, SHARD, `s-${i}`, grantOf(`s-${i}`));
      holdUnconfirmed(leaseCache, KEY, SHARD, grantOf(`h-${i}`), 0);
    }
    const first = takeReport(leaseCache, SHARD, 0);
    expect([first.settled.length, first.held.length]).toEqual([REPORT_MAX, REPORT_MAX]);
    expect(shardsOwed(leaseCache, 0)).toEqual([SHARD]);
    const second = takeReport(leaseCache, SHARD, 0);
    expect([settledIds(second), heldIds(second)]).toEqual([[`s-${REPORT_MAX}`], [`h-${REPORT_MAX}`]]);
    expect(shardsOwed(leaseCache, 0)).toEqual([]);
  });

  test("comes back in order when the call failed, ahead of what was added since", () => {
    const leaseCache = createLeaseCache("edge");
    for (const leaseId of ["a", "b"]) returnUnused(leaseCache, SHARD, leaseId, grantOf(leaseId));
    const report = takeReport(leaseCache, SHARD, 0);
    returnUnused(leaseCache, SHARD, "c", grantOf("c"));
    restoreReport(leaseCache, SHARD, report);
    expect(settledIds(takeReport(leaseCache, SHARD, 0))).toEqual(["a", "b", "c"]);
  });

  test("is due again at once when the call failed, unless its held lease has ended", () => {
    const leaseCache = createLeaseCache("edge");
    const ended = holdUnconfirmed(leaseCache, KEY, SHARD, grantOf("ended"), 0);
    holdUnconfirmed(leaseCache, KEY, SHARD, grantOf("held"), 0);
    const report = takeReport(leaseCache, SHARD, 0);
    settleHeldLease(leaseCache, ended, settlement({ leaseId: "ended" }));
    restoreReport(leaseCache, SHARD, report);
    const again = takeReport(leaseCache, SHARD, 0);
    expect([settledIds(again), heldIds(again)]).toEqual([["ended"], ["held"]]);
  });

  test.each([OUTBOX_MAX, OUTBOX_MAX + 1])("waits in a bounded outbox: the oldest of %i goes first", (count) => {
    const leaseCache = createLeaseCache("edge");
    for (let i = 0; i < count; i++) returnUnused(leaseCache, SHARD, `s-${i}`, grantOf(`s-${i}`));
    expect(leaseCache.outboxes.get(SHARD)?.length).toBe(OUTBOX_MAX);
    expect(settledIds(takeReport(leaseCache, SHARD, 0))[0]).toBe(`s-${count - OUTBOX_MAX}`);
  });

  test("fits the outbox also when it comes back to a full one", () => {
    const leaseCache = createLeaseCache("edge");
    const add = (from: number) => {
      for (let i = from; i < from + OUTBOX_MAX; i++) returnUnused(leaseCache, SHARD, `s-${i}`, grantOf(`s-${i}`));
    };
    add(0);
    const report = takeReport(leaseCache, SHARD, 0);
    add(OUTBOX_MAX);
    restoreReport(leaseCache, SHARD, report);
    expect(leaseCache.outboxes.get(SHARD)?.length).toBe(OUTBOX_MAX);
  });
});

describe("the request rate", () => {
  test("reaches the true rate and fades in silence", () => {
    const leaseCache = createLeaseCache("edge");
    for (let now = 0; now < 5_000; now += 20) countRequest(leaseCache, KEY, now);
    const reached = recentPerSecond(leaseCache, KEY, 5_000);
    expect(reached).toBeGreaterThan(45);
    expect(reached).toBeLessThan(55);
    expect(recentPerSecond(leaseCache, KEY, 10_000)).toBeLessThan(0.01);
    expect(recentPerSecond(leaseCache, "unknown", 0)).toBe(0);
  });

  test("is remembered for KEYS_MAX places", () => {
    const leaseCache = createLeaseCache("edge");
    for (let i = 0; i <= KEYS_MAX; i++) {
      countRequest(leaseCache, `key ${i}`, 0);
      claimRefill(leaseCache, `key ${i}`, 0);
      deposit(leaseCache, `key ${i}`, SHARD, grantOf(`i-${i}`, { credits: 1 }), 0, 0);
    }
    const { rates, refills, credits } = leaseCache;
    for (const { size } of [rates, refills, credits]) expect(size).toBe(KEYS_MAX);
    expect([rates.has("key 0"), rates.has("key 1")]).toEqual([false, true]);
  });

  test.each([
    { name: "rides while the next acquire is likely", requests: 60, tight: false, is: RIDE_MS },
    { name: "does not ride with little traffic", requests: 1, tight: false, is: 0 },
    { name: "does not ride near saturation", requests: 60, tight: true, is: 0 },
  ])("a settlement $name", ({ requests, tight, is }) => {
    const leaseCache = createLeaseCache("edge");
    const heldLease = deposit(leaseCache, KEY, SHARD, grantOf("i-1"), 0, 0);
    for (let i = 0; i < requests; i++) countRequest(leaseCache, KEY, 0);
    noteTight(leaseCache, SHARD, tight);
    expect(rideMs(leaseCache, heldLease, 0)).toBe(is);
    noteTight(leaseCache, SHARD, false);
    expect(rideMs(leaseCache, heldLease, 0)).toBe(requests > 1 ? RIDE_MS : 0);
  });
});

type Step = { readonly kind: "deposit" | "spend" | "settle" | "send" | "fail" | "pass"; readonly n: number };

const step = fc.record({
  kind: fc.constantFrom("deposit", "spend", "settle", "send", "fail", "pass" as const),
  n: fc.nat(300),
}) as fc.Arbitrary<Step>;

test("every lease that reached the isolate is told of exactly once, whatever fails on the way", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const leaseCache = createLeaseCache("edge");
      const received: string[] = [];
      const told: string[] = [];
      let now = 0;
      const settleOne = (n: number) => {
        const heldLease = [...leaseCache.heldLeases.values()][n % Math.max(1, leaseCache.heldLeases.size)];
        if (heldLease !== undefined) settleHeldLease(leaseCache, heldLease, settlement({ leaseId: heldLease.leaseId }));
      };
      for (const [i, { kind, n }] of steps.entries()) {
        if (kind === "pass") now += n;
        if (kind === "spend") spendCredit(leaseCache, KEY, SHARD, now);
        if (kind === "settle") settleOne(n);
        if (kind === "send") told.push(...settledIds(takeReport(leaseCache, SHARD, now)));
        if (kind === "fail") restoreReport(leaseCache, SHARD, takeReport(leaseCache, SHARD, now));
        if (kind === "deposit") {
          const credits = n % 5;
          received.push(`i-${i}`, ...Array.from({ length: credits }, (_, c) => `i-${i}.${c + 1}`));
          deposit(leaseCache, KEY, SHARD, grantOf(`i-${i}`, { credits }), now - n, now);
        }
      }
      while (leaseCache.heldLeases.size > 0) settleOne(0);
      spendCredit(leaseCache, KEY, SHARD, now + 1e6);
      told.push(...settledIds(takeReport(leaseCache, SHARD, now)), ...settledIds(takeReport(leaseCache, SHARD, now)));
      expect(told.toSorted()).toEqual(received.toSorted());
    }),
  );
});

describe("a held lease whose request fell silent", () => {
  const ORPHAN_MS = ORPHAN_CONFIRMS * confirmEveryMs(grantOf("a"));

  test("is confirmed for a while, and then dropped, so that its lease expires", () => {
    const leaseCache = createLeaseCache("edge");
    holdUnconfirmed(leaseCache, KEY, SHARD, grantOf("a"), 0);
    expect(ORPHAN_MS).toBeGreaterThan(ORPHAN_MS_MIN);
    expect(heldIds(takeReport(leaseCache, SHARD, ORPHAN_MS))).toEqual(["a"]);
    expect(heldIds(takeReport(leaseCache, SHARD, 2 * ORPHAN_MS))).toEqual([]);
    expect(leaseCache.heldLeases.size).toBe(0);
  });

  test("is not dropped while the request says that it lives", () => {
    const leaseCache = createLeaseCache("edge");
    const heldLease = holdUnconfirmed(leaseCache, KEY, SHARD, grantOf("a"), 0);
    touch(heldLease, ORPHAN_MS);
    expect(heldIds(takeReport(leaseCache, SHARD, 2 * ORPHAN_MS))).toEqual(["a"]);
  });
});
