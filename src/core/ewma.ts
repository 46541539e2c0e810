/**
 * Decides what a noisy, irregular series of measurements is worth now.
 *
 * Model. A time-decayed mean: every sample enters with weight 1 and its weight falls by e each `tauMs`, so a burst of n
 * samples in one instant counts as their mean and not as its last member. The prior is one more sample (weight 1) that
 * starts to age with the first real one: after n samples it holds at most 1/(n + 1) of the estimate. In silence the
 * estimate stays for minutes and then drifts back to the prior, so that an endpoint that was slow once, and has had no
 * traffic since, is not avoided for ever.
 * Source: the reading rule is that of tower and linkerd2-proxy (reading at `now` changes nothing); tau 10 s for round
 * trips and alpha 0.05 for slot occupancy are facts/routing.md 6.5 and 6.7.
 * Rejected: alpha = 1 − exp(−gap/tau) per sample (Peak EWMA), where all but the first sample of a burst weigh nothing;
 * and peak sensitivity, which treats one slow answer as a trend.
 */
import { invariant } from "./invariant.ts";

/** Weight of the prior, in samples. */
export const EWMA_PRIOR_WEIGHT = 1;

/**
 * Time constant of the drift back to the prior in silence, ms. Ten minutes: longer than the usual idle time-out of a
 * serverless GPU worker, after which the endpoint is another machine anyway.
 */
export const EWMA_FORGET_MS = 600_000;

/** Plain data, safe to store as JSON. Values are in the unit of the samples. */
export type Ewma = {
  readonly value: number;
  /** Weight of what `value` stands for, in samples, as of `atMs`; the prior included. */
  readonly weight: number;
  /** Samples accepted so far; 0 means that `value` is the prior. */
  readonly samples: number;
  readonly atMs: number;
  readonly tauMs: number;
  readonly priorValue: number;
};

/** `priorValue` >= 0, in the unit of the samples; `tauMs` > 0. */
export function createEwma({ priorValue, tauMs }: { priorValue: number; tauMs: number }): Ewma {
  invariant(isSample(priorValue), "an EWMA's prior is a finite number >= 0");
  invariant(tauMs > 0 && Number.isFinite(tauMs), "an EWMA's tauMs is a finite number > 0");
  return { value: priorValue, weight: EWMA_PRIOR_WEIGHT, samples: 0, atMs: 0, tauMs, priorValue };
}

/** The estimate with one more sample. NaN, infinite and negative samples return the same estimate; `now` may jump back. */
export function observe(ewma: Ewma, sample: number, now: number): Ewma {
  if (!isSample(sample)) return ewma;
  const weight = weightAt(ewma, now);
  const before = read(ewma, now);
  return {
    ...ewma,
    value: before + (sample - before) / (weight + 1),
    weight: weight + 1,
    samples: ewma.samples + 1,
    atMs: Math.max(ewma.atMs, now),
  };
}

/** The estimate as of `now`; changes nothing. */
export function read(ewma: Ewma, now: number): number {
  return ewma.priorValue + (ewma.value - ewma.priorValue) * Math.exp(-silenceMs(ewma, now) / EWMA_FORGET_MS);
}

/** Evidence behind the estimate as of `now`, in samples: 1 of a fresh prior, falling by e each `tauMs` of silence. */
export function weightAt(ewma: Ewma, now: number): number {
  return ewma.weight * Math.exp(-silenceMs(ewma, now) / ewma.tauMs);
}

/** A prior does not age before its first sample, and a clock that jumps back does not make evidence younger. */
function silenceMs(ewma: Ewma, now: number): number {
  return ewma.samples === 0 ? 0 : Math.max(0, now - ewma.atMs);
}

/** The variant that counts samples instead of time: for values that change with use, not with the clock. */
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
