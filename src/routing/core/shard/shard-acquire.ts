/**
 * Decides what a shard answers to an acquire: a lease here, the region to spill to, a place in the queue, or a refusal.
 *
 * Model. The shard routes over its own endpoints (exact) and its peers' digests. The endpoint's owner alone grants, so a
 * choice in another region is answered with that region's name; the edge asks there once, with hop 1, and that shard may
 * not pass it on again. When every slot is taken the request waits here (`queue-order.ts`) for the next one that frees;
 * a wait that cannot end in time is refused at once, with the time after which it could.
 */
import { needsSpare, purposeOf } from "./budget.ts";
import { creditsFor } from "./credits.ts";
import { fillOf, HEDGE_FILL_MAX } from "../endpoint/first-byte.ts";
import { isLate } from "../endpoint/lateness.ts";
import type { EndpointView } from "../endpoint/endpoint-view.ts";
import { hasEnded, inFlight } from "./leases.ts";
import { candidatesOf, NEAR_MS, pick, withReading } from "../cost/route.ts";
import type { Choice, RouteOutcome, RouteReason, RouteRequest, Weighed } from "../cost/route.ts";
import type { Rng } from "../../../lib/rng.ts";
import { allViews, countAsker, makeSnapshot, ownViews } from "./shard.ts";
import type { ShardState } from "./shard-state.ts";
import type { Effect } from "./shard.ts";
import { beginColdStart, grantLease, REFUSED_RETRY_MS, routeRequest } from "./shard-grant.ts";
import type { Chosen } from "./shard-grant.ts";
import { affinityFor, countKey } from "./shard-locality.ts";
import type { AcquireOutcome, AcquireReply, AcquireRequest } from "../shard-messages.ts";
import { leaveNews } from "./shard-leave.ts";
import { hold, spill } from "./shard-queue.ts";
import { hedgeAdvice, noteLate } from "./shard-repeat.ts";
import { loadMs, readLoadCurve } from "../cost/terms/load.ts";
import type { LoadCurve } from "../cost/terms/load.ts";
import { linePlace } from "./shard-eta.ts";
import { countDemand } from "./shard-scale.ts";
import { applyReport } from "./shard-settle.ts";
import { countClass } from "./shard-shares.ts";

/** Share of in-flight from which settlements should not wait for a ride. */
export const TIGHT_FILL = 0.8;

export type Acquired = { readonly reply: AcquireReply; readonly effects: readonly Effect[] };

export function acquire(state: ShardState, request: AcquireRequest, now: number, rng: Rng): Acquired {
  state.lastTrafficMs = now;
  // A copy is nobody's demand: it wakes no endpoint and takes no class's share.
  if (!request.ahead && purposeOf(request) !== "shadow") {
    countDemand(state, 1, now);
    countClass(state, request, now);
  }
  const effects = applyReport(state, request.carry, now, rng);
  const repeated = earlierAnswer(state, request, now);
  if (repeated === null && request.hop === 0) noteLate(state, request, now);
  const { clientKey } = request;
  const views = request.hop === 0 ? allViews(state, now, clientKey) : ownViews(state, now, clientKey);
  countKey(state, request, now);
  const asked = routeRequest(request, affinityFor(state, request, views, now), views);
  const choice = pick(views, asked, rng);
  const answering = request.ahead ? answerAhead : needsSpare(purposeOf(request)) ? answerSpare : answer;
  const outcome = repeated ?? answering(state, request, { ...choice, views, asked }, effects, { now, rng });
  return {
    reply: {
      outcome,
      tight: isTight(state, outcome, views),
      snapshot: request.wantsSnapshot ? makeSnapshot(state, now) : null,
      candidates: request.explain ? withReading(candidatesOf(choice.weighed, asked), views, asked) : null,
      ...(request.explain ? { line: linePlace(state, request, now) } : {}),
      ...leaveNews(state, now),
    },
    effects,
  };
}

/** The same lease id asked again gets what it got: a repeated message must not take a second slot, or a dead one. */
function earlierAnswer(state: ShardState, request: AcquireRequest, now: number): AcquireOutcome | null {
  if (hasEnded(state.leases, request.leaseId)) return { kind: "shed", retryAfterMs: REFUSED_RETRY_MS };
  const resolved = state.resolved.get(request.leaseId);
  if (resolved !== undefined) return resolved.outcome;
  if (state.queue.has(request.leaseId)) return { kind: "queued", leaseId: request.leaseId, etaMs: 0 };
  const lease = state.leases.live.get(request.leaseId);
  if (lease === undefined) return null;
  const { endpointId, aheadMs, prompt } = lease;
  const seen = { work: prompt?.work ?? 0, netMs: 2 * (prompt?.backMs ?? 0), aheadMs, isBlocked: false };
  const chosen = { endpointId, reason: "nearest_warm", costMs: 0, prompt: seen } as const;
  return grantLease(state, request, chosen, { confirmed: true, credits: 0 }, now);
}

type Instant = { readonly now: number; readonly rng: Rng };

/** A choice, and among what it was made. */
type Made = Choice & { readonly views: readonly EndpointView[]; readonly asked: RouteRequest };

function answer(
  state: ShardState,
  request: AcquireRequest,
  made: Made,
  effects: Effect[],
  at: Instant,
): AcquireOutcome {
  const { outcome, weighed } = made;
  // Who has time waits until an endpoint takes traffic: to try one that most likely does not would cost the request.
  if (request.patient === true && (outcome.kind === "none" || isPanic(outcome)))
    return hold(state, request, effects, at);
  if (outcome.kind === "none") return { kind: "no_endpoint" };
  if (outcome.kind === "full" || mustPlan(state, outcome.reason)) return hold(state, request, effects, at);
  const { now } = at;
  if (outcome.region !== state.region) return spill(state, request, outcome, now);
  const coldMs = beginColdStart(state, outcome, made, effects, now);
  if (coldMs > state.pool.coldWaitMsMax) {
    return request.patient === true ? hold(state, request, effects, at) : { kind: "warming_up", retryAfterMs: coldMs };
  }
  const credits = creditsWanted(state, request, outcome, weighed, now);
  const hedge = hedgeAdvice(state, request, outcome.endpointId, weighed, now);
  return grantLease(state, request, outcome, { confirmed: true, credits, hedge }, now);
}

const isPanic = (outcome: RouteOutcome): boolean => outcome.kind === "chosen" && outcome.reason === "panic";

/** A nearer endpoint is full, or others wait: a free slot far away is weighed against the wait, in order of arrival. */
function mustPlan(state: ShardState, reason: RouteReason): boolean {
  return reason === "spill" || (state.queue.size > 0 && (reason === "nearest_warm" || reason === "cheaper"));
}

/** Only leases that are here and to spare. */
function answerAhead(
  state: ShardState,
  request: AcquireRequest,
  { outcome, weighed }: Made,
  _effects: Effect[],
  { now }: Instant,
): AcquireOutcome {
  const none = { kind: "shed", retryAfterMs: REFUSED_RETRY_MS } as const;
  if (outcome.kind !== "chosen" || outcome.region !== state.region) return none;
  const credits = creditsWanted(state, request, outcome, weighed, now);
  if (credits === 0) return none;
  const hedge = hedgeAdvice(state, request, outcome.endpointId, weighed, now);
  return grantLease(state, request, outcome, { confirmed: false, credits: credits - 1, hedge }, now);
}

/** A free slot of a warm endpoint in a pool with slots to spare, or nothing: who comes for it waits for nothing and wakes nobody. */
function answerSpare(
  state: ShardState,
  request: AcquireRequest,
  { outcome, weighed }: Made,
  _effects: Effect[],
  { now }: Instant,
): AcquireOutcome {
  const none = { kind: "shed", retryAfterMs: REFUSED_RETRY_MS } as const;
  if (outcome.kind !== "chosen" || outcome.reason === "cold_start" || outcome.reason === "panic") return none;
  // No slot is spare while somebody waits for one.
  if (state.queue.size > 0) return none;
  if (fillOf(weighed) >= HEDGE_FILL_MAX) return none;
  if (outcome.region !== state.region) return spill(state, request, outcome, now);
  // Late there as well: it would only be worked at twice.
  const there = state.endpoints.get(outcome.endpointId);
  if (request.lateForMs !== undefined && there !== undefined && isLate(there.late, now)) return none;
  return grantLease(state, request, outcome, { confirmed: true, credits: 0 }, now);
}

function creditsWanted(
  state: ShardState,
  request: AcquireRequest,
  { endpointId, reason }: Chosen,
  weighed: readonly Weighed[],
  now: number,
): number {
  const askers = countAsker(state, request.leaseId, now);
  // A retry, a cold start and a panic are decided one by one.
  if (request.excluded.length > 0 || reason === "cold_start" || reason === "panic") return 0;
  const one = weighed.find(({ view }) => view.id === endpointId);
  if (one === undefined) return 0;
  const { recentPerSecond } = request;
  const most = creditsFor({ inFlight: one.inFlight + 1, capacity: one.capacity, askers, recentPerSecond });
  return most === 0 ? 0 : stillChosen(most, one, weighed, state.endpoints.get(endpointId)?.load ?? null, now);
}

/**
 * A credit is spent without a choice, so there are no more than would be chosen here if the others were idle by then: an
 * engine that works at one request at a time is no place for the next two while another one stands idle.
 */
function stillChosen(
  most: number,
  one: Weighed,
  weighed: readonly Weighed[],
  curve: LoadCurve | null,
  now: number,
): number {
  let leastMs = Number.POSITIVE_INFINITY;
  for (const other of weighed) {
    if (other === one || other.excluded !== null || other.warmth !== "warm") continue;
    leastMs = Math.min(leastMs, other.totalMs - other.loadMs);
  }
  const limitMs = leastMs + NEAR_MS - (one.totalMs - one.loadMs);
  const fitted = curve === null ? [] : readLoadCurve(curve, now);
  let credits = most;
  while (credits > 0 && loadMs(fitted, one.inFlight + credits) > limitMs) credits -= 1;
  return credits;
}

function isTight(state: ShardState, outcome: AcquireOutcome, views: readonly EndpointView[]): boolean {
  if (state.queue.size > 0) return true;
  if (outcome.kind !== "granted") return false;
  const { endpointId } = outcome.grant;
  const capacity = views.find(({ id }) => id === endpointId)?.capacity ?? Number.POSITIVE_INFINITY;
  return inFlight(state.leases, endpointId) >= TIGHT_FILL * capacity;
}
