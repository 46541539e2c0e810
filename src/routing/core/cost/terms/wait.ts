/**
 * The `wait` term: time until a slot frees, ms; 0 while one is free, unless first tokens come late there (`lateness.ts`).
 *
 * Model. K slots, each held for S ms on average, free one every S / K ms; with rif requests there, (rif − K + 1) of them
 * must end before the next one starts: wait = (rif − K + 1) · S / K. S is the mean slot occupancy, dispatch to end of
 * stream, over the last twenty or so attempts that were served: it changes with what is asked, not with the clock.
 * What a digest says is old by the time the request is there. Meanwhile requests come and end, so the in-flight is taken
 * as normally distributed about what was seen, with the variance of the UNSEEN_EVENTS per slot and occupancy that are
 * expected in that time, and the wait is the mean over it. A far endpoint with its last slot free is thus no longer as
 * good as an idle one; without this every region sends its overflow for the same slots (docs/explanation/routing.md).
 * Source: docs/reference/sources.md, Cost model (alpha 0.05); the mean excess of a normal variable is textbook (the newsvendor's loss). Stargate and GORGO estimate the same from queued tokens, which a router
 * in front of a load balancer does not see. Rejected: a percentile of S, which charges every wait with the worst case.
 */
import type { EndpointView } from "../../endpoint/endpoint-view.ts";
import { createCountEwma, observeCount } from "../../../../lib/ewma.ts";
import type { CountEwma } from "../../../../lib/ewma.ts";

/** Mean slot time assumed before anything was measured, ms: a short chat answer. */
export const OCCUPANCY_PRIOR_MS = 2_000;

/** Share of the newest attempt in the estimate. */
const OCCUPANCY_ALPHA = 0.05;

/**
 * Arrivals and ends at each used slot in one occupancy, as far as they are not foreseen. Two if both were Poisson; one
 * because a shard that binds at once counts what it sends itself. Four, which was right while requests were held for
 * other regions, hides a fast far endpoint: p99 of D at 0.8 is 1.31 of the bound instead of 1.24.
 */
const UNSEEN_EVENTS = 1;

type WaitView = Pick<EndpointView, "inFlight" | "capacity" | "occupancyMs" | "refusesForMs" | "lateMs">;

/** `unseenMs`: how long the endpoint goes on unseen until the request is there, ms; 0 where the in-flight is exact. */
export function waitMs(
  { inFlight, capacity, occupancyMs, refusesForMs = 0, lateMs = 0 }: WaitView,
  unseenMs = 0,
): number {
  // It has refused everything: those who wait for it are tried one after the other.
  if (capacity === 0) return lateMs + refusesForMs + inFlight * occupancyMs;
  const over = inFlight - capacity + 1;
  const used = Math.max(1, Math.min(inFlight, capacity));
  const deviation = Math.sqrt((UNSEEN_EVENTS * used * unseenMs) / Math.max(1, occupancyMs));
  return lateMs + (meanExcess(over, deviation) * occupancyMs) / capacity;
}

/** Mean of max(0, x) for a normal x; the distribution function by its logistic approximation (error below 0.01). */
function meanExcess(mean: number, deviation: number): number {
  if (deviation === 0) return Math.max(0, mean);
  const z = mean / deviation;
  const density = Math.exp(-z * z * 0.5) / Math.sqrt(2 * Math.PI);
  const below = 1 / (1 + Math.exp(-1.702 * z));
  return Math.max(0, mean, deviation * density + mean * below);
}

export function createOccupancy(): CountEwma {
  return createCountEwma({ priorValue: OCCUPANCY_PRIOR_MS, alpha: OCCUPANCY_ALPHA });
}

/** Takes how long an attempt that was served held its slot, ms. */
export function observeOccupancy(occupancy: CountEwma, heldMs: number): CountEwma {
  return observeCount(occupancy, heldMs);
}
