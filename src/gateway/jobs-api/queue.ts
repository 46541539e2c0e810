/** Reaches a pool's queue: the only place at the edge that knows its binding and its name. */
import type { JobQueueAdminRpc, JobQueueMoreRpc, JobQueueOperatorRpc, JobQueueRpc } from "../../jobs/object/rpc.ts";
import type { EdgeRequest } from "../edge-request.ts";

export type JobQueueStub = JobQueueRpc & JobQueueMoreRpc & JobQueueAdminRpc & JobQueueOperatorRpc;

/** As much of the namespace as is used; a test puts a queue of its own here. */
type QueueNamespace = {
  getByName(name: string, options?: { readonly locationHint?: DurableObjectLocationHint }): JobQueueStub;
};

const queueName = (poolId: string): string => `jobs:${poolId}`;

export const hasQueues = ({ env }: Pick<EdgeRequest, "env">): boolean => "JOB_QUEUE" in env;

/** Null where the deployment has no queue bound. */
export function queueOf({ env, runtime }: Pick<EdgeRequest, "env" | "runtime">, poolId: string): JobQueueStub | null {
  const namespace = (env as { readonly JOB_QUEUE?: unknown }).JOB_QUEUE as QueueNamespace | undefined;
  if (namespace === undefined) return null;
  // Beside the pool's first endpoint: that is where most of its jobs run.
  const region = runtime.pools.get(poolId)?.config.endpoints[0]?.region ?? "";
  const hint = runtime.config.regions.get(region)?.hint;
  return namespace.getByName(queueName(poolId), hint === undefined ? {} : { locationHint: hint });
}
