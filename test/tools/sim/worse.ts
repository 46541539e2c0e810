/** How much worse clients fare in a small world than its record says, and whether that is more than the world tolerates. */
import type { Figures, SmallWorld, Tolerance } from "../../../tools/sim/report/small-worlds.ts";

/** How much worse each figure is, on the mean of the seeds: 0.1 is a tenth. */
export function worseBy(figures: Figures, recorded: Figures): Tolerance {
  const by = (values: readonly number[], others: readonly number[]): number =>
    values.reduce((sum, value, index) => sum + value / (others[index] ?? NaN), 0) / values.length - 1;
  return {
    p99: by(figures.p99, recorded.p99),
    mean: by(figures.mean, recorded.mean),
    good: by(recorded.good, figures.good),
  };
}

/** The figures that are worse than the world tolerates. */
export function tooBad(worse: Tolerance, { tolerance }: SmallWorld): readonly string[] {
  const keys = ["p99", "mean", "good"] as const;
  return keys.filter((key) => !(worse[key] <= tolerance[key]));
}
