/**
 * Second attempts at the edge: what a wish says of itself, what a refusal means, and what happens while no shard
 * answers.
 */
import { describe, expect, test } from "vitest";
import { RETRY_RULE } from "../../../../src/routing/core/shard/budget.ts";
import { beginLease, onAwaited, onReply, onSilence } from "../../../../src/routing/core/lease-client/edge-lease.ts";
import type { Asking, LeaseStep, LeaseRequest } from "../../../../src/routing/core/lease-client/edge-lease.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import type { AcquireOutcome, AcquireReply } from "../../../../src/routing/core/shard-messages.ts";
import {
  createLeaseCache,
  settleHeldLease,
  takeReport,
} from "../../../../src/routing/core/lease-client/lease-cache.ts";
import type { LeaseCache } from "../../../../src/routing/core/lease-client/lease-cache.ts";
import { endpointSpec, grantOf, poolSpec, settlement, US } from "../shard/shard-fixture.ts";

const at = { now: 0, rng: seededRng(1) };
const SHARD = "pool:pool:us";
const POOL = poolSpec([endpointSpec(), endpointSpec({ id: "e2" })]);

const leaseRequest = (changes: Partial<LeaseRequest> = {}): LeaseRequest => ({
  pool: POOL,
  client: US,
  clientKey: "here",
  inputTokens: 0,
  excluded: [],
  explain: false,
  ...changes,
});
const retry = leaseRequest({ excluded: ["e1"] });
const hedge = leaseRequest({ excluded: ["e1"], purpose: "hedge" });

const reply = (outcome: AcquireOutcome): AcquireReply => ({ outcome, tight: false, snapshot: null, candidates: null });

function asked(leaseCache: LeaseCache, wanted: LeaseRequest): Asking {
  const { step } = beginLease(leaseCache, wanted, 0);
  if (step.kind !== "ask") throw new Error(`expected a question, got ${step.kind}`);
  return step.asking;
}

/** Ends a leased request as served. */
function serve(leaseCache: LeaseCache, step: LeaseStep): void {
  if (step.kind !== "leased") throw new Error(`expected a lease, got ${step.kind}`);
  settleHeldLease(leaseCache, step.heldLease, settlement({ leaseId: step.heldLease.leaseId }));
}

test.each([
  { name: "a first attempt", wanted: leaseRequest(), purpose: "first" },
  { name: "a retry", wanted: retry, purpose: "retry" },
  { name: "a hedge", wanted: hedge, purpose: "hedge" },
])("$name says to the shard what it is", ({ wanted, purpose }) => {
  expect(asked(createLeaseCache("edge"), wanted).request.purpose).toBe(purpose);
});

test("a shard's refusal for want of budget is passed on, from its answer and from its queue", () => {
  const leaseCache = createLeaseCache("edge");
  const asking = asked(leaseCache, retry);
  expect(onReply(leaseCache, retry, asking, reply({ kind: "over_budget" }), at)).toEqual({ kind: "over_budget" });
  expect(onAwaited(leaseCache, retry, asking, { kind: "over_budget" }, at)).toEqual({ kind: "over_budget" });
});

describe("a hedge", () => {
  test("is leased by the shard", () => {
    const leaseCache = createLeaseCache("edge");
    const grant = grantOf("edge-1", { endpointId: "e2" });
    const step = onReply(leaseCache, hedge, asked(leaseCache, hedge), reply({ kind: "granted", grant }), at);
    expect(step).toMatchObject({ kind: "leased", heldLease: { grant: { endpointId: "e2" } } });
  });

  test("waits in no queue: its place goes back", () => {
    const leaseCache = createLeaseCache("edge");
    const asking = asked(leaseCache, hedge);
    const { leaseId } = asking.request;
    expect(onReply(leaseCache, hedge, asking, reply({ kind: "queued", leaseId, etaMs: 10 }), at).kind).toBe(
      "over_budget",
    );
    expect(takeReport(leaseCache, SHARD, 0).settled).toMatchObject([{ leaseId, outcome: "unused" }]);
  });

  test("is not decided alone", () => {
    const leaseCache = createLeaseCache("edge");
    expect(onSilence(leaseCache, hedge, at)).toEqual({ kind: "over_budget" });
    expect(leaseCache.heldLeases.size).toBe(0);
  });
});

describe("while no shard answers", () => {
  const by = (tenant: string) => ({ sender: { tenant } });
  const retriesLeft = (leaseCache: LeaseCache, tenant = "one"): number => {
    for (let retries = 0; ; retries++) {
      if (onSilence(leaseCache, { ...retry, ...by(tenant) }, at).kind !== "leased") return retries;
      expect(retries, "tokens that a bucket holds").toBeLessThan(RETRY_RULE.tokensMax);
    }
  };

  test("an isolate's retries end with its own budget, and first attempts go on", () => {
    const leaseCache = createLeaseCache("edge");
    const tenants = ["one", "two", "three", "four"];
    const paid = tenants.map((tenant) => retriesLeft(leaseCache, tenant));
    expect(paid.reduce((sum, one) => sum + one, 0)).toBe(RETRY_RULE.tokensMax);
    expect(onSilence(leaseCache, { ...retry, ...by("five") }, at)).toEqual({ kind: "over_budget" });
    expect(onSilence(leaseCache, leaseRequest(), at).kind).toBe("leased");
  });

  test("one tenant's failures take half of it, and leave another one its first retry", () => {
    const leaseCache = createLeaseCache("edge");
    expect(retriesLeft(leaseCache, "fails")).toBe(RETRY_RULE.tokensMax / 2);
    expect(onSilence(leaseCache, { ...retry, ...by("well") }, at).kind).toBe("leased");
  });

  test("what it serves earns further ones, for the tenant that was served", () => {
    const leaseCache = createLeaseCache("edge");
    retriesLeft(leaseCache);
    const first = Array.from({ length: 20 }, () => onSilence(leaseCache, leaseRequest(by("one")), at));
    for (const step of first) serve(leaseCache, step);
    expect(retriesLeft(leaseCache)).toBe(2);
  });

  test("a retry that has nowhere to go costs nothing", () => {
    const leaseCache = createLeaseCache("edge");
    const nowhere = leaseRequest({ excluded: ["e1", "e2"] });
    expect(onSilence(leaseCache, nowhere, at).kind).toBe("no_endpoint");
    expect(leaseCache.retriesAlone.bucket.spent).toBe(0);
  });
});
