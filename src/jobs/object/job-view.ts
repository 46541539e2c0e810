/** What a client sees of a job: the core's record and the shell's, flattened into `JobView`. */
import type { HistoryEntry } from "../core/history.ts";
import { isTerminal } from "../core/job.ts";
import type { JobStatus, JobView } from "../core/messages.ts";
import type { JobRow } from "./job-row.ts";

export type Readings = {
  /** JSON text of output or progress. */
  readonly output: string | null;
  readonly position: number | null;
};

export function viewOf({ job, extra }: JobRow, { output, position }: Readings): JobView {
  const { startedAtMs, endedAtMs } = job;
  return {
    id: job.id,
    status: job.state,
    submittedMs: job.submittedAtMs,
    startedMs: startedAtMs,
    endedMs: endedAtMs,
    attempts: job.attempts,
    delayMs: startedAtMs === null ? null : Math.max(0, startedAtMs - job.submittedAtMs),
    executionMs: startedAtMs === null || endedAtMs === null ? null : Math.max(0, endedAtMs - startedAtMs),
    endpointId: extra.endpointId,
    workerId: extra.workerId,
    output,
    error: isTerminal(job.state) && job.error !== null ? (job.error.message ?? job.error.reason) : null,
    answer: extra.answer,
    tags: job.tags,
    position,
    history: job.history.entries.map(historyLine),
  };
}

function historyLine({ mark, atMs, reason }: HistoryEntry): { status: JobStatus; atMs: number; why: string } {
  // Two marks are no states: the job waited on.
  if (mark === "late" || mark === "redriven") return { status: "queued", atMs, why: mark };
  return { status: mark, atMs, why: reason ?? "" };
}

/** A webhook is made in the turn that ends the job: what lies apart is fetched by its reader. */
export function inlineOutput({ job, extra }: JobRow): string | null {
  const value = job.output ?? job.progress;
  return value?.kind === "inline" ? value.json : extra.failedOutput;
}
