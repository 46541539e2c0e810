/**
 * Decides when an attempt is late: after the 95th percentile of its endpoint's first-byte times.
 *
 * Model. A histogram of what the endpoint itself took until the first byte of a stream: the trip and the reading of the
 * prompt are taken off each sample, and added again for the request that waits (`hedgeDelayMs`). Otherwise every far
 * client and every long prompt would be later than most and hedged each time, the most expensive requests first.
 * Samples fade with a half-life, so that an endpoint that became slower is soon compared with itself. An attempt that
 * lost to its hedge counts with the time at which it was given up, which is less than the truth and above the quantile
 * already: left out, each hedge would lower the quantile and so bring on the next. Only streams: the first byte of a
 * whole answer is its end, and says how long the answer is.
 * Source: docs/explanation/routing.md and docs/reference/sources.md, Cost model (half-life 60 s); Dean and Barroso, "The Tail at Scale".
 * Rejected: a fixed delay, which is wrong for every endpoint but one; the quantile of the total time, which
 * mixes in the length of answers.
 */
import type { EndpointView } from "./endpoint-view.ts";
import { createHistogram, decay, quantile, record } from "../../../lib/histogram.ts";
import type { Histogram } from "../../../lib/histogram.ts";
import type { Weighed } from "../cost/route.ts";

/** Written in place. */
export type FirstByteTimes = {
  readonly ownMs: Histogram;
  /** As of when the samples are faded. */
  fadedAtMs: number;
  /** The quantile, and how many samples have come since it was read. */
  p95Ms: number | null;
  newSamples: number;
};

const HEDGE_QUANTILE = 0.95;

/** With fewer samples the 95th percentile is the largest one seen. */
export const HEDGE_SAMPLES_MIN = 20;

/** Samples lose half of their weight in this time, ms. */
export const FIRST_BYTE_HALF_LIFE_MS = 60_000;

/** They fade in steps of this, ms: a step touches every bucket. */
export const FADE_EVERY_MS = 5_000;

/** The quantile is read again when this share of the samples is new: reading walks every bucket. */
const REREAD_SHARE = 0.05;

/** At and above this share of taken slots, in the pool or the region, nothing is hedged: no slot is spare. */
export const HEDGE_FILL_MAX = 0.8;

export function createFirstByteTimes(): FirstByteTimes {
  return { ownMs: createHistogram(), fadedAtMs: Number.NEGATIVE_INFINITY, p95Ms: null, newSamples: 0 };
}

/** `ownMs`: from dispatch to first byte, less the trip and the reading of the prompt; what is below 0 counts as 0. */
export function observeFirstByte(times: FirstByteTimes, ownMs: number, now: number): void {
  fade(times, now);
  record(times.ownMs, Math.max(0, ownMs));
  times.newSamples += 1;
}

/** The endpoint's own 95th percentile, ms; null with fewer than HEDGE_SAMPLES_MIN samples. */
export function firstByteP95Ms(times: FirstByteTimes, now: number): number | null {
  fade(times, now);
  if (times.ownMs.total < HEDGE_SAMPLES_MIN) return null;
  if (times.p95Ms === null || times.newSamples > REREAD_SHARE * times.ownMs.total) {
    times.p95Ms = quantile(times.ownMs, HEDGE_QUANTILE);
    times.newSamples = 0;
  }
  return times.p95Ms;
}

/**
 * Beyond this multiple of the 95th percentile an attempt is not one of the slow ones any more: another endpoint is
 * asked beside it out of turn, and the first to answer is taken.
 */
export const MOVE_FACTOR = 3;

/** But no sooner than this, ms: a prompt is read twice then. */
export const MOVE_AFTER_MS_MIN = 5_000;

/** Where too little is known of the endpoint, ms: most people wait so long, and few longer. */
export const MOVE_AFTER_MS_DEFAULT = 10_000;

/** When an attempt is to be moved, less the trip and the reading of the prompt, ms. */
export function moveAfterMs(p95Ms: number | null): number {
  return p95Ms === null ? MOVE_AFTER_MS_DEFAULT : Math.max(MOVE_AFTER_MS_MIN, MOVE_FACTOR * p95Ms);
}

/** What a grant says of when its attempt is late; absent from shards of an older version. */
export type HedgeAdvice = {
  /** After this and the reading of the prompt another endpoint is asked out of turn, ms; null: never. */
  readonly moveAfterMs?: number | null;
  /** After this and the reading of the prompt it is late, ms; null: never. */
  readonly hedgeAfterMs?: number | null;
  readonly prefillTokensPerMs?: number;
};

/** How long after its dispatch a request of `inputTokens` is late, ms; null: it is not hedged. */
export function hedgeDelayMs(advice: HedgeAdvice, inputTokens: number): number | null {
  const { hedgeAfterMs = null, prefillTokensPerMs = Number.POSITIVE_INFINITY } = advice;
  return hedgeAfterMs === null ? null : hedgeAfterMs + inputTokens / prefillTokensPerMs;
}

/** When an attempt is late, ms after its dispatch: for a hedge, and so that it is moved. */
export type LateTimes = { readonly hedgeAfterMs: number; readonly moveAfterMs: number };

/** Infinity: not so; null: in no way. */
export function lateTimes(advice: HedgeAdvice, inputTokens: number): LateTimes | null {
  const hedgeAfterMs = hedgeDelayMs(advice, inputTokens) ?? Number.POSITIVE_INFINITY;
  const moveMs = hedgeDelayMs({ ...advice, hedgeAfterMs: advice.moveAfterMs ?? null }, inputTokens);
  if (moveMs === null && hedgeAfterMs === Number.POSITIVE_INFINITY) return null;
  return { hedgeAfterMs, moveAfterMs: moveMs ?? Number.POSITIVE_INFINITY };
}

/** Share of the warm slots that is taken, 0 and up; 1 where nothing warm takes traffic. */
export function fillOf(candidates: readonly Pick<Weighed, "excluded" | "warmth" | "inFlight" | "capacity">[]): number {
  return fillOfWarm(candidates.filter(({ excluded }) => excluded === null || excluded === "tried"));
}

/** The same for endpoints that take traffic. */
export function fillOfWarm(admitting: readonly Pick<EndpointView, "warmth" | "inFlight" | "capacity">[]): number {
  let inFlight = 0;
  let capacity = 0;
  for (const one of admitting) {
    if (one.warmth !== "warm") continue;
    inFlight += one.inFlight;
    capacity += one.capacity;
  }
  return capacity === 0 ? 1 : inFlight / capacity;
}

function fade(times: FirstByteTimes, now: number): void {
  const passedMs = now - times.fadedAtMs;
  if (passedMs < FADE_EVERY_MS) return;
  if (times.ownMs.total > 0) decay(times.ownMs, 0.5 ** (passedMs / FIRST_BYTE_HALF_LIFE_MS));
  times.fadedAtMs = now;
  times.p95Ms = null;
}
