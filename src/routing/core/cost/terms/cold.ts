/**
 * The `cold` term: what is left of a cold start, ms; 0 for a warm endpoint.
 *
 * Model. The whole cold start is learned from those whose beginning was seen: from the wake-up, or the first sign of
 * warming, to the first sign of warmth. A cold endpoint costs all of it, a warming one what is left, and one that is
 * overdue by x is expected to take x more: whatever kept it has no known end, and a request sent there waits for it.
 * Source: docs/reference/sources.md, Cost model; alpha 0.3 because FlashBoot makes the next start unlike the last dozen.
 * Rejected: 0 left for an overdue one (the estimate as a promise), which sends users to an endpoint that is stuck.
 */
import type { EndpointView, Warmth } from "../../endpoint/endpoint-view.ts";
import { createCountEwma, observeCount } from "../../../../lib/ewma.ts";
import type { CountEwma } from "../../../../lib/ewma.ts";

/** Least rest of a cold start, ms: a warming endpoint is never as good as a warm one before a probe has said so. */
export const WARMING_FLOOR_MS = 50;

const COLD_START_ALPHA = 0.3;

export function coldMs({ warmth, coldMs: leftMs }: Pick<EndpointView, "warmth" | "coldMs">): number {
  if (warmth === "warm") return 0;
  return warmth === "warming" ? Math.max(WARMING_FLOOR_MS, leftMs) : leftMs;
}

export function createColdStart(priorMs: number): CountEwma {
  return createCountEwma({ priorValue: priorMs, alpha: COLD_START_ALPHA });
}

/** Takes a cold start that was seen from its beginning to its end, ms. */
export function observeColdStart(coldStart: CountEwma, tookMs: number): CountEwma {
  return observeCount(coldStart, tookMs);
}

/** What is expected to be left, ms, >= 0; `elapsedMs` since the warming began. */
export function coldLeftMs(warmth: Warmth, wholeMs: number, elapsedMs: number): number {
  switch (warmth) {
    case "warm":
      return 0;
    case "cold":
      return wholeMs;
    case "warming":
      return Math.abs(wholeMs - elapsedMs);
  }
}
