/**
 * What the end of an attempt teaches about its endpoint: delays, first-byte times, how much it serves at once, and which
 * GPU workers it has. How each estimate moves is decided where it lives; this is who hears what.
 */
import type { EndpointState } from "./endpoint-state.ts";
import { observeFirstByte } from "./first-byte.ts";
import { lostWorker, seenWorker } from "./gpu-workers.ts";
import { observeNoRoom, observeResidual, observeUntimed } from "./learned-limit.ts";
import type { Settlement } from "../shard-messages.ts";
import { loadMs, observeLoad, readLoadCurve } from "../cost/terms/load.ts";
import { observeRoundTrip, readRoundTrip } from "../cost/terms/net.ts";
import { observePrefill } from "../cost/terms/prefill.ts";
import { observeOccupancy } from "../cost/terms/wait.ts";

/** A first token that comes later than this share of the whole prefill is no sign of a cache. */
const CACHED_SHARE = 0.5;

/** An attempt that was served teaches every delay that it shows. `slots`: what the endpoint serves at once. */
export function learnDelays(state: EndpointState, seen: Settlement, slots: number, now: number): void {
  const { clientKey, headersMs, inputTokens, inFlightAtGrant } = seen;
  const cachedTokens = Math.min(seen.cachedTokens ?? 0, inputTokens);
  // Whoever was sent beyond the slots waited there first: that is the wait, neither the occupancy nor the load.
  const perSlot = (inFlightAtGrant + 1) / slots;
  state.occupancyMs = observeOccupancy(state.occupancyMs, seen.heldMs / Math.max(1, perSlot));
  if (headersMs !== null) {
    observeRoundTrip(state.roundTripMs, clientKey, { headersMs, alone: inFlightAtGrant === 0 }, now);
  }
  const afterNetMs = afterNet(state, seen, now);
  if (afterNetMs === null) {
    if (state.limit !== null) observeUntimed(state.limit, now);
    return;
  }
  // A cache that did not show is not taken off: what is left would look like load.
  const readTokens = foundCached(state, seen, slots, now) === true ? inputTokens - cachedTokens : inputTokens;
  const sample = { inputTokens, cachedTokens, afterNetMs, inFlightAtGrant };
  state.prefillTokensPerMs = observePrefill(state.prefillTokensPerMs, sample);
  const residualMs = afterNetMs - readTokens / state.prefillTokensPerMs.value;
  if (perSlot <= 1) {
    observeLoad(state.load, inFlightAtGrant, residualMs, now);
  }
  if (state.limit !== null) observeResidual(state.limit, { residualMs, inFlight: perWorker(state, seen) }, now);
}

/**
 * Did the prompt turn out to be cached as expected: the first token came in less than CACHED_SHARE of what reading all of
 * it takes. What passed before the reading is taken off as far as it is known: an engine's queue ahead of its headers, and
 * the delay that its other requests bring. Null where nothing was expected, no first token was seen, or it is late and the
 * attempt may have stood in line: a busy engine is no sign against its cache.
 */
export function foundCached(state: EndpointState, seen: Settlement, slots: number, now: number): boolean | null {
  const { inputTokens, cachedTokens = 0, ttftMs, headersMs, inFlightAtGrant } = seen;
  const afterNetMs = afterNet(state, seen, now);
  if (cachedTokens === 0 || ttftMs === null || afterNetMs === null) return null;
  const sinceStartMs = headersMs === null ? afterNetMs : Math.min(afterNetMs, ttftMs - headersMs);
  const readingMs = sinceStartMs - loadMs(readLoadCurve(state.load, now), inFlightAtGrant);
  if (readingMs < (CACHED_SHARE * inputTokens) / state.prefillTokensPerMs.value) return true;
  return inFlightAtGrant < slots ? false : null;
}

/** From the prompt's arrival at the endpoint to the first token, ms; null where it is not known. */
function afterNet(state: EndpointState, { ttftMs, headersMs, clientKey }: Settlement, now: number): number | null {
  // Headers may have waited for a slot: what is beyond the round trip is the endpoint's.
  const roundTripMs = leastOf(headersMs, readRoundTrip(state.roundTripMs, clientKey, now));
  return ttftMs === null || roundTripMs === null ? null : ttftMs - roundTripMs;
}

const leastOf = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? (one ?? other) : Math.min(one, other);

/** A capacity answer lowers a learned concurrency. */
export function learnNoRoom(state: EndpointState, seen: Settlement, now: number): void {
  if (state.limit !== null) observeNoRoom(state.limit, perWorker(state, seen), now);
}

/** In-flight at the GPU worker that took the attempt: known for the endpoint, and taken as evenly spread. */
function perWorker({ warmWorkers }: EndpointState, { inFlightAtGrant }: Settlement): number {
  return inFlightAtGrant / Math.max(1, warmWorkers);
}

/** Also of an attempt that was cancelled or cut later. An unknown trip stays in: then hedges come later. */
export function learnFirstByte(state: EndpointState, seen: Settlement, now: number): void {
  if (seen.firstByteMs === undefined || seen.firstByteMs === null) return;
  const roundTripMs = leastOf(seen.headersMs, readRoundTrip(state.roundTripMs, seen.clientKey, now)) ?? 0;
  const readingMs = seen.inputTokens / state.prefillTokensPerMs.value;
  observeFirstByte(state.firstByte, seen.firstByteMs - roundTripMs - readingMs, now);
}

/** Who answered is there; who failed, or had no room though it was asked for, is not counted on. */
export function learnWorker({ workers }: EndpointState, { workerId, outcome }: Settlement, now: number): void {
  if (workerId === undefined || workerId === null) return;
  switch (outcome) {
    case "failed":
    case "capacity":
    case "cut":
      lostWorker(workers, workerId);
      break;
    case "served":
    case "client_fault":
    case "disputed":
    case "cancelled":
    case "late":
      seenWorker(workers, workerId, now);
      break;
    case "unused":
      break;
  }
}
