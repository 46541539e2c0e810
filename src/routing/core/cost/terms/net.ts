/**
 * The `net` term: the HTTP round trip from the client's region to the endpoint, ms.
 *
 * Intuition. The time from dispatch to response headers is the trip and all that the endpoint did before its headers;
 * some engines send those only when a slot begins (llama.cpp). So the trip is the least that was seen.
 * Model. For each client place a minimum is kept.
 * - A lower sample is taken at once. A higher one raises the value slowly, so that a longer route is learned within a
 *   minute or two: by RISE_MS and RISE_SHARE a second if the attempt was alone at the endpoint, and sixty times slower if
 *   it was not, since then it may have been a queue. What is above the minimum is load or wait, and is learned there.
 * - Until it is trusted the value is at most what was expected. The first sample holds the set-up of a connection, and an
 *   endpoint that is thought to be far gets no second one.
 * - What is expected: what another endpoint of the region measured, else the distance. Where the client's place is unknown,
 *   every endpoint counts as near as the nearest that was measured, so each is tried.
 * - Places are remembered up to a bound. The one that was silent longest goes first; after FORGET_MS it tells nothing.
 * Source: TCP BBR takes the minimum over a window for a path's round trip; the distance is `geography.ts`.
 * Rejected: a mean. It takes a busy engine for a far one and sends everything to its neighbour (60 of 60 requests to
 * one of three llama.cpp servers). Round trips of health probes: they are measured from the shard, and not from the
 * client's place. The first places, kept for ever: a fleet that moved would have no measurements.
 */
import type { EndpointView } from "../../endpoint/endpoint-view.ts";
import { roundTripPriorMs } from "../geography.ts";
import { remember } from "../../../../lib/recent.ts";
import type { Place } from "../../pool.ts";

type RoundTrip = {
  /** The minimum; null before the first sample. */
  readonly leastMs: number | null;
  /** What was expected before anything was measured, ms. */
  readonly priorMs: number;
  /** Samples that count: one of an attempt that was alone, BUSY_TRUST of any other. */
  readonly trust: number;
  /** When the last sample came; it may have raised the minimum. */
  readonly atMs: number;
};

/** By client place key. Written in place. */
export type RoundTrips = Map<string, RoundTrip>;

/** Client places with a round trip per endpoint: each is in every digest, and a region's users reach a few colos. */
export const PLACES_MAX = 64;

/**
 * How fast higher samples raise the minimum, each second: 10 to 150 ms takes a minute, one slow answer changes nothing.
 */
export const RISE_MS = 1;
export const RISE_SHARE = 0.05;

/** … as a share of that where others were in flight: a queue that never empties for ten minutes adds 15 ms. */
const BUSY_RISE = 1 / 60;

/** One sample raises it by at most this much time's worth, ms: in sparse traffic a single one proves little. */
const RISE_GAP_MS_MAX = 1_000;

/** From this many samples on the minimum stands for itself: connections are set up by then. */
export const TRUSTED_SAMPLES = 3;

/** What a sample counts that may hold a queue; of many of them one did not. */
export const BUSY_TRUST = 0.1;

/** Longer than the usual idle time-out of a serverless GPU worker, after which the endpoint is another machine, ms. */
export const FORGET_MS = 600_000;

export type NetInput = {
  /** Where the client is; null when unknown. */
  readonly client: Place | null;
  /** Key of the client's place in `roundTripMs`. */
  readonly clientKey: string;
  /** Distances of this client that are known by now, for who weighs many endpoints. Written in place. */
  readonly distances?: Distance[];
};

type Distance = { readonly place: Place; readonly ms: number };

/** More places than a pool has regions, as a rule; what is beyond them is computed each time. */
const DISTANCES_MAX = 8;

type Trips = Pick<EndpointView, "place" | "roundTripMs" | "regionTripMs" | "tripMs">;

export function netMs(view: Trips, input: NetInput): number {
  return knownTripMs(view, input) ?? distanceMs(view.place, input);
}

const knownTripMs = (view: Omit<Trips, "place">, { clientKey }: NetInput): number | undefined =>
  view.tripMs ?? view.roundTripMs[clientKey] ?? view.regionTripMs?.[clientKey];

/** Endpoints of a region stand at the same place: its distance is computed once. */
function distanceMs(place: Place, { client, distances }: NetInput): number {
  if (distances === undefined) return roundTripPriorMs(client, place);
  for (const { place: known, ms } of distances) if (known.lat === place.lat && known.lon === place.lon) return ms;
  const ms = roundTripPriorMs(client, place);
  if (distances.length < DISTANCES_MAX) distances.push({ place, ms });
  return ms;
}

/**
 * `measured` at the endpoint itself, at another one of its `region`, the `distance`; or `unknown`: then it counts as
 * the nearest that was measured, so that it is tried.
 */
export type NetSource = "measured" | "region" | "distance" | "unknown";

export function netSource(view: Omit<Trips, "place">, { client, clientKey }: NetInput): NetSource {
  if (view.roundTripMs[clientKey] !== undefined) return "measured";
  if (view.regionTripMs?.[clientKey] !== undefined) return "region";
  return client === null ? "unknown" : "distance";
}

/**
 * The views as a client of unknown place sees them: of which nothing is measured counts as the nearest that was. The
 * same list where the place is known, or nothing is measured.
 */
export function exploring<View extends Trips>(views: readonly View[], input: NetInput): readonly View[] {
  if (input.client !== null) return views;
  let nearestMs = Number.POSITIVE_INFINITY;
  for (const view of views) nearestMs = Math.min(nearestMs, knownTripMs(view, input) ?? nearestMs);
  if (nearestMs === Number.POSITIVE_INFINITY) return views;
  return views.map((view) => (knownTripMs(view, input) === undefined ? { ...view, tripMs: nearestMs } : view));
}

/** An attempt of a client at `client` is about to be sent: the distance is what its first samples are held against. */
export function expectRoundTrip(trips: RoundTrips, { client, clientKey }: NetInput, endpoint: Place): void {
  if (trips.has(clientKey)) return;
  const priorMs = roundTripPriorMs(client, endpoint);
  remember(trips, clientKey, { leastMs: null, priorMs, trust: 0, atMs: 0 }, PLACES_MAX);
}

export type RoundTripSample = {
  /** From dispatch to the response headers, ms. */
  readonly headersMs: number;
  /** Nothing else was in flight at the endpoint. */
  readonly alone: boolean;
};

/** Takes one measurement; of a place of which nothing was expected it is also the prior. */
export function observeRoundTrip(
  trips: RoundTrips,
  clientKey: string,
  { headersMs, alone }: RoundTripSample,
  now: number,
): void {
  if (!Number.isFinite(headersMs) || headersMs < 0) return;
  const known = trips.get(clientKey);
  const leastMs = readLeast(known, now);
  const atMs = Math.max(now, known?.atMs ?? now);
  const seconds = Math.min(RISE_GAP_MS_MAX, atMs - (known?.atMs ?? atMs)) / 1_000;
  const risenMs = (leastMs ?? headersMs) + ((leastMs ?? 0) * RISE_SHARE + RISE_MS) * seconds * (alone ? 1 : BUSY_RISE);
  const trip: RoundTrip = {
    leastMs: Math.min(headersMs, leastMs === null ? headersMs : risenMs),
    priorMs: known?.priorMs ?? headersMs,
    trust: (leastMs === null ? 0 : (known?.trust ?? 0)) + (alone ? 1 : BUSY_TRUST),
    atMs,
  };
  remember(trips, clientKey, trip, PLACES_MAX);
}

/**
 * The round trip as of `now`; null when nothing was measured lately. `expectedMs`: what its region says of the place.
 */
export function readRoundTrip(trips: RoundTrips, clientKey: string, now: number, expectedMs?: number): number | null {
  const known = trips.get(clientKey);
  const leastMs = readLeast(known, now);
  if (known === undefined || leastMs === null) return null;
  return isTrusted(known) ? leastMs : Math.min(leastMs, expectedMs ?? known.priorMs);
}

const isTrusted = ({ trust }: RoundTrip): boolean => trust >= TRUSTED_SAMPLES - ROUNDING;

/** Thirty tenths are three. */
const ROUNDING = 1e-9;

/** What the endpoints of one region say together: the least that any of them trusts, by place. */
export function regionRoundTrips(ofEndpoints: readonly RoundTrips[], now: number): Readonly<Record<string, number>> {
  const least: Record<string, number> = {};
  for (const clientKey of new Set(ofEndpoints.flatMap((trips) => [...trips.keys()]))) {
    const leastMs = regionRoundTrip(ofEndpoints, now, clientKey);
    if (leastMs !== null) least[clientKey] = leastMs;
  }
  return least;
}

/** The same of one place; null: nothing. */
export function regionRoundTrip(ofEndpoints: readonly RoundTrips[], now: number, clientKey: string): number | null {
  // A region of one endpoint has nobody to tell.
  if (ofEndpoints.length < 2) return null;
  let least: number | null = null;
  for (const trips of ofEndpoints) {
    const known = trips.get(clientKey);
    const leastMs = known === undefined || !isTrusted(known) ? null : readLeast(known, now);
    if (leastMs !== null) least = Math.min(leastMs, least ?? leastMs);
  }
  return least;
}

/** Every measured round trip as of `now`. */
export function measuredRoundTrips(
  trips: RoundTrips,
  now: number,
  ofRegion: Readonly<Record<string, number>> = {},
): Record<string, number> {
  const measured: Record<string, number> = {};
  for (const clientKey of trips.keys()) {
    const roundTripMs = readRoundTrip(trips, clientKey, now, ofRegion[clientKey]);
    if (roundTripMs !== null) measured[clientKey] = roundTripMs;
  }
  return measured;
}

function readLeast(known: RoundTrip | undefined, now: number): number | null {
  return known === undefined || known.leastMs === null || now - known.atMs > FORGET_MS ? null : known.leastMs;
}
