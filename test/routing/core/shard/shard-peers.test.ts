/** What a shard knows of the rest of its pool, and when it sends a request there. */
import { describe, expect, test } from "vitest";
import { OCCUPANCY_PRIOR_MS } from "../../../../src/routing/core/cost/terms/wait.ts";
import type { EndpointView, ViewSet } from "../../../../src/routing/core/endpoint/endpoint-view.ts";
import { observeProbe } from "../../../../src/routing/core/endpoint/endpoint.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import {
  absorbDigest,
  allViews,
  createShard,
  DIGEST_EVERY_MS,
  DIGEST_LIFE_MS,
  isDigestDue,
  makeDigest,
  makeSnapshot,
  peerRegions,
} from "../../../../src/routing/core/shard/shard.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import { COMMIT_DIGEST_MS } from "../../../../src/routing/core/shard/shard-queue.ts";
import type { AcquireRequest } from "../../../../src/routing/core/shard-messages.ts";
import { applyProbe } from "../../../../src/routing/core/shard/shard-observe.ts";
import { applyReport } from "../../../../src/routing/core/shard/shard-settle.ts";
import { acquireRequest, endpointSpec, EU, poolSpec, settlement } from "./shard-fixture.ts";

const rng = seededRng(1);
const POOL = poolSpec([
  endpointSpec(),
  endpointSpec({ id: "e2", region: "eu", place: EU }),
  endpointSpec({ id: "e3", region: "eu", place: EU, workersMin: 0 }),
]);

const us = (): ShardState => createShard(POOL, "us", 1, 0);
const eu = (epoch = 1): ShardState => createShard(POOL, "eu", epoch, 0);

const ask = (state: ShardState, leaseId: string, now = 0, changes: Partial<AcquireRequest> = {}) =>
  acquire(state, acquireRequest(leaseId, changes), now, rng).reply.outcome;

/** A digest of the EU shard in which `e2` has this in-flight. */
function digest(inFlight: number, epoch = 1): ViewSet {
  const set = makeDigest(eu(epoch), 0);
  return { ...set, views: set.views.map((view) => (view.id === "e2" ? { ...view, inFlight } : view)) };
}

const e2 = (state: ShardState, now = 0): EndpointView | undefined => allViews(state, now).find(({ id }) => id === "e2");

/** A US shard whose own four slots are taken. */
function fullUs(): ShardState {
  const state = us();
  for (let i = 1; i <= 4; i++) ask(state, `i-${i}`);
  return state;
}

describe("spilling", () => {
  test("names the region of a free warm endpoint when the own ones are full", () => {
    const state = fullUs();
    absorbDigest(state, digest(0), 0);
    expect(ask(state, "i-5")).toEqual({ kind: "spill", region: "eu", reason: "spill" });
    expect(state.queue.size).toBe(0);
  });

  test("counts what was sent until the next digest, so that a stale picture does not attract a herd", () => {
    const state = fullUs();
    absorbDigest(state, digest(2), 0);
    const kinds = ["i-5", "i-6", "i-7"].map((leaseId) => ask(state, leaseId));
    expect(kinds.map(({ kind }) => kind)).toEqual(["spill", "spill", "queued"]);
    expect(e2(state)?.inFlight).toBe(4);
    absorbDigest(state, digest(3), 500);
    expect(e2(state, 500)?.inFlight).toBe(3);
  });

  test("waits for where the wait is shortest when all is full, and not for the own slow endpoint", () => {
    const state = fullUs();
    for (let i = 0; i < 10; i++) {
      applyReport(state, { settled: [settlement({ leaseId: `x-${i}`, heldMs: 60_000 })], held: [] }, 0, rng);
    }
    absorbDigest(state, digest(4), 0);
    expect(ask(state, "i-5")).toMatchObject({ kind: "queued", etaMs: expect.closeTo(OCCUPANCY_PRIOR_MS / 4, -2) });
  });

  test("is left to the owner of a cold endpoint, who alone wakes it", () => {
    const pool = poolSpec([endpointSpec({ workersMin: 0 }), endpointSpec({ id: "e2", region: "eu", workersMin: 0 })]);
    const state = createShard(pool, "us", 1, 0);
    const first = acquire(state, acquireRequest("i-1", { excluded: ["e1"] }), 0, rng);
    expect([first.reply.outcome, first.effects]).toEqual([{ kind: "spill", region: "eu", reason: "cold_start" }, []]);
  });

  test("is never done a second time: with hop 1 a request is granted, queued or refused here", () => {
    const state = us();
    absorbDigest(state, digest(0), 0);
    const kinds = Array.from({ length: 5 }, (_, i) => ask(state, `i-${i}`, 0, { hop: 1 }).kind);
    expect(kinds).toEqual(["granted", "granted", "granted", "granted", "queued"]);
    expect(ask(state, "i-9", 0, { hop: 1, excluded: ["e1"] })).toEqual({ kind: "no_endpoint" });
  });

  test("serves the queue from another region as soon as a slot is known to be free there", () => {
    const state = fullUs();
    absorbDigest(state, digest(4), 0);
    expect(ask(state, "i-5").kind).toBe("queued");
    absorbDigest(state, digest(0), 1);
    expect(applyReport(state, { settled: [], held: [] }, 2, rng)).toEqual([{ kind: "resolved", leaseId: "i-5" }]);
    expect(state.resolved.get("i-5")?.outcome).toEqual({ kind: "spill", region: "eu", reason: "spill" });
  });

  test("is never done again for a request that another region sent here", () => {
    const state = fullUs();
    absorbDigest(state, digest(0), 0);
    expect(acquire(state, acquireRequest("i-5", { hop: 1 }), 0, rng).reply.outcome.kind).toBe("queued");
    expect(applyReport(state, { settled: [], held: [] }, 2, rng)).toEqual([]);
  });

  test("keeps the place of a request by what it has waited elsewhere, and its patience too", () => {
    const state = fullUs();
    const queued = (leaseId: string, now: number, waitedMs?: number): void => {
      const changes = waitedMs === undefined ? {} : { hop: 1 as const, waitedMs };
      absorbDigest(state, digest(4), now);
      expect(ask(state, leaseId, now, changes).kind).toBe("queued");
    };
    queued("i-own", 1_000);
    queued("i-sent-late", 1_500, 400);
    queued("i-sent-early", 2_000, 1_001);
    expect([...state.queue.keys()]).toEqual(["i-sent-early", "i-own", "i-sent-late"]);
    expect(state.queue.get("i-sent-early")).toMatchObject({
      sinceMs: 999,
      giveUpAtMs: 999 + POOL.queueWaitMsMax,
    });
    const free = { leaseId: "i-1", endpointId: "e1" };
    applyReport(state, { settled: [settlement(free)], held: [] }, 2_100, rng);
    expect(state.queue.has("i-sent-early")).toBe(false);
    expect(state.queue.size).toBe(2);
  });
});

describe("a spill to endpoints that queue what they cannot serve at once", () => {
  const QUEUEING = poolSpec([endpointSpec(), endpointSpec({ id: "e2", region: "eu", place: EU, queuesExcess: true })]);
  const queueing = (): ShardState => {
    const state = createShard(QUEUEING, "us", 1, 0);
    for (let i = 1; i <= 4; i++) ask(state, `i-${i}`);
    return state;
  };
  const digested = (change: Partial<EndpointView> = {}): ViewSet => {
    const set = makeDigest(createShard(QUEUEING, "eu", 1, 0), 0);
    return { ...set, views: set.views.map((view) => ({ ...view, inFlight: 1, ...change })) };
  };

  test("binds a first attempt here and now, and says how many were there", () => {
    const state = queueing();
    absorbDigest(state, digested(), 0);
    const commit = { endpointId: "e2", costMs: expect.any(Number) };
    expect(ask(state, "i-5")).toMatchObject({ kind: "spill", commit: { ...commit, inFlight: 1 } });
    expect(ask(state, "i-6")).toMatchObject({ kind: "spill", commit: { ...commit, inFlight: 2 } });
  });

  test.each<readonly [string, Partial<EndpointView>, number, Partial<AcquireRequest>]>([
    ["the endpoint refuses what it cannot serve", { queuesExcess: false }, 0, {}],
    ["the digest is old", {}, COMMIT_DIGEST_MS + 1, {}],
    ["it is a retry, which the other shard's budget pays", {}, 0, { excluded: ["e1"] }],
    ["it is a hedge", {}, 0, { excluded: ["e1"], purpose: "hedge" }],
  ])("leaves it to the other shard when %s", (_, change, ageMs, asked) => {
    const state = queueing();
    // Enough was served for the hedge budget.
    absorbDigest(state, digested(change), 0);
    const outcome = ask(state, "i-5", ageMs, asked);
    expect(outcome).not.toHaveProperty("commit");
    if (asked.purpose !== "hedge") expect(outcome.kind).toBe("spill");
  });

  test("binds at the age of a digest that is just young enough", () => {
    const state = queueing();
    absorbDigest(state, digested(), 0);
    expect(ask(state, "i-5", COMMIT_DIGEST_MS)).toHaveProperty("commit");
  });
});

describe("a region that could not be reached", () => {
  const TWO = poolSpec([
    endpointSpec(),
    endpointSpec({ id: "e1b" }),
    endpointSpec({ id: "e2", region: "eu", place: EU }),
  ]);

  test("is left for another one, though its sibling is nearer", () => {
    const state = createShard(TWO, "us", 1, 0);
    expect(ask(state, "i-1", 0, { excluded: ["e1"] })).toMatchObject({ kind: "granted", grant: { endpointId: "e1b" } });
    const retry = ask(state, "i-2", 0, { excluded: ["e1"], avoidRegion: "us" });
    expect(retry).toEqual({ kind: "spill", region: "eu", reason: expect.any(String) });
  });

  test("nothing that is down is tried in panic, while an endpoint of another one is only full", () => {
    const dark = ["d1", "d2", "d3"].map((id) => endpointSpec({ id }));
    const far = endpointSpec({ id: "e2", region: "eu", place: EU });
    const state = createShard(poolSpec([endpointSpec(), ...dark, far]), "us", 1, 0);
    for (const { id } of dark) {
      for (let times = 0; times < 3; times++) applyProbe(state, id, { kind: "failed" }, 0, rng);
    }
    absorbDigest(state, digest(4), 0);
    const retry = { excluded: ["e1"], purpose: "retry" } as const;
    expect(ask(state, "i-1", 0, retry)).toMatchObject({ kind: "queued" });
    expect(ask(state, "i-2", 0, { ...retry, avoidRegion: "us" })).toMatchObject({ kind: "queued" });
  });

  test("still serves when no other region can", () => {
    const state = createShard(poolSpec([endpointSpec(), endpointSpec({ id: "e1b" })]), "us", 1, 0);
    const retry = ask(state, "i-1", 0, { excluded: ["e1"], avoidRegion: "us" });
    expect(retry).toMatchObject({ kind: "granted", grant: { endpointId: "e1b" } });
  });
});

describe("a digest", () => {
  test("tells the own endpoints exactly, without leases that have expired", () => {
    const state = fullUs();
    expect(makeDigest(state, 29_999)).toMatchObject({ epoch: 1, region: "us", views: [{ id: "e1", inFlight: 4 }] });
    expect(makeDigest(state, 30_000).views).toMatchObject([{ id: "e1", inFlight: 0 }]);
  });

  test.each([
    { name: "of an older incarnation", set: digest(9, 2), kept: 1 },
    { name: "of the own region", set: { ...digest(9, 9), region: "us" }, kept: 1 },
    { name: "of a region that the pool lacks", set: { ...digest(9, 9), region: "mars" }, kept: 1 },
    { name: "of the same incarnation", set: digest(9, 3), kept: 9 },
    { name: "of a newer incarnation", set: digest(9, 4), kept: 9 },
  ])("$name leaves the in-flight at $kept", ({ set, kept }) => {
    const state = us();
    absorbDigest(state, digest(1, 3), 0);
    absorbDigest(state, set, 1);
    expect([e2(state, 1)?.inFlight, [...state.peers.keys()]]).toEqual([kept, ["eu"]]);
  });

  test("holds for DIGEST_LIFE_MS; then the configuration speaks", () => {
    const state = us();
    const warm = { ...digest(3), views: digest(3).views.map((view) => ({ ...view, occupancyMs: 9 })) };
    absorbDigest(state, warm, 0);
    expect(e2(state, DIGEST_LIFE_MS)).toMatchObject({ inFlight: 3, occupancyMs: 9 });
    expect(e2(state, DIGEST_LIFE_MS + 1)).toMatchObject({ inFlight: 0, occupancyMs: OCCUPANCY_PRIOR_MS });
  });

  test("that lacks an endpoint of the pool leaves it to the configuration", () => {
    const state = us();
    absorbDigest(state, { ...digest(3), views: [] }, 0);
    expect(e2(state)).toMatchObject({ inFlight: 0, warmth: "warm" });
  });

  test("is due every DIGEST_EVERY_MS", () => {
    const state = us();
    const due = [0, DIGEST_EVERY_MS - 1, DIGEST_EVERY_MS, DIGEST_EVERY_MS + 1].map((now) => isDigestDue(state, now));
    expect(due).toEqual([true, false, true, false]);
  });

  test("goes to every other region of the pool, once", () => {
    expect([peerRegions(us()), peerRegions(eu())]).toEqual([["eu"], ["us"]]);
  });
});

test("a snapshot holds the whole pool: own endpoints exact, the others as far as they are known", () => {
  const state = us();
  ask(state, "i-1");
  absorbDigest(state, digest(2), 0);
  const { views } = makeSnapshot(state, 0);
  expect(views.map(({ id, inFlight, warmth }) => [id, inFlight, warmth])).toEqual([
    ["e1", 1, "warm"],
    ["e2", 2, "warm"],
    ["e3", 0, "cold"],
  ]);
});

test("a shard without endpoints in its region refuses with hop 1 and spills with hop 0", () => {
  const state = createShard(POOL, "mars", 1, 0);
  expect(ask(state, "i-1", 0, { hop: 1 })).toEqual({ kind: "no_endpoint" });
  expect(ask(state, "i-2")).toMatchObject({ kind: "spill", region: "us" });
});

test("an own endpoint that is down sends its traffic to the other region", () => {
  const state = us();
  absorbDigest(state, digest(0), 0);
  const own = state.endpoints.get("e1");
  if (own !== undefined) for (let i = 0; i < 2; i++) observeProbe(own, { kind: "failed" }, 0);
  expect(ask(state, "i-1")).toEqual({ kind: "spill", region: "eu", reason: "nearest_warm" });
});
