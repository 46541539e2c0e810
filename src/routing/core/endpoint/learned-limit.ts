/**
 * Decides how many requests one GPU worker should serve at once when the configuration does not say.
 *
 * Model. Netflix's Gradient2 on what the router can see of queueing inside the engine: the first-token residual (first
 * token − network − prefill), never the total latency, which grows with the length of the answers. Samples are averaged
 * over windows; a window in which the limit was not nearly used says nothing of a higher one. Then
 *
 *   gradient = clamp(tolerance · (base + B) / (residual + B), 0.5, 1)
 *   limit    = (1 − s) · limit + s · (limit · gradient + √limit)
 *
 * The base is the least residual of late. It rises by 2 % and 1 ms a window, and a request that was alone sets
 * it, so that an engine which became slower is soon compared with itself. B is a buffer of 50 ms: a smaller
 * difference is scheduling, and no queue. So a batch that still takes requests grows the limit, and an engine
 * that makes them wait shrinks it within seconds. At the least gradient nothing is added: an engine that serves
 * one at a time is left with one.
 * - A request that was sent beyond the limit on purpose (`plan.ts`) waits by design. If its first token is early, there
 *   is room; if it is late, that tells nothing.
 * - A capacity answer beside other requests takes a tenth off, once a window. Below what was in flight it tells nothing.
 * - Answers that show no first token tell only that nothing is wrong: they bring the limit back to its start.
 * Always within LIMIT_MIN … LIMIT_MAX.
 * Source: Gradient2Limit.java and Envoy's adaptive concurrency (its buffer) as in
 * docs/reference/sources.md, Balancing and overload; s 0.2, q √limit and tolerance 1.5 on the first-token residual as in 6.5.
 * Rejected: the long-term mean as base (Gradient2's own), which takes a queue that stays for the engine's speed.
 */

/** Written in place. */
export type LearnedLimit = {
  /** Requests one GPU worker serves at once, LIMIT_MIN … LIMIT_MAX, with fractions. */
  limit: number;
  /** Least mean residual lately, ms; 0 at first, so that an engine met in a rush is not taken for a slow one. */
  baseMs: number;
  /** When a capacity answer last took something off. */
  cutAtMs: number;
  window: { sinceMs: number; count: number; untimed: number; sumMs: number; inFlightMost: number };
};

/** Where learning begins: safe for an 8B model on a 24 GB card. */
export const LIMIT_START = 8;
export const LIMIT_MIN = 1;
/** vLLM's own default batch; what serves more at once is worth a line in the configuration. */
export const LIMIT_MAX = 256;

/** A window ends when it is this old, ms, … */
export const WINDOW_MS = 1_000;
/** … and has this many samples. */
export const WINDOW_SAMPLES = 10;

const SMOOTHING = 0.2;
const TOLERANCE = 1.5;
const GRADIENT_MIN = 0.5;
const BUFFER_MS = 50;
const BASE_RISE = 1.02;
const BASE_RISE_MS = 1;
const CAPACITY_CUT = 0.9;
/** Below this share of the limit in use, a good residual is no reason to raise it. */
const USED_SHARE = 0.5;

export function createLearnedLimit(now: number): LearnedLimit {
  return { limit: LIMIT_START, baseMs: 0, cutAtMs: Number.NEGATIVE_INFINITY, window: openWindow(now) };
}

/** Whole requests, >= 1. */
export function limitOf({ limit }: LearnedLimit): number {
  return Math.floor(limit);
}

export type LimitSample = {
  /** First-token residual, ms; below 0 counts as 0. */
  readonly residualMs: number;
  /** Requests at the same GPU worker when this one was granted, itself not counted. */
  readonly inFlight: number;
};

/** Takes one attempt that was served; a residual that is no number is ignored. */
export function observeResidual(learned: LearnedLimit, { residualMs, inFlight }: LimitSample, now: number): void {
  if (!Number.isFinite(residualMs) || !Number.isFinite(inFlight)) return;
  const { window } = learned;
  if (inFlight >= learned.limit && residualMs > TOLERANCE * (learned.baseMs + BUFFER_MS) - BUFFER_MS) return;
  window.count += 1;
  window.sumMs += Math.max(0, residualMs);
  window.inFlightMost = Math.max(window.inFlightMost, inFlight + 1);
  if (window.count < WINDOW_SAMPLES || now - window.sinceMs < WINDOW_MS) return;
  learned.window = openWindow(now);
  const meanMs = window.sumMs / window.count;
  learned.baseMs = baseAfter(learned.baseMs, meanMs, window.inFlightMost);
  if (window.inFlightMost < USED_SHARE * learned.limit) return;
  const gradient = gradientOf(learned.baseMs, meanMs);
  const mayGrow = gradient > GRADIENT_MIN && learned.cutAtMs < window.sinceMs;
  const room = mayGrow ? Math.sqrt(learned.limit) : 0;
  setLimit(learned, (1 - SMOOTHING) * learned.limit + SMOOTHING * (learned.limit * gradient + room));
}

/** Takes one attempt that was served and showed no first token. */
export function observeUntimed(learned: LearnedLimit, now: number): void {
  const { window, limit } = learned;
  window.untimed += 1;
  if (window.count > 0 || window.untimed < WINDOW_SAMPLES || now - window.sinceMs < WINDOW_MS) return;
  learned.window = openWindow(now);
  if (limit >= LIMIT_START || learned.cutAtMs >= window.sinceMs) return;
  setLimit(learned, Math.min(LIMIT_START, limit + SMOOTHING * Math.sqrt(limit)));
}

/** The endpoint had no room for a request beside `inFlight` others at the same GPU worker. */
export function observeNoRoom(learned: LearnedLimit, inFlight: number, now: number): void {
  if (!(inFlight > 0) || now - learned.cutAtMs < WINDOW_MS) return;
  learned.cutAtMs = now;
  setLimit(learned, Math.min(learned.limit, CAPACITY_CUT * Math.max(learned.limit, inFlight)));
}

/** A request alone cannot wait for another: what it shows is the engine's own. */
function baseAfter(baseMs: number, meanMs: number, inFlightMost: number): number {
  return inFlightMost <= 1 ? meanMs : Math.min(meanMs, baseMs * BASE_RISE + BASE_RISE_MS);
}

function gradientOf(baseMs: number, meanMs: number): number {
  return Math.max(GRADIENT_MIN, Math.min(1, (TOLERANCE * (baseMs + BUFFER_MS)) / (meanMs + BUFFER_MS)));
}

function setLimit(learned: LearnedLimit, limit: number): void {
  learned.limit = Math.max(LIMIT_MIN, Math.min(LIMIT_MAX, limit));
}

function openWindow(now: number): LearnedLimit["window"] {
  return { sinceMs: now, count: 0, untimed: 0, sumMs: 0, inFlightMost: 0 };
}
