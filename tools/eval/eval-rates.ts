/**
 * From counts to precision, recall, F1 and false-positive rate, each with its interval.
 *
 * Model. A rate without a denominator is null, never 0 or 1: nobody could say which. Intervals are Wilson's at 95 %,
 * which hold for rates near 0 and 1 and for small sets. F1 is no share of anything, but 2J/(1+J) of J = TP/(TP+FP+FN),
 * which is one: its interval is J's, put through the same formula.
 * Source: Wilson (1927); Brown, Cai and DasGupta (2001). Rejected: the normal approximation, which says that 0 errors
 * in 80 rows are 0 ± 0.
 */

export type Interval = readonly [number, number];

/** Findings: right, wrong, and not made. */
export type Tally = { readonly right: number; readonly wrong: number; readonly missed: number };

export type Rates = {
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
};

export type RateIntervals = {
  readonly precision: Interval | null;
  readonly recall: Interval | null;
  readonly f1: Interval | null;
};

/** The standard normal's quantile at 97.5 %. */
const Z = 1.959964;

/** 95 % interval of the share `hits` of `count`; null for a count of 0. */
export function wilson(hits: number, count: number): Interval | null {
  if (count === 0) return null;
  const rate = hits / count;
  const zz = Z * Z;
  const centre = rate + zz / (2 * count);
  const spread = Z * Math.sqrt((rate * (1 - rate)) / count + zz / (4 * count * count));
  const scale = 1 + zz / count;
  // At the ends the exact bounds are 0 and 1; rounding errors would put them a little beside.
  return [hits === 0 ? 0 : (centre - spread) / scale, hits === count ? 1 : (centre + spread) / scale];
}

/** hits / count, or null for a count of 0. */
export function share(hits: number, count: number): number | null {
  return count === 0 ? null : hits / count;
}

/** All null where there was nothing to find: such a set measures false positives only. */
export function ratesOf({ right, wrong, missed }: Tally): Rates {
  const positives = right + missed;
  if (positives === 0) return { precision: null, recall: null, f1: null };
  return {
    precision: share(right, right + wrong),
    recall: share(right, positives),
    f1: share(2 * right, 2 * right + wrong + missed),
  };
}

export function intervalsOf({ right, wrong, missed }: Tally): RateIntervals {
  const positives = right + missed;
  if (positives === 0) return { precision: null, recall: null, f1: null };
  const jaccard = wilson(right, right + wrong + missed);
  return {
    precision: wilson(right, right + wrong),
    recall: wilson(right, positives),
    f1: jaccard === null ? null : [f1Of(jaccard[0]), f1Of(jaccard[1])],
  };
}

function f1Of(jaccard: number): number {
  return (2 * jaccard) / (1 + jaccard);
}
