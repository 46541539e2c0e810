/** What the edge does when a shard names another region: ask there, or go there at once under a lease of its own. */
import { expect, test } from "vitest";
import { beginLease, onAwaited, onReply } from "../../../../src/routing/core/lease-client/edge-lease.ts";
import type { Asking, LeaseRequest } from "../../../../src/routing/core/lease-client/edge-lease.ts";
import { inFlight } from "../../../../src/routing/core/shard/leases.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import { createShard } from "../../../../src/routing/core/shard/shard.ts";
import { LOCAL_EPOCH } from "../../../../src/routing/core/shard-messages.ts";
import type { AcquireOutcome, AcquireReply, Spill } from "../../../../src/routing/core/shard-messages.ts";
import { applyReport } from "../../../../src/routing/core/shard/shard-settle.ts";
import {
  createLeaseCache,
  isOwedAWord,
  settleHeldLease,
  shardsOwed,
  takeReport,
} from "../../../../src/routing/core/lease-client/lease-cache.ts";
import type { LeaseCache } from "../../../../src/routing/core/lease-client/lease-cache.ts";
import { endpointSpec, EU, poolSpec, settlement, US } from "../shard/shard-fixture.ts";

const at = { now: 0, rng: seededRng(1) };
const FAR = "pool:pool:eu";
const POOL = poolSpec([endpointSpec(), endpointSpec({ id: "e2", region: "eu", place: EU, queuesExcess: true })]);
const leaseRequest: LeaseRequest = {
  pool: POOL,
  client: US,
  clientKey: "here",
  inputTokens: 0,
  excluded: [],
  explain: false,
};
const asks: Spill = { kind: "spill", region: "eu", reason: "spill" };
const commits: Spill = { ...asks, commit: { endpointId: "e2", costMs: 130, inFlight: 3 } };

const reply = (outcome: AcquireOutcome): AcquireReply => ({ outcome, tight: false, snapshot: null, candidates: null });

function asked(leaseCache: LeaseCache): Asking {
  const { step } = beginLease(leaseCache, leaseRequest, 0);
  if (step.kind !== "ask") throw new Error(`expected a question, got ${step.kind}`);
  return step.asking;
}

const ways = [
  {
    name: "an answer",
    spilled: (leaseCache: LeaseCache, to: Spill) => onReply(leaseCache, leaseRequest, asked(leaseCache), reply(to), at),
  },
  {
    name: "a wait",
    spilled: (leaseCache: LeaseCache, to: Spill) => onAwaited(leaseCache, leaseRequest, asked(leaseCache), to, at),
  },
];

test.each(ways)("after $name that only names the region, its shard is asked, with hop 1", ({ spilled }) => {
  const step = spilled(createLeaseCache("edge"), asks);
  expect(step).toMatchObject({ kind: "ask", asking: { shard: FAR, request: { hop: 1 } } });
});

test.each(ways)(
  "after $name that commits, the request goes at once, and the shard there is owed a word",
  ({ spilled }) => {
    const leaseCache = createLeaseCache("edge");
    const step = spilled(leaseCache, commits);
    if (step.kind !== "leased") throw new Error(`expected a lease, got ${step.kind}`);
    const { heldLease } = step;
    expect(step.reason).toBe("spill");
    expect(heldLease).toMatchObject({
      shard: FAR,
      grant: { endpointId: "e2", epoch: LOCAL_EPOCH, inFlightAtGrant: 3 },
    });
    expect(isOwedAWord(heldLease, at.now)).toBe(true);
    expect(shardsOwed(leaseCache, at.now)).toEqual([FAR]);

    const far = createShard(POOL, "eu", 1, 0);
    applyReport(far, takeReport(leaseCache, FAR, at.now), at.now, at.rng);
    expect(inFlight(far.leases, "e2")).toBe(1);
    expect(isOwedAWord(heldLease, at.now)).toBe(false);
    settleHeldLease(
      leaseCache,
      heldLease,
      settlement({ leaseId: heldLease.leaseId, endpointId: "e2", epoch: LOCAL_EPOCH }),
    );
    applyReport(far, takeReport(leaseCache, FAR, at.now), at.now, at.rng);
    expect(inFlight(far.leases, "e2")).toBe(0);
  },
);

test("a word that comes twice, or after the end, takes no second slot", () => {
  const leaseCache = createLeaseCache("edge");
  const step = onReply(leaseCache, leaseRequest, asked(leaseCache), reply(commits), at);
  if (step.kind !== "leased") throw new Error(`expected a lease, got ${step.kind}`);
  const far = createShard(POOL, "eu", 1, 0);
  const word = takeReport(leaseCache, FAR, at.now);
  for (let time = 0; time < 2; time++) applyReport(far, word, at.now, at.rng);
  expect(inFlight(far.leases, "e2")).toBe(1);
  const ended = settlement({ leaseId: step.heldLease.leaseId, endpointId: "e2", epoch: LOCAL_EPOCH });
  applyReport(far, { settled: [ended], held: [] }, at.now, at.rng);
  applyReport(far, word, at.now, at.rng);
  expect(inFlight(far.leases, "e2")).toBe(0);
});

test.each([true, false])("who would rather wait than be refused (%s) says so to the shard", (patient) => {
  const { step } = beginLease(createLeaseCache("edge"), { ...leaseRequest, patient }, 0);
  if (step.kind !== "ask") throw new Error(`expected a question, got ${step.kind}`);
  expect(step.asking.request.patient).toBe(patient ? true : undefined);
});
