/**
 * Decides how a slot becomes a grant: at once for an acquire, or later for a queued request (`shard-queue.ts`).
 *
 * A grant that its holder has not heard of yet (a credit, a queued request's) lives only until its first confirmation is
 * due; so an isolate that dies with it in hand blocks a slot for about a second and not for a whole lease.
 */
import type { AffinityMatch } from "./affinity.ts";
import { costTerms } from "../cost/cost.ts";
import { adapterCosts } from "../cost/terms/adapter.ts";
import type { EndpointView } from "../endpoint/endpoint-view.ts";
import { CREDIT_LIFE_MS } from "./credits.ts";
import { claimWake, noteGranted } from "../endpoint/endpoint.ts";
import type { HedgeAdvice } from "../endpoint/first-byte.ts";
import { acquireLease, inFlight } from "./leases.ts";
import type { PromptAt, RouteReason, RouteRequest } from "../cost/route.ts";
import type { ShardState } from "./shard-state.ts";
import type { Effect } from "./shard.ts";
import { promptOf, toldOfLine } from "./shard-line.ts";
import { placeGrant } from "./shard-locality.ts";
import type { AcquireRequest, AwaitOutcome, Grant } from "../shard-messages.ts";
import { notePutBackable } from "./shard-put-back.ts";
import { payerOf, unpaid } from "./shard-repeat.ts";
import { countDemand } from "./shard-scale.ts";
import { chargeGrant } from "./shard-shares.ts";
import { canPay, pay } from "./tenant-debts.ts";
import type { LeasePrompt } from "../endpoint/prompt-line.ts";

/** How long the shard waits for the first word about a credit or a queued grant beyond the credit's life, ms. */
export const CONFIRM_GRACE_MS = 1_000;

/** When a lease id has ended already, or the lease table is full, the client may come back after this, ms. */
export const REFUSED_RETRY_MS = 1_000;

export type Chosen = {
  readonly endpointId: string;
  readonly reason: RouteReason;
  readonly costMs: number;
  readonly prompt: PromptAt;
};

/** What is left of the chosen endpoint's cold start, ms, 0 for a warm one; the first need for it sends the wake-up. */
export function beginColdStart(
  state: ShardState,
  { endpointId, reason }: Chosen,
  { views, asked }: { readonly views: readonly EndpointView[]; readonly asked: RouteRequest },
  effects: Effect[],
  now: number,
): number {
  if (reason !== "cold_start") return 0;
  const endpoint = state.endpoints.get(endpointId);
  if (endpoint !== undefined && claimWake(endpoint, inFlight(state.leases, endpointId), now))
    effects.push({ kind: "wake", endpointId });
  const view = views.find(({ id }) => id === endpointId);
  return view === undefined ? 0 : costTerms(view, asked).cold;
}

export function grantLease(
  state: ShardState,
  request: AcquireRequest,
  chosen: Chosen,
  how: { readonly confirmed: boolean; readonly credits: number; readonly hedge?: HedgeAdvice },
  now: number,
): AwaitOutcome {
  const { leaseTtlMs, leaseCapMs } = state.pool;
  const inFlightAtGrant = inFlight(state.leases, chosen.endpointId);
  const unconfirmedMs = CREDIT_LIFE_MS + CONFIRM_GRACE_MS;
  const { endpointId } = chosen;
  const { aheadMs } = chosen.prompt;
  const endpoint = state.endpoints.get(endpointId);
  const lease = (id: string, spent: boolean, prompt: LeasePrompt | null = null) => {
    const life = { ttlMs: spent ? leaseTtlMs : unconfirmedMs, capMs: leaseCapMs, spent };
    return acquireLease(state.leases, { id, endpointId, ...life, aheadMs, prompt }, now);
  };
  // Who pays is known before the lease takes one of the slots that may make it free.
  const payer = state.leases.live.has(request.leaseId) ? null : payerOf(state, request, now);
  if (payer !== null && !canPay(payer)) return unpaid(request);
  // What is fetched ahead runs nothing yet.
  const prompt =
    endpoint === undefined || request.ahead ? null : promptOf(state, request, endpoint, chosen.prompt, now);
  const first = lease(request.leaseId, how.confirmed, prompt);
  if (first.kind === "ended" || first.kind === "table_full") return { kind: "shed", retryAfterMs: REFUSED_RETRY_MS };
  let credits = 0;
  let locality: Partial<Grant> = {};
  if (first.kind === "granted") {
    if (payer !== null) pay(payer);
    while (credits < how.credits && lease(`${request.leaseId}.${credits + 1}`, false).kind === "granted") credits += 1;
    countDemand(state, credits + (request.ahead ? 1 : 0), now);
    if (!request.ahead) {
      chargeGrant(state, request, first.lease, now);
      notePutBackable(state, request, first.lease);
    }
    if (endpoint !== undefined) {
      endpoint.cache.written += prompt?.work ?? 0;
      noteGranted(endpoint, request, inFlightAtGrant, now);
      if (!request.ahead) locality = placeGrant(state, request, endpoint, now);
    }
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
    ...how.hedge,
    ...locality,
    ...toldOfLine(first.lease.prompt?.work ?? 0, chosen.prompt),
  };
  return { kind: "granted", grant };
}

export function routeRequest(
  { client, clientKey, inputTokens: sent, excluded, avoidRegion = null, adapter, affinity: key }: AcquireRequest,
  affinity: AffinityMatch | null,
  views: readonly EndpointView[],
): RouteRequest {
  const adapterMsAt = adapterCosts(views, adapter);
  const before = key?.goesOn === true ? Math.max(0, ...(affinity?.tokensByEndpoint.values() ?? [])) : 0;
  const inputTokens = sent + before;
  return { client, clientKey, distances: [], inputTokens, affinity, excluded, avoidRegion, adapterMsAt, exact: true };
}
