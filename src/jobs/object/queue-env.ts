/** What a pool's queue is bound to. */
import type { EdgeEnv } from "../../dispatch/runtime.ts";

export type JobQueueEnv = EdgeEnv & {
  /** `whsec_` and base64: signs webhooks. */
  readonly WARMPATH_WEBHOOK_SECRET?: string;
  /** Inputs and outputs over the row's limit. */
  readonly JOB_BLOBS?: R2Bucket;
  /** The process that keeps a self-hosted router. */
  readonly STATE_HOST?: Fetcher;
};
