/**
 * Decides the quantiles of a stream of durations in constant memory.
 *
 * Model. Buckets whose bounds grow by gamma = (1 + a) / (1 − a); a bucket answers with the value that is at most a
 * away, relatively, from everything in it. With a = 5 % the range 0.1 ms to 30 min takes 168 buckets. Counts are plain
 * numbers, not integers, so that old samples can fade: `decay(h, 0.5)` once per half-life.
 * Source: the fixed-gamma sketch of DDSketch (Masson, Rim, Lee, VLDB 2019), without its collapsing store.
 * Rejected: a t-digest (merging depends on order) and fixed linear buckets (useless over seven decades).
 */
import { invariant } from "./invariant.ts";

/** Largest relative error of a quantile within the range, against the nearest-rank quantile of the samples. */
export const HISTOGRAM_RELATIVE_ERROR = 0.05;

/** Smaller values are counted as this: below it the clock of the platform tells nothing. */
export const HISTOGRAM_MIN_MS = 0.1;

/** Larger values are counted as this: no request runs longer than half an hour. */
export const HISTOGRAM_MAX_MS = 30 * 60_000;

/** A bucket that faded below this many samples is emptied, so that an idle histogram ends empty. */
const HISTOGRAM_COUNT_MIN = 0.001;

const GAMMA = (1 + HISTOGRAM_RELATIVE_ERROR) / (1 - HISTOGRAM_RELATIVE_ERROR);
const LOG_GAMMA = Math.log(GAMMA);

/** Bucket 0 holds up to HISTOGRAM_MIN_MS; bucket i the values in (min·gamma^(i−1), min·gamma^i]. */
export const HISTOGRAM_BUCKETS = Math.ceil(Math.log(HISTOGRAM_MAX_MS / HISTOGRAM_MIN_MS) / LOG_GAMMA) + 1;

/** Plain data, safe to store as JSON. Written in place by `record` and `decay`. */
export type Histogram = {
  /** Samples per bucket, HISTOGRAM_BUCKETS of them; fractions after a decay. */
  readonly counts: number[];
  total: number;
};

export function createHistogram(): Histogram {
  return { counts: Array.from({ length: HISTOGRAM_BUCKETS }, () => 0), total: 0 };
}

/** Counts one duration, ms, clamped into the range. NaN, infinite and negative values are ignored. */
export function record(histogram: Histogram, valueMs: number): void {
  if (!Number.isFinite(valueMs) || valueMs < 0) return;
  const bucket = bucketOf(valueMs);
  histogram.counts[bucket] = (histogram.counts[bucket] ?? 0) + 1;
  histogram.total += 1;
}

/** The q-quantile by nearest rank, ms, `q` in 0..1; null when the histogram is empty. */
export function quantile(histogram: Histogram, q: number): number | null {
  invariant(q >= 0 && q <= 1, "a quantile is in 0..1");
  const rank = q * histogram.total;
  let below = 0;
  let found: number | null = null;
  for (const [bucket, count] of histogram.counts.entries()) {
    if (count === 0) continue;
    found = bucket;
    below += count;
    if (below >= rank) break;
  }
  return found === null ? null : valueOf(found);
}

/** Scales every count by `factor` in 0..1: 0.5 once per half-life makes old samples fade. */
export function decay(histogram: Histogram, factor: number): void {
  invariant(factor >= 0 && factor <= 1, "a decay factor is in 0..1");
  for (const [bucket, count] of histogram.counts.entries()) {
    const faded = count * factor;
    histogram.counts[bucket] = faded < HISTOGRAM_COUNT_MIN ? 0 : faded;
  }
  histogram.total = sum(histogram.counts);
}

function bucketOf(valueMs: number): number {
  const bucket = Math.ceil(Math.log(valueMs / HISTOGRAM_MIN_MS) / LOG_GAMMA);
  return Math.max(0, Math.min(HISTOGRAM_BUCKETS - 1, bucket));
}

/** The point of the bucket from which both of its bounds are equally far, relatively. */
function valueOf(bucket: number): number {
  if (bucket === 0) return HISTOGRAM_MIN_MS;
  return Math.min(HISTOGRAM_MAX_MS, (2 * HISTOGRAM_MIN_MS * GAMMA ** bucket) / (GAMMA + 1));
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
