/** What can happen to a job, and what its shell has to do about it: the vocabulary of `step`. */
import type { HistoryEntry } from "./history.ts";
import type { StoredValue } from "./job-state.ts";
import type { EndReason, FailureReason } from "./reasons.ts";

/**
 * Every event of an attempt carries the fencing token it was claimed under; one that is not the live token changes
 * nothing. Instants are ms.
 */
export type JobEvent =
  /** The same submission again; the first made the job (`createJob`). */
  | { readonly kind: "submitted" }
  | ({ readonly kind: "claimed" } & Claim)
  /** The attempt has begun where it runs; the run deadline counts from here. */
  | { readonly kind: "started"; readonly token: number }
  | { readonly kind: "progress"; readonly token: number; readonly output: StoredValue }
  | { readonly kind: "chunk"; readonly token: number }
  /** Chunks of the attempt were given to a reader who cannot be told that they are void. */
  | { readonly kind: "shown"; readonly token: number }
  | { readonly kind: "heartbeat"; readonly token: number; readonly leaseUntilMs: number }
  | {
      readonly kind: "finished";
      readonly token: number;
      readonly output: StoredValue | null;
      /** What its owner should know of the output; kept in the history. */
      readonly note?: OutputNote;
    }
  | {
      readonly kind: "failed";
      readonly token: number;
      readonly reason: FailureReason;
      /** For the job's owner; cut at `ERROR_CHARS_MAX`. */
      readonly message?: string;
      /** The endpoint said that trying again is of no use. */
      readonly noRetry?: boolean;
      /** What the endpoint asked for; the wait is at least this long, up to `RETRY_AFTER_MAX_MS`. */
      readonly retryAfterMs?: number;
    }
  /** The shell knows that the attempt is dead before its lease ran out. */
  | {
      readonly kind: "lease_lost";
      readonly token: number;
      readonly reason: "endpoint_lost" | "worker_lost" | "router_restarted";
    }
  /** The object restarted: renewals since the last write are unknown, so a running attempt gets one lease more. */
  | { readonly kind: "recovered"; readonly leaseUntilMs: number }
  | { readonly kind: "cancel" }
  /** Something may be due. Early, doubled and missing ones are all harmless. */
  | { readonly kind: "timer" }
  /** The user wants an ended job again. */
  | { readonly kind: "retried" }
  /** To end and be forgotten now, waiting or running: its time is over, or the queue is purged. */
  | { readonly kind: "expired"; readonly reason: "ttl" | "purged" };

/** The result held NaN or Infinity, which JSON has not: they are null in it. */
export type OutputNote = "non_finite_numbers";

export type Claim = {
  /** Larger than every token the job ever had; `nextToken(job)` is. */
  readonly token: number;
  readonly leaseUntilMs: number;
  readonly endpointId: string;
  readonly workerId: string | null;
};

/** Terminal names are durable: their delivery is stored with the end of the job, in the same write. */
export type TerminalNotice = "job.completed" | "job.failed" | "job.cancelled" | "job.timed_out" | "job.expired";
type PassingNotice = "job.started" | "job.progress" | "job.output" | "job.retrying" | "job.late";
export type Notice = TerminalNotice | PassingNotice;

/** Why an event changed nothing, other than by its token. */
export type IgnoredWhy = "duplicate" | "repeat" | "terminal" | "not_queued" | "not_running" | "not_redrivable";

export type JobEffect =
  /** Run it: give the input to this endpoint under this token. */
  | ({ readonly kind: "start_attempt"; readonly runDeadlineMs: number } & Claim)
  /** Stop what runs under this token and free its slot; its late answers will be refused. */
  | {
      readonly kind: "abort_attempt";
      readonly token: number;
      readonly endpointId: string;
      readonly workerId: string | null;
      readonly reason: EndReason;
    }
  /** The job waits for a slot: try to place one now. */
  | { readonly kind: "ready" }
  /** Send `timer` at this instant; replaces any earlier wish. */
  | { readonly kind: "schedule"; readonly atMs: number }
  | { readonly kind: "notify"; readonly notice: Notice }
  /** The state changed: write the job's row before any answer. Without this effect nothing need be written. */
  | { readonly kind: "record_history"; readonly entry: HistoryEntry }
  | { readonly kind: "append_chunk"; readonly token: number }
  /** Write the job's row: what was given away must not be forgotten. */
  | { readonly kind: "keep_shown" }
  /** Chunks of an attempt that will be run anew are void. */
  | { readonly kind: "discard_chunks"; readonly token: number }
  /** Output and chunks of the generation before this one are void. */
  | { readonly kind: "discard_results" }
  | { readonly kind: "late"; readonly waitedMs: number }
  /** Delete row, input, output, chunks; a webhook still on its way keeps what it needs. */
  | { readonly kind: "delete" }
  | { readonly kind: "refused_stale"; readonly token: number; readonly liveToken: number | null }
  | { readonly kind: "ignored"; readonly event: JobEvent["kind"]; readonly why: IgnoredWhy };
