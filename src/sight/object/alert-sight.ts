/** What the rules of alerts see of each pool, from what its shards and its queue said. */
import type { Config } from "../../config/config.ts";
import type { ShardAnswer } from "../ask-fleet.ts";
import type { QueueAnswer } from "../ask-queues.ts";
import type { PoolSight } from "../core/alert-rules.ts";

export function poolSights(
  { pools }: Pick<Config, "pools">,
  shards: readonly ShardAnswer[],
  queues: readonly QueueAnswer[],
  now: number,
): readonly PoolSight[] {
  return Array.from(pools.keys(), (pool) => {
    const own = shards.filter((shard) => shard.pool === pool);
    const queue = queues.find((answer) => answer.pool === pool)?.summary ?? null;
    const sinceMs = queue?.oldestQueuedSinceMs ?? null;
    return { pool, ...fleetOf(own), oldestQueuedMs: queue === null ? null : sinceMs === null ? 0 : now - sinceMs };
  });
}

/** A pool of which a shard is silent may have endpoints there. */
function fleetOf(shards: readonly ShardAnswer[]): Pick<PoolSight, "endpoints" | "admitting" | "budget" | "refused"> {
  const told = shards.flatMap(({ status }) => (status === null ? [] : [status]));
  if (told.length === 0 || told.length < shards.length)
    return { endpoints: null, admitting: null, budget: null, refused: null };
  const endpoints = told.flatMap(({ endpoints: all, drained }) => all.filter(({ id }) => !drained.includes(id)));
  const admitting = endpoints.filter(({ standing }) => standing === "admitting").length;
  const budgets = told.flatMap(({ budgets: of }) => (of === undefined ? [] : [of.retry]));
  // The shards of a pool tell each other.
  const suspects = told.flatMap(({ poison = [] }) => poison);
  const refused = new Set(suspects.filter(({ refusedForMs }) => refusedForMs > 0).map(({ request }) => request));
  return {
    refused: refused.size,
    endpoints: endpoints.length,
    admitting,
    budget: budgets.length < told.length ? null : Math.min(...budgets),
  };
}
