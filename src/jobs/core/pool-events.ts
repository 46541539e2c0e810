/**
 * Decides when a pool's operator is told that no endpoint is healthy, or that a queue has grown old: once per
 * occurrence.
 *
 * Model. Two conditions, each a latch: it closes when the condition has held for as long as the configuration says,
 * which tells once, and it opens when the pool is well again. `no_healthy_endpoint` holds from the first look that
 * found none, and one healthy endpoint ends it. `queue_old` needs no start of its own: the age of the oldest
 * waiting job is the time. It opens only below half of the limit: a long queue that moves has an oldest job of
 * nearly the same age all the time, and would tell with every job. What nobody knows (a shard that is silent, a
 * fleet not asked yet) changes nothing.
 * Rejected: telling again every so often while it lasts (the receiver knows how to remind people, and we do not know
 * when they sleep), an event for the recovery (asked for by nobody).
 */

export type PoolEventRules = {
  /** No healthy endpoint for this long, ms. */
  readonly noHealthyEndpointMs: number;
  /** Age of the oldest waiting job, ms; null: not watched. */
  readonly queueOlderThanMs: number | null;
};

/** What one look at the pool found. */
export type PoolSight = {
  /** Is there an endpoint that admits, or a GPU worker that pulls; null: not known. */
  readonly isHealthy: boolean | null;
  /** When the longest waiting job could first have started, ms; null: none waits. */
  readonly oldestDueMs: number | null;
};

/** To be kept over restarts: what was told is not told again. */
export type PoolEventState = {
  /** Since when no endpoint was healthy, ms; null: one is. */
  readonly unhealthySinceMs: number | null;
  readonly isUnhealthyTold: boolean;
  readonly isOldTold: boolean;
};

export const POOL_WELL: PoolEventState = { unhealthySinceMs: null, isUnhealthyTold: false, isOldTold: false };

export type PoolEvent =
  | { readonly type: "pool.no_healthy_endpoint"; readonly sinceMs: number }
  | { readonly type: "pool.queue_old"; readonly oldestDueMs: number };

export type PoolLook = {
  readonly state: PoolEventState;
  readonly events: readonly PoolEvent[];
  /** When an event would be due if nothing changes, ms, after `now`; null: none would. */
  readonly nextMs: number | null;
};

/** Share of the limit below which a queue is young again. */
export const YOUNG_AGAIN = 0.5;

export function lookAtPool(before: PoolEventState, rules: PoolEventRules, sight: PoolSight, now: number): PoolLook {
  const events: PoolEvent[] = [];
  const dueMs: number[] = [];

  let { unhealthySinceMs, isUnhealthyTold, isOldTold } = before;
  if (sight.isHealthy === true) {
    unhealthySinceMs = null;
    isUnhealthyTold = false;
  }
  if (sight.isHealthy === false) unhealthySinceMs ??= now;
  if (sight.isHealthy === false && unhealthySinceMs !== null && !isUnhealthyTold) {
    const atMs = unhealthySinceMs + rules.noHealthyEndpointMs;
    isUnhealthyTold = atMs <= now;
    if (isUnhealthyTold) events.push({ type: "pool.no_healthy_endpoint", sinceMs: unhealthySinceMs });
    else dueMs.push(atMs);
  }

  const { oldestDueMs } = sight;
  const limitMs = rules.queueOlderThanMs;
  if (limitMs === null || oldestDueMs === null) isOldTold = false;
  else if (isOldTold) isOldTold = now - oldestDueMs >= limitMs * YOUNG_AGAIN;
  else {
    const atMs = oldestDueMs + limitMs;
    isOldTold = atMs <= now;
    if (isOldTold) events.push({ type: "pool.queue_old", oldestDueMs });
    else dueMs.push(atMs);
  }
  const state = { unhealthySinceMs, isUnhealthyTold, isOldTold };
  return { state, events, nextMs: dueMs.length === 0 ? null : Math.min(...dueMs) };
}

/** Nothing is wrong, or about to be: with no work left, nobody need look. */
export const isWell = ({ unhealthySinceMs, isOldTold }: PoolEventState): boolean =>
  unhealthySinceMs === null && !isOldTold;
