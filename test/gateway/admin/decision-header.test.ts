import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LeaseReason } from "../../../src/routing/core/lease-client/edge-lease.ts";
import type { EndpointView } from "../../../src/routing/core/endpoint/endpoint-view.ts";
import { seededRng } from "../../../src/lib/rng.ts";
import { route, withReading } from "../../../src/routing/core/cost/route.ts";
import { createLeaseCache, deposit } from "../../../src/routing/core/lease-client/lease-cache.ts";
import { DECISION_BYTES_MAX, decisionHeader } from "../../../src/gateway/admin/decision-header.ts";
import type { DecisionMade } from "../../../src/gateway/admin/decision-header.ts";
import { endpointView, grantOf, US } from "../../routing/core/shard/shard-fixture.ts";

type Written = {
  readonly endpoint: string;
  readonly reason: string;
  readonly attempts: number;
  readonly chosen: string;
  readonly candidates: readonly { readonly endpoint: string; readonly ms: number; readonly why: string }[];
  readonly leftOut?: number;
};

/** The decision over `views` as an answered request has it: the lease of `endpointId`, given for `reason`. */
function made(views: readonly EndpointView[], endpointId: string, reason: LeaseReason = "nearest_warm"): DecisionMade {
  const request = { client: US, clientKey: "here", inputTokens: 0, excluded: [], exact: true };
  const candidates = withReading(route(views, request, seededRng(1)).candidates, views, request);
  const heldLease = deposit(createLeaseCache("edge"), "key", "shard", grantOf("i-1", { endpointId }), 0, 0);
  return { endpointId, reason, attempts: 1, decision: { heldLease, reason, candidates } };
}

const written = (decision: DecisionMade): Written => JSON.parse(decisionHeader(decision)) as Written;

const VIEWS = [
  endpointView({ id: "far", region: "eu", roundTripMs: { here: 92.26 } }),
  endpointView({ id: "near" }),
  endpointView({ id: "full", inFlight: 8 }),
];

test("the header tells the answering endpoint, and every candidate with its terms from the lowest cost up", () => {
  expect(JSON.parse(decisionHeader(made(VIEWS, "near")))).toEqual({
    endpoint: "near",
    reason: "nearest_warm",
    attempts: 1,
    chosen: "near",
    candidates: [
      expect.objectContaining({ endpoint: "near", ms: 0, why: "chosen: no warm endpoint is nearer" }),
      {
        endpoint: "far",
        region: "eu",
        ms: 92.3,
        terms: expect.objectContaining({ net: 92.3, wait: 0, cold: 0 }),
        inFlight: 0,
        capacity: 8,
        warmth: "warm",
        excluded: null,
        reading: { lineMs: 0, work: 0, tokensPerMs: 10 },
        why: "92 ms farther",
      },
      expect.objectContaining({ endpoint: "full", why: "full: 8 of 8, a slot in 250 ms" }),
    ],
  });
});

test("an answer by another endpoint than the chosen one tells both", () => {
  const decision = { ...made(VIEWS, "near"), endpointId: "far", reason: "hedge", attempts: 2 };
  const { endpoint, reason, attempts, chosen, candidates } = written(decision);
  expect([endpoint, reason, attempts, chosen]).toEqual(["far", "hedge", 2, "near"]);
  expect(candidates[1]?.why).toBe("92 ms farther");
});

test.each(["snapshot", "static"] as const)("a decision from the %s tells that no shard was asked", (reason) => {
  expect(written(made(VIEWS, "near", reason)).candidates[0]?.why).toMatch(/^chosen without a shard/);
});

test("a shard that does not tell what it weighed leaves the list empty", () => {
  const { decision, ...rest } = made(VIEWS, "near");
  expect(written({ ...rest, decision: { ...decision, candidates: null } }).candidates).toEqual([]);
});

describe("the header is bounded", () => {
  const views = (count: number, id = "endpoint") =>
    Array.from({ length: count }, (_, index) =>
      endpointView({ id: `${id}-${index}`, roundTripMs: { here: 10 * index } }),
    );

  test("more candidates than fit are counted, and the cheapest are those that are told", () => {
    const text = decisionHeader(made(views(64), "endpoint-0"));
    const { candidates, leftOut = 0 } = JSON.parse(text) as Written;
    expect(text.length).toBeLessThanOrEqual(DECISION_BYTES_MAX);
    // Another one would not have fitted.
    expect(text.length + JSON.stringify(candidates.at(-1)).length).toBeGreaterThan(DECISION_BYTES_MAX);
    expect(candidates.length + leftOut).toBe(64);
    expect(candidates.map(({ endpoint }) => endpoint)).toEqual(candidates.map((_, index) => `endpoint-${index}`));
  });

  test("it is JSON in printable ASCII within the bound, whatever the names are and however many", () => {
    fc.assert(
      fc.property(fc.nat(64), fc.string({ unit: "binary", maxLength: 64 }), (count, id) => {
        const text = decisionHeader(made(views(count, id), `${id}-0`));
        expect(text).toMatch(/^[ -~]+$/);
        expect(text.length).toBeLessThanOrEqual(DECISION_BYTES_MAX);
        const { endpoint, candidates, leftOut = 0 } = JSON.parse(text) as Written;
        expect([endpoint, candidates.length + leftOut]).toEqual([`${id}-0`, count]);
      }),
      { numRuns: 60 },
    );
  });
});
