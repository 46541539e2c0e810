/**
 * What the Worker and a pool's `JobQueue` say to each other. Plain data, unions instead of exceptions: a Worker and a
 * Durable Object of different versions meet at every deploy, so add optional fields and never change the meaning of
 * one.
 *
 * A job belongs to the tenant that submitted it: every call names the tenant, and a job of another one is `unknown`.
 */

/** Every state a client can see; the last five are terminal. */
export type JobStatus =
  | "queued"
  | "running"
  | "retrying"
  | "completed"
  | "failed"
  | "cancelled"
  | "timed_out"
  | "expired";

/** What a job does when it runs. */
export type JobWork = {
  /** `runpod`: the input is posted as a job to the endpoint's path; `http`: method, path, headers and body as given. */
  readonly kind: "runpod" | "http";
  readonly method: string;
  /** Path and query at the endpoint. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Body text as it is sent, or for `runpod` the JSON text of `input`. */
  readonly body: string;
  readonly stream: boolean;
  /** JSON text of `input` as a pulling worker gets it; absent: `body` is it. */
  readonly input?: string;
  /** JSON text of Runpod's `s3Config`, handed to a pulling worker beside the input; absent: none. */
  readonly s3Config?: string;
};

export type JobPolicy = {
  /** Longest one attempt may run, ms. */
  readonly executionTimeoutMs: number;
  /** From submit to hard delete, whatever state it is in, ms. */
  readonly ttlMs: number;
  /** Latest start after submit, ms; null: none of its own. */
  readonly startWithinMs: number | null;
  /** Lower is earlier, 0..9; default 5, `lowPriority` 9. */
  readonly priority: number;
  readonly attemptsMax: number;
  /** Instant of the earliest start, ms since the epoch; null: now. */
  readonly notBeforeMs: number | null;
  /** How long the result is kept after the end, ms. */
  readonly retentionMs: number;
};

export type JobWebhook = {
  readonly url: string;
  /** `standard`: Standard Webhooks headers and signature; `runpod`: Runpod's plain form. */
  readonly form: "standard" | "runpod";
  /** Empty: every event. */
  readonly events: readonly string[];
};

export type SubmitRequest = {
  readonly jobId: string;
  readonly tenant: string;
  /** The key that its cost is on; absent from an older Worker: its tenant's alone. */
  readonly keyId?: string;
  readonly work: JobWork;
  readonly policy: JobPolicy;
  readonly webhook: JobWebhook | null;
  readonly idempotencyKey: string | null;
  /** Hash of what makes two submissions the same. */
  readonly bodyHash: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly batchId: string | null;
};

export type SubmitOutcome =
  | { readonly kind: "accepted"; readonly job: JobView; readonly isNew: boolean }
  /** Same idempotency key, another body: 422. */
  | { readonly kind: "conflict" }
  /** Over a limit with `reject`, or the queue is full: 429. */
  | { readonly kind: "limited"; readonly limit: string; readonly retryAfterMs: number }
  /** Input over the limit: 413. */
  | { readonly kind: "too_large"; readonly bytesMax: number }
  | { readonly kind: "paused" };

export type JobView = {
  readonly id: string;
  readonly status: JobStatus;
  readonly submittedMs: number;
  readonly startedMs: number | null;
  readonly endedMs: number | null;
  readonly attempts: number;
  /** From submit to the start of the attempt that counted, ms. */
  readonly delayMs: number | null;
  /** Run time of that attempt, ms. */
  readonly executionMs: number | null;
  readonly endpointId: string | null;
  readonly workerId: string | null;
  /** JSON text of the output (last progress while it runs); null: none. */
  readonly output: string | null;
  /** Text of the failure; null: none. */
  readonly error: string | null;
  /** HTTP status and content type of an `http` job's answer. */
  readonly answer: { readonly status: number; readonly contentType: string } | null;
  readonly tags: Readonly<Record<string, string>>;
  /** Place in its queue, 0 first; null once it has started. */
  readonly position: number | null;
  readonly history: readonly { readonly status: JobStatus; readonly atMs: number; readonly why: string }[];
};

/**
 * `data`: of a pulling worker the JSON text of what it yielded; of an `http` stream the text of one event with its
 * blank line ("data: {…}\n\n"), or a piece of any other text.
 */
export type JobChunk = { readonly seq: number; readonly data: string };

/** `fromSeq` of a read that drains, as Runpod's do: from where the last such read of the job ended. */
export const DRAIN_SEQ = -1;

export type StreamPage = {
  readonly status: JobStatus;
  readonly chunks: readonly JobChunk[];
  /** Cursor for the next read. */
  readonly nextSeq: number;
  /** No chunk will follow. */
  readonly isEnd: boolean;
  /**
   * What was read before `fromSeq` is of an attempt that is void: its chunks begin anew at `firstSeq`, with
   * this attempt. Absent: it is not.
   */
  readonly reset?: { readonly attempt: number; readonly firstSeq: number };
};

export type QueueHealth = {
  readonly jobs: {
    readonly completed: number;
    readonly failed: number;
    readonly inProgress: number;
    readonly inQueue: number;
    readonly retried: number;
  };
  readonly workers: {
    readonly idle: number;
    readonly initializing: number;
    readonly ready: number;
    readonly running: number;
    readonly throttled: number;
    readonly unhealthy: number;
  };
  readonly paused: boolean;
};

export type BatchView = {
  readonly id: string;
  readonly status: "DRAFT" | "FINALIZED" | "FAILED" | "CANCELLED";
  readonly requestTotal: number;
  readonly requestInProgress: number;
  readonly requestCompleted: number;
  readonly requestFailed: number;
  readonly createdAtMs: number;
};

/** A job as a pulling worker gets it. `token` fences every later word about it. */
export type TakenJob = {
  readonly id: string;
  readonly token: number;
  readonly input: string;
  readonly webhook: string | null;
  readonly s3Config?: string;
};

export type BatchRefusal =
  /** No such batch of this tenant. */
  | "unknown"
  /** Finalized or cancelled already. */
  | "closed"
  /** Over a bound: requests in the batch, open batches, jobs queued. */
  | "limited"
  /** The queue's storage has no room. */
  | "full";
