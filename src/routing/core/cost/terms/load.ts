/**
 * The `load` term: how much later the first token comes when the engine already runs n requests.
 *
 * Model. A continuous-batching engine slows before it is full: each step takes longer with every sequence in it. The
 * residual (first token − network − prefill) is averaged per bucket of in-flight at dispatch, and read through the
 * non-decreasing fit of the buckets (pool adjacent violators, weighted), because more load never means an earlier
 * token. While an endpoint shows no first token its samples fade towards the prior: one that was slow once and has been
 * avoided since is tried again after minutes.
 * Source: docs/reference/sources.md, Cost model (buckets, prior weight 8 samples of 0).
 * Rejected: a parametric curve, which needs one fit per engine and per GPU.
 */
export type LoadCurve = {
  /** Mean residual per bucket, ms. */
  readonly meanMs: number[];
  /** Weight per bucket in samples, prior included; capped so that old samples fade. */
  readonly weight: number[];
  /** The fit, as of `atMs`. */
  fittedMs: readonly number[];
  /** When the last sample came, or the samples last faded, ms. */
  atMs: number;
};

/** Upper in-flight bound of each bucket: 0, 1, 2, 3–4, 5–8, 9–16, 17–32, 33–64, 65 and more. */
const BUCKET_TOPS = [0, 1, 2, 4, 8, 16, 32, 64, Number.POSITIVE_INFINITY] as const;

const PRIOR_WEIGHT = 8;

/** Effective memory of a bucket in samples: a change of the engine shows after about this many. */
const WEIGHT_MAX = 64;

/** Time constant of the samples' fading in silence, ms: a detour a minute at worst to find out. */
export const LOAD_FADE_MS = 60_000;

/** They fade in steps of this, ms: a step touches every bucket. */
const FADE_EVERY_MS = 5_000;

export function createLoadCurve(): LoadCurve {
  return {
    meanMs: BUCKET_TOPS.map(() => 0),
    weight: BUCKET_TOPS.map(() => PRIOR_WEIGHT),
    fittedMs: [],
    atMs: Number.POSITIVE_INFINITY,
  };
}

export function loadBucket(inFlight: number): number {
  let bucket = 0;
  while (bucket < BUCKET_TOPS.length - 1 && inFlight > (BUCKET_TOPS[bucket] ?? 0)) bucket += 1;
  return bucket;
}

/** Feeds one residual; a negative one counts as 0, a non-finite one is ignored. */
export function observeLoad(curve: LoadCurve, inFlightAtDispatch: number, residualMs: number, now: number): void {
  if (!Number.isFinite(residualMs)) return;
  fade(curve, now);
  const bucket = loadBucket(inFlightAtDispatch);
  const weight = Math.min((curve.weight[bucket] ?? 0) + 1, WEIGHT_MAX);
  const mean = curve.meanMs[bucket] ?? 0;
  curve.meanMs[bucket] = mean + (Math.max(0, residualMs) - mean) / weight;
  curve.weight[bucket] = weight;
  curve.fittedMs = fitLoadCurve(curve);
  curve.atMs = now;
}

/** The fitted curve as of `now`, ms; empty while nothing is known. */
export function readLoadCurve(curve: LoadCurve, now: number): readonly number[] {
  fade(curve, now);
  return curve.fittedMs;
}

/** What is left of the samples; the prior stays, and so has the more to say. */
function fade(curve: LoadCurve, now: number): void {
  const passedMs = now - curve.atMs;
  if (passedMs < FADE_EVERY_MS) return;
  const left = Math.exp(-passedMs / LOAD_FADE_MS);
  for (const [bucket, before] of curve.weight.entries()) {
    const weight = PRIOR_WEIGHT + (before - PRIOR_WEIGHT) * left;
    curve.meanMs[bucket] = ((curve.meanMs[bucket] ?? 0) * before * left) / weight;
    curve.weight[bucket] = weight;
  }
  curve.fittedMs = fitLoadCurve(curve);
  curve.atMs = now;
}

/** The non-decreasing weighted least-squares fit of the buckets, ms. */
export function fitLoadCurve(curve: LoadCurve): number[] {
  // Blocks of buckets with one mean, as a stack: this runs for each first token that is told.
  const means: number[] = [];
  const weights: number[] = [];
  const ends: number[] = [];
  for (let bucket = 0; bucket < curve.meanMs.length; bucket += 1) {
    let mean = curve.meanMs[bucket] ?? 0;
    let weight = curve.weight[bucket] ?? 0;
    for (let below = means.at(-1); below !== undefined && below > mean; below = means.at(-1)) {
      const belowWeight = weights.pop() ?? 0;
      mean = (below * belowWeight + mean * weight) / (belowWeight + weight);
      weight += belowWeight;
      means.pop();
      ends.pop();
    }
    means.push(mean);
    weights.push(weight);
    ends.push(bucket);
  }
  const fitted: number[] = [];
  for (let block = 0; block < means.length; block += 1) {
    while (fitted.length <= (ends[block] ?? 0)) fitted.push(means[block] ?? 0);
  }
  return fitted;
}

/** Reads a fitted curve; an empty one (nothing known) is 0. */
export function loadMs(fitted: readonly number[], inFlight: number): number {
  return fitted[loadBucket(inFlight)] ?? 0;
}
