/** What every shard says of itself, all asked at once: each answers, or does not in time. Never rejects. */
import { shardName } from "../routing/core/shard-name.ts";
import type { PoolSpec } from "../routing/core/pool.ts";
import type { Result } from "../lib/result.ts";
import type { ShardOf } from "../dispatch/platform.ts";
import type { ShardCalls } from "../dispatch/shard-port.ts";
import type { ShardStatus } from "../wire/shard-status.ts";
import { askInTime } from "./ask-in-time.ts";

export type ShardAnswer = {
  readonly name: string;
  readonly pool: string;
  readonly region: string;
  readonly reachable: boolean;
  /** Null: it did not answer, or has no such pool. */
  readonly status: ShardStatus | null;
};

/** With `probe`, each asks its endpoints first. */
export async function askFleet(
  pools: Iterable<PoolSpec>,
  shardOf: ShardOf,
  probe: boolean,
): Promise<readonly ShardAnswer[]> {
  const shards = [...pools].flatMap((pool) => {
    const regions = new Set(pool.endpoints.map(({ region }) => region));
    return [...regions].map((region) => ({ pool: pool.id, region, name: shardName(pool.id, region) }));
  });
  return Promise.all(
    shards.map(async (shard) => {
      const asked = await askShard(shardOf(shard.name), async (stub) => stub.status(probe));
      return { ...shard, reachable: asked.ok, status: asked.ok ? asked.value : null };
    }),
  );
}

/** One question to one shard. */
export async function askShard<Value>(
  shard: ShardCalls,
  call: (stub: ShardCalls) => Promise<Value>,
): Promise<Result<Value, "unreachable">> {
  return askInTime(async () => call(shard));
}
