/**
 * Decides how long a failed attempt's job waits before it is placed again.
 *
 * The wait is the longer of our own backoff and what the endpoint asked for. A claim that was handed
 * back unstarted waits not at all: nothing failed. The place in the queue is kept (`dueAtMs`), so a
 * retry is not also sent to the back.
 */
import { type Backoff, fullJitterMs } from "./backoff.ts";
import type { FailureReason } from "./reasons.ts";
import type { Rng } from "../../lib/rng.ts";

/** A server that asks for more has no say over our queue; the ttl of a job is minutes to hours. */
export const RETRY_AFTER_MAX_MS = 10 * 60_000;

export type RetryCase = {
  readonly backoff: Backoff;
  /** Attempts that may have run, this one included. */
  readonly attempts: number;
  /** Claims that came back, this one included. */
  readonly returns: number;
  /** Attempts that reached nobody, or ended with the router, this one included. */
  readonly excused: number;
  readonly reason: FailureReason;
  /** 0 where nothing was asked. */
  readonly retryAfterMs: number;
};

/** Whole ms, >= 0. */
export function retryDelayMs(
  { backoff, attempts, returns, excused, reason, retryAfterMs }: RetryCase,
  rng: Rng,
): number {
  if (reason === "released") return 0;
  const failures = reason === "capacity" ? returns : attempts + excused;
  return Math.max(fullJitterMs(backoff, failures, rng), Math.min(Math.max(0, retryAfterMs), RETRY_AFTER_MAX_MS));
}
