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
import { observeOccupancy } from "../cost/terms/wait.ts";
import { observeCount } from "../../../lib/ewma.ts";
import { HIT_SHARE } from "./prompt-cache.ts";
import { observeCounted, speedOf } from "./reading.ts";

/** What its lease knew of an attempt's prompt. */
export type LineSeen = {
  /** Expected to be ahead in line when it was granted, ms. */
  readonly aheadMs: number;
  /** Tokens of its prompt that were thought to be cached. */
  readonly cachedTokens: number | null;
};

export const NOTHING_AHEAD: LineSeen = { aheadMs: 0, cachedTokens: null };

/** Behind a longer line a first token says more of the line than of the engine, ms. */
export const AHEAD_MS_MAX = 50;

/**
 * A prompt may take this share longer to read than is expected and be no sign of a batch that is too large: the speed is an
 * average, and on a shared machine another one every second.
 */
const READ_SLACK = 0.5;

/** An attempt that was served teaches every delay that it shows. `slots`: what the endpoint serves at once. */
export function learnDelays(
  state: EndpointState,
  seen: Settlement,
  line: LineSeen | null,
  slots: number,
  now: number,
): void {
  const { clientKey, headersMs, inputTokens, inFlightAtGrant } = seen;
  learnReading(state, seen, line);
  if (seen.outputTokens !== undefined) state.outputTokens = observeCount(state.outputTokens, seen.outputTokens);
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
  const readMs = (inputTokens - cachedOf(seen, line)) / speedOf(state.reading);
  const residualMs = afterNetMs - (line?.aheadMs ?? 0) - readMs;
  if (line === null || line.aheadMs >= AHEAD_MS_MAX) return;
  if (perSlot <= 1) observeLoad(state.load, inFlightAtGrant, residualMs, now);
  if (state.limit === null) return;
  const lateMs = residualMs - READ_SLACK * readMs;
  observeResidual(state.limit, { residualMs: lateMs, inFlight: perWorker(state, seen) }, now);
}

/**
 * The engine says how long it read, and how much. It says so of others' prompts as well that were read with it, so it counts
 * where nothing was in line ahead; also of answers that are no streams, which show no first token.
 */
function learnReading({ reading }: EndpointState, seen: Settlement, line: LineSeen | null): void {
  const cached = toldCached(seen);
  if (seen.readMs === undefined || cached === null || line === null || line.aheadMs >= AHEAD_MS_MAX) return;
  observeCounted(reading, seen.inputTokens - cached, seen.readMs);
}

/** Tokens of the prompt that were in the cache: as the engine says, else as was thought. */
function cachedOf(seen: Settlement, line: LineSeen | null): number {
  return toldCached(seen) ?? Math.min(seen.inputTokens, line?.cachedTokens ?? seen.cachedTokens ?? 0);
}

/** Tokens that the engine found in its cache, on the scale of `inputTokens`; null: it does not say. */
export function toldCached({ cachedTrue, promptTokens, inputTokens }: Settlement): number | null {
  if (cachedTrue === undefined) return null;
  // Its tokens are not ours: only the share is comparable.
  if (promptTokens === undefined || promptTokens <= 0) return Math.min(inputTokens, cachedTrue);
  return inputTokens * Math.min(1, cachedTrue / promptTokens);
}

/**
 * Did the prompt turn out to be cached, of which `expected` tokens were thought to be. The engine's own word decides. Else
 * its first token does: it came sooner than reading the prompt without the larger part of them takes, its usual delay at
 * this load taken off. Null where nothing says: no first token, or one that is late behind others, in line or for a slot,
 * which is no sign against a cache.
 */
export function foundCached(
  state: EndpointState,
  seen: Settlement,
  { expected, line, slots }: { readonly expected: number; readonly line: LineSeen | null; readonly slots: number },
  now: number,
): boolean | null {
  const { inputTokens, ttftMs, headersMs, inFlightAtGrant } = seen;
  if (expected <= 0) return null;
  const told = toldCached(seen);
  if (told !== null) return told >= HIT_SHARE * Math.min(expected, inputTokens);
  const afterNetMs = afterNet(state, seen, now);
  if (ttftMs === null || afterNetMs === null || line === null || line.aheadMs >= AHEAD_MS_MAX) return null;
  // An engine whose headers wait for a slot shows with them when it began.
  const sinceStartMs = headersMs === null ? afterNetMs : Math.min(afterNetMs, ttftMs - headersMs);
  const readingMs = sinceStartMs - loadMs(readLoadCurve(state.load, now), inFlightAtGrant);
  if (readingMs < (inputTokens - HIT_SHARE * Math.min(expected, inputTokens)) / speedOf(state.reading)) return true;
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
  const readingMs = seen.inputTokens / speedOf(state.reading);
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
