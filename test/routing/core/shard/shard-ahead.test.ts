/** Asking ahead: a call that fills the lease cache while no request waits. */
import { describe, expect, test } from "vitest";
import { CREDIT_LIFE_MS } from "../../../../src/routing/core/shard/credits.ts";
import { inFlight } from "../../../../src/routing/core/shard/leases.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import { absorbDigest, createShard, makeDigest } from "../../../../src/routing/core/shard/shard.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import { CONFIRM_GRACE_MS } from "../../../../src/routing/core/shard/shard-grant.ts";
import type { AcquireRequest } from "../../../../src/routing/core/shard-messages.ts";
import { sweep } from "../../../../src/routing/core/shard/shard-settle.ts";
import { acquireRequest, endpointSpec, EU, granted, poolSpec } from "./shard-fixture.ts";

const rng = seededRng(1);
const WIDE = poolSpec([endpointSpec({ concurrencyPerWorker: 21 })]);

const ask = (state: ShardState, leaseId: string, changes: Partial<AcquireRequest> = {}) =>
  acquire(state, acquireRequest(leaseId, { ahead: true, recentPerSecond: 1_000, ...changes }), 0, rng);

test("brings as many leases as credits, the first one among them, and none is held as spent", () => {
  const state = createShard(WIDE, "us", 1, 0);
  expect(granted(ask(state, "i-1").reply.outcome)).toMatchObject({ leaseId: "i-1", credits: 9 });
  expect(inFlight(state.leases, "e1")).toBe(10);
  expect([...state.leases.live.values()].some(({ spent }) => spent)).toBe(false);
  sweep(state, CREDIT_LIFE_MS + CONFIRM_GRACE_MS, rng);
  expect(inFlight(state.leases, "e1")).toBe(0);
});

test("that is repeated takes no second leases", () => {
  const state = createShard(WIDE, "us", 1, 0);
  ask(state, "i-1");
  ask(state, "i-1");
  expect(inFlight(state.leases, "e1")).toBe(10);
});

describe("is refused, and leaves nothing behind", () => {
  const full = (): ShardState => {
    const state = createShard(poolSpec(), "us", 1, 0);
    for (let i = 1; i <= 4; i++) ask(state, `x-${i}`, { ahead: false, recentPerSecond: 0 });
    return state;
  };
  const withPeer = (): ShardState => {
    const far = endpointSpec({ id: "e2", region: "eu", place: EU });
    const pool = poolSpec([endpointSpec({ concurrencyPerWorker: 1 }), far]);
    const state = createShard(pool, "us", 1, 0);
    absorbDigest(state, makeDigest(createShard(pool, "eu", 1, 0), 0), 0);
    ask(state, "x-1", { ahead: false, recentPerSecond: 0 });
    return state;
  };

  test.each([
    {
      name: "by an isolate with little traffic",
      state: () => createShard(WIDE, "us", 1, 0),
      changes: { recentPerSecond: 1 },
    },
    { name: "when every slot is taken", state: full, changes: {} },
    { name: "when only another region has slots", state: withPeer, changes: {} },
    {
      name: "when the endpoint is cold",
      state: () => createShard(poolSpec([endpointSpec({ workersMin: 0 })], { coldWaitMsMax: 60_000 }), "us", 1, 0),
      changes: {},
    },
    { name: "without endpoints", state: () => createShard(poolSpec([]), "us", 1, 0), changes: {} },
  ])("$name", ({ state: create, changes }) => {
    const state = create();
    const before = state.leases.live.size;
    const { reply, effects } = ask(state, "i-1", changes);
    expect([reply.outcome.kind, effects]).toEqual(["shed", []]);
    expect([state.leases.live.size, state.queue.size]).toEqual([before, 0]);
    expect([...state.peers.values()].flatMap(({ sentSince }) => [...sentSince])).toEqual([]);
  });
});
