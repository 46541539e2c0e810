/** The decision that a request would meet, in words and figures, without making it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EJECT_MS, FAILURES_MAX } from "../../../../src/routing/core/endpoint/breaker.ts";
import type { EndpointView } from "../../../../src/routing/core/endpoint/endpoint-view.ts";
import { beginLease, onAwaited, onReply } from "../../../../src/routing/core/lease-client/edge-lease.ts";
import { setDrained } from "../../../../src/routing/core/endpoint/endpoint.ts";
import { explainCandidates } from "../../../../src/routing/core/cost/explain-why.ts";
import { explainAlone } from "../../../../src/routing/core/cost/explain.ts";
import { explainShard } from "../../../../src/routing/core/shard/shard-explain.ts";
import type { ExplainRequest, Explanation, Picture } from "../../../../src/routing/core/cost/explain.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import { route } from "../../../../src/routing/core/cost/route.ts";
import {
  absorbDigest,
  createShard,
  DIGEST_LIFE_MS,
  makeDigest,
  makeSnapshot,
} from "../../../../src/routing/core/shard/shard.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import { applyReport } from "../../../../src/routing/core/shard/shard-settle.ts";
import { createLeaseCache } from "../../../../src/routing/core/lease-client/lease-cache.ts";
import { acquireRequest, endpointSpec, endpointView, EU, poolSpec, settlement, US } from "../shard/shard-fixture.ts";

const rng = seededRng(1);
const REQUEST: ExplainRequest = { client: US, clientKey: "here", inputTokens: 0, excluded: [] };
const SNAPSHOT: Picture = { source: "snapshot", region: "us", ageMs: 0, digestAgesMs: {} };

const over = (views: readonly EndpointView[], changes: Partial<ExplainRequest> = {}, picture = SNAPSHOT): Explanation =>
  explainAlone(views, { ...REQUEST, ...changes }, picture, rng);

const whyOf = (explanation: Explanation, id: string): string =>
  explanation.candidates.find(({ endpointId }) => endpointId === id)?.why ?? "(not there)";

/** `near` is here, warm and idle, and answers in no time; `other` differs from it as told. */
const besides = (changes: Partial<EndpointView>, near: Partial<EndpointView> = {}) => [
  endpointView({ id: "near", ...near }),
  endpointView({ id: "other", ...changes }),
];

describe("each loser is told what it lost to", () => {
  const losers: readonly (readonly [name: string, views: readonly EndpointView[], why: string])[] = [
    ["farther", besides({ roundTripMs: { here: 34 } }), "34 ms farther"],
    ["full", besides({ inFlight: 8 }), "full: 8 of 8, a slot in 250 ms"],
    ["over-full", besides({ inFlight: 1_234 }), "full: 1,234 of 8, a slot in 306,750 ms"],
    ["cold", besides({ warmth: "cold", coldMs: 25_000 }), "cold: 25,000 ms"],
    ["warming", besides({ warmth: "warming", coldMs: 800 }), "warming: 800 ms"],
    ["cold and asked for", besides({ warmth: "cold", coldMs: 1_000, inFlight: 8 }), "cold: 1,000 ms, and full: 8 of 8"],
    ["ejected", besides({ standing: "ejected", ejectedForMs: 812 }), "ejected for another 812 ms"],
    ["ejected, by an older version's word", besides({ standing: "ejected" }), "ejected"],
    ["draining", besides({ standing: "draining" }), "draining: takes nothing new"],
    ["down", besides({ standing: "down" }), "down: its probes fail"],
    ["slow at its load", besides({ loadCurveMs: [120, 120, 120] }), "120 ms slower at its load"],
    [
      "likely to fail",
      besides({ failureProbability: 0.5, failureCostMs: 90 }),
      "890 ms more to expect from its failures",
    ],
    [
      "better in one term, and worse in more",
      besides({ roundTripMs: { here: 100 } }, { loadCurveMs: [30, 30, 30] }),
      "100 ms farther, 70 ms later in all",
    ],
    ["as fast, but fuller", besides({ inFlight: 3 }), "as fast, but fuller: 3 of 8"],
    ["as fast in all", besides({}, { id: "a" }), "as fast: the draw fell on the other"],
  ];

  test.each(losers)("%s", (_, views, why) => {
    const told = over(views);
    const loser = told.candidates.find(({ chosen }) => !chosen);
    expect(told.decision.kind).toBe("chosen");
    expect(loser?.why).toBe(why);
  });

  test("a long prompt makes the slower reader lose by its reading", () => {
    const views = besides({ prefillTokensPerMs: 5 });
    expect(whyOf(over(views, { inputTokens: 1_000 }), "other")).toBe("100 ms slower to read the prompt");
  });

  test.each([
    [
      "the prompts in line",
      { workTokens: 3_000 },
      "300 ms longer until the prompts in line are read (300 ms at 10 tokens a ms)",
    ],
    [
      "KV memory",
      { kvUsed: 9_900, kvMax: 10_000, outputTokens: 100, occupancyMs: 1_000 },
      "100 ms longer until it has KV memory (9,900 of 10,000 tokens taken)",
    ],
  ])("one with free slots loses by %s, in ms and in what they are made of", (_, changes, why) => {
    expect(whyOf(over(besides(changes), { inputTokens: 1_000 }), "other")).toBe(why);
  });

  test("one that the request has tried is told so, whatever else is wrong with it", () => {
    const views = besides({ standing: "down", inFlight: 99 });
    expect(whyOf(over(views, { excluded: ["other"] }), "other")).toBe("excluded: this request has tried it");
  });
});

describe("the winner is told why it won", () => {
  test.each([
    ["nearest_warm", besides({ roundTripMs: { here: 50 } }), "near", "chosen: no warm endpoint is nearer"],
    [
      "spill",
      besides({ roundTripMs: { here: 50 } }, { inFlight: 8 }),
      "other",
      "chosen: every nearer warm endpoint is full",
    ],
    [
      "cheaper",
      besides({ roundTripMs: { here: 50 } }, { loadCurveMs: [300, 300, 300] }),
      "other",
      "chosen: a nearer warm endpoint has a slot, but would answer later",
    ],
    [
      "cold_start",
      besides({ warmth: "cold", coldMs: 100 }, { warmth: "cold", coldMs: 9_000 }),
      "other",
      "chosen: nothing warm would answer sooner than this cold start",
    ],
    [
      "panic",
      besides({ standing: "down", roundTripMs: { here: 50 } }, { standing: "ejected" }),
      "near",
      "chosen: too few endpoints take traffic, so ejection is ignored",
    ],
  ] as const)("%s", (reason, views, id, why) => {
    const told = over(views);
    expect(told.decision).toMatchObject({ kind: "chosen", endpointId: id, reason });
    expect(told.panic).toBe(reason === "panic");
    expect(whyOf(told, id)).toBe(why);
  });

  test("in panic an ejected endpoint loses by its cost, and a draining one by draining", () => {
    const views = [
      ...besides({ standing: "ejected", roundTripMs: { here: 50 } }, { standing: "down" }),
      endpointView({ id: "gone", standing: "draining" }),
    ];
    expect(["other", "gone"].map((id) => whyOf(over(views), id))).toEqual([
      "50 ms farther",
      "draining: takes nothing new",
    ]);
  });

  test("without a shard it is told from what it was chosen", () => {
    const { candidates } = route(besides({}), { ...REQUEST, exact: false }, rng);
    expect(explainCandidates(candidates, { endpointId: "near", reason: null })[0]).toBe(
      "chosen without a shard: the lowest cost by what is known here",
    );
  });
});

test("when all are full nobody is chosen, and everyone is told how long a slot takes", () => {
  const told = over(besides({ inFlight: 9 }, { inFlight: 8 }));
  expect(told.decision).toMatchObject({ kind: "full", endpointId: "near" });
  expect(told.candidates.map(({ why, chosen }) => [why, chosen])).toEqual([
    ["full: 8 of 8, a slot in 250 ms", false],
    ["full: 9 of 8, a slot in 500 ms", false],
  ]);
});

test("every candidate has one sentence and all its terms, and at most one is chosen", () => {
  const anyView = fc.record({
    inFlight: fc.nat(20),
    capacity: fc.integer({ min: 1, max: 10 }),
    warmth: fc.constantFrom("cold", "warming", "warm"),
    coldMs: fc.nat(60_000),
    standing: fc.constantFrom("admitting", "ejected", "draining", "down"),
    roundTripMs: fc.record({ here: fc.nat(300) }),
  });
  fc.assert(
    fc.property(fc.array(anyView, { maxLength: 6 }), fc.nat(), (plans, seed) => {
      const views = plans.map((plan, index) => endpointView({ ...plan, id: `e${index}` }));
      const told = explainAlone(views, REQUEST, SNAPSHOT, seededRng(seed));
      const { outcome } = route(views, { ...REQUEST, exact: false }, seededRng(seed));
      expect(told.decision).toEqual(outcome);
      expect(told.candidates.map(({ endpointId }) => endpointId).sort()).toEqual(views.map(({ id }) => id).sort());
      expect(told.candidates.filter(({ chosen }) => chosen)).toHaveLength(outcome.kind === "chosen" ? 1 : 0);
      for (const { why, terms, totalMs } of told.candidates) {
        expect(why).toMatch(/^[a-z0-9][ -~]+$/);
        expect(why).not.toBe("not chosen");
        expect(Object.values(terms).reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(totalMs, 6);
      }
      const costs = told.candidates.map(({ totalMs }) => totalMs);
      expect(costs).toEqual(costs.toSorted((one, other) => one - other));
    }),
  );
});

const POOL = poolSpec([
  endpointSpec(),
  endpointSpec({ id: "e2", region: "eu", place: EU }),
  endpointSpec({ id: "e3", region: "ap", place: { lat: 35.7, lon: 139.7 }, workersMin: 0 }),
]);
const us = (): ShardState => createShard(POOL, "us", 1, 0);
const euDigest = () => makeDigest(createShard(POOL, "eu", 1, 0), 0);

describe("a shard explains", () => {
  test("from its own exact state, its peers' digests with their age, and the configuration", () => {
    const state = us();
    absorbDigest(state, euDigest(), 100);
    const told = explainShard(state, REQUEST, 350, rng);
    expect(told).toMatchObject({ source: "shard", region: "us", panic: false, digestAgesMs: { eu: 250 } });
    expect(told.candidates.map(({ endpointId, toldBy, ageMs }) => [endpointId, toldBy, ageMs])).toEqual([
      ["e1", "owner", 0],
      ["e2", "digest", 250],
      ["e3", "config", null],
    ]);
  });

  test("a digest that has grown too old is not used, and not told as if it were", () => {
    const state = us();
    absorbDigest(state, euDigest(), 0);
    expect(explainShard(state, REQUEST, DIGEST_LIFE_MS, rng).digestAgesMs).toEqual({ eu: DIGEST_LIFE_MS });
    const late = explainShard(state, REQUEST, DIGEST_LIFE_MS + 1, rng);
    expect([late.digestAgesMs, late.candidates[1]]).toMatchObject([{}, { toldBy: "config", ageMs: null }]);
  });

  test("what the next request then gets, and leaves no trace", () => {
    const state = us();
    absorbDigest(state, euDigest(), 0);
    for (let i = 1; i <= 4; i++) acquire(state, acquireRequest(`i-${i}`), 0, rng);
    const before = structuredClone(state);
    const told = explainShard(state, REQUEST, 10, rng);
    expect(state).toEqual(before);
    expect(told.decision).toMatchObject({ kind: "chosen", endpointId: "e2", region: "eu", reason: "spill" });
    expect(whyOf(told, "e1")).toBe("full: 4 of 4, a slot in 500 ms");
    const { reply } = acquire(state, acquireRequest("i-5"), 10, rng);
    expect(reply.outcome).toEqual({ kind: "spill", region: "eu", reason: "spill" });
  });

  test("a cold endpoint as the answer, and does not wake it", () => {
    const state = createShard(poolSpec([endpointSpec({ workersMin: 0 })]), "us", 1, 0);
    expect(explainShard(state, REQUEST, 0, rng).decision).toMatchObject({ reason: "cold_start" });
    expect(state.endpoints.get("e1")).toMatchObject({ warmth: "cold", wokenAtMs: Number.NEGATIVE_INFINITY });
  });

  test("how long an ejection still lasts, also by a digest that is a while old", () => {
    const eu = createShard(POOL, "eu", 1, 0);
    for (let i = 0; i < FAILURES_MAX; i++) {
      const failed = settlement({ leaseId: `x-${i}`, endpointId: "e2", outcome: "failed", heldMs: 3 });
      applyReport(eu, { settled: [failed], held: [] }, 0, rng);
    }
    expect(whyOf(explainShard(eu, REQUEST, 100, rng), "e2")).toBe(`ejected for another ${EJECT_MS - 100} ms`);
    const state = us();
    absorbDigest(state, makeDigest(eu, 100), 100);
    expect(whyOf(explainShard(state, REQUEST, 400, rng), "e2")).toBe(`ejected for another ${EJECT_MS - 400} ms`);
    // By the digest it is over by now, but only its owner may say so.
    expect(whyOf(explainShard(state, REQUEST, 1_500, rng), "e2")).toBe("ejected");
  });

  test("an endpoint that an operator drained as draining, and never in panic", () => {
    const state = createShard(poolSpec(), "us", 1, 0);
    const endpoint = state.endpoints.get("e1");
    if (endpoint !== undefined) setDrained(endpoint, true);
    const told = explainShard(state, REQUEST, 0, rng);
    expect([told.decision, told.panic, whyOf(told, "e1")]).toEqual([
      { kind: "none" },
      false,
      "draining: takes nothing new",
    ]);
  });
});

test("an explained request that had to wait tells what it waited for", () => {
  const state = createShard(poolSpec(), "us", 1, 0);
  for (let i = 1; i <= 4; i++) acquire(state, acquireRequest(`i-${i}`), 0, rng);
  const leaseCache = createLeaseCache("edge");
  const leaseRequest = { pool: poolSpec(), client: US, clientKey: "here", inputTokens: 0, excluded: [], explain: true };
  const { step } = beginLease(leaseCache, leaseRequest, 0);
  if (step.kind !== "ask") throw new Error("the authority itself is asked");
  const { reply } = acquire(state, step.asking.request, 0, rng);
  const next = onReply(leaseCache, leaseRequest, step.asking, reply, { now: 0, rng });
  if (next.kind !== "await") throw new Error(`expected a place in the queue, got ${next.kind}`);
  applyReport(state, { settled: [settlement({ leaseId: "i-1" })], held: [] }, 5, rng);
  const outcome = state.resolved.get(next.leaseId)?.outcome ?? null;
  const leased = onAwaited(leaseCache, leaseRequest, next.asking, outcome, { now: 6, rng });
  expect(leased).toMatchObject({ kind: "leased", candidates: [{ endpointId: "e1", inFlight: 4, capacity: 4 }] });
});

describe("without its shard", () => {
  test("a snapshot tells how old the figures of each region are", () => {
    const state = us();
    absorbDigest(state, euDigest(), 0);
    const { views, digestAgesMs } = makeSnapshot(state, 200);
    expect(digestAgesMs).toEqual({ eu: 200 });
    const picture: Picture = { source: "snapshot", region: "us", ageMs: 1_000, digestAgesMs: { eu: 1_200 } };
    const told = explainAlone(views, REQUEST, picture, rng);
    expect(told.candidates.map(({ toldBy, ageMs }) => [toldBy, ageMs])).toEqual([
      ["owner", 1_000],
      ["digest", 1_200],
      ["config", null],
    ]);
  });

  test("the configuration tells no age at all", () => {
    const told = over(besides({}), {}, { source: "static", region: null, ageMs: 0, digestAgesMs: {} });
    expect(told.candidates.map(({ toldBy, ageMs }) => [toldBy, ageMs])).toEqual([
      ["config", null],
      ["config", null],
    ]);
  });
});
