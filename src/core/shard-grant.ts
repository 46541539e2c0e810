/**
 * Decides how a slot becomes a grant: at once for an acquire, or later, in order of arrival, for a queued request.
 *
 * A grant that its holder has not heard of yet (a credit, a queued request's) lives only until its first confirmation is
 * due; so an isolate that dies with it in hand blocks a slot for about a second and not for a whole lease.
 */
import { CREDIT_LIFE_MS } from "./credits.ts";
import { acquireLease, inFlight } from "./leases.ts";
import { route } from "./route.ts";
import type { RouteReason, RouteRequest } from "./route.ts";
import type { Rng } from "./rng.ts";
import { ownViews } from "./shard.ts";
import type { Effect, ShardState } from "./shard.ts";
import type { AcquireRequest, AwaitOutcome, Grant } from "./shard-messages.ts";

/** How long the shard waits for the first word about a credit or a queued grant beyond the credit's life, ms. */
export const CONFIRM_GRACE_MS = 1_000;

/** When a lease id has ended already, or the lease table is full, the client may come back after this, ms. */
const REFUSED_RETRY_MS = 1_000;

/** How long `awaitGrant` may find the outcome after it fell, ms. */
const RESOLVED_LIFE_MS = 5_000;

export type Chosen = { readonly endpointId: string; readonly reason: RouteReason; readonly costMs: number };

/** Gives freed slots to queued requests in order of arrival; those whose time is up are shed. */
export function serveQueue(state: ShardState, now: number, rng: Rng): Effect[] {
  const effects: Effect[] = [];
  for (const [leaseId, waiter] of state.queue) {
    if (waiter.giveUpAtMs <= now) {
      resolve(state, leaseId, { kind: "shed", retryAfterMs: shortestWaitMs(state, now) }, effects, now);
      continue;
    }
    const decision = route(ownViews(state, now), routeRequest(waiter.request), rng);
    if (decision.outcome.kind !== "chosen") continue;
    const { endpointId, reason, costMs } = decision.outcome;
    const grant = grantLease(
      state,
      waiter.request,
      { endpointId, reason, costMs },
      { confirmed: false, credits: 0 },
      now,
    );
    if (grant.kind === "granted") resolve(state, leaseId, grant, effects, now);
  }
  return effects;
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

function resolve(state: ShardState, leaseId: string, outcome: AwaitOutcome, effects: Effect[], now: number): void {
  state.queue.delete(leaseId);
  state.resolved.set(leaseId, { outcome, forgetAtMs: now + RESOLVED_LIFE_MS });
  effects.push({ kind: "resolved", leaseId });
}

export function routeRequest({ client, clientKey, inputTokens, excluded }: AcquireRequest): RouteRequest {
  return { client, clientKey, inputTokens, excluded, exact: true };
}

function shortestWaitMs(state: ShardState, now: number): number {
  const waits = ownViews(state, now).map((view) => view.occupancyMs / view.capacity);
  return waits.length === 0 ? REFUSED_RETRY_MS : Math.min(...waits);
}
