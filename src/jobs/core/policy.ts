/**
 * Decides what a job may ask for, and what it has by default: priority, the three deadlines, tries, retention.
 *
 * Model. Three deadlines, because they answer three questions: is it still worth starting
 * (`startWithinMs`), is it stuck (`executionTimeoutMs`, each attempt), does anyone still want it (`ttlMs`,
 * everything included, then the job is gone).
 * Source: Runpod's `policy` (execution time-out, ttl) with its numbers, fal's time-to-start, Baseten's retry defaults.
 * Rejected: one time-out for all three, under which a long queue kills jobs that would have run well.
 */
import type { Backoff } from "./backoff.ts";

export type JobPolicy = {
  /** 0 first … `PRIORITY_MAX` last. */
  readonly priority: number;
  /** From the start it was asked for until its first attempt, ms; null for no such deadline. */
  readonly startWithinMs: number | null;
  /** Each attempt, ms. */
  readonly executionTimeoutMs: number;
  /** From the start it was asked for until it is deleted in whatever state, ms. */
  readonly ttlMs: number;
  /** How long an ended job can be read, ms; never beyond the ttl. */
  readonly retentionMs: number;
  /** Attempts that may have run, the first included; 1 is `no-retry`. */
  readonly attemptsMax: number;
  readonly backoff: Backoff;
  /** Not started this long after it could have been: `late`, ms. */
  readonly lateAfterMs: number;
};

/**
 * Ten levels hold every scheme of the field (fal 3, Baseten 3, Runpod 2) and keep the order key's first digit one
 * digit.
 */
export const PRIORITY_MAX = 9;
export const PRIORITY_HIGH = 2;
export const PRIORITY_NORMAL = 5;
/** Runpod's `lowPriority`, fal's `low`. */
export const PRIORITY_LOW = PRIORITY_MAX;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** Runpod keeps an answer of `/run` 30 min … */
export const RETENTION_ASYNC_MS = 30 * MINUTE;
/** … and one of `/runsync`, which its caller has in hand already, 1 min. */
export const RETENTION_SYNC_MS = MINUTE;

/** Three missed beats of a stock GPU worker (one each 10 s) end its lease. */
export const JOB_LEASE_MS = 30 * SECOND;

/** As far as a start may be scheduled: a job's longest life. */
export const SCHEDULE_AHEAD_MAX_MS = 7 * DAY;

export const DEFAULT_POLICY: JobPolicy = {
  priority: PRIORITY_NORMAL,
  startWithinMs: null,
  executionTimeoutMs: 10 * MINUTE,
  ttlMs: DAY,
  retentionMs: RETENTION_ASYNC_MS,
  // One failure may be bad luck and two a bad endpoint; a third is most likely the job itself.
  attemptsMax: 3,
  backoff: { baseMs: SECOND, capMs: 30 * SECOND },
  // Prefect's late mark.
  lateAfterMs: 15 * SECOND,
};

/** What a job may ask for, ms, both ends included. Runpod's: run 5 s – 7 d, ttl 10 s – 7 d. */
export const POLICY_RANGES = {
  // Below a second a cold start cannot be told from a refusal.
  startWithinMs: { min: SECOND, max: 7 * DAY },
  executionTimeoutMs: { min: 5 * SECOND, max: 7 * DAY },
  ttlMs: { min: 10 * SECOND, max: 7 * DAY },
} as const;
