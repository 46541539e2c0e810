import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CREDIT_LIFE_MS } from "../../../../src/routing/core/shard/credits.ts";
import {
  CARRY_MAX,
  claimRefill,
  CONFIRM_CREDIT_MS,
  CONFIRM_SHARE,
  countRequest,
  confirmEveryMs,
  createWallet,
  deposit,
  depositCredits,
  endRefill,
  heldLocally,
  holdUnconfirmed,
  KEYS_MAX,
  noteTight,
  ORPHAN_CONFIRMS,
  ORPHAN_MS_MIN,
  OUTBOX_MAX,
  recentPerSecond,
  REFILL_MS,
  REFILL_SHARE,
  restoreCarry,
  returnUnused,
  RIDE_MS,
  rideMs,
  settleHolding,
  shardsOwed,
  spendCredit,
  takeCarry,
  touch,
} from "../../../../src/routing/core/lease-client/wallet.ts";
import type { Wallet } from "../../../../src/routing/core/lease-client/wallet.ts";
import { LOCAL_EPOCH } from "../../../../src/routing/core/shard-messages.ts";
import type { Carry } from "../../../../src/routing/core/shard-messages.ts";
import { grantOf, settlement } from "../shard/shard-fixture.ts";

const SHARD = "pool:p:us";
const KEY = `${SHARD}|here`;
const TTL_MS = 30_000;
const CONFIRM_MS = TTL_MS * CONFIRM_SHARE;

/** A wallet with the grant `i-1` and `credits` of it, asked for at 0. */
function withCredits(credits: number, changes = {}): Wallet {
  const wallet = createWallet("edge");
  deposit(wallet, KEY, SHARD, grantOf("i-1", { credits, ...changes }), 0, 0);
  return wallet;
}

const settledIds = (carry: Carry): string[] => carry.settled.map(({ leaseId }) => leaseId);
const heldIds = (carry: Carry): string[] => carry.held.map(({ leaseId }) => leaseId);

describe("credits", () => {
  test("are spent one by one, each once, and held from then on", () => {
    const wallet = withCredits(2);
    const spent = [1, 2, 3].map((now) => spendCredit(wallet, KEY, SHARD, now)?.leaseId ?? null);
    expect(spent).toEqual(["i-1.1", "i-1.2", null]);
    expect([...wallet.holdings.keys()]).toEqual(["i-1", "i-1.1", "i-1.2"]);
  });

  test("belong to the place and shard they were asked for", () => {
    const wallet = withCredits(2);
    expect(spendCredit(wallet, `${SHARD}|elsewhere`, SHARD, 1)).toBeNull();
  });

  test.each([
    { name: "the shard's", creditLifeMs: 100, lifeMs: 100 },
    { name: "ours where the shard's is longer", creditLifeMs: 60_000, lifeMs: CREDIT_LIFE_MS },
  ])("live as long as $name, counted from the question", ({ creditLifeMs, lifeMs }) => {
    const spendAt = (now: number) => spendCredit(withCredits(1, { creditLifeMs }), KEY, SHARD, now)?.leaseId ?? null;
    expect([spendAt(lifeMs - 1), spendAt(lifeMs)]).toEqual(["i-1.1", null]);
  });

  test("that have expired go home unused, each once", () => {
    const wallet = withCredits(3);
    expect(spendCredit(wallet, KEY, SHARD, CREDIT_LIFE_MS)).toBeNull();
    const { settled } = takeCarry(wallet, SHARD, CREDIT_LIFE_MS);
    expect(settled.map(({ leaseId, outcome }) => [leaseId, outcome])).toEqual([
      ["i-1.1", "unused"],
      ["i-1.2", "unused"],
      ["i-1.3", "unused"],
    ]);
    expect(spendCredit(wallet, KEY, SHARD, CREDIT_LIFE_MS)).toBeNull();
    expect(takeCarry(wallet, SHARD, CREDIT_LIFE_MS).settled).toEqual([]);
  });

  test("are spent oldest first: the next to go home goes last", () => {
    const wallet = withCredits(1);
    deposit(wallet, KEY, SHARD, grantOf("i-2", { credits: 1 }), 100, 100);
    const spent = [200, 201].map((now) => spendCredit(wallet, KEY, SHARD, now)?.leaseId);
    expect(spent).toEqual(["i-1.1", "i-2.1"]);
  });

  test("that came too late to be spent go home at once", () => {
    const wallet = createWallet("edge");
    deposit(wallet, KEY, SHARD, grantOf("i-1", { credits: 2 }), 0, CREDIT_LIFE_MS);
    expect(shardsOwed(wallet, CREDIT_LIFE_MS)).toEqual([SHARD]);
    expect(settledIds(takeCarry(wallet, SHARD, CREDIT_LIFE_MS)).toSorted()).toEqual(["i-1.1", "i-1.2"]);
    expect(wallet.holdings.has("i-1")).toBe(true);
  });
});

describe("a refill", () => {
  const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `r.${i}`);

  test("is asked for by one request at a time, and by another when it does not come back", () => {
    const wallet = createWallet("edge");
    expect([0, 0, REFILL_MS - 1, REFILL_MS].map((now) => claimRefill(wallet, KEY, now))).toEqual([
      true,
      false,
      false,
      true,
    ]);
    expect(claimRefill(wallet, "another key", 0)).toBe(true);
  });

  test("is asked for when REFILL_SHARE of the last is left, and not before", () => {
    const wallet = createWallet("edge");
    const at = { key: KEY, shard: SHARD };
    depositCredits(wallet, at, grantOf("r"), ids(10), { askedAtMs: 0, now: 0, firstAt: 0 });
    endRefill(wallet, KEY, 10);
    for (let left = 10; left > REFILL_SHARE * 10; left--) {
      expect(claimRefill(wallet, KEY, 0), `with ${left} left`).toBe(false);
      spendCredit(wallet, KEY, SHARD, 0);
    }
    expect(claimRefill(wallet, KEY, 0)).toBe(true);
  });

  test("that brought nothing is not repeated before REFILL_MS", () => {
    const wallet = createWallet("edge");
    claimRefill(wallet, KEY, 0);
    endRefill(wallet, KEY, 0);
    expect([claimRefill(wallet, KEY, REFILL_MS - 1), claimRefill(wallet, KEY, REFILL_MS)]).toEqual([false, true]);
  });
});

describe("a holding", () => {
  test("is settled once: the second call sends nothing", () => {
    const wallet = withCredits(0);
    const [holding] = wallet.holdings.values();
    if (holding === undefined) throw new Error("the grant is held");
    expect(settleHolding(wallet, holding, settlement())).toBe(true);
    expect(settleHolding(wallet, holding, settlement())).toBe(false);
    expect(settledIds(takeCarry(wallet, SHARD, 1))).toEqual(["i-1"]);
  });

  test.each([
    { name: "of a grant after a third of its life", at: CONFIRM_MS, hold: () => withCredits(0) },
    {
      name: "of a spent credit soon after",
      at: 10 + CONFIRM_CREDIT_MS,
      hold: () => {
        const wallet = withCredits(1);
        spendCredit(wallet, KEY, SHARD, 10);
        return wallet;
      },
    },
    {
      name: "that the shard may not know of at once",
      at: 0,
      hold: () => {
        const wallet = createWallet("edge");
        holdUnconfirmed(wallet, KEY, SHARD, grantOf("i-9"), 0);
        return wallet;
      },
    },
  ])("$name is confirmed, and not a millisecond before", ({ at, hold }) => {
    const wallet = hold();
    expect(takeCarry(wallet, SHARD, at - 1).held).toEqual([]);
    expect(shardsOwed(wallet, at - 1)).toEqual([]);
    expect(shardsOwed(wallet, at)).toEqual([SHARD]);
    expect(takeCarry(wallet, SHARD, at).held).toHaveLength(1);
    expect(takeCarry(wallet, SHARD, at).held).toEqual([]);
    expect(takeCarry(wallet, SHARD, at + CONFIRM_MS).held).not.toEqual([]);
  });

  test("is confirmed to its own shard only, with what is left of its life", () => {
    const wallet = withCredits(0);
    holdUnconfirmed(wallet, KEY, "other", grantOf("j-1"), 0);
    expect(takeCarry(wallet, "other", CONFIRM_MS).held).toEqual([
      { leaseId: "j-1", endpointId: "e1", epoch: 1, capLeftMs: 300_000 - CONFIRM_MS, workerId: null },
    ]);
    expect(heldIds(takeCarry(wallet, SHARD, CONFIRM_MS))).toEqual(["i-1"]);
  });

  test("that was given by the edge itself is counted at its endpoint", () => {
    const wallet = withCredits(1);
    holdUnconfirmed(wallet, KEY, SHARD, grantOf("j-1", { epoch: LOCAL_EPOCH }), 0);
    holdUnconfirmed(wallet, KEY, SHARD, grantOf("j-2", { epoch: LOCAL_EPOCH, endpointId: "e2" }), 0);
    expect([heldLocally(wallet, "e1"), heldLocally(wallet, "e2")]).toEqual([1, 1]);
  });
});

describe("what a message carries", () => {
  test("is CARRY_MAX of each at most; the rest goes with the next", () => {
    const wallet = createWallet("edge");
    for (let i = 0; i <= CARRY_MAX; i++) {
      returnUnused(wallet, SHARD, `s-${i}`, grantOf(`s-${i}`));
      holdUnconfirmed(wallet, KEY, SHARD, grantOf(`h-${i}`), 0);
    }
    const first = takeCarry(wallet, SHARD, 0);
    expect([first.settled.length, first.held.length]).toEqual([CARRY_MAX, CARRY_MAX]);
    expect(shardsOwed(wallet, 0)).toEqual([SHARD]);
    const second = takeCarry(wallet, SHARD, 0);
    expect([settledIds(second), heldIds(second)]).toEqual([[`s-${CARRY_MAX}`], [`h-${CARRY_MAX}`]]);
    expect(shardsOwed(wallet, 0)).toEqual([]);
  });

  test("comes back in order when the call failed, ahead of what was added since", () => {
    const wallet = createWallet("edge");
    for (const leaseId of ["a", "b"]) returnUnused(wallet, SHARD, leaseId, grantOf(leaseId));
    const carry = takeCarry(wallet, SHARD, 0);
    returnUnused(wallet, SHARD, "c", grantOf("c"));
    restoreCarry(wallet, SHARD, carry);
    expect(settledIds(takeCarry(wallet, SHARD, 0))).toEqual(["a", "b", "c"]);
  });

  test("is due again at once when the call failed, unless its holding has ended", () => {
    const wallet = createWallet("edge");
    const ended = holdUnconfirmed(wallet, KEY, SHARD, grantOf("ended"), 0);
    holdUnconfirmed(wallet, KEY, SHARD, grantOf("held"), 0);
    const carry = takeCarry(wallet, SHARD, 0);
    settleHolding(wallet, ended, settlement({ leaseId: "ended" }));
    restoreCarry(wallet, SHARD, carry);
    const again = takeCarry(wallet, SHARD, 0);
    expect([settledIds(again), heldIds(again)]).toEqual([["ended"], ["held"]]);
  });

  test.each([OUTBOX_MAX, OUTBOX_MAX + 1])("waits in a bounded outbox: the oldest of %i goes first", (count) => {
    const wallet = createWallet("edge");
    for (let i = 0; i < count; i++) returnUnused(wallet, SHARD, `s-${i}`, grantOf(`s-${i}`));
    expect(wallet.outboxes.get(SHARD)?.length).toBe(OUTBOX_MAX);
    expect(settledIds(takeCarry(wallet, SHARD, 0))[0]).toBe(`s-${count - OUTBOX_MAX}`);
  });

  test("fits the outbox also when it comes back to a full one", () => {
    const wallet = createWallet("edge");
    const add = (from: number) => {
      for (let i = from; i < from + OUTBOX_MAX; i++) returnUnused(wallet, SHARD, `s-${i}`, grantOf(`s-${i}`));
    };
    add(0);
    const carry = takeCarry(wallet, SHARD, 0);
    add(OUTBOX_MAX);
    restoreCarry(wallet, SHARD, carry);
    expect(wallet.outboxes.get(SHARD)?.length).toBe(OUTBOX_MAX);
  });
});

describe("the request rate", () => {
  test("reaches the true rate and fades in silence", () => {
    const wallet = createWallet("edge");
    for (let now = 0; now < 5_000; now += 20) countRequest(wallet, KEY, now);
    const reached = recentPerSecond(wallet, KEY, 5_000);
    expect(reached).toBeGreaterThan(45);
    expect(reached).toBeLessThan(55);
    expect(recentPerSecond(wallet, KEY, 10_000)).toBeLessThan(0.01);
    expect(recentPerSecond(wallet, "unknown", 0)).toBe(0);
  });

  test("is remembered for KEYS_MAX places", () => {
    const wallet = createWallet("edge");
    for (let i = 0; i <= KEYS_MAX; i++) {
      countRequest(wallet, `key ${i}`, 0);
      claimRefill(wallet, `key ${i}`, 0);
      deposit(wallet, `key ${i}`, SHARD, grantOf(`i-${i}`, { credits: 1 }), 0, 0);
    }
    const { rates, refills, credits } = wallet;
    for (const { size } of [rates, refills, credits]) expect(size).toBe(KEYS_MAX);
    expect([rates.has("key 0"), rates.has("key 1")]).toEqual([false, true]);
  });

  test.each([
    { name: "rides while the next acquire is likely", requests: 60, tight: false, is: RIDE_MS },
    { name: "does not ride with little traffic", requests: 1, tight: false, is: 0 },
    { name: "does not ride near saturation", requests: 60, tight: true, is: 0 },
  ])("a settlement $name", ({ requests, tight, is }) => {
    const wallet = createWallet("edge");
    const holding = deposit(wallet, KEY, SHARD, grantOf("i-1"), 0, 0);
    for (let i = 0; i < requests; i++) countRequest(wallet, KEY, 0);
    noteTight(wallet, SHARD, tight);
    expect(rideMs(wallet, holding, 0)).toBe(is);
    noteTight(wallet, SHARD, false);
    expect(rideMs(wallet, holding, 0)).toBe(requests > 1 ? RIDE_MS : 0);
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
      const wallet = createWallet("edge");
      const received: string[] = [];
      const told: string[] = [];
      let now = 0;
      const settleOne = (n: number) => {
        const holding = [...wallet.holdings.values()][n % Math.max(1, wallet.holdings.size)];
        if (holding !== undefined) settleHolding(wallet, holding, settlement({ leaseId: holding.leaseId }));
      };
      for (const [i, { kind, n }] of steps.entries()) {
        if (kind === "pass") now += n;
        if (kind === "spend") spendCredit(wallet, KEY, SHARD, now);
        if (kind === "settle") settleOne(n);
        if (kind === "send") told.push(...settledIds(takeCarry(wallet, SHARD, now)));
        if (kind === "fail") restoreCarry(wallet, SHARD, takeCarry(wallet, SHARD, now));
        if (kind === "deposit") {
          const credits = n % 5;
          received.push(`i-${i}`, ...Array.from({ length: credits }, (_, c) => `i-${i}.${c + 1}`));
          deposit(wallet, KEY, SHARD, grantOf(`i-${i}`, { credits }), now - n, now);
        }
      }
      while (wallet.holdings.size > 0) settleOne(0);
      spendCredit(wallet, KEY, SHARD, now + 1e6);
      told.push(...settledIds(takeCarry(wallet, SHARD, now)), ...settledIds(takeCarry(wallet, SHARD, now)));
      expect(told.toSorted()).toEqual(received.toSorted());
    }),
  );
});

describe("a holding whose request fell silent", () => {
  const ORPHAN_MS = ORPHAN_CONFIRMS * confirmEveryMs(grantOf("a"));

  test("is confirmed for a while, and then dropped, so that its lease expires", () => {
    const wallet = createWallet("edge");
    holdUnconfirmed(wallet, KEY, SHARD, grantOf("a"), 0);
    expect(ORPHAN_MS).toBeGreaterThan(ORPHAN_MS_MIN);
    expect(heldIds(takeCarry(wallet, SHARD, ORPHAN_MS))).toEqual(["a"]);
    expect(heldIds(takeCarry(wallet, SHARD, 2 * ORPHAN_MS))).toEqual([]);
    expect(wallet.holdings.size).toBe(0);
  });

  test("is not dropped while the request says that it lives", () => {
    const wallet = createWallet("edge");
    const holding = holdUnconfirmed(wallet, KEY, SHARD, grantOf("a"), 0);
    touch(holding, ORPHAN_MS);
    expect(heldIds(takeCarry(wallet, SHARD, 2 * ORPHAN_MS))).toEqual(["a"]);
  });
});
