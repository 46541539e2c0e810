/** News of an endpoint that no lease brought: what a probe found, and what an operator said. */
import { describe, expect, test } from "vitest";
import { FAILURES_MAX } from "../../../../src/routing/core/endpoint/breaker.ts";
import type { ProbeResult } from "../../../../src/routing/core/endpoint/endpoint.ts";
import { inFlight } from "../../../../src/routing/core/shard/leases.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import { absorbDigest, allViews, createShard, makeDigest, ownViews } from "../../../../src/routing/core/shard/shard.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import { applyDrain, applyProbe } from "../../../../src/routing/core/shard/shard-observe.ts";
import { applyReport } from "../../../../src/routing/core/shard/shard-settle.ts";
import { acquireRequest, endpointSpec, EU, poolSpec, settlement } from "./shard-fixture.ts";

const rng = seededRng(1);
const READY: ProbeResult = { kind: "ready", warmWorkers: null };

const shard = (pool = poolSpec()): ShardState => createShard(pool, "us", 1, 0);
const ask = (state: ShardState, leaseId: string, now = 0) =>
  acquire(state, acquireRequest(leaseId), now, rng).reply.outcome;
const standing = (state: ShardState, now = 0) => ownViews(state, now)[0]?.standing;

/** Two endpoints; `e1` is full, `e2` cannot take anything, and `i-9` waits. */
function queued(keepE2Away: (state: ShardState) => void): ShardState {
  const state = shard(poolSpec([endpointSpec(), endpointSpec({ id: "e2" })]));
  keepE2Away(state);
  for (let i = 1; i <= 4; i++) expect(ask(state, `i-${i}`).kind).toBe("granted");
  expect(ask(state, "i-9").kind).toBe("queued");
  return state;
}

const down = (state: ShardState) => {
  for (let i = 0; i < 2; i++) applyProbe(state, "e2", { kind: "failed" }, 0, rng);
};
const cold = (state: ShardState) => applyProbe(state, "e2", { kind: "cold" }, 0, rng);
const drainedBySignal = (state: ShardState) => applyProbe(state, "e2", { kind: "draining" }, 0, rng);
const drained = (state: ShardState) => applyDrain(state, "e2", true, 0, rng);

describe("a queued request gets the slot at once", () => {
  test.each([
    ["when a probe finds an endpoint up again", down],
    ["when a probe finds an endpoint warm", cold],
    ["when a probe finds that an endpoint no longer drains", drainedBySignal],
  ])("%s", (_, keepAway) => {
    const state = queued(keepAway);
    expect(applyProbe(state, "e2", READY, 10, rng)).toEqual([{ kind: "resolved", leaseId: "i-9" }]);
    expect(state.resolved.get("i-9")?.outcome).toMatchObject({ kind: "granted", grant: { endpointId: "e2" } });
    expect([state.queue.size, inFlight(state.leases, "e2")]).toEqual([0, 1]);
  });

  test("when an operator puts an endpoint back", () => {
    const state = queued(drained);
    expect(applyDrain(state, "e2", false, 10, rng)).toEqual([
      { kind: "resolved", leaseId: "i-9" },
      { kind: "probe", endpointId: "e2" },
    ]);
    expect(inFlight(state.leases, "e2")).toBe(1);
  });

  test("but not by a probe that frees nothing", () => {
    const state = queued(down);
    expect(applyProbe(state, "e2", { kind: "failed" }, 10, rng)).toEqual([]);
    expect(applyProbe(state, "e1", READY, 10, rng)).toEqual([]);
    expect(state.queue.size).toBe(1);
  });
});

test("a probe's result for an endpoint of another shard changes nothing", () => {
  const state = shard();
  const before = structuredClone(state);
  expect(applyProbe(state, "elsewhere", READY, 0, rng)).toEqual([]);
  expect(state).toEqual(before);
});

describe("an endpoint that an operator drains", () => {
  test("takes no new lease, keeps those it has, and takes traffic again with all its slots", () => {
    const state = shard();
    ask(state, "i-1");
    expect(applyDrain(state, "e1", true, 0, rng)).toEqual([]);
    expect([standing(state), ask(state, "i-2").kind, inFlight(state.leases, "e1")]).toEqual([
      "draining",
      "no_endpoint",
      1,
    ]);
    applyReport(state, { settled: [settlement({ leaseId: "i-1" })], held: [] }, 5, rng);
    expect(inFlight(state.leases, "e1")).toBe(0);
    applyDrain(state, "e1", false, 10, rng);
    expect([standing(state, 10), ownViews(state, 10)[0]?.capacity]).toEqual(["admitting", 4]);
    expect(ask(state, "i-3", 10).kind).toBe("granted");
  });

  test("renews what runs, and a lease from before a restart is taken back", () => {
    const state = shard();
    ask(state, "i-1");
    applyDrain(state, "e1", true, 0, rng);
    const held = { endpointId: "e1", epoch: 1, capLeftMs: 60_000 };
    applyReport(state, { settled: [], held: [{ leaseId: "i-1", ...held }] }, 20_000, rng);
    applyReport(state, { settled: [], held: [{ leaseId: "old-1", ...held, epoch: 0 }] }, 20_000, rng);
    applyReport(state, { settled: [], held: [] }, 40_000, rng);
    expect(inFlight(state.leases, "e1")).toBe(2);
  });

  test("gets nothing in panic, not even when nothing else is left", () => {
    const state = shard(poolSpec([endpointSpec(), endpointSpec({ id: "e2" })]));
    applyDrain(state, "e1", true, 0, rng);
    for (let i = 0; i < FAILURES_MAX; i++) {
      const failed = settlement({ leaseId: `x-${i}`, endpointId: "e2", outcome: "failed", heldMs: 3 });
      applyReport(state, { settled: [failed], held: [] }, 0, rng);
    }
    const outcome = ask(state, "i-1");
    expect(outcome).toMatchObject({ kind: "granted", grant: { endpointId: "e2", reason: "panic" } });
    applyDrain(state, "e2", true, 0, rng);
    expect(ask(state, "i-2").kind).toBe("no_endpoint");
  });

  test("stays drained whatever probes and attempts say of it", () => {
    const state = shard();
    ask(state, "i-1");
    applyDrain(state, "e1", true, 0, rng);
    const news: readonly ProbeResult["kind"][] = ["failed", "failed", "warming", "draining"];
    for (const kind of news) applyProbe(state, "e1", { kind } as ProbeResult, 1, rng);
    applyProbe(state, "e1", READY, 2, rng);
    applyReport(state, { settled: [settlement({ leaseId: "i-1" })], held: [] }, 3, rng);
    expect(standing(state, 3)).toBe("draining");
  });

  test("is drained once, however often that is asked", () => {
    const state = shard();
    applyDrain(state, "e1", true, 0, rng);
    const before = structuredClone(state);
    expect(applyDrain(state, "e1", true, 5, rng)).toEqual([]);
    expect(state).toEqual(before);
    expect(applyDrain(shard(), "e1", false, 5, rng)).toEqual([]);
  });

  test("is unknown when it is another shard's", () => {
    expect(applyDrain(shard(), "elsewhere", true, 0, rng)).toBeNull();
  });

  test("is known to the peers by the next digest, who then send nothing there", () => {
    const pool = poolSpec([endpointSpec(), endpointSpec({ id: "e2", region: "eu", place: EU })]);
    const [state, eu] = [shard(pool), createShard(pool, "eu", 1, 0)];
    for (let i = 1; i <= 4; i++) ask(state, `i-${i}`);
    applyDrain(eu, "e2", true, 0, rng);
    absorbDigest(state, makeDigest(eu, 0), 0);
    expect(allViews(state, 0).find(({ id }) => id === "e2")?.standing).toBe("draining");
    expect(ask(state, "i-5").kind).toBe("queued");
  });
});
