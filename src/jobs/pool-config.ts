/** What the config says of a pool's queue, in the queue's own words; read when the object starts. */
import type { QueueLimits } from "../core/jobs/queue.ts";
import type { JobsConfig } from "../protocol/jobs-schema.ts";
import { loadConfig } from "../protocol/env.ts";
import type { Env } from "../protocol/env.ts";

/** Nothing where the config is wrong or does not know the pool: the queue keeps what it has. */
export function jobsConfigOf(env: Env, poolId: string): JobsConfig {
  const { parsed } = loadConfig(env);
  return (parsed.ok ? parsed.value.pools.get(poolId)?.jobs : undefined) ?? {};
}

/** Only the limits that the file names. */
export function configuredLimits({ limits = {} }: JobsConfig): Partial<QueueLimits> {
  const { globalLimit, perWorker, perTenant, onConflict, queueDepthMax } = limits;
  return {
    ...(globalLimit === undefined ? {} : { globalLimit }),
    ...(perWorker === undefined ? {} : { workerLimit: perWorker }),
    ...(perTenant === undefined ? {} : { tenantLimit: perTenant }),
    ...(onConflict === undefined ? {} : { onConflict }),
    ...(queueDepthMax === undefined ? {} : { depthMax: queueDepthMax }),
  };
}
