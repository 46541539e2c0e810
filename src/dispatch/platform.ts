/**
 * The platform of a Worker and of a Durable Object, as dispatch needs it: time, the shards by name, and over both the lease
 * client (`routing/host/lease-client.ts`) of an isolate's memory.
 */
import { parseShardName } from "../routing/core/shard-name.ts";
import type { Clock } from "../routing/host/clock.ts";
import { LeaseClient } from "../routing/host/lease-client.ts";
import type { Config } from "../config/config.ts";
import type { EdgeEnv, Runtime, Waiting } from "./runtime.ts";
import type { ShardCalls } from "./shard-port.ts";

const CLOCK: Clock = {
  now: () => Date.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
};

export type ShardOf = (name: string) => ShardCalls;

/** The first call ever made decides where a shard lives, so every caller gives its region's hint. */
export function shardsOf({ POOL_SHARD }: EdgeEnv, { regions }: Config): ShardOf {
  return (name) => {
    const locationHint = regions.get(parseShardName(name)?.region ?? "")?.hint;
    return POOL_SHARD.getByName(name, locationHint === undefined ? {} : { locationHint });
  };
}

/** `ctx`: of whoever asks, because nobody may await another one's calls. */
export function leasesOf(runtime: Runtime, shardOf: ShardOf, ctx: Waiting): LeaseClient {
  return new LeaseClient(runtime, { clock: CLOCK, rng: Math.random, spawn: (work) => ctx.waitUntil(work), shardOf });
}
