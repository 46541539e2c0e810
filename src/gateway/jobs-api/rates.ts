/**
 * Counts the calls of the job API against Runpod's limits, or the pool's own (`jobs.rates`), per tenant, pool and
 * operation.
 *
 * The counts are the isolate's own: a limit guards against a client that runs wild, and such a client's calls arrive at
 * one place. Rejected: counting in the queue, which would add a round trip to every status read.
 */
import { createRateWindow, DEFAULT_RATES, takeRate } from "../../jobs/core/rate.ts";
import type { Operation, RateLimit, RateWindow } from "../../jobs/core/rate.ts";
import type { PoolConfig } from "../../config/config.ts";

/** As much of a pool's config as is counted by. */
export type RatedPool = Pick<PoolConfig, "id" | "jobs">;

type Counter = { readonly window: RateWindow; concurrent: number };

/** About 200 bytes each. Beyond it the one that was used least recently is forgotten, unless it has calls under way. */
export const COUNTERS_MAX = 4_096;

const counters = new Map<string, Counter>();

export type RateTicket =
  | { readonly kind: "admitted"; readonly release: () => void }
  | { readonly kind: "refused"; readonly retryAfterMs: number };

/** `release` when the call has been answered, once. */
export function admitCall(
  { tenant, pool, operation }: { readonly tenant: string; readonly pool: RatedPool; readonly operation: Operation },
  now: number,
): RateTicket {
  const counter = counterOf(`${operation}|${pool.id}|${tenant}`);
  const call = { limit: limitOf(pool, operation), runningWorkers: 0, concurrent: counter.concurrent };
  const answer = takeRate(counter.window, call, now);
  if (answer.kind === "refused") return { kind: "refused", retryAfterMs: answer.retryAfterMs };
  counter.concurrent += 1;
  return {
    kind: "admitted",
    release: () => {
      counter.concurrent -= 1;
    },
  };
}

/** What the config does not say is Runpod's. */
function limitOf({ jobs }: RatedPool, operation: Operation): RateLimit {
  const usual = DEFAULT_RATES[operation];
  const { callsPer10s, concurrentMax } = jobs?.rates?.[operation] ?? {};
  return {
    ...usual,
    callsPer10s: callsPer10s ?? usual.callsPer10s,
    concurrentMax: concurrentMax ?? usual.concurrentMax,
  };
}

function counterOf(name: string): Counter {
  const counter = counters.get(name) ?? { window: createRateWindow(), concurrent: 0 };
  // The order of a map is the order of insertion: what is used moves to the end.
  counters.delete(name);
  counters.set(name, counter);
  for (const [oldest, { concurrent }] of counters) {
    if (counters.size <= COUNTERS_MAX) break;
    if (concurrent === 0 && oldest !== name) counters.delete(oldest);
  }
  return counter;
}
