/**
 * Is a difference one, or luck? What every table asks before it says that one row is better than another.
 *
 * Model. All rows of a seed meet the same requests, so rows are compared seed by seed; the values are those
 * differences. Their mean is called a difference only when it is larger than their standard deviation between seeds,
 * and than what 19 of 20 sets of so many seeds would give by luck alone (Student's t). The second matters with few
 * seeds: of three, a mean of twice the deviation is still chance one time in ten. One seed shows nothing.
 * Rejected: the t rule alone, by which enough seeds make any trifle a difference; and the deviation alone, which three
 * seeds pass by chance one time in four.
 */

export type Difference = {
  readonly mean: number;
  /** Standard deviation between seeds; NaN of a single one. */
  readonly spread: number;
  /** Beyond the spread, and beyond luck. */
  readonly isReal: boolean;
};

/** Student's t for 19 of 20, two-sided, by degrees of freedom from 1. */
const T_95 = [
  12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.1, 2.09, 2.09,
];

/** Of more degrees than the table has. */
const T_95_MANY = 2.09;

/** `values`: by seed, what the row has more than the one that it is compared with. */
export function differenceOf(values: readonly number[]): Difference {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return { mean, spread: NaN, isReal: false };
  const deviation = spread(values);
  const byLuck = ((T_95[values.length - 2] ?? T_95_MANY) * deviation) / Math.sqrt(values.length);
  return { mean, spread: deviation, isReal: Math.abs(mean) > Math.max(deviation, byLuck) };
}

/** By seed, how much larger the one is than the other: 0.1 is a tenth. */
export function relativeTo(own: readonly number[], other: readonly number[]): readonly number[] {
  return own.map((value, index) => value / (other[index] ?? NaN) - 1);
}

/** `+12 ±3 %`; with `~` before it where it is within its spread, so that nobody takes it for a difference. */
export function differenceText({ mean, spread: deviation, isReal }: Difference): string {
  if (!Number.isFinite(mean)) return "-";
  const sign = mean < 0 ? "-" : "+";
  const by = Number.isNaN(deviation) ? "" : ` ±${percent(deviation)}`;
  return `${isReal ? "" : "~"}${sign}${percent(Math.abs(mean))}${by} %`;
}

/** Standard deviation between seeds; 0 of a single one. */
export function spread(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

function percent(share: number): string {
  return (100 * share).toFixed(share < 0.0995 ? 1 : 0);
}
