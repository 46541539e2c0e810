/** Classes and senders at one busy shard: who goes first, who is refused, and what each is told. */
import { describe, expect, test } from "vitest";
import { seededRng } from "../../../../src/lib/rng.ts";
import { createShard } from "../../../../src/routing/core/shard/shard.ts";
import type { Effect } from "../../../../src/routing/core/shard/shard.ts";
import { linePlace } from "../../../../src/routing/core/shard/shard-eta.ts";
import type { Sender } from "../../../../src/routing/core/shard/fair-shares.ts";
import { OUTPUT_TOKENS_PRIOR, tenantService } from "../../../../src/routing/core/shard/fair-shares.ts";
import type { Priority } from "../../../../src/routing/core/shard/priority.ts";
import { AGE_TURN } from "../../../../src/routing/core/shard/queue-order.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import { CLASS_TAU_MS } from "../../../../src/routing/core/shard/shard-shares.ts";
import type { AcquireRequest, Settlement } from "../../../../src/routing/core/shard-messages.ts";
import { applyReport, sweep } from "../../../../src/routing/core/shard/shard-settle.ts";
import { acquireRequest, endpointSpec, poolSpec, settlement } from "./shard-fixture.ts";

const EPOCH = 5;
const SLOTS = 4;
const rng = seededRng(1);
const LONG = { queueWaitMsMax: 120_000 };

const shard = (changes: Parameters<typeof poolSpec>[1] = LONG) =>
  createShard(poolSpec([endpointSpec()], changes), "us", EPOCH, 0);

const ask = (state: ShardState, leaseId: string, changes: Partial<AcquireRequest> = {}, now = 0) =>
  acquire(state, acquireRequest(leaseId, changes), now, rng).reply.outcome;

const settle = (state: ShardState, leaseId: string, changes: Partial<Settlement> = {}, now = 0) =>
  applyReport(state, { settled: [settlement({ leaseId, epoch: EPOCH, ...changes })], held: [] }, now, rng);

/**
 * Every slot taken, by requests of the lowest class, which nobody's wait is expected to be longer for: `i-1` to `i-4`.
 */
function busy(changes: Parameters<typeof poolSpec>[1] = LONG): ShardState {
  const state = shard(changes);
  for (let slot = 1; slot <= SLOTS; slot++) expect(ask(state, `i-${slot}`, { priority: "low" }).kind).toBe("granted");
  return state;
}

const held = (state: ShardState) => [...state.queue.keys()];
const isLive = (state: ShardState, leaseId: string) => state.leases.live.has(leaseId);

describe("a request of a higher class", () => {
  test("has the next slot before those that came earlier", () => {
    const state = busy();
    ask(state, "i-5");
    ask(state, "i-6", { priority: "low" });
    ask(state, "i-7", { priority: "high" });
    settle(state, "i-1");
    expect(isLive(state, "i-7")).toBe(true);
    settle(state, "i-2");
    expect(isLive(state, "i-5")).toBe(true);
    settle(state, "i-3");
    expect(isLive(state, "i-6")).toBe(true);
  });

  test("takes the place of the last of the lowest class where no more may wait, which is told when to come back", () => {
    const state = busy({ ...LONG, queueDepthMax: 2 });
    ask(state, "i-5", { priority: "low" });
    ask(state, "i-6", { priority: "low" });
    expect(ask(state, "i-7").kind).toBe("queued");
    expect(held(state)).toEqual(["i-5", "i-7"]);
    const refused = state.resolved.get("i-6")?.outcome;
    // The other one before it and itself, at 500 ms each.
    expect(refused).toMatchObject({ kind: "shed", retryAfterMs: expect.closeTo(1_500, -3) as number });
    expect(ask(state, "i-8", { priority: "low" })).toMatchObject({ kind: "shed" });
    expect(ask(state, "i-9", { priority: "high" }).kind).toBe("queued");
    expect(held(state)).toEqual(["i-7", "i-9"]);
  });

  test("refuses those of lower classes that it makes too late, and nobody else", () => {
    const state = busy({ queueWaitMsMax: 1_100 });
    expect(ask(state, "i-5", { priority: "low" })).toMatchObject({ kind: "queued", etaMs: 500 });
    expect(ask(state, "i-6", { priority: "low" })).toMatchObject({ kind: "queued", etaMs: 1_000 });
    expect(ask(state, "i-7").kind).toBe("queued");
    expect(held(state)).toEqual(["i-5", "i-7"]);
    expect(state.resolved.get("i-6")?.outcome).toMatchObject({ kind: "shed" });
  });

  test("is held where one of a lower class is refused for the same wait", () => {
    const state = busy({ queueWaitMsMax: 600 });
    expect(ask(state, "i-5").kind).toBe("queued");
    expect(ask(state, "i-6", { priority: "low" }).kind).toBe("shed");
    expect(ask(state, "i-7", { priority: "high" }).kind).toBe("queued");
  });

  test("leaves a patient one of a lower class alone", () => {
    const state = busy({ queueWaitMsMax: 600 });
    ask(state, "i-5", { priority: "low", patient: true });
    ask(state, "i-6");
    expect(held(state)).toEqual(["i-5", "i-6"]);
  });
});

describe("what a class is told of its wait", () => {
  test("counts those of its own class and above, and not those below", () => {
    const state = busy();
    for (let n = 5; n < 9; n++) ask(state, `i-${n}`, { priority: "low" });
    ask(state, "i-9");
    const places = (["high", "normal", "low"] as const).map((priority) => linePlace(state, { priority }, 0));
    expect(places.map(({ ahead }) => ahead)).toEqual([0, 0, 1]);
    expect(places.map(({ waiting }) => waiting)).toEqual(places.map(() => ({ high: 0, normal: 1, low: 4 })));
    const [high = 0, normal = 0, low = 0] = places.map(({ waitMs }) => waitMs);
    expect(high).toBeCloseTo(500, -2);
    expect(normal).toBeGreaterThan(high);
    expect(low).toBeGreaterThan(normal);
  });

  test("knows what higher classes leave of the slots: at the least one in eight", () => {
    const state = busy();
    const alone = linePlace(state, { priority: "low" }, 0).waitMs;
    // Four slots of 2 s end twice a second; as many come, and higher.
    for (let n = 0; n < (2 * CLASS_TAU_MS) / 1_000; n++) ask(state, `h-${n}`, { priority: "high", excluded: ["e1"] });
    expect(linePlace(state, { priority: "low" }, 0).waitMs).toBeCloseTo(AGE_TURN * alone, -3);
    expect(linePlace(state, { priority: "high" }, 0).waitMs).toBeCloseTo(alone, -2);
  });

  test("is nothing while a slot is free", () => {
    expect(linePlace(shard(), { priority: "low" }, 0)).toMatchObject({ ahead: 0, waitMs: 0 });
  });

  test("comes with the answer to who asks to have it explained, and only then", () => {
    const state = busy();
    const reply = (explain: boolean) =>
      acquire(state, acquireRequest(`i-${explain}`, { explain, priority: "low" }), 0, rng).reply;
    expect(reply(true).line).toMatchObject({ priority: "low" });
    expect(reply(false)).not.toHaveProperty("line");
  });
});

describe("a client that says how long it waits", () => {
  test("is refused at once when its wait is expected to be longer", () => {
    expect(ask(busy(), "i-5", { clientWaitsMs: 500 }).kind).toBe("queued");
    expect(ask(busy(), "i-5", { clientWaitsMs: 499 })).toMatchObject({ kind: "shed", retryAfterMs: 500 });
  });

  test("is held no longer than that, and those behind it are not given up with it", () => {
    const state = busy();
    ask(state, "i-5");
    ask(state, "i-6", { clientWaitsMs: 5_000 });
    ask(state, "i-7");
    sweep(state, 4_999, rng);
    expect(held(state)).toEqual(["i-5", "i-6", "i-7"]);
    sweep(state, 5_000, rng);
    expect(held(state)).toEqual(["i-5", "i-7"]);
  });
});

describe("what a sender is charged", () => {
  const sender: Sender = { tenant: "a", session: "s" };
  const taken = (state: ShardState, now = 0) => tenantService(state.shares, sender, now);

  test("is the prompt and a usual answer when its lease is granted, and what it was when it ends", () => {
    const state = shard();
    ask(state, "i-1", { sender, inputTokens: 100 });
    expect(taken(state)).toBe(100 + 2 * OUTPUT_TOKENS_PRIOR);
    settle(state, "i-1", { inputTokens: 100, outputTokens: 7 });
    expect(taken(state)).toBe(114);
  });

  test.each(["unused", "capacity", "client_fault", "failed"] as const)(
    "is nothing for an attempt that was %s",
    (outcome) => {
      const state = shard();
      ask(state, "i-1", { sender, inputTokens: 100 });
      settle(state, "i-1", { inputTokens: 100, outcome });
      expect(taken(state)).toBe(0);
    },
  );

  test("is charged at the end of what was granted ahead, where its Worker says whose it was; once", () => {
    const state = shard();
    ask(state, "i-1", { ahead: true, recentPerSecond: 100 });
    expect(state.leases.live.size).toBeGreaterThan(0);
    const end = { inputTokens: 100, outputTokens: 50, of: { sender } };
    settle(state, "i-1", end);
    settle(state, "i-1", end);
    expect(taken(state)).toBe(200);
  });
});

type Load = { readonly sender: Sender; readonly everyMs: number; readonly priority?: Priority };

/** Waits of each load's requests at a shard of four slots, each held for 2 s: two end a second. */
function waitsOf(loads: readonly Load[], untilMs: number): number[][] {
  const state = shard({ queueWaitMsMax: 120_000, queueDepthMax: 1_000 });
  const waits: number[][] = loads.map(() => []);
  const asked = new Map<string, { readonly load: number; readonly atMs: number }>();
  const running = new Map<string, number>();
  const begin = (leaseId: string, now: number) => {
    const { load = 0, atMs = now } = asked.get(leaseId) ?? {};
    waits[load]?.push(now - atMs);
    running.set(leaseId, now + 2_000);
  };
  const hear = (effects: readonly Effect[], now: number) => {
    for (const effect of effects) {
      if (effect.kind !== "resolved" || !isLive(state, effect.leaseId)) continue;
      begin(effect.leaseId, now);
      const word = { leaseId: effect.leaseId, endpointId: "e1", epoch: EPOCH, capLeftMs: 60_000 };
      hear(applyReport(state, { settled: [], held: [word] }, now, rng), now);
    }
  };
  for (let now = 0; now < untilMs; now += 50) {
    for (const [leaseId, endsAtMs] of running) {
      if (endsAtMs > now) continue;
      running.delete(leaseId);
      hear(settle(state, leaseId, { heldMs: 2_000, inputTokens: 100, outputTokens: 100 }, now), now);
    }
    for (const [load, { sender, everyMs, priority = "normal" }] of loads.entries()) {
      for (let atMs = Math.ceil(now / everyMs) * everyMs; atMs < now + 50; atMs += everyMs) {
        const leaseId = `${load}-${asked.size}`;
        asked.set(leaseId, { load, atMs: now });
        const request = acquireRequest(leaseId, { sender, priority, inputTokens: 100 });
        const { reply, effects } = acquire(state, request, now, rng);
        if (reply.outcome.kind === "granted") begin(leaseId, now);
        hear(effects, now);
      }
    }
    hear(sweep(state, now, rng), now);
  }
  return waits;
}

const worst = (waits: readonly number[] | undefined) => Math.max(...(waits ?? [Number.NaN]));
const mean = (waits: readonly number[] | undefined) =>
  (waits ?? []).reduce((sum, waitMs) => sum + waitMs, 0) / (waits?.length ?? 0);

describe("two senders at a shard that is full", () => {
  /** Less than a quarter of what the shard can do. */
  const small = (sender: Sender) => ({ sender, everyMs: 2_150 });
  /** `times` what the shard can do. */
  const heavy = (sender: Sender, times: number) => ({ sender, everyMs: 500 / times });
  const SLOT_MS = 2_000;

  test.each([
    { of: "two tenants", one: { tenant: "small" }, other: { tenant: "heavy" } },
    { of: "two sessions of a tenant", one: { tenant: "t", session: "s" }, other: { tenant: "t", session: "h" } },
  ])("of $of: the wait of the small one does not grow when the other sends ten times as much", ({ one, other }) => {
    const [once] = waitsOf([small(one), heavy(other, 2)], 60_000);
    const [tenTimes, ofHeavy] = waitsOf([small(one), heavy(other, 20)], 60_000);
    // The next slot but one of the age turns: a slot's time is the most that all four are taken for.
    expect([worst(once), worst(tenTimes)].filter((waitMs) => waitMs > SLOT_MS)).toEqual([]);
    expect(mean(tenTimes)).toBeLessThan(1.25 * mean(once) + 100);
    expect(tenTimes?.length).toBeGreaterThanOrEqual(26);
    // The slots are full, and somebody does wait.
    expect(worst(ofHeavy)).toBeGreaterThan(10_000);
  });

  test("a lower class is served too while a higher one would take every slot", () => {
    const high = { sender: { tenant: "a" }, everyMs: 250, priority: "high" } as const;
    const low = { sender: { tenant: "b" }, everyMs: 10_000, priority: "low" } as const;
    const [, ofLow] = waitsOf([high, low], 120_000);
    expect(ofLow?.length).toBeGreaterThanOrEqual(11);
  });
});

describe("an endpoint's own queue", () => {
  const QUEUEING = [endpointSpec({ queuesExcess: true })];
  const waitingThere = (senders: readonly Sender[]) => {
    const state = createShard(poolSpec(QUEUEING, { ...LONG, queueDepthMax: 200 }), "us", EPOCH, 0);
    for (let n = 0; n < 60; n++) {
      ask(state, `i-${n}`, { sender: senders[n % senders.length] ?? { tenant: "a" } });
    }
    return state.leases.live.size - SLOTS;
  };

  test("takes a part of a deep backlog in advance, but not while several senders share the pool", () => {
    expect(waitingThere([{ tenant: "a" }])).toBeGreaterThan(5);
    const shared = waitingThere([{ tenant: "a" }, { tenant: "b" }]);
    expect(shared).toBeLessThan(2);
  });
});
