/**
 * The `wait` term: time until a slot frees, ms; 0 while one is free.
 *
 * Model. K slots, each held for S ms on average, free one every S / K ms; with rif requests there, (rif − K + 1) of them
 * must end before the next one starts: wait = (rif − K + 1) · S / K. S is the mean slot occupancy, dispatch to end of
 * stream, over the last twenty or so attempts that were served: it changes with what is asked, not with the clock.
 * Source: facts/routing.md 6.3, 6.5 (alpha 0.05). Stargate and GORGO estimate the same from queued tokens, which a router
 * in front of a load balancer does not see. Rejected: a percentile of S, which charges every wait with the worst case.
 */
import type { EndpointView } from "../endpoint-view.ts";
import { createCountEwma, observeCount } from "../ewma.ts";
import type { CountEwma } from "../ewma.ts";

/** Mean slot time assumed before anything was measured, ms: a short chat answer. */
export const OCCUPANCY_PRIOR_MS = 2_000;

/** Share of the newest attempt in the estimate. */
const OCCUPANCY_ALPHA = 0.05;

export function waitMs({
  inFlight,
  capacity,
  occupancyMs,
}: Pick<EndpointView, "inFlight" | "capacity" | "occupancyMs">): number {
  return inFlight < capacity ? 0 : ((inFlight - capacity + 1) * occupancyMs) / capacity;
}

export function createOccupancy(): CountEwma {
  return createCountEwma({ priorValue: OCCUPANCY_PRIOR_MS, alpha: OCCUPANCY_ALPHA });
}

/** Takes how long an attempt that was served held its slot, ms. */
export function observeOccupancy(occupancy: CountEwma, heldMs: number): CountEwma {
  return observeCount(occupancy, heldMs);
}
