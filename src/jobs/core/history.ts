/**
 * Decides what a job remembers of its own life: every change of state with its instant, in a bounded list.
 *
 * The list lives in the job's row, so that keeping it costs no write of its own. When it is full the beginning and the
 * end stay, which is what a reader asks for (when did it come, why did it end), and the count of what was dropped.
 * Rejected: a table of transitions (one more billed row each), and a ring that forgets the submission.
 */
import type { JobState } from "./job-state.ts";

type HistoryMark = JobState | "late" | "redriven";

export type HistoryEntry = {
  readonly mark: HistoryMark;
  /** Never before the entry above it: a clock that steps back stands still here. */
  readonly atMs: number;
  /** Fencing token of the attempt it is about; absent where it is about none. */
  readonly token?: number;
  /** Why, as a typed reason. */
  readonly reason?: string;
};

export type History = {
  readonly entries: readonly HistoryEntry[];
  readonly dropped: number;
};

/** 20 attempts (`attemptsMax`) of three entries fit; at ~60 bytes each the column stays below 4 KB. */
export const HISTORY_ENTRIES_MAX = 64;

/** Entries at the beginning that are never dropped: submission, first claim, first failure, first retry. */
export const HISTORY_HEAD = 4;

export function record(history: History, entry: HistoryEntry): History {
  const entries = [...history.entries, entry];
  if (entries.length <= HISTORY_ENTRIES_MAX) return { entries, dropped: history.dropped };
  entries.splice(HISTORY_HEAD, 1);
  return { entries, dropped: history.dropped + 1 };
}

/** Instant of the last entry; -Infinity for none. */
export function lastAtMs(history: History): number {
  return history.entries.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY;
}
