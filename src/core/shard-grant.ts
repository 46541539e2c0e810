/**
 * Decides how a slot becomes a grant: at once for an acquire, or later, in order of arrival, for a queued request.
 *
 * A grant that its holder has not heard of yet (a credit, a queued request's) lives only until its first confirmation is
 * due; so an isolate that dies with it in hand blocks a slot for about a second and not for a whole lease.
 */
import { CREDIT_LIFE_MS } from "./credits.ts";
import { claimWake } from "./endpoint.ts";
import type { EndpointView } from "./endpoint-view.ts";
import { acquireLease, inFlight } from "./leases.ts";
import { route } from "./route.ts";
import type { Candidate, RouteReason, RouteRequest } from "./route.ts";
import type { Rng } from "./rng.ts";
import { ownViews } from "./shard.ts";
import type { Effect, ShardState } from "./shard.ts";
import type { AcquireRequest, AwaitOutcome, Grant } from "./shard-messages.ts";

/** How long the shard waits for the first word about a credit or a queued grant beyond the credit's life, ms. */
export const CONFIRM_GRACE_MS = 1_000;

/** When a lease id has ended already, or the lease table is full, the client may come back after this, ms. */
export const REFUSED_RETRY_MS = 1_000;

/** How long `awaitGrant` may find the outcome after it fell, ms. */
export const RESOLVED_LIFE_MS = 5_000;

export type Chosen = { readonly endpointId: string; readonly reason: RouteReason; readonly costMs: number };

/** Gives freed slots to queued requests in order of arrival; those whose time is up are shed. */
export function serveQueue(state: ShardState, now: number, rng: Rng): Effect[] {
  if (state.queue.size === 0) return [];
  const effects: Effect[] = [];
  let views = ownViews(state, now);
  for (const [leaseId, { request, giveUpAtMs }] of state.queue) {
    if (giveUpAtMs <= now) {
      resolve(state, leaseId, { kind: "shed", retryAfterMs: shortestWaitMs(views) }, effects, now);
      continue;
    }
    // All wait equally long, so nobody behind is due either: a full shard does not walk its queue at every message.
    if (!views.some((view) => view.inFlight < view.capacity)) break;
    const { outcome, candidates } = route(views, routeRequest(request), rng);
    if (outcome.kind !== "chosen") continue;
    if (beginColdStart(state, outcome, candidates, effects, now) > state.pool.coldWaitMsMax) continue;
    const answer = grantLease(state, request, outcome, { confirmed: false, credits: 0 }, now);
    if (answer.kind !== "granted") continue;
    resolve(state, leaseId, answer, effects, now);
    views = ownViews(state, now);
  }
  return effects;
}

/** What is left of the chosen endpoint's cold start, ms, 0 for a warm one; the first need for it sends the wake-up. */
export function beginColdStart(
  state: ShardState,
  { endpointId, reason }: Chosen,
  candidates: readonly Candidate[],
  effects: Effect[],
  now: number,
): number {
  if (reason !== "cold_start") return 0;
  const endpoint = state.endpoints.get(endpointId);
  if (endpoint !== undefined && claimWake(endpoint, now)) effects.push({ kind: "wake", endpointId });
  return candidates.find((one) => one.endpointId === endpointId)?.terms.cold ?? 0;
}

export function grantLease(
  state: ShardState,
  request: AcquireRequest,
  chosen: Chosen,
  how: { readonly confirmed: boolean; readonly credits: number },
  now: number,
): AwaitOutcome {
  const { leaseTtlMs, leaseCapMs } = state.pool;
  const inFlightAtGrant = inFlight(state.leases, chosen.endpointId);
  const unconfirmedMs = CREDIT_LIFE_MS + CONFIRM_GRACE_MS;
  const lease = (id: string, spent: boolean) =>
    acquireLease(
      state.leases,
      { id, endpointId: chosen.endpointId, ttlMs: spent ? leaseTtlMs : unconfirmedMs, capMs: leaseCapMs, spent },
      now,
    );
  const first = lease(request.leaseId, how.confirmed);
  if (first.kind === "ended" || first.kind === "table_full") return { kind: "shed", retryAfterMs: REFUSED_RETRY_MS };
  let credits = 0;
  if (first.kind === "granted") {
    while (credits < how.credits && lease(`${request.leaseId}.${credits + 1}`, false).kind === "granted") credits += 1;
  }
  const grant: Grant = {
    leaseId: request.leaseId,
    endpointId: first.lease.endpointId,
    region: state.region,
    epoch: state.leases.epoch,
    reason: chosen.reason,
    costMs: chosen.costMs,
    ttlMs: leaseTtlMs,
    capMs: leaseCapMs,
    inFlightAtGrant,
    credits,
    creditLifeMs: CREDIT_LIFE_MS,
  };
  return { kind: "granted", grant };
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

export function routeRequest({ client, clientKey, inputTokens, excluded }: AcquireRequest): RouteRequest {
  return { client, clientKey, inputTokens, excluded, exact: true };
}

function shortestWaitMs(views: readonly EndpointView[]): number {
  const waits = views.map((view) => view.occupancyMs / view.capacity);
  return waits.length === 0 ? REFUSED_RETRY_MS : Math.min(...waits);
}
