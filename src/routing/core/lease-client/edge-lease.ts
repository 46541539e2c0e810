/**
 * Decides, at the edge, how a request comes by its lease: the part of the edge that production and the simulator share.
 *
 * Model. A small state machine over a lease cache. `beginLease` spends a credit or names the shard to ask; the shell makes the
 * call and says how it went (`onReply`, `onSilence`, `onAwaited`), and each answers with the next step, until the request
 * is leased or refused. The nearest shard is asked first; the region it names is asked once; when no shard answers in
 * time the same routing function decides here, from the last snapshot or from the configuration, because a request never
 * fails for want of an answer from a Durable Object. A grant that comes too late goes home unused.
 * Rejected: the same flow written with promises in the Worker, which the simulator could not run.
 */
import { needsSpare, purposeOf } from "../shard/budget.ts";
import type { AttemptPurpose } from "../shard/budget.ts";
import { staticView } from "../endpoint/static-view.ts";
import type { EndpointView, ViewSet } from "../endpoint/endpoint-view.ts";
import { nearest, roundTripPriorMs } from "../cost/geography.ts";
import type { Place, PoolSpec } from "../pool.ts";
import type { Rng } from "../../../lib/rng.ts";
import { route } from "../cost/route.ts";
import type { Candidate, RouteReason } from "../cost/route.ts";
import type { AffinityKey } from "../shard/affinity.ts";
import type {
  AcquireOutcome,
  AcquireReply,
  AcquireRequest,
  AwaitOutcome,
  LinePlace,
  Spill,
} from "../shard-messages.ts";
import { PRIORITY_DEFAULT } from "../shard/priority.ts";
import type { Priority } from "../shard/priority.ts";
import type { Sender } from "../shard/fair-shares.ts";
import { shardName } from "../shard-name.ts";
import {
  claimRefill,
  countRequest,
  creditIds,
  deposit,
  depositCredits,
  endRefill,
  holdUnconfirmed,
  nextLeaseId,
  noteTight,
  restoreReport,
  returnUnused,
  spendCredit,
  takeReport,
} from "./lease-cache.ts";
import { adapterCosts } from "../cost/terms/adapter.ts";
import { fitsCredit } from "./lease-cache-line.ts";
import { payAlone } from "./lease-cache-alone.ts";
import { heldLocally, ownGrant } from "./lease-cache-local.ts";
import type { HeldLease, LeaseCache } from "./lease-cache.ts";
import { homeMatch } from "./lease-cache-homes.ts";
import { noteHeard } from "./lease-cache-leave.ts";
import { noteOwner } from "./lease-cache-owner.ts";
import type { AskedBeside } from "./lease-waits.ts";

const NOT_KNOWN = { work: undefined, netMs: 0 };

/** The edge asks for a fresh snapshot when its own is older than this, ms. */
const SNAPSHOT_AGE_MS = 1_000;

export type LeaseRequest = {
  readonly pool: PoolSpec;
  /** Where the client is; null when unknown. */
  readonly client: Place | null;
  readonly clientKey: string;
  readonly inputTokens: number;
  /** Session or prefix of a long prompt; null or absent: none. */
  readonly affinityKey?: AffinityKey | null;
  /** Name of the model, where it may be that of an adapter; null or absent: it makes no difference. */
  readonly adapter?: string | null;
  /** It is one for certain. Absent: no. */
  readonly isAdapter?: boolean;
  /** Endpoints this request has tried. */
  readonly excluded: readonly string[];
  /** Region of an endpoint that could not be reached at all; null or absent: none. */
  readonly avoidRegion?: string | null;
  /** Absent: a first attempt, or a retry when there are endpoints to exclude. */
  readonly purpose?: AttemptPurpose;
  /** Its attempt at the excluded endpoint waits for this long already, ms. */
  readonly lateForMs?: number;
  /** It has been dispatched before: every further attempt is decided by the authority itself. Absent: false. */
  readonly again?: boolean;
  /** Would rather wait however long than be refused for an expected wait: a job. */
  readonly patient?: boolean;
  /** How long it has waited at an endpoint that it was put back from, ms. */
  readonly waitedMs?: number;
  /** The class in which it waits; absent: normal. */
  readonly priority?: Priority;
  /** Whose it is; absent: not known. */
  readonly sender?: Sender;
  /** When its client gives up; absent: it does not say. */
  readonly clientGivesUpAtMs?: number;
  /** Ask the authority itself, and for every candidate's cost. */
  readonly explain: boolean;
} & AskedBeside;

/** Why this endpoint: the router's reasons, or that it had to be decided from a snapshot or the configuration alone. */
export type LeaseReason = RouteReason | "snapshot" | "static";

export type Snapshot = { readonly set: ViewSet; readonly atMs: number };

/** One call to a shard. */
export type Asking = {
  readonly shard: string;
  /** Pool, shard and client place: the lease cache's key. */
  readonly key: string;
  readonly request: AcquireRequest;
  readonly askedAtMs: number;
  /** What the distance to the shard alone takes, ms: the pool's patience begins after it. */
  readonly tripMs: number;
  /** What the first shard said, when this one was named by it. */
  readonly namedBy: { readonly reason: RouteReason; readonly candidates: readonly Candidate[] | null } | null;
  /** What was weighed when the request was queued, for an explained one. */
  readonly queuedBehind: readonly Candidate[] | null;
  /** Its place in line when it was queued, for an explained one. */
  readonly line: LinePlace | null;
};

export type Leased = {
  readonly kind: "leased";
  readonly heldLease: HeldLease;
  readonly reason: LeaseReason;
  readonly candidates: readonly Candidate[] | null;
  /** Where it stood, of an explained request that its shard held; with how long it was held, ms. */
  readonly line?: (LinePlace & { readonly waitedMs: number }) | null;
};

export type Refused = Extract<AcquireOutcome, { kind: "shed" | "warming_up" | "no_endpoint" | "over_budget" }>;

export type LeaseStep =
  | Leased
  | Refused
  /** Send `asking.request` to `asking.shard`. */
  | { readonly kind: "ask"; readonly asking: Asking }
  /** Wait at `asking.shard` for what becomes of `leaseId`. */
  | { readonly kind: "await"; readonly asking: Asking; readonly leaseId: string };

export type Begun = {
  readonly step: LeaseStep;
  /** A call that nothing waits for: it fills the lease cache. */
  readonly refill: Asking | null;
};

export function beginLease(leaseCache: LeaseCache, leaseRequest: LeaseRequest, now: number): Begun {
  const region = homeRegion(leaseRequest);
  const shard = shardName(leaseRequest.pool.id, region);
  const key = cacheKey(shard, leaseRequest);
  const recentPerSecond = countRequest(leaseCache, key, now);
  const mayUseCredits = fitsCredit(leaseRequest);
  const heldLease = mayUseCredits ? spendCredit(leaseCache, key, shard, now, leaseRequest.inputTokens) : null;
  const refills = mayUseCredits && claimRefill(leaseCache, key, now);
  if (heldLease !== null) {
    noteOwner(heldLease, leaseRequest);
    const refill = refills
      ? ask(leaseCache, leaseRequest, { region, hop: 0, recentPerSecond, ahead: true }, now)
      : null;
    return { step: leasedTo(leaseRequest, { heldLease, reason: heldLease.grant.reason, candidates: null }), refill };
  }
  const { waitedMs } = leaseRequest;
  const before = waitedMs === undefined ? {} : { waitedMs };
  const wanted = { region, hop: 0, recentPerSecond: refills ? recentPerSecond : 0, ahead: false, ...before } as const;
  return { step: { kind: "ask", asking: ask(leaseCache, leaseRequest, wanted, now) }, refill: null };
}

/** The shard answered within the pool's patience. */
export function onReply(
  leaseCache: LeaseCache,
  leaseRequest: LeaseRequest,
  asking: Asking,
  reply: AcquireReply,
  { now, rng }: { readonly now: number; readonly rng: Rng },
): LeaseStep {
  noteReply(leaseCache, asking, reply, now);
  const { outcome } = reply;
  switch (outcome.kind) {
    case "granted": {
      const { key, shard, askedAtMs } = asking;
      const heldLease = deposit(leaseCache, key, shard, outcome.grant, askedAtMs, now, leaseRequest.inputTokens);
      const { reason, candidates } = asking.namedBy ?? { reason: outcome.grant.reason, candidates: reply.candidates };
      return leasedTo(leaseRequest, { heldLease, reason, candidates });
    }
    case "spill":
      return follow(leaseCache, leaseRequest, asking, { ...outcome, candidates: reply.candidates }, { now, rng });
    case "queued": {
      // Only a shard of an older version queues what waits for nothing.
      if (needsSpare(purposeOf(leaseRequest))) {
        returnUnused(leaseCache, asking.shard, outcome.leaseId, null);
        return { kind: "over_budget" };
      }
      const queuedBehind = asking.namedBy?.candidates ?? reply.candidates;
      const line = reply.line ?? null;
      return { kind: "await", asking: { ...asking, queuedBehind, line }, leaseId: outcome.leaseId };
    }
    case "shed":
    case "warming_up":
    case "no_endpoint":
    case "over_budget":
      return outcome;
  }
}

/** What became of a queued request; null when the shard that held it was lost. */
export function onAwaited(
  leaseCache: LeaseCache,
  leaseRequest: LeaseRequest,
  asking: Asking,
  outcome: AwaitOutcome | null,
  { now, rng }: { readonly now: number; readonly rng: Rng },
): LeaseStep {
  if (outcome === null) return onSilence(leaseCache, leaseRequest, { now, rng });
  if (outcome.kind === "spill") {
    return follow(leaseCache, leaseRequest, asking, { ...outcome, candidates: asking.queuedBehind }, { now, rng });
  }
  if (outcome.kind !== "granted") return outcome;
  const { key, shard } = asking;
  const heldLease = holdUnconfirmed(leaseCache, key, shard, outcome.grant, now, leaseRequest.inputTokens);
  const reason = asking.namedBy?.reason ?? outcome.grant.reason;
  const line = asking.line === null ? null : { ...asking.line, waitedMs: now - asking.askedAtMs };
  return leasedTo(leaseRequest, { heldLease, reason, candidates: asking.queuedBehind, line });
}

/** Asks the shard that another one named. */
function follow(
  leaseCache: LeaseCache,
  leaseRequest: LeaseRequest,
  asking: Asking,
  to: Spill & { readonly candidates: readonly Candidate[] | null },
  at: { readonly now: number; readonly rng: Rng },
): LeaseStep {
  // A shard that was named by another never names a third; were it a newer version that does, it is not followed.
  if (asking.request.hop === 1) return onSilence(leaseCache, leaseRequest, at);
  const { region, reason, commit, candidates } = to;
  if (commit !== undefined) {
    const grant = ownGrant(leaseCache, leaseRequest.pool, { ...commit, region, reason });
    const owner = shardName(leaseRequest.pool.id, region);
    const heldLease = holdUnconfirmed(leaseCache, asking.key, owner, grant, at.now, leaseRequest.inputTokens);
    noteOwner(heldLease, leaseRequest);
    return leasedTo(leaseRequest, { heldLease, reason, candidates });
  }
  const waitedMs = Math.max(0, at.now - asking.askedAtMs) + (leaseRequest.waitedMs ?? 0);
  const far = ask(
    leaseCache,
    leaseRequest,
    { region: to.region, hop: 1, recentPerSecond: 0, ahead: false, waitedMs },
    at.now,
  );
  return { kind: "ask", asking: { ...far, namedBy: { reason: to.reason, candidates: to.candidates } } };
}

/** No shard answered in time: decided here, from the nearest shard's last snapshot, or from the configuration. */
export function onSilence(
  leaseCache: LeaseCache,
  leaseRequest: LeaseRequest,
  { now, rng }: { readonly now: number; readonly rng: Rng },
): LeaseStep {
  const purpose = purposeOf(leaseRequest);
  // Nobody knows here which slots are free.
  if (needsSpare(purpose)) return { kind: "over_budget" };
  const home = shardName(leaseRequest.pool.id, homeRegion(leaseRequest));
  const { views, snapshot } = viewsAlone(leaseCache, leaseRequest);
  const affinity = homeMatch(leaseCache.homes, leaseRequest.affinityKey);
  const adapterMsAt = adapterCosts(views, leaseRequest.adapter);
  const { outcome, candidates } = route(views, { ...leaseRequest, affinity, adapterMsAt, exact: false }, rng);
  // Full by a stale picture is no reason to refuse: the endpoint's own admission decides.
  if (outcome.kind === "none") return { kind: "no_endpoint" };
  if (purpose === "retry" && !payAlone(leaseCache, leaseRequest.sender)) return { kind: "over_budget" };
  const { endpointId, region } = outcome;
  const inFlight = views.find((view) => view.id === endpointId)?.inFlight ?? 0;
  const { work, netMs } = outcome.kind === "chosen" ? outcome.prompt : NOT_KNOWN;
  const chosen = { endpointId, region, reason: "nearest_warm", costMs: 0, inFlight } as const;
  const prompt = { work: work ?? leaseRequest.inputTokens, netMs };
  const grant = ownGrant(leaseCache, leaseRequest.pool, { ...chosen, ...prompt });
  const owner = shardName(leaseRequest.pool.id, region);
  const key = cacheKey(home, leaseRequest);
  const heldLease = holdUnconfirmed(leaseCache, key, owner, grant, now, leaseRequest.inputTokens);
  noteOwner(heldLease, leaseRequest);
  return leasedTo(leaseRequest, { heldLease, reason: snapshot === null ? "static" : "snapshot", candidates });
}

/** The request has its lease, which knows from here on whose it is. */
function leasedTo({ clientKey, inputTokens, affinityKey = null }: LeaseRequest, got: Omit<Leased, "kind">): Leased {
  got.heldLease.askedWith = { clientKey, inputTokens, affinity: affinityKey };
  return { kind: "leased", ...got };
}

/** What is known here of the pool: the nearest shard's last snapshot (null: none, the configuration), and own leases. */
export function viewsAlone(
  leaseCache: LeaseCache,
  leaseRequest: LeaseRequest,
): { readonly views: readonly EndpointView[]; readonly snapshot: Snapshot | null } {
  const snapshot = leaseCache.snapshots.get(shardName(leaseRequest.pool.id, homeRegion(leaseRequest))) ?? null;
  const views = (snapshot?.set.views ?? leaseRequest.pool.endpoints.map(staticView)).map((view) => {
    const local = heldLocally(leaseCache, view.id);
    return local === 0 ? view : { ...view, inFlight: view.inFlight + local };
  });
  return { views, snapshot };
}

/** The shard answered after the request had gone elsewhere: a grant, or a place in the queue, goes home unused. */
export function onLateReply(leaseCache: LeaseCache, asking: Asking, reply: AcquireReply, now: number): void {
  noteReply(leaseCache, asking, reply, now);
  const { outcome } = reply;
  if (outcome.kind === "queued") returnUnused(leaseCache, asking.shard, outcome.leaseId, null);
  if (outcome.kind !== "granted") return;
  const { grant } = outcome;
  for (const leaseId of [grant.leaseId, ...creditIds(grant)]) returnUnused(leaseCache, asking.shard, leaseId, grant);
}

/** A refill came back: all of it is credits. */
export function onRefilled(leaseCache: LeaseCache, asking: Asking, reply: AcquireReply, now: number): void {
  noteReply(leaseCache, asking, reply, now);
  if (reply.outcome.kind !== "granted") return;
  const { grant } = reply.outcome;
  const ids = [grant.leaseId, ...creditIds(grant)];
  depositCredits(leaseCache, asking, grant, ids, { askedAtMs: asking.askedAtMs, now, firstAt: 0 });
  endRefill(leaseCache, asking.key, ids.length);
}

/** The call failed: what it carried is told with the next one. */
export function onCallFailed(leaseCache: LeaseCache, { shard, request }: Asking): void {
  restoreReport(leaseCache, shard, request.carry);
  // It may have been heard, and only its answer lost: what it was granted goes home.
  returnUnused(leaseCache, shard, request.leaseId, null);
}

/** The pool's region nearest to the client; its first one when the client's place is unknown. */
export function homeRegion({ pool, client }: LeaseRequest): string {
  const home = client === null ? pool.endpoints[0] : nearest(client, pool.endpoints);
  return home?.region ?? "";
}

type Wanted = Pick<AcquireRequest, "hop" | "recentPerSecond" | "ahead" | "waitedMs"> & { readonly region: string };

function ask(leaseCache: LeaseCache, leaseRequest: LeaseRequest, { region, ...wanted }: Wanted, now: number): Asking {
  const shard = shardName(leaseRequest.pool.id, region);
  const snapshotAgeMs = now - (leaseCache.snapshots.get(shard)?.atMs ?? Number.NEGATIVE_INFINITY);
  const request: AcquireRequest = {
    ...wanted,
    leaseId: nextLeaseId(leaseCache),
    client: leaseRequest.client,
    clientKey: leaseRequest.clientKey,
    inputTokens: leaseRequest.inputTokens,
    affinity: wanted.ahead ? null : (leaseRequest.affinityKey ?? null),
    ...(wanted.ahead || leaseRequest.adapter === undefined ? {} : { adapter: leaseRequest.adapter }),
    excluded: leaseRequest.excluded,
    avoidRegion: leaseRequest.avoidRegion ?? null,
    purpose: purposeOf(leaseRequest),
    ...(leaseRequest.lateForMs === undefined ? {} : { lateForMs: leaseRequest.lateForMs }),
    ...(leaseRequest.patient === true ? { patient: true } : {}),
    ...(leaseRequest.again === true ? { again: true } : {}),
    ...(leaseRequest.mayPutBack === true && !wanted.ahead ? { mayPutBack: true } : {}),
    ...(leaseRequest.stream === true && !wanted.ahead ? { stream: true } : {}),
    ...(wanted.ahead ? {} : standing(leaseRequest, now)),
    wantsSnapshot: wanted.hop === 0 && snapshotAgeMs > SNAPSHOT_AGE_MS,
    explain: leaseRequest.explain,
    carry: takeReport(leaseCache, shard, now),
  };
  return {
    shard,
    key: cacheKey(shard, leaseRequest),
    request,
    askedAtMs: now,
    tripMs: tripTo(leaseRequest, region),
    namedBy: null,
    queuedBehind: null,
    line: null,
  };
}

/** How it stands in line; what is usual is not said. */
function standing(
  { pool, priority = PRIORITY_DEFAULT, sender, clientGivesUpAtMs = Number.POSITIVE_INFINITY }: LeaseRequest,
  now: number,
): Pick<AcquireRequest, "priority" | "sender" | "clientWaitsMs"> {
  const clientWaitsMs = Math.max(0, clientGivesUpAtMs - now);
  return {
    ...(priority === PRIORITY_DEFAULT ? {} : { priority }),
    ...(sender === undefined ? {} : { sender }),
    ...(clientWaitsMs < pool.queueWaitMsMax ? { clientWaitsMs } : {}),
  };
}

/** Expected round trip to the shard of `region`, ms; 0 when the client's place is unknown. */
function tripTo({ client, pool }: LeaseRequest, region: string): number {
  const place = pool.endpoints.find((spec) => spec.region === region)?.place ?? null;
  return client === null || place === null ? 0 : roundTripPriorMs(client, place);
}

function noteReply(leaseCache: LeaseCache, { shard }: Asking, reply: AcquireReply, now: number): void {
  const { tight, snapshot } = reply;
  noteHeard(leaseCache, shard, reply, now);
  noteTight(leaseCache, shard, tight);
  if (snapshot !== null) leaseCache.snapshots.set(shard, { set: snapshot, atMs: now });
}

const cacheKey = (shard: string, { clientKey }: LeaseRequest): string => `${shard}|${clientKey}`;
