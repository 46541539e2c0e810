/**
 * Decides how long to wait before the next try, of a job's attempt or of a webhook's delivery.
 *
 * Model: capped exponential with full jitter, uniform in [0, min(cap, base · 2^(n-1))). Many jobs fail together when an
 * endpoint dies; a uniform draw spreads their return over the whole window, and the mean wait is half of it.
 *
 * Source: the AWS builders' library on time-outs, retries and backoff. Rejected: jitter of ±20 % around the
 * exponential, which keeps the crowd together; decorrelated jitter, whose bound depends on the previous
 * draw and so on stored state.
 */
import { invariant } from "../../lib/invariant.ts";
import type { Rng } from "../../lib/rng.ts";

export type Backoff = {
  /** Width of the first window, ms, > 0. */
  readonly baseMs: number;
  /** No window is wider, ms, >= `baseMs`. */
  readonly capMs: number;
};

/** Beyond this many doublings every cap of ours is reached; the exponent itself must not overflow. */
export const DOUBLINGS_MAX = 40;

/** Whole ms in [0, min(capMs, baseMs · 2^(failures-1))). `failures`: tries that failed so far, >= 1. */
export function fullJitterMs({ baseMs, capMs }: Backoff, failures: number, rng: Rng): number {
  invariant(failures >= 1, "a backoff follows a failure");
  return jitterBelowMs(Math.min(capMs, baseMs * 2 ** Math.min(failures - 1, DOUBLINGS_MAX)), rng);
}

/** Whole ms in [0, `windowMs`). */
export function jitterBelowMs(windowMs: number, rng: Rng): number {
  return Math.floor(rng() * windowMs);
}
