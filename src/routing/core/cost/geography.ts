/**
 * Decides how far, in milliseconds, a place is from another before anything was measured between them.
 *
 * Model. Light in fibre needs 2d / (c / 1.468) for the round trip along the great circle; real paths take 1.72 times
 * that (median of the AWS inter-region matrix) and 5 ms for both ends. It is only a prior: the spread is about 35 ms
 * and public HTTP round trips are often longer, so a measured average replaces it after a few samples.
 * Source: docs/reference/sources.md, Round trips.
 * Rejected: the linear fit 14.2 ms + 0.0159 ms/km, which is worse for near places, where the choice matters most.
 */
import type { Place } from "../pool.ts";

export type { Place };

/** Mean radius of the Earth (IUGG), km. */
const EARTH_RADIUS_KM = 6_371.0088;

/** Vacuum speed of light, km per ms. */
const LIGHT_KM_PER_MS = 299.792458;

/** Refractive index of the fibre. */
const FIBRE_INDEX = 1.468;

/** Median of measured round trip over fibre bound. */
const ROUND_TRIP_STRETCH = 1.72;

/** Fixed part of a round trip: last miles, switches, terminations. */
export const ROUND_TRIP_FIXED_MS = 5;

/** Round trip assumed when either place is unknown, ms: about the middle of a continent-wide fleet. */
export const UNKNOWN_PLACE_RTT_MS = 80;

/** Length of the great circle between two places, km (haversine: exact for small and for antipodal distances). */
export function greatCircleKm(a: Place, b: Place): number {
  const halfLat = Math.sin(radians(b.lat - a.lat) / 2);
  const halfLon = Math.sin(radians(b.lon - a.lon) / 2);
  const chord = halfLat ** 2 + Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * halfLon ** 2;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(chord)));
}

/** Shortest round trip that fibre along the great circle allows, ms: nothing measured may be below it. */
export function fibreBoundMs(a: Place, b: Place): number {
  return (2 * greatCircleKm(a, b) * FIBRE_INDEX) / LIGHT_KM_PER_MS;
}

/** Expected round trip between two places, ms; UNKNOWN_PLACE_RTT_MS when either is unknown or not a number. */
export function roundTripPriorMs(a: Place | null, b: Place | null): number {
  if (a === null || b === null) return UNKNOWN_PLACE_RTT_MS;
  const priorMs = ROUND_TRIP_STRETCH * fibreBoundMs(a, b) + ROUND_TRIP_FIXED_MS;
  return Number.isFinite(priorMs) ? priorMs : UNKNOWN_PLACE_RTT_MS;
}

/** The item nearest to `place`, the first one among equals; null when there is none. */
export function nearest<Item extends { readonly place: Place }>(place: Place, items: readonly Item[]): Item | null {
  let best: Item | null = null;
  let bestKm = Number.POSITIVE_INFINITY;
  for (const item of items) {
    const km = greatCircleKm(place, item.place);
    if (best !== null && !(km < bestKm)) continue;
    best = item;
    bestKm = Number.isNaN(km) ? Number.POSITIVE_INFINITY : km;
  }
  return best;
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
