/** How long each rail took, of the decisions that the page has. */
import type { ShownRequest } from "../record.ts";

export type RailTime = {
  readonly rail: string;
  readonly stage: string;
  readonly runs: number;
  readonly medianMs: number;
  readonly longestMs: number;
  /** Runs that came to no verdict: skipped, in error, out of time or of budget. */
  readonly unfinished: number;
};

/** Sorted by stage and name. */
export function railTimes(records: readonly ShownRequest[]): readonly RailTime[] {
  const found = new Map<string, { rail: string; stage: string; runs: number; unfinished: number; times: number[] }>();
  for (const { rails } of records) {
    for (const { rail, stage, ms, status } of rails) {
      const key = `${stage}\n${rail}`;
      const one = found.get(key) ?? { rail, stage, runs: 0, unfinished: 0, times: [] };
      found.set(key, one);
      one.runs += 1;
      if (status !== "done") one.unfinished += 1;
      one.times.push(ms);
    }
  }
  return [...found]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([, { rail, stage, runs, unfinished, times }]) => {
      const sorted = times.toSorted((one, other) => one - other);
      return {
        rail,
        stage,
        runs,
        unfinished,
        medianMs: sorted[Math.floor(sorted.length / 2)] ?? 0,
        longestMs: sorted.at(-1) ?? 0,
      };
    });
}
