import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { observeProbe } from "../../../../src/routing/core/endpoint/endpoint.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import {
  KEEP_WARM_SHARE,
  planScale,
  PREWARM_FILL,
  PREWARM_LOAD_MIN,
  workersNeeded,
} from "../../../../src/routing/core/shard/scaler.ts";
import type { Demand, ScalerEndpoint } from "../../../../src/routing/core/shard/scaler.ts";
import { createShard } from "../../../../src/routing/core/shard/shard.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import { SCALE_EVERY_MS } from "../../../../src/routing/core/shard/shard-scale.ts";
import { applyReport, sweep } from "../../../../src/routing/core/shard/shard-settle.ts";
import { acquireRequest, endpointSpec, endpointState, EU, poolSpec, settlement } from "./shard-fixture.ts";

const endpoint = (id: string, changes: Partial<ScalerEndpoint> = {}): ScalerEndpoint => ({
  id,
  warmth: "warm",
  admits: true,
  inFlight: 0,
  workers: 1,
  workersMin: 0,
  workersMax: 1,
  concurrency: 8,
  scalerValue: 4,
  coldStartMs: 20_000,
  idleMs: 0,
  idleTimeoutMs: 60_000,
  ...changes,
});
const cold = (id: string, changes: Partial<ScalerEndpoint> = {}) =>
  endpoint(id, { warmth: "cold", workers: 0, ...changes });

const demand = (changes: Partial<Demand> = {}): Demand => ({
  queued: 0,
  arrivalsPerSecond: 0,
  occupancyMs: 2_000,
  ...changes,
});

test.each([
  { queued: 0, inFlight: 0, is: 0 },
  { queued: 0, inFlight: 1, is: 1 },
  { queued: 0, inFlight: 4, is: 1 },
  { queued: 1, inFlight: 4, is: 2 },
  { queued: 9, inFlight: 8, is: 5 },
])(
  "a platform's scaler keeps $is GPU workers for $queued queued and $inFlight in flight",
  ({ queued, inFlight, is }) => {
    expect(workersNeeded({ queued, inFlight, scalerValue: 4 })).toBe(is);
  },
);

describe("a cold endpoint is woken", () => {
  // Eight warm slots: 0.8 of them are 6.4.
  test.each([
    { name: "not while the warm ones have room", demand: demand({ arrivalsPerSecond: 3 }), wakes: [] },
    { name: "when the rate will fill them", demand: demand({ arrivalsPerSecond: 3.3 }), wakes: ["c"] },
    { name: "when requests wait", demand: demand({ queued: 7 }), wakes: ["c"] },
  ])("$name", ({ demand: asked, wakes }) => {
    expect(planScale([endpoint("w"), cold("c")], asked).wake).toEqual(wakes);
  });

  test("when a region has nothing warm and at least PREWARM_LOAD_MIN requests at a time", () => {
    const wakesAt = (load: number) => planScale([cold("c")], demand({ arrivalsPerSecond: load / 2 })).wake;
    expect(wakesAt(PREWARM_LOAD_MIN - 0.01)).toEqual([]);
    expect(wakesAt(PREWARM_LOAD_MIN)).toEqual(["c"]);
  });

  test("the one with the shortest cold start first, and only as many as the load needs", () => {
    const endpoints = [cold("slow", { coldStartMs: 60_000 }), cold("fast", { coldStartMs: 5_000 }), cold("middle")];
    expect(planScale(endpoints, demand({ queued: 3 })).wake).toEqual(["fast"]);
    expect(planScale(endpoints, demand({ queued: 7 })).wake).toEqual(["fast", "middle"]);
    expect(planScale(endpoints, demand({ queued: 100 })).wake).toEqual(["fast", "middle", "slow"]);
  });

  test("not while another one that is warming will do", () => {
    expect(planScale([endpoint("w", { warmth: "warming" }), cold("c")], demand({ queued: 6 })).wake).toEqual([]);
  });

  test("not while the platform's own scaler is about to bring as much", () => {
    const busy = (workersMax: number) => endpoint("w", { inFlight: 8, workersMax });
    expect(planScale([busy(1), cold("c")], demand()).wake).toEqual(["c"]);
    expect(planScale([busy(2), cold("c")], demand()).wake).toEqual([]);
  });

  test("not when it is ejected, draining or down; and such a one has no slots to count on", () => {
    const endpoints = [endpoint("w", { admits: false }), cold("out", { admits: false }), cold("c")];
    expect(planScale(endpoints, demand({ queued: 5 })).wake).toEqual(["c"]);
  });
});

describe("a warm endpoint is kept warm", () => {
  const idle = (id: string, share: number) => endpoint(id, { idleMs: share * 60_000 });

  test.each([
    { name: "when the rest would be short without it", load: 7, share: KEEP_WARM_SHARE, kept: ["b"] },
    { name: "not when the rest will do", load: 6, share: KEEP_WARM_SHARE, kept: [] },
    { name: "not before its idle time-out is near", load: 7, share: KEEP_WARM_SHARE - 0.01, kept: [] },
  ])("$name", ({ load, share, kept }) => {
    const plan = planScale([endpoint("a", { inFlight: load }), idle("b", share)], demand());
    expect(plan).toEqual({ wake: [], keepWarm: kept });
  });

  test("not without any load: what idles may go", () => {
    expect(planScale([idle("a", 0.9)], demand({ arrivalsPerSecond: 0.4 }))).toEqual({ wake: [], keepWarm: [] });
  });

  test("not one that its platform keeps anyway", () => {
    const kept = endpoint("b", { workersMin: 1, idleMs: 59_000 });
    expect(planScale([endpoint("a", { inFlight: 7 }), kept], demand()).keepWarm).toEqual([]);
  });
});

const anyEndpoint = fc.record({
  warmth: fc.constantFrom("cold" as const, "warming" as const, "warm" as const),
  admits: fc.boolean(),
  inFlight: fc.integer({ min: 0, max: 40 }),
  workers: fc.integer({ min: 0, max: 5 }),
  workersMin: fc.integer({ min: 0, max: 2 }),
  workersMax: fc.integer({ min: 1, max: 5 }),
  concurrency: fc.integer({ min: 1, max: 32 }),
  coldStartMs: fc.integer({ min: 0, max: 60_000 }),
  idleMs: fc.integer({ min: 0, max: 120_000 }),
});

test("for any region: only cold endpoints that admit are woken, none without load, and never more than the load needs", () => {
  fc.assert(
    fc.property(
      fc.array(anyEndpoint, { maxLength: 8 }),
      fc.integer({ min: 0, max: 200 }),
      fc.double({ min: 0, max: 100, noNaN: true }),
      (changes, queued, arrivalsPerSecond) => {
        const endpoints = changes.map((change, index) => endpoint(`e${index}`, change));
        const asked = demand({ queued, arrivalsPerSecond });
        const { wake, keepWarm } = planScale(endpoints, asked);
        const inFlight = endpoints.reduce((sum, one) => sum + one.inFlight, 0);
        const load = Math.max(queued + inFlight, arrivalsPerSecond * 2);
        if (load < PREWARM_LOAD_MIN) expect([...wake, ...keepWarm]).toEqual([]);
        for (const id of wake) {
          expect(endpoints.find((one) => one.id === id)).toMatchObject({ warmth: "cold", admits: true });
        }
        expect(new Set([...wake, ...keepWarm]).size).toBe(wake.length + keepWarm.length);
        // All but the last one woken were not enough.
        const before = endpoints.filter(
          ({ id, warmth, admits }) => admits && (warmth !== "cold" || wake.slice(0, -1).includes(id)),
        );
        const least = before.reduce((sum, one) => sum + Math.max(1, one.workers) * one.concurrency, 0);
        if (wake.length > 0) expect(load).toBeGreaterThan(PREWARM_FILL * least * 0.999);
      },
    ),
  );
});

describe("a shard", () => {
  const rng = seededRng(1);
  const far = endpointSpec({ id: "far", region: "eu", place: EU, concurrencyPerWorker: 64 });
  const scaled = endpointSpec({ id: "scaled", workersMin: 0 });
  const shard = () => createShard(poolSpec([scaled, far]), "us", 1, 0);

  const scaledOf = (state: ShardState) => state.endpoints.get("scaled") ?? endpointState();

  const rush = (state: ShardState, count: number, now: number) =>
    Array.from({ length: count }, (_, index) => acquire(state, acquireRequest(`i-${now}-${index}`), now, rng));

  const wakes = (acquired: ReturnType<typeof rush>) =>
    acquired.flatMap(({ effects }) => effects.filter(({ kind }) => kind === "wake"));

  test("sends a rush to what is warm elsewhere, and wakes its own endpoint once", () => {
    const state = shard();
    const first = rush(state, 50, 0);
    expect(new Set(first.map(({ reply }) => reply.outcome.kind))).toEqual(new Set(["spill"]));
    expect(wakes([...first, ...rush(state, 50, SCALE_EVERY_MS), ...rush(state, 50, 2 * SCALE_EVERY_MS)])).toEqual([
      { kind: "wake", endpointId: "scaled" },
    ]);
    // Warm, and nearer: it gets the next one.
    observeProbe(scaledOf(state), { kind: "ready", warmWorkers: 1 }, 5_000);
    expect(acquire(state, acquireRequest("i-next"), 5_000, rng).reply.outcome).toMatchObject({
      kind: "granted",
      grant: { endpointId: "scaled" },
    });
  });

  test("leaves its endpoint cold for a stray request", () => {
    const state = shard();
    expect(wakes([...rush(state, 1, 0), ...rush(state, 1, 10_000), ...rush(state, 1, 20_000)])).toEqual([]);
  });

  test("counts requests and credits as demand, and takes back what came home unused", () => {
    const state = createShard(poolSpec([endpointSpec({ concurrencyPerWorker: 40 })]), "us", 1, 0);
    const { outcome } = acquire(state, acquireRequest("i-1", { recentPerSecond: 24 }), 0, rng).reply;
    expect(outcome).toMatchObject({ kind: "granted", grant: { credits: 5 } });
    expect(state.demand.count).toBe(6);
    acquire(state, acquireRequest("i-2", { recentPerSecond: 12, ahead: true }), 0, rng);
    expect(state.demand.count, "a refill of two").toBe(8);
    const settled = ["i-1.4", "i-1.5"].map((leaseId) => settlement({ leaseId, outcome: "unused" }));
    applyReport(state, { settled: [...settled, ...settled], held: [] }, 0, rng);
    expect(state.demand.count, "each once").toBe(6);
  });

  test("looks at its demand no more often than SCALE_EVERY_MS", () => {
    const state = shard();
    acquire(state, acquireRequest("i-1"), 0, rng);
    expect(wakes(rush(state, 50, SCALE_EVERY_MS - 1))).toEqual([]);
    expect(sweep(state, SCALE_EVERY_MS, rng)).toEqual([{ kind: "wake", endpointId: "scaled" }]);
  });

  test("keeps an endpoint warm that the rest of the region cannot do without", () => {
    const always = endpointSpec({ id: "always", concurrencyPerWorker: 4 });
    const state = createShard(poolSpec([always, scaled], { leaseTtlMs: 120_000 }), "us", 1, 0);
    observeProbe(scaledOf(state), { kind: "ready", warmWorkers: 1 }, 0);
    for (let index = 0; index < 4; index++)
      acquire(state, acquireRequest(`i-${index}`, { excluded: ["scaled"] }), 0, rng);
    const at = KEEP_WARM_SHARE * scaled.idleTimeoutMs;
    expect(sweep(state, at - 1_000, rng)).toEqual([]);
    expect(sweep(state, at, rng)).toEqual([{ kind: "wake", endpointId: "scaled" }]);
    expect(sweep(state, at + SCALE_EVERY_MS, rng), "its idle time begins again").toEqual([]);
  });
});

test("a warm endpoint that refuses everything counts for no slot: the cold one is woken beside it", () => {
  const specs = [endpointSpec(), endpointSpec({ id: "c", workersMin: 0 })];
  const wakes = (refuses: boolean): boolean => {
    const state = createShard(poolSpec(specs), "us", 1, 0);
    const settled = refuses ? [settlement({ outcome: "capacity", inFlightAtGrant: 0 })] : [];
    state.demand = { count: 3, atMs: 0 };
    return applyReport(state, { settled, held: [] }, 0, seededRng(1)).some(({ kind }) => kind === "wake");
  };
  expect([wakes(false), wakes(true)]).toEqual([false, true]);
});
