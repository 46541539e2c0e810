/**
 * Decides what a noisy series of measurements is worth, for values that change with use and not with the clock.
 *
 * Model. A mean over the last 1/alpha samples or so, in which the prior is the first one.
 * Rejected: one fixed share per sample from the start, by which a wrong prior keeps 0.95^n of the estimate.
 */
import { invariant } from "./invariant.ts";

/** Weight of the prior, in samples. */
const EWMA_PRIOR_WEIGHT = 1;

/** Plain data, safe to store as JSON; `value` is in the unit of the samples. */
export type CountEwma = { readonly value: number; readonly samples: number; readonly alpha: number };

/** `alpha` in (0, 1]: the share of the newest sample once 1/alpha samples were seen. */
export function createCountEwma({ priorValue, alpha }: { priorValue: number; alpha: number }): CountEwma {
  invariant(isSample(priorValue), "an EWMA's prior is a finite number >= 0");
  invariant(alpha > 0 && alpha <= 1, "an EWMA's alpha is in (0, 1]");
  return { value: priorValue, samples: 0, alpha };
}

/**
 * The first samples are averaged plainly with the prior as one of them, until a plain mean would give the newest less
 * than `alpha`: otherwise a wrong prior would keep 0.95^n of the estimate. Invalid samples return the same estimate.
 */
export function observeCount(ewma: CountEwma, sample: number): CountEwma {
  if (!isSample(sample)) return ewma;
  const share = Math.max(ewma.alpha, 1 / (ewma.samples + 1 + EWMA_PRIOR_WEIGHT));
  return { ...ewma, value: ewma.value + (sample - ewma.value) * share, samples: ewma.samples + 1 };
}

function isSample(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}
