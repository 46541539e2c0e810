/**
 * All randomness of a run: one seeded stream per purpose, and the distributions drawn from them.
 *
 * Model. A stream's seed is a hash of the run's seed and the purpose's name, so one more draw in one place (a policy
 * that breaks ties differently) shifts no other: all policies of a seed see the same arrivals, the same work, the same
 * network. Differences between policies are then differences of policies (common random numbers).
 * Sources: Box and Muller 1958 for normals; Marsaglia and Tsang 2000 for gammas.
 * Rejected: one stream for everything, where any change makes another world.
 */
import { invariant } from "../../src/lib/invariant.ts";
import { seededRng, type Rng } from "../../src/lib/rng.ts";

/** The generator for one purpose of a run. Equal arguments give equal sequences. */
export function stream(seed: number, purpose: string): Rng {
  let hash = 0x811c9dc5;
  for (const char of `${purpose}#${seed}`) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  // FNV leaves neighbours close together; one finishing mix (murmur3) spreads seeds 1, 2, 3 … over all words.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return seededRng((hash ^ (hash >>> 16)) >>> 0);
}

/** Mean 1. */
export function drawExponential(rng: Rng): number {
  return -Math.log(1 - rng());
}

/** Mean 0, standard deviation 1. */
function drawNormal(rng: Rng): number {
  return Math.sqrt(-2 * Math.log(1 - rng())) * Math.cos(2 * Math.PI * rng());
}

/** Mean 1, with `sigma` >= 0 of the underlying normal. */
export function drawLognormal(rng: Rng, sigma: number): number {
  return Math.exp(sigma * drawNormal(rng) - (sigma * sigma) / 2);
}

/** Mean 1, coefficient of variation `cv` > 0. */
export function drawGamma(rng: Rng, cv: number): number {
  invariant(cv > 0, "a gamma needs a positive coefficient of variation");
  const shape = 1 / (cv * cv);
  // Below shape 1: a gamma of shape + 1, times a uniform to the power 1/shape.
  const boost = shape < 1 ? (1 - rng()) ** (1 / shape) : 1;
  const d = (shape < 1 ? shape + 1 : shape) - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const normal = drawNormal(rng);
    const cube = (1 + c * normal) ** 3;
    if (cube <= 0) continue;
    if (Math.log(1 - rng()) < 0.5 * normal * normal + d - d * cube + d * Math.log(cube)) {
      return (boost * d * cube) / shape;
    }
  }
}

type Simple =
  | { readonly kind: "fixed"; readonly mean: number }
  | { readonly kind: "exponential"; readonly mean: number }
  | { readonly kind: "lognormal"; readonly mean: number; readonly sigma: number };

/** A distribution of positive numbers, by its mean; `mean` is in the unit of whatever is drawn. */
export type Distribution =
  | Simple
  /** `share` of the draws are of the first, the rest of the other. */
  | { readonly kind: "either"; readonly share: number; readonly of: Simple; readonly else: Simple };

export function meanOf(distribution: Distribution): number {
  if (distribution.kind !== "either") return distribution.mean;
  const { share, of, else: other } = distribution;
  return share * of.mean + (1 - share) * other.mean;
}

export function draw(distribution: Distribution, rng: Rng): number {
  switch (distribution.kind) {
    case "fixed":
      return distribution.mean;
    case "exponential":
      return distribution.mean * drawExponential(rng);
    case "lognormal":
      return distribution.mean * drawLognormal(rng, distribution.sigma);
    case "either":
      return draw(rng() < distribution.share ? distribution.of : distribution.else, rng);
  }
}

/** An index drawn with the given weights (>= 0, not all 0). */
export function drawIndex(weights: readonly number[], rng: Rng): number {
  let total = 0;
  for (const weight of weights) total += weight;
  let left = rng() * total;
  for (const [index, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return index;
  }
  return weights.length - 1;
}
