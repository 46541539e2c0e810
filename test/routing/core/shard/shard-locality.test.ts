import { describe, expect, test } from "vitest";
import type { AffinityKey } from "../../../../src/routing/core/shard/affinity.ts";
import { observeProbe } from "../../../../src/routing/core/endpoint/endpoint.ts";
import { checkLeaseTable, inFlightAtWorker } from "../../../../src/routing/core/shard/leases.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import { createShard } from "../../../../src/routing/core/shard/shard.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import type { AcquireRequest, Settlement } from "../../../../src/routing/core/shard-messages.ts";
import { applyReport } from "../../../../src/routing/core/shard/shard-settle.ts";
import { acquireRequest, endpointSpec, EU, granted, poolSpec, settlement } from "./shard-fixture.ts";

const KEY: AffinityKey = { key: "k", tokens: 4_000, kind: "session" };
const rng = seededRng(1);

/** Two equal endpoints beside the client: only what is cached tells them apart. */
const twins = (changes = {}) =>
  createShard(poolSpec([endpointSpec(changes), endpointSpec({ id: "e2", ...changes })]), "us", 1, 0);

let count = 0;
const ask = (state: ShardState, changes: Partial<AcquireRequest> = {}, now = 0) => {
  count += 1;
  const request = acquireRequest(`i-${count}`, { inputTokens: 4_000, affinity: KEY, ...changes });
  return granted(acquire(state, request, now, rng).reply.outcome);
};

/** The endpoints' round trip by their distance, ms. */
const NET_MS = 5;
let clock = 0;

/** Asks, and its first token comes as soon as its prompt is read: nothing of it is in line when the next one asks. */
const askAndBegin = (state: ShardState, changes: Partial<AcquireRequest> = {}) => {
  const grant = ask(state, changes, clock);
  const { leaseId, endpointId, work = 0 } = grant;
  clock += NET_MS + work / 10;
  applyReport(state, { settled: [], held: [], begun: [{ leaseId, endpointId, agoMs: 0, backMs: 0 }] }, clock, rng);
  return grant;
};

const settle = (state: ShardState, changes: Partial<Settlement>, now = 0) =>
  applyReport(state, { settled: [settlement({ affinity: KEY, inputTokens: 4_000, ...changes })], held: [] }, now, rng);

describe("a session", () => {
  test("stays at its endpoint, also when the other one is emptier", () => {
    const state = twins();
    const home = askAndBegin(state).endpointId;
    expect([1, 2].map(() => askAndBegin(state).endpointId)).toEqual([home, home]);
  });

  test("goes elsewhere when its endpoint is full, and is then at home in both", () => {
    const state = twins({ concurrencyPerWorker: 2 });
    const [first, second, third] = [askAndBegin(state), askAndBegin(state), ask(state, {}, clock)];
    expect(second.endpointId).toBe(first.endpointId);
    expect(third.endpointId).not.toBe(first.endpointId);
    expect(third.cachedTokens).toBe(0);
    expect(state.affinity.entries.get("k")?.holders).toHaveLength(2);
  });

  test("is told how much of its prompt is thought to be cached", () => {
    const state = twins();
    expect(askAndBegin(state, { affinity: { ...KEY, tokens: 1_000 } }).cachedTokens).toBe(0);
    expect(askAndBegin(state).cachedTokens).toBe(1_000);
    expect(askAndBegin(state).cachedTokens).toBe(4_000);
  });

  test("is not led to where its last attempt failed", () => {
    const state = twins();
    const first = ask(state);
    settle(state, { leaseId: first.leaseId, endpointId: first.endpointId, outcome: "failed" });
    expect(ask(state).cachedTokens).toBe(0);
  });

  const home = { inputTokens: 4_000, affinity: KEY };
  /** The next attempt of the session at its endpoint ends so; then what its cache is thought to save, ms. */
  const discountAfter = (state: ShardState, endpointId: string, seen: Partial<Settlement>) => {
    const other = endpointId === "e1" ? "e2" : "e1";
    const { leaseId } = askAndBegin(state, { excluded: [other], purpose: "first" });
    settle(state, { leaseId, endpointId, headersMs: NET_MS, ...seen }, clock);
    const request = acquireRequest(`x-${leaseId}`, { ...home, explain: true });
    const { candidates, outcome } = acquire(state, request, clock, rng).reply;
    settle(
      state,
      { leaseId: granted(outcome).leaseId, endpointId: granted(outcome).endpointId, outcome: "unused" },
      clock,
    );
    return 400 - (candidates?.find((one) => one.endpointId === endpointId)?.terms.pre ?? 0);
  };

  test("whose prompts are read as slowly as without a cache loses its discount", () => {
    const state = twins();
    const { endpointId } = askAndBegin(state);
    const after = (ttftMs: number) => discountAfter(state, endpointId, { ttftMs });
    // One other runs there, for which a prompt costs a hundredth more.
    expect(after(60)).toBeCloseTo(400, 6);
    expect(after(460)).toBeCloseTo(400 - 80 * 1.01, 6);
    expect(after(60)).toBeGreaterThan(400 - 80 * 1.01);
  });

  test("whose cached tokens the engine counts keeps its discount, however late its first tokens are", () => {
    const state = twins();
    const { endpointId } = askAndBegin(state);
    expect(discountAfter(state, endpointId, { ttftMs: 2_000, cachedTrue: 3_900, promptTokens: 4_000 })).toBeCloseTo(
      400,
      6,
    );
    expect(discountAfter(state, endpointId, { ttftMs: 60, cachedTrue: 0, promptTokens: 4_000 })).toBeLessThan(330);
  });

  test("that ran on a credit is known by its end", () => {
    const state = twins();
    settle(state, { leaseId: "j-1.1", endpointId: "e2", workerId: "w7" });
    expect(ask(state)).toMatchObject({ endpointId: "e2", cachedTokens: 4_000 });
  });

  test("of a refill's is not noted: it is for any request", () => {
    const state = twins({ concurrencyPerWorker: 40 });
    acquire(state, acquireRequest("i-ahead", { ahead: true, recentPerSecond: 40, affinity: null }), 0, rng);
    expect(state.affinity.entries.size).toBe(0);
  });

  test("that was spilled is expected where it was sent, and known there", () => {
    const specs = [endpointSpec({ concurrencyPerWorker: 1 }), endpointSpec({ id: "far", region: "eu", place: EU })];
    const [us, eu] = [createShard(poolSpec(specs), "us", 1, 0), createShard(poolSpec(specs), "eu", 1, 0)];
    const busy = ask(us, { affinity: null });
    const asked = (hop: 0 | 1) => acquireRequest("i-spilled", { hop, inputTokens: 4_000, affinity: KEY });
    expect(acquire(us, asked(0), 0, rng).reply.outcome).toMatchObject({ kind: "spill", region: "eu" });
    expect(acquire(eu, asked(1), 0, rng).reply.outcome.kind).toBe("granted");
    expect([us, eu].map(({ affinity }) => affinity.entries.get("k")?.holders[0]?.endpointId)).toEqual(["far", "far"]);
    // 400 ms of prompt are cached there, which outweighs the ocean when there is a slot here.
    settle(us, { leaseId: busy.leaseId, affinity: null });
    const next = acquireRequest("i-next", { inputTokens: 4_000, affinity: KEY });
    expect(acquire(us, next, 0, rng).reply.outcome).toMatchObject({ kind: "spill", region: "eu", reason: "cheaper" });
  });
});

describe("a hot key", () => {
  test("never fills its home beyond what it would take anyway, and spreads over the endpoints", () => {
    const state = createShard(
      poolSpec(["e1", "e2", "e3", "e4"].map((id) => endpointSpec({ id, concurrencyPerWorker: 16 }))),
      "us",
      1,
      0,
    );
    const shares = new Map<string, number>();
    for (let index = 0; index < 64; index++) {
      const { endpointId } = ask(state, { inputTokens: 512, affinity: { ...KEY, tokens: 256 } });
      shares.set(endpointId, (shares.get(endpointId) ?? 0) + 1);
    }
    expect([...shares.values()].toSorted()).toEqual([16, 16, 16, 16]);
  });
});

describe("GPU workers behind an endpoint", () => {
  /** One endpoint with two warm GPU workers of two slots each, both of which have answered. */
  function workers(): ShardState {
    const state = createShard(poolSpec([endpointSpec({ concurrencyPerWorker: 2 })]), "us", 1, 0);
    const [endpoint] = state.endpoints.values();
    if (endpoint !== undefined) observeProbe(endpoint, { kind: "ready", warmWorkers: 2 }, 0);
    for (const workerId of ["w1", "w2"]) settle(state, { leaseId: `j-${workerId}`, workerId, affinity: null });
    return state;
  }

  const at = (state: ShardState, workerId: string) => inFlightAtWorker(state.leases, "e1", workerId);

  test("are asked for in turn, the emptiest first, until they are full", () => {
    const state = workers();
    const asked = [1, 2, 3, 4].map(() => ask(state, { affinity: null }).workerId);
    expect(asked.toSorted()).toEqual(["w1", "w1", "w2", "w2"]);
    expect([at(state, "w1"), at(state, "w2")]).toEqual([2, 2]);
    checkLeaseTable(state.leases);
  });

  test("are not asked for while one of them has never answered", () => {
    const state = workers();
    const [endpoint] = state.endpoints.values();
    if (endpoint !== undefined) observeProbe(endpoint, { kind: "ready", warmWorkers: 3 }, 1);
    expect(ask(state, { affinity: null }).workerId).toBeNull();
  });

  test("are where the answer says, whoever was asked for", () => {
    const state = workers();
    const grant = ask(state, { affinity: null });
    const other = grant.workerId === "w1" ? "w2" : "w1";
    const held = { leaseId: grant.leaseId, endpointId: "e1", epoch: 1, capLeftMs: 60_000, workerId: other };
    applyReport(state, { settled: [], held: [held] }, 0, rng);
    expect([at(state, other), at(state, grant.workerId ?? "")]).toEqual([1, 0]);
    settle(state, { leaseId: grant.leaseId, workerId: other });
    expect(at(state, other)).toBe(0);
  });

  test("keep a session, while they have a slot", () => {
    const state = workers();
    settle(state, { leaseId: "j-3", workerId: "w2" });
    expect([1, 2, 3].map(() => ask(state).workerId)).toEqual(["w2", "w2", "w1"]);
  });

  test("that failed, or had no room, are not asked for again", () => {
    for (const outcome of ["failed", "capacity", "cut"] as const) {
      const state = workers();
      settle(state, { leaseId: "j-4", workerId: "w2", outcome, inFlightAtGrant: 3 });
      const asked = ask(state).workerId;
      expect(asked, outcome).not.toBe("w2");
    }
  });
});
