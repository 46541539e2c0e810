/**
 * Decides what becomes of a request that finds no free slot here: it is held, planned with all that are held
 * (`plan.ts`), and leaves for an endpoint of this shard, or for the shard of another region, the moment it should; a wait
 * that cannot end in time is refused at once, with the time after which it could. Only a patient request, such as a job's,
 * is held whatever is expected: expectations are averages, and it has nothing to lose by waiting here. Who goes first is
 * in `queue-order.ts`; where not all can be held, the last in that order is refused, not the last to come.
 *
 * A request that another shard sent here is planned for this shard's endpoints only: it is never passed on again.
 */
import { purposeOf } from "./budget.ts";
import type { EndpointView } from "../endpoint/endpoint-view.ts";
import { serviceOf, severalLately } from "./fair-shares.ts";
import { rankOf } from "./priority.ts";
import { invariant } from "../../../lib/invariant.ts";
import { renewLease } from "./leases.ts";
import { PLAN_MAX, planHeld } from "../cost/plan.ts";
import type { Commit } from "../cost/plan.ts";
import { pick } from "../cost/route.ts";
import type { Rng } from "../../../lib/rng.ts";
import { allViews, ownViews } from "./shard.ts";
import type { ShardState, Waiter } from "./shard-state.ts";
import type { Effect } from "./shard.ts";
import { beginColdStart, grantLease, routeRequest } from "./shard-grant.ts";
import type { Chosen } from "./shard-grant.ts";
import { toldOfLine } from "./shard-line.ts";
import { affinityFor, noteSpill } from "./shard-locality.ts";
import type { AcquireOutcome, AcquireRequest, AwaitOutcome, Spill } from "../shard-messages.ts";
import { comeBackMs, endsPerMsOf, etaOfNext } from "./shard-eta.ts";
import { overBudget } from "./shard-repeat.ts";
import { chargeSpill, leftFor } from "./shard-shares.ts";
import { inOrder, lastInLine, rankOfWaiter } from "./queue-order.ts";

/** How long `awaitGrant` may find the outcome after it fell, ms. */
export const RESOLVED_LIFE_MS = 5_000;

/**
 * By a digest older than this nobody is bound to another region's endpoint, ms: its shard is asked instead. Longer than
 * digests are apart, and well below the shortest ejection, so that none is slept through and its trial disturbed.
 */
export const COMMIT_DIGEST_MS = 750;

/**
 * Holds a request and plans it at once with what is held already. The outcome is final (granted, spill, shed) or
 * `queued`: then `awaitGrant` tells.
 */
export function hold(
  state: ShardState,
  request: AcquireRequest,
  effects: Effect[],
  { now, rng }: { readonly now: number; readonly rng: Rng },
): AcquireOutcome {
  const { queueDepthMax, queueWaitMsMax } = state.pool;
  const { leaseId, waitedMs = 0, clientWaitsMs = Number.POSITIVE_INFINITY } = request;
  const rank = rankOf(request.priority);
  const behindMs = etaOfNext(state, rank, now);
  const sinceMs = now - waitedMs;
  // What one that was dispatched before has waited, it has not waited for a slot.
  const waitsFromMs = request.again === true ? now : sinceMs;
  const giveUpAtMs = Math.min(waitsFromMs + queueWaitMsMax, now + clientWaitsMs);
  const waiter = { request, sinceMs, giveUpAtMs, etaMs: behindMs, service: serviceOf(request.inputTokens, null) };
  if (state.queue.size >= queueDepthMax && !makeRoom(state, waiter, effects, now))
    return { kind: "shed", retryAfterMs: behindMs };
  insert(state, waiter);
  effects.push(...serveQueue(state, now, rng));
  const resolved = state.resolved.get(leaseId)?.outcome;
  if (resolved === undefined) {
    const refusal = overBudget(state, request, now);
    const etaMs = state.queue.get(leaseId)?.etaMs ?? behindMs;
    const isHopeful = request.patient === true || etaMs <= Math.min(queueWaitMsMax, clientWaitsMs);
    if (refusal === null && isHopeful) {
      shedBelow(state, rank, effects, now);
      return { kind: "queued", leaseId, etaMs };
    }
    state.queue.delete(leaseId);
    // Another region's shard might have paid for it; who waits here is paid for here.
    return refusal ?? { kind: "shed", retryAfterMs: etaMs };
  }
  state.resolved.delete(leaseId);
  // The answer to an acquire needs no confirmation of its own.
  if (resolved.kind === "granted") confirm(state, leaseId, resolved.grant.endpointId, now);
  return resolved;
}

/** False: of all that wait it would be the last, and is refused itself. */
function makeRoom(state: ShardState, waiter: Waiter, effects: Effect[], now: number): boolean {
  const last = lastInLine([...state.queue.values(), waiter], state.shares, now);
  if (last === null || last === waiter || !state.queue.has(last.request.leaseId)) return false;
  const retryAfterMs = etaOfNext(state, rankOfWaiter(last), now);
  resolve(state, last.request.leaseId, { kind: "shed", retryAfterMs }, effects, now);
  return true;
}

/** Refuses those of lower classes that cannot be served in time any more, now that one of `rank` goes before them. */
function shedBelow(state: ShardState, rank: number, effects: Effect[], now: number): void {
  for (const [leaseId, waiter] of state.queue) {
    const { request, etaMs, giveUpAtMs } = waiter;
    if (rankOfWaiter(waiter) <= rank || request.patient === true || etaMs <= giveUpAtMs - now) continue;
    resolve(state, leaseId, { kind: "shed", retryAfterMs: etaMs }, effects, now);
  }
}

/** Lets the held requests go that should leave now, in their order; those whose time is up are shed. */
export function serveQueue(state: ShardState, now: number, rng: Rng): Effect[] {
  if (state.queue.size === 0) return [];
  const effects: Effect[] = [];
  const views = allViews(state, now);
  for (const [leaseId, waiter] of state.queue) {
    if (waiter.giveUpAtMs > now) continue;
    const retryAfterMs = comeBackMs(state, rankOfWaiter(waiter), views, now);
    resolve(state, leaseId, { kind: "shed", retryAfterMs }, effects, now);
  }
  if (!views.some(({ warmth, standing }) => warmth === "warm" && standing === "admitting")) {
    return [...effects, ...serveCold(state, now, rng)];
  }
  // Whoever turns out to be unable to pay leaves a slot to the next. Nothing is earned meanwhile, so once for a bucket.
  while (releasePlanned(state, effects, now, rng)) refuseUnaffordable(state, effects, now);
  return effects;
}

function refuseUnaffordable(state: ShardState, effects: Effect[], now: number): void {
  for (const [leaseId, { request }] of state.queue) {
    const refusal = overBudget(state, request, now);
    if (refusal !== null) resolve(state, leaseId, refusal, effects, now);
  }
}

/** Plans what is held and lets go what should leave now. True when a bucket turned out to be empty: then plan again. */
function releasePlanned(state: ShardState, effects: Effect[], now: number, rng: Rng): boolean {
  const views = allViews(state, now);
  const { shares, turns, queue } = state;
  const held = inOrder([...queue.values()], shares, { turns, most: PLAN_MAX, now }).map(({ request }) => ({
    id: request.leaseId,
    request: routeRequest(request, affinityFor(state, request, views, now), views),
    onlyRegion: request.hop === 1 ? state.region : null,
  }));
  // What has left waits at the endpoint in order of arrival: while several share it, nobody leaves for a deep backlog.
  const backlog = severalLately(shares, now) ? 0 : queue.size;
  const plan = { backlog, boundWithinMs: boundWithinMs(state, views) };
  const { commits, staysMs } = planHeld(held, views, rng, plan);
  const endsPerMs = endsPerMsOf(views);
  for (const [leaseId, waitMs] of staysMs) {
    const waiter = queue.get(leaseId);
    if (waiter !== undefined) waiter.etaMs = waitMs / leftFor(state, rankOfWaiter(waiter), endsPerMs, now);
  }
  const paid = commits.map((commit) => carryOut(state, commit, effects, now));
  return paid.includes(false);
}

/**
 * Where another region serves too, whoever is expected to wait no longer than this is bound at once, ms, instead of being
 * held for a better moment: what is held is in no digest, so the other regions take this one for emptier than it is. Holding
 * pays where one shard sees all there is (p99 of A and B 1.2 to 1.7 times better), and costs across regions (C and D at
 * 0.95: 1.41 and 1.20 of the bound, bound at once 1.35 and 1.15; whether within 0.5 s, 1 s or two minutes is all the same).
 * A longer backlog is better held here, where it can be ordered and refused.
 */
export const BOUND_WITHIN_MS = 1_000;

function boundWithinMs({ region }: ShardState, views: readonly EndpointView[]): number {
  const hasOther = views.some((one) => one.region !== region && one.standing === "admitting" && one.warmth === "warm");
  return hasOther ? BOUND_WITHIN_MS : 0;
}

/**
 * Names the region that serves it, and counts the request there until that shard's next digest does. A first attempt for
 * an endpoint that queues what it cannot serve at once is bound here and now: to ask its shard would cost a trip, and the
 * answer could only be the same endpoint, or a second wait in line.
 */
export function spill(
  state: ShardState,
  request: AcquireRequest,
  to: Chosen & { readonly region: string },
  now: number,
): Spill {
  const { region, endpointId, reason, costMs, prompt } = to;
  const inFlight = countedAt(state, region, endpointId, now);
  const written = countSent(state, request, to);
  noteSpill(state, request, endpointId, written);
  chargeSpill(state, request, now);
  if (inFlight === null || purposeOf(request) !== "first" || request.again === true)
    return { kind: "spill", region, reason };
  const cachedTokens = Math.max(0, request.inputTokens - prompt.work);
  const commit = { endpointId, costMs, inFlight, cachedTokens, ...toldOfLine(prompt.work, prompt) };
  return { kind: "spill", region, reason, commit };
}

/** Counts a request at a peer's endpoint until its next digest does; the tokens that will have been written there. */
function countSent(
  state: ShardState,
  { inputTokens }: AcquireRequest,
  { region, endpointId, prompt }: Chosen & { readonly region: string },
): number {
  const peer = state.peers.get(region);
  const view = peer?.set.views.find(({ id }) => id === endpointId);
  if (peer === undefined) return 0;
  const sent = peer.sentSince.get(endpointId) ?? { requests: 0, work: 0, kv: 0 };
  sent.requests += 1;
  sent.work += prompt.work;
  sent.kv += inputTokens + (view?.outputTokens ?? 0);
  peer.sentSince.set(endpointId, sent);
  return (view?.cacheWritten ?? 0) + sent.work;
}

/** In-flight at an endpoint of a peer that takes more than it has slots, by a digest that is not old; null otherwise. */
function countedAt(state: ShardState, region: string, endpointId: string, now: number): number | null {
  const peer = state.peers.get(region);
  if (peer === undefined || now - peer.atMs > COMMIT_DIGEST_MS) return null;
  const view = peer.set.views.find(({ id }) => id === endpointId);
  if (view === undefined || !view.queuesExcess || view.standing !== "admitting" || view.warmth !== "warm") return null;
  return view.inFlight + (peer.sentSince.get(endpointId)?.requests ?? 0);
}

/** False when nothing pays for it: then it is still held. */
function carryOut(state: ShardState, commit: Commit, effects: Effect[], now: number): boolean {
  const request = state.queue.get(commit.id)?.request;
  invariant(request !== undefined, "only held requests are planned");
  const isHere = commit.region === state.region;
  // Another region's shard pays for what it grants.
  if (isHere && overBudget(state, request, now) !== null) return false;
  const outcome = isHere
    ? grantLease(state, request, commit, { confirmed: false, credits: 0 }, now)
    : spill(state, request, commit, now);
  if (outcome.kind === "shed") return true;
  resolve(state, commit.id, outcome, effects, now);
  state.turns += 1;
  return true;
}

/** Nothing is warm: held requests may begin a cold start, and wait for it where it is short enough. */
function serveCold(state: ShardState, now: number, rng: Rng): Effect[] {
  const effects: Effect[] = [];
  const { shares, turns, queue } = state;
  for (const { request } of inOrder([...queue.values()], shares, { turns, most: queue.size, now })) {
    const views = ownViews(state, now);
    const asked = routeRequest(request, affinityFor(state, request, views, now), views);
    const { outcome } = pick(views, asked, rng);
    if (outcome.kind !== "chosen" || (request.patient === true && outcome.reason === "panic")) continue;
    if (beginColdStart(state, outcome, { views, asked }, effects, now) > state.pool.coldWaitMsMax) continue;
    const answer = grantLease(state, request, outcome, { confirmed: false, credits: 0 }, now);
    if (answer.kind === "shed") continue;
    resolve(state, request.leaseId, answer, effects, now);
    state.turns += 1;
  }
  return effects;
}

/** The queue is kept in the order in which its requests first had to wait, here or where they came from. */
function insert(state: ShardState, waiter: Waiter): void {
  const later = [...state.queue].filter(([, { sinceMs }]) => sinceMs > waiter.sinceMs);
  for (const [leaseId] of later) state.queue.delete(leaseId);
  state.queue.set(waiter.request.leaseId, waiter);
  for (const [leaseId, one] of later) state.queue.set(leaseId, one);
}

/** Ends the wait of a queued request with `outcome`. */
export function resolve(
  state: ShardState,
  leaseId: string,
  outcome: AwaitOutcome,
  effects: Effect[],
  now: number,
): void {
  state.queue.delete(leaseId);
  state.resolved.set(leaseId, { outcome, forgetAtMs: now + RESOLVED_LIFE_MS });
  effects.push({ kind: "resolved", leaseId });
}

function confirm(state: ShardState, id: string, endpointId: string, now: number): void {
  const { leaseTtlMs, leaseCapMs } = state.pool;
  const { epoch } = state.leases;
  renewLease(state.leases, { id, endpointId, epoch, ttlMs: leaseTtlMs, capLeftMs: leaseCapMs }, now);
}
