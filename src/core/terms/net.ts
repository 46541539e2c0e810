/**
 * The `net` term: the HTTP round trip from the client's region to the endpoint, ms.
 *
 * Model. Measured where attempts have shown it (dispatch to response headers, when those came before the first token),
 * per client place, as a time-decayed mean with tau 10 s. The distance between the two places is the prior: it counts as
 * one sample, so after three measurements it holds a quarter, and in silence the estimate drifts back to it. Places are
 * remembered up to a bound; the one that was silent longest goes first.
 * Source: facts/routing.md 5.3 (prior, and that public HTTP round trips are 2.6–3 times what ICMP says), 6.5 (tau).
 * Rejected: health-probe round trips, which are measured from the shard and not from the client's place; and keeping the
 * first places for ever, which leaves a fleet that moved without measurements.
 */
import type { EndpointView } from "../endpoint-view.ts";
import { createEwma, observe, read } from "../ewma.ts";
import type { Ewma } from "../ewma.ts";
import { roundTripPriorMs, UNKNOWN_PLACE_RTT_MS } from "../geography.ts";
import type { Place } from "../pool.ts";

/** By client place key; the place heard of last comes last. Written in place. */
export type RoundTrips = Map<string, Ewma>;

/** Client places with a round trip per endpoint: each is in every digest, and a region's users reach a few colos. */
export const PLACES_MAX = 64;

/** Memory of a round trip, ms: a changed route shows within seconds. */
export const ROUND_TRIP_TAU_MS = 10_000;

export type NetInput = {
  /** Where the client is; null when unknown. */
  readonly client: Place | null;
  /** Key of the client's place in `roundTripMs`. */
  readonly clientKey: string;
};

export function netMs(view: Pick<EndpointView, "place" | "roundTripMs">, { client, clientKey }: NetInput): number {
  const measured = view.roundTripMs[clientKey];
  if (measured !== undefined) return measured;
  return client === null ? UNKNOWN_PLACE_RTT_MS : roundTripPriorMs(client, view.place);
}

/** An attempt of a client at `client` is about to be sent: the distance is what its measurement is mixed with. */
export function expectRoundTrip(trips: RoundTrips, { client, clientKey }: NetInput, endpoint: Place): void {
  if (client === null || trips.has(clientKey)) return;
  const priorValue = roundTripPriorMs(client, endpoint);
  remember(trips, clientKey, createEwma({ priorValue, tauMs: ROUND_TRIP_TAU_MS }));
}

/** Takes one measurement; a place of which nothing was expected takes its first one as prior. */
export function observeRoundTrip(trips: RoundTrips, clientKey: string, roundTripMs: number, now: number): void {
  if (!Number.isFinite(roundTripMs) || roundTripMs < 0) return;
  const ewma = trips.get(clientKey) ?? createEwma({ priorValue: roundTripMs, tauMs: ROUND_TRIP_TAU_MS });
  remember(trips, clientKey, observe(ewma, roundTripMs, now));
}

/** The measured round trip as of `now`; null when nothing was measured. */
export function readRoundTrip(trips: RoundTrips, clientKey: string, now: number): number | null {
  const known = trips.get(clientKey);
  return known === undefined || known.samples === 0 ? null : read(known, now);
}

/** Every measured round trip as of `now`, or the one of `only`: one decision needs no other. */
export function measuredRoundTrips(trips: RoundTrips, now: number, only?: string): Record<string, number> {
  const measured: Record<string, number> = {};
  for (const clientKey of only === undefined ? trips.keys() : [only]) {
    const roundTripMs = readRoundTrip(trips, clientKey, now);
    if (roundTripMs !== null) measured[clientKey] = roundTripMs;
  }
  return measured;
}

function remember(trips: RoundTrips, clientKey: string, ewma: Ewma): void {
  trips.delete(clientKey);
  trips.set(clientKey, ewma);
  if (trips.size <= PLACES_MAX) return;
  const longestSilent = trips.keys().next();
  if (longestSilent.done !== true) trips.delete(longestSilent.value);
}
