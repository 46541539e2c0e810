/**
 * The calls of a pool's `JobQueue` Durable Object, as the edge sees them: what crosses is in `jobs/core/messages.ts`,
 * and a shell's asynchronous shape has no place in the core.
 */
import type {
  BatchRefusal,
  BatchView,
  JobStatus,
  JobView,
  QueueHealth,
  StreamPage,
  SubmitOutcome,
  SubmitRequest,
  TakenJob,
} from "../core/messages.ts";
import type {
  OperatorDelivery,
  OperatorJob,
  OperatorJobWhole,
  OperatorPage,
  OperatorWorker,
  QueueSummary,
  RedriveOrder,
  RedriveOutcome,
  ReplayOutcome,
} from "../core/operator.ts";
import type { Erased } from "../core/erased.ts";
import type { OutputNote } from "../core/events.ts";
import type { QueueLimits, QueueMode } from "../core/queue.ts";
import type { DeadDelivery } from "./outbox.ts";

/** What a pulling worker says of a job. */
export type WorkerResult = {
  /** JSON text; null: none. */
  readonly output: string | null;
  readonly error: string | null;
  readonly isProgress: boolean;
  readonly note?: OutputNote;
};

/** The RPC of a pool's queue. Waits are at most `waitMs` and end when something happens; null: no such job. */
export type JobQueueRpc = {
  submit(request: SubmitRequest): Promise<SubmitOutcome>;
  /** Waits for a terminal state. */
  view(tenant: string, jobId: string, waitMs: number): Promise<JobView | null>;
  /** Waits for a chunk at or after `fromSeq`, or for the end. */
  stream(tenant: string, jobId: string, fromSeq: number, waitMs: number): Promise<StreamPage | null>;
  cancel(tenant: string, jobId: string): Promise<JobView | null>;
  /** Only of a failed or timed-out job; `not_retryable` otherwise. */
  retry(tenant: string, jobId: string): Promise<JobView | "not_retryable" | null>;
  /** Removes what is queued. */
  purge(tenant: string): Promise<number>;
  health(tenant: string): Promise<QueueHealth>;
  list(
    tenant: string,
    page: { readonly offset: number; readonly limit: number; readonly status: JobStatus | null },
  ): Promise<readonly JobView[]>;
  deadLetters(tenant: string): Promise<readonly JobView[]>;
  pause(paused: boolean): Promise<void>;
  /** Pulling workers; each call is also a heartbeat. */
  /** `holdsNothing`: the worker says that it runs no job, so what it held is lost. */
  take(workerId: string, count: number, waitMs: number, holdsNothing?: boolean): Promise<readonly TakenJob[]>;
  done(workerId: string, jobId: string, result: WorkerResult): Promise<"ok" | "stale">;
  chunk(workerId: string, jobId: string, data: string): Promise<"ok" | "stale">;
  ping(workerId: string, jobIds: readonly string[]): Promise<void>;
  /** Waits for jobs of this worker that are to be stopped. */
  stops(workerId: string, waitMs: number): Promise<readonly string[]>;
};

export type CollectRequest = {
  readonly ids: readonly string[];
  /** Their answers are kept elsewhere: these may go. */
  readonly done: readonly string[];
  /** What has not ended of `ids` is cancelled. */
  readonly isCancelled: boolean;
  readonly waitMs: number;
  /** Of answers, in one reply; one always comes. */
  readonly bytesMax: number;
};

/** `gone`: there is no such job of this tenant. */
export type CollectedJobs = { readonly ended: readonly JobView[]; readonly gone: readonly string[] };

/** What the surfaces ask beyond `JobQueueRpc`; the same object answers both. */
export type JobQueueMoreRpc = {
  createBatch(tenant: string, batchId: string): Promise<BatchView | "limited">;
  /** All or none. Jobs of a draft wait for `finalizeBatch`; each request carries the batch's id. */
  addToBatch(tenant: string, batchId: string, requests: readonly SubmitRequest[]): Promise<BatchView | BatchRefusal>;
  finalizeBatch(tenant: string, batchId: string): Promise<BatchView | BatchRefusal>;
  batch(tenant: string, batchId: string): Promise<BatchView | null>;
  batchJobs(
    tenant: string,
    batchId: string,
    page: { readonly offset: number; readonly limit: number },
  ): Promise<{ readonly jobs: readonly JobView[]; readonly total: number } | null>;
  /** What has not ended is cancelled. */
  cancelBatch(tenant: string, batchId: string): Promise<BatchView | BatchRefusal>;
  /** Deletes the job this long from now (`status?ttl=`); false: no such job. */
  keepFor(tenant: string, jobId: string, ttlMs: number): Promise<boolean>;
  /** Of these jobs those that have ended, with their answers; waits for the first of them. */
  collect(tenant: string, asked: CollectRequest): Promise<CollectedJobs>;
  /** Hands jobs back unstarted: the worker left while they were on their way to it. */
  giveBack(workerId: string, jobIds: readonly string[]): Promise<void>;
};

/** For operators, over all tenants. */
export type JobQueueOperatorRpc = {
  summary(): Promise<QueueSummary>;
  listAll(page: OperatorPage): Promise<readonly OperatorJob[]>;
  /** Null: no such job. */
  look(jobId: string): Promise<OperatorJobWhole | null>;
  /** At most 500 at once. */
  redriveAll(order: RedriveOrder): Promise<RedriveOutcome>;
  allDeliveries(tenant: string | null, onlyDead: boolean): Promise<readonly OperatorDelivery[]>;
  replayAll(webhookIds: readonly string[]): Promise<ReplayOutcome>;
  workersNow(): Promise<readonly OperatorWorker[]>;
  /** All of the tenant's jobs, in whatever state, and all that they left. */
  erase(tenant: string): Promise<Erased>;
};

/** For operators. */
export type JobQueueAdminRpc = {
  setMode(mode: QueueMode): Promise<void>;
  /** Kept over restarts; what is not named stays. Answers with all of them. */
  setLimits(limits: Partial<QueueLimits>): Promise<QueueLimits>;
  /** Webhook deliveries that were given up, the last one first. */
  deadDeliveries(tenant: string): Promise<readonly DeadDelivery[]>;
  /** Sends one again, under its own id; false: there is none, or its receiver answered 410. */
  replayDelivery(tenant: string, webhookId: string): Promise<boolean>;
};
