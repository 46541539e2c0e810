/**
 * The lease client (`routing/host/lease-client.ts`) over the platform: the isolate's memory, and the ports of whoever asks.
 */
import type { LeaseRequest } from "../routing/core/lease-client/edge-lease.ts";
import { parseShardName } from "../routing/core/shard-name.ts";
import { LeaseClient } from "../routing/host/lease-client.ts";
import type { LeaseAnswer } from "../routing/host/lease-client.ts";
import type { EdgeEnv, EdgePool, Runtime } from "./runtime.ts";

export type { LeaseAnswer } from "../routing/host/lease-client.ts";

export type Desk = {
  readonly runtime: Runtime;
  readonly env: EdgeEnv;
  readonly ctx: Pick<ExecutionContext, "waitUntil">;
};

const CLOCK = {
  now: () => Date.now(),
  after: (ms: number, fn: () => void) => {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
};

/** What a request, or a queue of jobs, has of its isolate. */
export function leasesOf(desk: Desk): LeaseClient {
  return new LeaseClient(desk.runtime, {
    clock: CLOCK,
    rng: Math.random,
    spawn: (work) => desk.ctx.waitUntil(work),
    shardOf: (name) => stubOf(desk, name),
  });
}

export const lease = async (desk: Desk, pool: EdgePool, leaseRequest: LeaseRequest): Promise<LeaseAnswer> =>
  leasesOf(desk).lease(leaseRequest, pool.config.patienceMs);

/** The shard of this name; the first call ever made decides where it lives, so every caller gives its region's hint. */
export function stubOf(desk: Desk, shard: string) {
  const region = parseShardName(shard)?.region ?? "";
  const locationHint = desk.runtime.config.regions.get(region)?.hint;
  return desk.env.POOL_SHARD.getByName(shard, locationHint === undefined ? {} : { locationHint });
}
