/** What a shard knows of the prompts at its endpoints, from grants, first tokens, ends and engines' own words. */
import { describe, expect, test } from "vitest";
import { speedOf } from "../../../../src/routing/core/endpoint/reading.ts";
import { observeProbe } from "../../../../src/routing/core/endpoint/endpoint.ts";
import type { EngineReport } from "../../../../src/routing/core/endpoint/engine-report.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import type { EndpointSpec } from "../../../../src/routing/core/pool.ts";
import type { AffinityKey } from "../../../../src/routing/core/shard/affinity.ts";
import { checkLeaseTable } from "../../../../src/routing/core/shard/leases.ts";
import { absorbDigest, allViews, createShard, makeDigest, ownViews } from "../../../../src/routing/core/shard/shard.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import { BEGUN_RIDE_MS, BEGUN_RIDE_MS_MAX, LONG_LINE_MS } from "../../../../src/routing/core/shard/shard-line.ts";
import type { AcquireRequest, Report } from "../../../../src/routing/core/shard-messages.ts";
import { LOCAL_EPOCH } from "../../../../src/routing/core/shard-messages.ts";
import { applyReport } from "../../../../src/routing/core/shard/shard-settle.ts";
import { acquireRequest, endpointSpec, EU, granted, poolSpec, settlement } from "./shard-fixture.ts";

const rng = seededRng(1);
/** By the distance alone: right beside the client. */
const NET_MS = 5;
const WIDE = { concurrencyPerWorker: 64 };

const shard = (...specs: Partial<EndpointSpec>[]): ShardState =>
  createShard(poolSpec(specs.map((changes) => endpointSpec({ ...WIDE, ...changes }))), "us", 1, 0);
const one = () => shard({});
const two = () => shard({}, { id: "e2" });

const ask = (state: ShardState, leaseId: string, now = 0, changes: Partial<AcquireRequest> = {}) =>
  granted(acquire(state, acquireRequest(leaseId, { inputTokens: 1_000, ...changes }), now, rng).reply.outcome);

const tell = (state: ShardState, report: Partial<Report>, now: number) =>
  applyReport(state, { settled: [], held: [], ...report }, now, rng);

const begun = (state: ShardState, leaseId: string, now: number) =>
  tell(state, { begun: [{ leaseId, endpointId: "e1", agoMs: 0, backMs: NET_MS / 2 }] }, now);

const lineMs = (state: ShardState, now: number, id = "e1") => {
  const view = ownViews(state, now).find((seen) => seen.id === id);
  return (view?.workTokens ?? 0) / (view?.prefillTokensPerMs ?? 1);
};

const engine = (state: ShardState, report: EngineReport, now: number) => {
  const endpoint = state.endpoints.get("e1");
  if (endpoint !== undefined) observeProbe(endpoint, { kind: "ready", warmWorkers: null, engine: report }, 0, now);
};

describe("the line at an endpoint", () => {
  test("grows with each prompt that is granted, and sends the next one elsewhere though slots are free", () => {
    const state = two();
    expect(ask(state, "i-1").work).toBe(1_000);
    const first = ownViews(state, 0).find(({ workTokens }) => (workTokens ?? 0) > 0)?.id;
    expect(ask(state, "i-2").endpointId).not.toBe(first);
    expect([lineMs(state, NET_MS, "e1"), lineMs(state, NET_MS, "e2")]).toEqual([100, 100]);
  });

  test("is shorter by what was read since, and by whoever's first token came", () => {
    const state = one();
    for (const id of ["i-1", "i-2", "i-3"]) ask(state, id);
    expect(lineMs(state, NET_MS)).toBeCloseTo(300, 6);
    expect(lineMs(state, NET_MS + 60)).toBeCloseTo(240, 6);
    begun(state, "i-1", NET_MS + 100 + NET_MS / 2);
    expect(lineMs(state, NET_MS + 100 + NET_MS / 2)).toBeCloseTo(200 - NET_MS / 2, 6);
    checkLeaseTable(state.leases);
  });

  test("goes on by itself where no first token is told, and is empty when its leases have ended", () => {
    const state = one();
    ask(state, "i-1");
    ask(state, "i-2");
    expect(lineMs(state, 5_000)).toBe(0);
    tell(state, { settled: ["i-1", "i-2"].map((leaseId) => settlement({ leaseId })) }, 5_000);
    expect(state.leases.unread.size).toBe(0);
  });

  test("is told once: the same news, news of another endpoint and of no lease change nothing", () => {
    const state = two();
    const { endpointId } = ask(state, "i-1");
    const news = { leaseId: "i-1", agoMs: 0, backMs: 0 };
    tell(state, { begun: [{ ...news, endpointId: endpointId === "e1" ? "e2" : "e1" }] }, 50);
    expect(lineMs(state, 50, endpointId)).toBeGreaterThan(0);
    for (let times = 0; times < 2; times++) tell(state, { begun: [{ ...news, endpointId }] }, 105);
    tell(state, { begun: [{ ...news, leaseId: "i-9", endpointId }] }, 105);
    const reading = state.endpoints.get(endpointId)?.reading;
    expect(reading?.tokens).toBe(2_048 + 1_000);
  });

  test("is what the engine says, with what was sent there since, where that is more", () => {
    const state = one();
    engine(state, { waitingTokens: 5_000 }, 0);
    expect(lineMs(state, 0)).toBe(500);
    ask(state, "i-1", 100);
    expect(lineMs(state, 100)).toBeCloseTo((5_000 - 1_000 + 1_000) / 10, 6);
    expect(lineMs(state, 1_001), "words are worth a second").toBe(0);
  });
});

describe("the reading speed of an endpoint", () => {
  test("is learned from first tokens that are told", () => {
    const state = one();
    for (let turn = 0; turn < 40; turn++) {
      const now = turn * 1_000;
      ask(state, `i-${turn}`, now);
      // The trip there and 50 ms of reading, which is 20 tokens a ms; told after the trip back.
      begun(state, `i-${turn}`, now + NET_MS + 50 + NET_MS / 2);
      tell(state, { settled: [settlement({ leaseId: `i-${turn}` })] }, now + 900);
    }
    const endpoint = state.endpoints.get("e1");
    expect(endpoint === undefined ? 0 : speedOf(endpoint.reading)).toBeGreaterThan(18.5);
  });

  test("is learned from ends where first tokens are not told before", () => {
    const state = one();
    for (let turn = 0; turn < 40; turn++) {
      const now = turn * 1_000;
      ask(state, `i-${turn}`, now);
      const seen = { ttftMs: NET_MS + 50, heldMs: 500, headersMs: NET_MS };
      const endedMs = now + NET_MS / 2 + seen.heldMs;
      tell(state, { settled: [settlement({ leaseId: `i-${turn}`, ...seen })] }, endedMs);
    }
    const endpoint = state.endpoints.get("e1");
    expect(endpoint === undefined ? 0 : speedOf(endpoint.reading)).toBeGreaterThan(17);
  });
});

describe("a grant", () => {
  test("says how soon its first token is to be told: sooner behind a long line", () => {
    const state = one();
    expect(ask(state, "i-1")).toMatchObject({ work: 1_000, netMs: NET_MS, begunWithinMs: BEGUN_RIDE_MS_MAX });
    const readMs = LONG_LINE_MS + NET_MS / 2;
    ask(state, "i-2", 0, { inputTokens: readMs * 10 - 1_001 });
    expect(ask(state, "i-3", 0, { inputTokens: 1 }).begunWithinMs, "a token short of it").toBe(BEGUN_RIDE_MS_MAX);
    expect(ask(state, "i-4").begunWithinMs).toBe(BEGUN_RIDE_MS);
  });

  test("asked for again says the same", () => {
    const state = one();
    const first = ask(state, "i-1");
    expect(ask(state, "i-1")).toMatchObject({ work: first.work, netMs: first.netMs });
    expect(lineMs(state, NET_MS)).toBe(100);
  });

  test("that was fetched ahead has no prompt until its holder says what runs under it", () => {
    const state = one();
    const { leaseId, endpointId } = ask(state, "i-1", 0, { ahead: true, recentPerSecond: 100 });
    expect(lineMs(state, NET_MS)).toBe(0);
    const held = { leaseId, endpointId, epoch: 1, capLeftMs: 1_000, prompt: 400, work: 400, sinceMs: 0 };
    tell(state, { held: [held] }, 50);
    expect(lineMs(state, 50)).toBe(40);
    tell(state, { held: [{ ...held, begun: true }] }, 60);
    expect(lineMs(state, 60)).toBe(0);
  });
});

describe("KV memory", () => {
  const SMALL = { kvTokensMax: 10_000 };

  test("that is taken by those who run there is waited for, and sends requests elsewhere", () => {
    const state = two();
    engine(state, SMALL, 0);
    const used = () => ownViews(state, 0).find(({ id }) => id === "e1")?.kvUsed;
    const { endpointId } = ask(state, "i-1", 0, { inputTokens: 9_000, excluded: ["e2"], purpose: "first" });
    expect([endpointId, used()]).toEqual(["e1", 9_200]);
    begun(state, "i-1", 905);
    expect(ask(state, "i-2", 905, { inputTokens: 5_000 }).endpointId).toBe("e2");
    tell(state, { settled: [settlement({ leaseId: "i-1" })] }, 1_000);
    expect(used()).toBe(0);
  });

  test("without a word of its size counts for nothing", () => {
    const state = two();
    for (let index = 0; index < 4; index++) ask(state, `i-${index}`, 0, { inputTokens: 200_000 });
    const { candidates } = acquire(
      state,
      acquireRequest("x-1", { inputTokens: 1_000, explain: true }),
      60_000,
      rng,
    ).reply;
    expect(candidates?.map(({ reading }) => reading?.kvMs)).toEqual([0, 0]);
  });
});

describe("a prompt's cache", () => {
  const KEY: AffinityKey = { key: "k", tokens: 4_000, kind: "session" };
  const turn = (state: ShardState, id: string, now: number) => {
    const grant = ask(state, id, now, { inputTokens: 4_000, affinity: KEY });
    begun(state, id, now + NET_MS + (grant.work ?? 0) / 10);
    return grant;
  };

  test("is worth its tokens until as much else was written there as is kept", () => {
    const state = one();
    engine(state, { kvTokensMax: 20_000 }, 0);
    expect(turn(state, "i-1", 0).work).toBe(4_000);
    expect(turn(state, "i-2", 1_000).work).toBe(1);
    const fill = (id: string, now: number) => ask(state, id, now, { inputTokens: 10_000 });
    fill("j-1", 2_000);
    expect(turn(state, "i-3", 4_000).work, "half of it is other prompts by now").toBe(1);
    fill("j-2", 6_000);
    fill("j-3", 8_000);
    expect(turn(state, "i-4", 10_000).work).toBe(4_000);
  });

  test("does not end with time: an idle engine keeps what it has", () => {
    const state = one();
    turn(state, "i-1", 0);
    expect(turn(state, "i-2", 3_600_000).work).toBe(1);
  });

  test("is learned smaller from misses that the engine counts, and hits of others stay hits", () => {
    const state = one();
    engine(state, { kvTokensMax: 100_000 }, 0);
    for (let index = 0; index < 3; index++) {
      const now = index * 10_000;
      turn(state, `i-${index}`, now);
      const told = { promptTokens: 4_000, cachedTrue: 0, inputTokens: 4_000, affinity: KEY };
      tell(state, { settled: [settlement({ leaseId: `i-${index}`, ...told })] }, now + 5_000);
      ask(state, `j-${index}`, now + 6_000, { inputTokens: 30_000 });
    }
    expect(state.endpoints.get("e1")?.cache.keeps).toBeLessThan(80_000);
  });

  test("counts nothing as written of a request that was never sent", () => {
    const state = one();
    turn(state, "i-1", 0);
    tell(state, { settled: [settlement({ leaseId: "i-1", outcome: "unused" })] }, 500);
    expect(state.endpoints.get("e1")?.cache.written).toBe(0);
  });
});

describe("across regions", () => {
  const POOL = poolSpec([
    endpointSpec({ ...WIDE, queuesExcess: true }),
    endpointSpec({ ...WIDE, id: "far", region: "eu", place: EU, queuesExcess: true }),
  ]);
  const us = () => createShard(POOL, "us", 1, 0);
  const eu = () => createShard(POOL, "eu", 1, 0);
  const farLine = (state: ShardState, now: number) => allViews(state, now).find(({ id }) => id === "far");

  test("a digest's line holds what was sent there since, and its age is taken off by whoever reads it", () => {
    const [here, there] = [us(), eu()];
    absorbDigest(here, makeDigest(there, 0), 0);
    const spilled = acquire(
      here,
      acquireRequest("i-1", { inputTokens: 1_000, excluded: ["e1"], purpose: "first" }),
      0,
      rng,
    );
    expect(spilled.reply.outcome).toMatchObject({
      kind: "spill",
      commit: { endpointId: "far", work: 1_000, cachedTokens: 0, begunWithinMs: BEGUN_RIDE_MS_MAX },
    });
    expect(farLine(here, 0)).toMatchObject({ inFlight: 1, workTokens: 1_000, kvUsed: 1_200, cacheWritten: 1_000 });
  });

  test("a lease that was given elsewhere is in line at its endpoint once it is confirmed", () => {
    const there = eu();
    const held = {
      leaseId: "i-1",
      endpointId: "far",
      epoch: LOCAL_EPOCH,
      capLeftMs: 9_000,
      prompt: 2_000,
      work: 1_500,
    };
    tell(there, { held: [{ ...held, sinceMs: -40, backMs: 40 }] }, 0);
    expect(lineMs(there, 0, "far")).toBeCloseTo(150, 6);
    expect(lineMs(there, 40 + 50, "far")).toBeCloseTo(100, 6);
    expect(there.endpoints.get("far")?.cache.written).toBe(1_500);
    tell(there, { held: [{ ...held, sinceMs: 300 }] }, 340);
    expect(there.endpoints.get("far")?.cache.written, "once").toBe(1_500);
  });

  test("views and confirmations of an older version have no line, and are read as such", () => {
    const here = us();
    const { views, ...set } = makeDigest(eu(), 0);
    const old = views.map(
      ({ workTokens: _w, kvUsed: _k, kvMax: _m, cacheWritten: _c, cacheKeeps: _s, ...view }) => view,
    );
    absorbDigest(here, { ...set, views: old }, 0);
    expect(ask(here, "i-1").endpointId).toBe("e1");
    tell(here, { held: [{ leaseId: "o-1", endpointId: "e1", epoch: LOCAL_EPOCH, capLeftMs: 1_000 }] }, 0);
    expect(lineMs(here, NET_MS)).toBe(100);
    checkLeaseTable(here.leases);
  });

  test("nobody is held for an endpoint that queues, while another region serves", () => {
    const pool = (count: number) =>
      poolSpec([
        endpointSpec({ queuesExcess: true, concurrencyPerWorker: 4 }),
        ...(count < 2 ? [] : [endpointSpec({ id: "far", region: "eu", place: EU, queuesExcess: true })]),
      ]);
    const outcomes = (count: number) => {
      const state = createShard(pool(count), "us", 1, 0);
      if (count === 2) absorbDigest(state, makeDigest(createShard(pool(2), "eu", 1, 0), 0), 0);
      const request = (id: string) => acquireRequest(id, { inputTokens: 0 });
      return ["i-1", "i-2", "i-3", "i-4", "i-5", "i-6", "i-7", "i-8"].map(
        (id) => acquire(state, request(id), 0, rng).reply.outcome.kind,
      );
    };
    expect(outcomes(1)).toContain("queued");
    expect(new Set(outcomes(2))).toEqual(new Set(["granted", "spill"]));
  });
});
