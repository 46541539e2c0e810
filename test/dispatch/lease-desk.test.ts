/** How an isolate tells its shards what it owes them. The shards here only write down what they hear. */
import { describe, expect, test } from "vitest";
import type { Carry } from "../../src/routing/core/shard-messages.ts";
import { LEASES_MAX } from "../../src/routing/core/shard/leases.ts";
import {
  CARRY_MAX,
  createWallet,
  deposit,
  holdUnconfirmed,
  OUTBOX_MAX,
  settleHolding,
} from "../../src/routing/core/lease-client/wallet.ts";
import type { Wallet } from "../../src/routing/core/lease-client/wallet.ts";
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
function deskOf(wallet: Wallet, refuses: (shard: string, message: number) => boolean = () => false) {
  const heard: { readonly shard: string; readonly carry: Carry }[] = [];
  const calls = new Map<string, number>();
  const report = (shard: string) => async (carry: Carry) => {
    const message = calls.get(shard) ?? 0;
    calls.set(shard, message + 1);
    if (refuses(shard, message)) throw new Error("away");
    heard.push({ shard, carry });
  };
  const desk: Desk = {
    runtime: { wallet, flushUntilMs: 0, config: { regions: new Map([["us", { hint: "enam" }]]) } },
    env: { POOL_SHARD: { getByName: (shard: string) => ({ report: report(shard) }) } },
    ctx: {},
  };
  const settledAt = (shard: string) =>
    heard.filter((one) => one.shard === shard).flatMap(({ carry }) => carry.settled.map(({ leaseId }) => leaseId));
  const sizes = (shard: string) => heard.filter((one) => one.shard === shard).map(({ carry }) => carry.settled.length);
  return { desk, heard, calls, settledAt, sizes };
}

/** `count` attempts that have ended, untold. */
function owe(wallet: Wallet, shard: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const leaseId = `${shard}-${index}`;
    const holding = deposit(wallet, `${shard}|here`, shard, grantOf(leaseId), 0, Date.now());
    settleHolding(wallet, holding, settlement({ leaseId }));
    return leaseId;
  });
}

describe("a flush", () => {
  test.each([
    [0, []],
    [1, [1]],
    [CARRY_MAX, [CARRY_MAX]],
    [CARRY_MAX + 1, [CARRY_MAX, 1]],
    [2 * CARRY_MAX + 7, [CARRY_MAX, CARRY_MAX, 7]],
  ])("of %i settlements tells all of them, each once, in messages of %j", async (count, sizes) => {
    const wallet = createWallet("edge");
    const owed = owe(wallet, US, count);
    const { desk, ...told } = deskOf(wallet);
    await flush(desk);
    expect(told.sizes(US)).toEqual(sizes);
    expect(told.settledAt(US)).toEqual(owed);
  });

  test("of all that an outbox holds, for several shards, tells every shard its own", async () => {
    const wallet = createWallet("edge");
    const [us, eu] = [owe(wallet, US, OUTBOX_MAX), owe(wallet, EU, 300)];
    const { desk, settledAt } = deskOf(wallet);
    await flush(desk);
    expect([settledAt(US), settledAt(EU)]).toEqual([us, eu]);
  });

  test("confirms every lease that is due, and none twice", async () => {
    const wallet = createWallet("edge");
    const held = Array.from({ length: CARRY_MAX + 3 }, (_, index) => `h-${index}`);
    for (const leaseId of held) holdUnconfirmed(wallet, `${US}|here`, US, grantOf(leaseId), Date.now());
    const { desk, heard } = deskOf(wallet);
    await flush(desk);
    expect(heard.flatMap(({ carry }) => carry.held.map(({ leaseId }) => leaseId))).toEqual(held);
    await flush(desk);
    expect(heard).toHaveLength(2);
  });

  test("stops at a shard that is away, loses nothing, and tells the others", async () => {
    const wallet = createWallet("edge");
    const [us, eu] = [owe(wallet, US, 3 * CARRY_MAX), owe(wallet, EU, 2)];
    const away = deskOf(wallet, (shard, message) => shard === US && message === 1);
    await flush(away.desk);
    expect([away.calls.get(US), away.sizes(US), away.settledAt(EU)]).toEqual([2, [CARRY_MAX], eu]);
    const back = deskOf(wallet);
    await flush(back.desk);
    expect([...away.settledAt(US), ...back.settledAt(US)]).toEqual(us);
  });

  test("ends, even if the shard is owed more with every message", async () => {
    const wallet = createWallet("edge");
    owe(wallet, US, 1);
    const { desk, calls } = deskOf(wallet, () => {
      owe(wallet, US, 1);
      return false;
    });
    await flush(desk);
    expect(calls.get(US)).toBe(FLUSH_MESSAGES_MAX);
    expect(FLUSH_MESSAGES_MAX * CARRY_MAX).toBe(LEASES_MAX);
  });
});
