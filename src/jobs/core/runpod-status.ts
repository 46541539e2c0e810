/**
 * Decides how a job looks through Runpod's API: its status word, `delayTime` and `executionTime`.
 *
 * `runpod-sdk` stops polling at COMPLETED, FAILED, CANCELLED and TIMED_OUT only, so every state of ours maps onto its
 * six words. A job whose ttl passed has none: its status is 404 (`isVisible`). Facts: backends.md 1.2, 1.6.
 */
import type { JobState } from "./job-state.ts";
import type { Job } from "./job.ts";

export type RunpodStatus = "IN_QUEUE" | "IN_PROGRESS" | "COMPLETED" | "FAILED" | "CANCELLED" | "TIMED_OUT";

const STATUSES: Readonly<Record<JobState, RunpodStatus>> = {
  queued: "IN_QUEUE",
  retrying: "IN_QUEUE",
  running: "IN_PROGRESS",
  completed: "COMPLETED",
  failed: "FAILED",
  cancelled: "CANCELLED",
  timed_out: "TIMED_OUT",
  // Reached by the start deadline only; after ttl or purge there is nothing to read.
  expired: "TIMED_OUT",
};

export const runpodStatus = (state: JobState): RunpodStatus => STATUSES[state];

/** Whole ms. `delayTime` from submission to the last start, or until now; `executionTime` from there, absent before. */
export function runpodTimes(job: Job, now: number): { delayTime: number; executionTime?: number } {
  const endMs = job.endedAtMs ?? now;
  if (job.startedAtMs === null) return { delayTime: Math.max(0, endMs - job.submittedAtMs) };
  const delayTime = Math.max(0, job.startedAtMs - job.submittedAtMs);
  return { delayTime, executionTime: Math.max(0, endMs - job.startedAtMs) };
}
