/** A retry takes nothing from anybody while the pool has slots to spare, and is then free. */
import { describe, expect, test } from "vitest";
import { HEDGE_FILL_MAX } from "../../../../src/routing/core/endpoint/first-byte.ts";
import type { PoolSpec } from "../../../../src/routing/core/pool.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import { createShard } from "../../../../src/routing/core/shard/shard.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import type { AcquireRequest } from "../../../../src/routing/core/shard-messages.ts";
import { applyReport } from "../../../../src/routing/core/shard/shard-settle.ts";
import { acquireRequest, endpointSpec, granted, poolSpec, settlement } from "./shard-fixture.ts";

const rng = seededRng(1);
const SLOTS = 10;
const TWO = [endpointSpec({ concurrencyPerWorker: SLOTS }), endpointSpec({ id: "e2", concurrencyPerWorker: SLOTS })];
const shard = (pool: PoolSpec = poolSpec(TWO)): ShardState => createShard(pool, "us", 1, 0);
const ask = (state: ShardState, leaseId: string, changes: Partial<AcquireRequest> = {}) =>
  acquire(state, acquireRequest(leaseId, changes), 0, rng).reply.outcome;
const retry = { excluded: ["e1"], purpose: "retry" } as const;
const settle = (state: ShardState, leaseId: string, outcome: "failed") =>
  applyReport(state, { settled: [settlement({ leaseId, outcome })], held: [] }, 0, rng);

let count = 0;
const fresh = (): string => `i-${(count += 1)}`;

const fill = (state: ShardState, leases: number): void => {
  for (let lease = 0; lease < leases; lease++) granted(ask(state, fresh()));
};

describe("a retry in a pool with slots to spare", () => {
  test.each([
    { taken: HEDGE_FILL_MAX * 2 * SLOTS - 1, spent: 0 },
    { taken: HEDGE_FILL_MAX * 2 * SLOTS, spent: 1 },
  ])("costs $spent tokens while $taken of 20 slots are taken", ({ taken, spent }) => {
    const state = shard();
    fill(state, taken);
    granted(ask(state, fresh(), retry));
    expect(state.budgets.retry.spent).toBe(spent);
  });

  test("is free for all that one endpoint had in hand, and needs no budget", () => {
    const state = shard(
      poolSpec([endpointSpec({ concurrencyPerWorker: 64 }), endpointSpec({ id: "e2", concurrencyPerWorker: 100 })]),
    );
    state.budgets.retry.milli = 0;
    const ids = Array.from({ length: 64 }, () => fresh());
    for (const id of ids) ask(state, id, { excluded: ["e2"], purpose: "first" });
    for (const leaseId of ids) settle(state, leaseId, "failed");
    expect(ids.map(() => ask(state, fresh(), retry).kind)).toEqual(ids.map(() => "granted"));
  });

  test("is not free where no endpoint but the tried one has a slot", () => {
    const state = shard(
      poolSpec([endpointSpec({ concurrencyPerWorker: 40 }), endpointSpec({ id: "e2", concurrencyPerWorker: 1 })]),
    );
    ask(state, "holder-1", { excluded: ["e1"], purpose: "first" });
    state.budgets.retry.milli = 0;
    expect(ask(state, fresh(), retry).kind).toBe("over_budget");
  });
});
