import type { JobQueueStub } from "./queue.ts";
import type { Authenticated } from "../edge-request.ts";

/** One call about one job. */
export type JobCall = {
  readonly edge: Authenticated;
  readonly queue: JobQueueStub;
  readonly poolId: string;
  readonly jobId: string;
};
