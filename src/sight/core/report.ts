/**
 * What an isolate, or a queue, tells the feed about once a second, and what it is answered.
 *
 * Model. Reports of one source are numbered and sent one after the other: the next one only when the one before was
 * answered, or given up. So a report that comes twice has a number that is known, and one that was given up leaves a gap.
 */
import type { RequestRecord } from "./record.ts";

/** A series' key (`tally.ts`), and what was added to it. */
export type SeriesDelta = readonly [key: string, values: readonly number[]];

export type Report = {
  /** An isolate's, or an object's, for as long as it lives. */
  readonly source: string;
  /** >= 1, one more with each report of the source. */
  readonly seq: number;
  readonly deltas: readonly SeriesDelta[];
  /** Records of requests to be shown, the newest last. */
  readonly records: readonly RequestRecord[];
};

/** Answered once what the report counts is kept for good. */
export type ReportReply = {
  /** Does somebody watch: then the next report brings more records. */
  readonly watched: boolean;
};
