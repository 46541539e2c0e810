/**
 * Decides what a shard answers to an acquire: a lease here, the region to spill to, a place in the queue, or a refusal.
 *
 * Model. The shard routes over its own endpoints (exact) and its peers' digests. The endpoint's owner alone grants, so a
 * choice in another region is answered with that region's name; the edge asks there once, with hop 1, and that shard may
 * not pass it on again. When every slot is taken the request waits here, in order of arrival, for the next one that
 * frees; a wait that cannot end in time is refused at once, with the time after which it could.
 */
import { creditsFor } from "./credits.ts";
import { claimWake } from "./endpoint.ts";
import { inFlight } from "./leases.ts";
import { route } from "./route.ts";
import type { Decision, RouteReason } from "./route.ts";
import type { Rng } from "./rng.ts";
import { allViews, countAsker, makeSnapshot, ownViews } from "./shard.ts";
import type { Effect, ShardState } from "./shard.ts";
import { grantLease, routeRequest } from "./shard-grant.ts";
import type { AcquireOutcome, AcquireReply, AcquireRequest } from "./shard-messages.ts";
import { applyCarry, sweep } from "./shard-settle.ts";

/** Share of in-flight from which settlements should not wait for a ride. */
export const TIGHT_FILL = 0.8;

export type Acquired = { readonly reply: AcquireReply; readonly effects: readonly Effect[] };

export function acquire(state: ShardState, request: AcquireRequest, now: number, rng: Rng): Acquired {
  state.lastTrafficMs = now;
  const effects = [...applyCarry(state, request.carry, now, rng), ...sweep(state, now, rng)];
  const repeated = earlierAnswer(state, request, now);
  const views = request.hop === 0 ? allViews(state, now) : ownViews(state, now);
  const decision = route(views, routeRequest(request), rng);
  const outcome = repeated ?? answer(state, request, decision, effects, now);
  return {
    reply: {
      outcome,
      tight: isTight(state, outcome),
      snapshot: request.wantsSnapshot ? makeSnapshot(state, now) : null,
      candidates: request.explain ? decision.candidates : null,
    },
    effects,
  };
}

/** The same lease id asked again gets what it got: a repeated message must not take a second slot. */
function earlierAnswer(state: ShardState, request: AcquireRequest, now: number): AcquireOutcome | null {
  const resolved = state.resolved.get(request.leaseId);
  if (resolved !== undefined) return resolved.outcome;
  if (state.queue.has(request.leaseId)) return { kind: "queued", leaseId: request.leaseId, etaMs: 0 };
  const lease = state.leases.live.get(request.leaseId);
  if (lease === undefined) return null;
  const chosen = { endpointId: lease.endpointId, reason: "nearest_warm", costMs: 0 } as const;
  return grantLease(state, request, chosen, { confirmed: true, credits: 0 }, now);
}

function answer(
  state: ShardState,
  request: AcquireRequest,
  decision: Decision,
  effects: Effect[],
  now: number,
): AcquireOutcome {
  const { outcome } = decision;
  switch (outcome.kind) {
    case "none":
      return { kind: "no_endpoint" };
    case "full":
      if (outcome.region !== state.region) return spill(state, outcome.region, outcome.endpointId, "spill");
      return enqueue(state, request, outcome.waitMs, now);
    case "chosen":
      if (outcome.region !== state.region) return spill(state, outcome.region, outcome.endpointId, outcome.reason);
      if (outcome.reason === "cold_start") {
        const coldMs = decision.candidates.find((one) => one.endpointId === outcome.endpointId)?.terms.cold ?? 0;
        wake(state, outcome.endpointId, effects, now);
        if (coldMs > state.pool.coldWaitMsMax) return { kind: "warming_up", retryAfterMs: coldMs };
      }
      return grantLease(
        state,
        request,
        outcome,
        { confirmed: true, credits: creditsWanted(state, request, outcome, now) },
        now,
      );
  }
}

function creditsWanted(
  state: ShardState,
  request: AcquireRequest,
  { endpointId, reason }: { endpointId: string; reason: RouteReason },
  now: number,
): number {
  const askers = countAsker(state, request.leaseId, now);
  // A retry, a cold start and a panic are decided one by one.
  if (request.excluded.length > 0 || reason === "cold_start" || reason === "panic") return 0;
  const view = ownViews(state, now).find(({ id }) => id === endpointId);
  if (view === undefined) return 0;
  const { inFlight: live, capacity } = view;
  return creditsFor({ inFlight: live + 1, capacity, askers, recentPerSecond: request.recentPerSecond });
}

function spill(state: ShardState, region: string, endpointId: string, reason: RouteReason): AcquireOutcome {
  const sent = state.peers.get(region)?.sentSince;
  sent?.set(endpointId, (sent.get(endpointId) ?? 0) + 1);
  return { kind: "spill", region, reason };
}

function enqueue(state: ShardState, request: AcquireRequest, waitMs: number, now: number): AcquireOutcome {
  const { queueDepthMax, queueWaitMsMax } = state.pool;
  const etaMs = waitMs + (state.queue.size / slots(state, now)) * occupancyMs(state, now);
  if (state.queue.size >= queueDepthMax || etaMs > queueWaitMsMax) return { kind: "shed", retryAfterMs: etaMs };
  state.queue.set(request.leaseId, { request, giveUpAtMs: now + queueWaitMsMax });
  return { kind: "queued", leaseId: request.leaseId, etaMs };
}

function wake(state: ShardState, endpointId: string, effects: Effect[], now: number): void {
  const endpoint = state.endpoints.get(endpointId);
  if (endpoint !== undefined && claimWake(endpoint, now)) effects.push({ kind: "wake", endpointId });
}

function isTight(state: ShardState, outcome: AcquireOutcome): boolean {
  if (state.queue.size > 0) return true;
  if (outcome.kind !== "granted") return false;
  const endpoint = state.endpoints.get(outcome.grant.endpointId);
  if (endpoint === undefined) return false;
  const capacity = Math.max(1, endpoint.warmWorkers) * endpoint.spec.concurrencyPerWorker;
  return inFlight(state.leases, endpoint.spec.id) >= TIGHT_FILL * capacity;
}

function slots(state: ShardState, now: number): number {
  return ownViews(state, now).reduce((sum, view) => sum + view.capacity, 0) || 1;
}

function occupancyMs(state: ShardState, now: number): number {
  const views = ownViews(state, now);
  return views.reduce((sum, view) => sum + view.occupancyMs, 0) / Math.max(1, views.length);
}
