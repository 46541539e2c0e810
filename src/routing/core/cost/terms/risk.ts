/**
 * The `risk` term: the delay that failures are expected to add, ms.
 *
 * Intuition. An endpoint that fails at once must not look fast: each failure costs what the client loses by it.
 * Model. Let p be the probability that an attempt fails. Then p / (1 − p) failures come before the first success. Each
 * one costs the trip and the time until it is noticed. The retry budget pays for a share of them; the others reach the
 * client, who comes back a second later at best. So an endpoint that fails half of its requests is dear, however near
 * it is. p counts the attempts that ended before their first byte. It fades with tau 10 s, and starts from half a
 * failure in twenty attempts. A failure feeds this term and the breaker, and no estimate of a delay. "No room" is no
 * failure.
 * Source: docs/reference/sources.md, Cost model.
 * Rejected: a latency that stands for a failure (linkerd, LiteLLM's 1,000 s). Its size means nothing, and it takes as
 * long to forget as a real one.
 */
import { RETRY_RULE } from "../../shard/budget.ts";
import type { EndpointView } from "../../endpoint/endpoint-view.ts";
import { createCountEwma, observeCount } from "../../../../lib/ewma.ts";
import type { CountEwma } from "../../../../lib/ewma.ts";

/** Attempts and failures before the first byte, fading with FAILURE_TAU_MS. */
export type Tries = { readonly attempts: number; readonly failures: number; readonly atMs: number };

/** Memory of failures, ms: an endpoint that recovered is trusted again within half a minute. */
export const FAILURE_TAU_MS = 10_000;

const TRIES_PRIOR = 20;
const FAILURES_PRIOR = 0.5;

/** Failure probability assumed of an endpoint without history. */
export const FAILURE_PRIOR = FAILURES_PRIOR / TRIES_PRIOR;

/** Cost assumed of a failed attempt, ms: what it takes to notice and to ask for another endpoint. */
export const FAILURE_COST_PRIOR_MS = 50;

/** Share of failures that the retry budget pays for. */
const RETRIED_SHARE = RETRY_RULE.milliPerServed / 1_000;

/** A client that is told of a failure comes back no sooner than this, ms: the least `Retry-After`. */
const COME_BACK_MS = 1_000;

const FAILURE_COST_ALPHA = 0.2;

export function riskMs(view: Pick<EndpointView, "failureProbability" | "failureCostMs">, net: number): number {
  const { failureProbability: p, failureCostMs } = view;
  const unpaid = Math.max(0, p - RETRIED_SHARE);
  return (p * (net + failureCostMs) + unpaid * COME_BACK_MS) / (1 - p);
}

export function createTries(now: number): Tries {
  return { attempts: 0, failures: 0, atMs: now };
}

/** One more attempt; `failures` is 1 when it failed before its first byte. */
export function countTry(tries: Tries, failures: 0 | 1, now: number): Tries {
  const fade = fadeAt(tries, now);
  return { attempts: tries.attempts * fade + 1, failures: tries.failures * fade + failures, atMs: now };
}

/** 0..1 exclusive. */
export function failureProbability(tries: Tries, now: number): number {
  const fade = fadeAt(tries, now);
  return (tries.failures * fade + FAILURES_PRIOR) / (tries.attempts * fade + TRIES_PRIOR);
}

export function createFailureCost(): CountEwma {
  return createCountEwma({ priorValue: FAILURE_COST_PRIOR_MS, alpha: FAILURE_COST_ALPHA });
}

/** Takes how long a failed attempt took to fail, ms. */
export function observeFailureCost(cost: CountEwma, heldMs: number): CountEwma {
  return observeCount(cost, heldMs);
}

function fadeAt({ atMs }: Tries, now: number): number {
  return Math.exp(-Math.max(0, now - atMs) / FAILURE_TAU_MS);
}
