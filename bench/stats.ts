/**
 * The two summaries that a benchmark reports. Medians over rounds, because a shared machine has bad rounds and a mean
 * keeps them; percentiles by nearest rank, so that every reported figure was really measured.
 */

/** The middle value; the mean of the two middle ones for an even count. Throws RangeError without values. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** The smallest value that at least `share` (0..1) of the values do not exceed. Throws RangeError without values. */
export function percentile(values: readonly number[], share: number): number {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`a share is 0 to 1, not ${share}`);
  const sorted = ascending(values);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

function ascending(values: readonly number[]): number[] {
  if (values.length === 0) throw new RangeError("there is no value");
  return values.toSorted((left, right) => left - right);
}
