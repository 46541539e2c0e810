/**
 * Decides what is exported next, and what is lost: records whose spans wait for the next export of their isolate.
 *
 * Model. A queue with a bound. A receiver that is away costs memory up to it, then the oldest records, counted. After a failure
 * the next export waits longer, doubling.
 */
import type { RequestRecord } from "./record.ts";

/** Records that may wait: some seconds of a busy isolate, at about 1 KB each. */
export const WAITING_MAX = 2_048;
/** Records in one export. */
export const EXPORT_MAX = 256;

/** Between two exports, ms; after failures in a row it doubles up to the longest. */
export const EXPORT_EVERY_MS = 1_000;
export const EXPORT_EVERY_MS_MAX = 60_000;

/** Written in place. */
export type SpanQueue = {
  readonly waiting: RequestRecord[];
  /** Failed exports in a row. */
  failures: number;
  /** Records lost since that was last told. */
  dropped: number;
};

export const createSpanQueue = (): SpanQueue => ({ waiting: [], failures: 0, dropped: 0 });

export function enqueue(queue: SpanQueue, record: RequestRecord): void {
  queue.waiting.push(record);
  trim(queue);
}

export const takeExport = ({ waiting }: SpanQueue): readonly RequestRecord[] => waiting.splice(0, EXPORT_MAX);

export function noteExported(queue: SpanQueue): void {
  queue.failures = 0;
}

/** They wait again, at the front. `isFinal`: the receiver will never take them. */
export function noteFailed(queue: SpanQueue, records: readonly RequestRecord[], isFinal: boolean): void {
  queue.failures += 1;
  if (isFinal) queue.dropped += records.length;
  else queue.waiting.unshift(...records);
  trim(queue);
}

/** How long the next export waits, ms. */
export const exportAfterMs = ({ failures }: SpanQueue): number =>
  Math.min(EXPORT_EVERY_MS_MAX, EXPORT_EVERY_MS * 2 ** Math.min(failures, 16));

function trim(queue: SpanQueue): void {
  const beyond = queue.waiting.length - WAITING_MAX;
  if (beyond <= 0) return;
  queue.waiting.splice(0, beyond);
  queue.dropped += beyond;
}
