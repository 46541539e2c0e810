/** Copies at a shard: only a slot that is to spare, no place in line, nobody woken, nothing paid and nothing counted. */
import { describe, expect, test } from "vitest";
import { seededRng } from "../../../../src/lib/rng.ts";
import { HEDGE_FILL_MAX } from "../../../../src/routing/core/endpoint/first-byte.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import type { AcquireRequest } from "../../../../src/routing/core/shard-messages.ts";
import { createShard } from "../../../../src/routing/core/shard/shard.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import { acquireRequest, endpointSpec, poolSpec } from "./shard-fixture.ts";

const SLOTS = 10;
const rng = seededRng(1);
const shadow = { purpose: "shadow", priority: "low" } as const;

const shard = (spec = endpointSpec({ workersMax: 1, concurrencyPerWorker: SLOTS })): ShardState =>
  createShard(poolSpec([spec]), "us", 1, 0);

let count = 0;
const ask = (state: ShardState, changes: Partial<AcquireRequest> = {}) =>
  acquire(state, acquireRequest(`s-${(count += 1)}`, changes), 0, rng);

describe("a copy", () => {
  test("is granted while the pool has slots to spare, and not from there on", () => {
    const state = shard();
    for (let lease = 0; lease < SLOTS * HEDGE_FILL_MAX - 1; lease += 1) ask(state);
    expect(ask(state, shadow).reply.outcome.kind).toBe("granted");
    expect(ask(state, shadow).reply.outcome.kind).toBe("shed");
    expect(ask(state).reply.outcome.kind).toBe("granted");
  });

  test("has no place in line where every slot is taken", () => {
    const state = shard();
    for (let lease = 0; lease < SLOTS; lease += 1) ask(state);
    expect(ask(state, shadow).reply.outcome.kind).toBe("shed");
    expect(state.queue.size).toBe(0);
    expect(ask(state).reply.outcome.kind).toBe("queued");
  });

  test("pays nothing, however many there are, and takes nothing of what retries and hedges have", () => {
    const state = shard(endpointSpec({ workersMax: 1, concurrencyPerWorker: 1_000 }));
    const { retry, hedge } = state.budgets;
    for (let copy = 0; copy < 100; copy += 1) expect(ask(state, shadow).reply.outcome.kind).toBe("granted");
    expect([retry.spent, hedge.spent]).toEqual([0, 0]);
  });

  test("wakes no endpoint, and is no demand by which one would be woken", () => {
    const state = shard(endpointSpec({ workersMin: 0 }));
    const before = state.demand;
    const { reply, effects } = ask(state, shadow);
    expect([reply.outcome.kind, effects, state.demand]).toEqual(["shed", [], before]);
    expect(ask(state).effects).not.toEqual([]);
  });
});
