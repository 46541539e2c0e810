/**
 * What operators are told of a pool's queue, over all tenants: metadata alone. An input or an answer is its tenant's, and is
 * in none of this.
 */
import type { JobStatus } from "./messages.ts";
import type { QueueLimits, QueueMode } from "./queue.ts";

export type QueueSummary = {
  readonly mode: QueueMode;
  readonly limits: QueueLimits;
  /** Jobs that are kept; of ended ones the newest `ENDED_COUNTED_MAX` (20,000). */
  readonly byState: Readonly<Record<JobStatus, number>>;
  /** Failed and timed-out jobs that can be redriven; `DEAD_COUNTED_MAX` (1,000) means that many or more. */
  readonly dead: number;
  /** Since when the longest waiting job waits, ms; null: none waits. */
  readonly oldestQueuedSinceMs: number | null;
  /** Tenants with jobs that wait or run, at most 100. */
  readonly tenants: readonly { readonly tenant: string; readonly waiting: number; readonly running: number }[];
  /** GPU workers that pull and were heard of lately. */
  readonly workers: { readonly idle: number; readonly running: number };
  /** All that ended since the queue was made, and how often a job was put back. */
  readonly totals: { readonly completed: number; readonly failed: number; readonly retried: number };
};

export type OperatorJob = {
  readonly id: string;
  readonly tenant: string;
  readonly status: JobStatus;
  readonly submittedMs: number;
  readonly startedMs: number | null;
  readonly endedMs: number | null;
  /** When it is deleted; null: it has not ended. */
  readonly deleteMs: number | null;
  readonly attempts: number;
  /** Place in its tenant's line, 0 first, up to 100; null: it does not wait. */
  readonly position: number | null;
  readonly priority: number;
  readonly endpointId: string | null;
  readonly workerId: string | null;
  /** Why it failed, as a code; null: it did not. */
  readonly reason: string | null;
  /** What was said of it; an endpoint's or a GPU worker's own words, not redacted yet. */
  readonly error: string | null;
  /** Of an HTTP job's answer. */
  readonly answerStatus: number | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly batchId: string | null;
  /** May it be run again. */
  readonly isRedrivable: boolean;
};

export type OperatorJobWhole = OperatorJob & {
  readonly history: readonly { readonly status: JobStatus; readonly atMs: number; readonly why: string }[];
  /** Entries of the history that were dropped from its middle. */
  readonly historyDropped: number;
  /** Where its end is told, without the query; null: nowhere. */
  readonly webhook: string | null;
};

export type OperatorPage = {
  /** Null: of every tenant. */
  readonly tenant: string | null;
  /** Null: in every state. */
  readonly states: readonly JobStatus[] | null;
  readonly offset: number;
  readonly limit: number;
};

export type OperatorDelivery = {
  readonly webhookId: string;
  /** Empty: an event of the pool. */
  readonly jobId: string;
  /** Empty: the operator's own. */
  readonly tenant: string;
  /** Without its query, which may hold a secret. */
  readonly url: string;
  readonly state: "pending" | "dead" | "disabled";
  readonly failures: number;
  /** Of a pending one; null: none comes. */
  readonly nextTryMs: number | null;
};

export type OperatorWorker = {
  readonly id: string;
  readonly seenMs: number;
  /** Calls of it that wait for a job. */
  readonly waiting: number;
  readonly jobs: readonly { readonly id: string; readonly tenant: string; readonly sinceMs: number }[];
};

/** `ids`: these; else all dead letters, of one tenant or of every. */
export type RedriveOrder = { readonly ids: readonly string[] } | { readonly tenant: string | null };

export type RedriveOutcome = {
  readonly redriven: readonly string[];
  readonly refused: readonly { readonly id: string; readonly why: "unknown" | "not_retryable" }[];
  /** There are more dead letters than were taken at once. */
  readonly hasMore: boolean;
};

export type ReplayOutcome = {
  readonly replayed: readonly string[];
  /** There is no such dead delivery, or its receiver answered 410. */
  readonly refused: readonly string[];
};
