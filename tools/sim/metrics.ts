/**
 * What one run says, as numbers: exact quantiles from all requests, not from buckets.
 *
 * Model. Quantiles are over served requests by nearest rank; what was shed, failed or never answered is counted beside
 * them and can make no quantile look better, because goodput divides by all. No warm-up is cut off: a run starts empty,
 * which is a thousandth of it.
 */
import type { Oscillation } from "./oscillation.ts";
import { OUTCOME } from "./outcomes.ts";
import type { World } from "./world.ts";

export type Quantiles = {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly mean: number;
  /** Mean of the last quarter by arrival over mean of the second: about 1 when stable, about 2.3 when a queue grows. */
  readonly growth: number;
};

export type RunMetrics = {
  /** Time to first token, ms; NaN when nothing was served. */
  readonly ttftMs: Quantiles;
  /** Requests per second of the arrivals' span whose first token met the objective. */
  readonly goodput: number;
  /** Of all requests, 0..1. */
  readonly goodShare: number;
  readonly served: number;
  readonly shed: number;
  readonly failed: number;
  /** Requests without an outcome at the end. */
  readonly unfinished: number;
  readonly coldHits: number;
  readonly wakeUps: number;
  readonly attempts: number;
  /** Served requests whose endpoint is in another region than the client, 0..1. */
  readonly crossRegion: number;
  /** Slot time of attempts that served nobody, as a share of all slot time, 0..1. */
  readonly wasted: number;
  /** Attempts in flight at the last arrival. */
  readonly backlog: number;
  readonly oscillation: Oscillation;
  readonly hash: string;
};

/** All values together; growth is the mean of the parts', because each part has its own time. */
export function pooledQuantiles(parts: readonly Float64Array[]): Quantiles {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  const growth = parts.reduce((sum, part) => sum + growthOf(part), 0) / parts.length;
  return { ...quantilesOf(all), growth };
}

export function quantilesOf(ttftMs: Float64Array): Quantiles {
  const sorted = ttftMs.filter((ms) => !Number.isNaN(ms)).sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  return {
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    p999: at(0.999),
    mean: meanOf(ttftMs),
    growth: growthOf(ttftMs),
  };
}

function growthOf(ttftMs: Float64Array): number {
  const quarter = (index: number): number =>
    meanOf(ttftMs.subarray(Math.floor((ttftMs.length * index) / 4), Math.floor((ttftMs.length * (index + 1)) / 4)));
  return quarter(3) / quarter(1);
}

function meanOf(values: Float64Array): number {
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    sum += value;
    count += 1;
  }
  return count === 0 ? NaN : sum / count;
}

export function metricsOf(world: World): RunMetrics {
  const { outcomes, requests, scenario } = world;
  const counts = [0, 0, 0, 0];
  let good = 0;
  let away = 0;
  for (let request = 0; request < requests.count; request += 1) {
    const outcome = outcomes.outcome[request] ?? 0;
    counts[outcome] = (counts[outcome] ?? 0) + 1;
    if (outcome !== OUTCOME.served) continue;
    if ((outcomes.ttftMs[request] ?? Infinity) <= scenario.objectiveMs) good += 1;
    if (world.regionOf(outcomes.servedBy[request] ?? 0) !== requests.region[request]) away += 1;
  }
  const served = counts[OUTCOME.served] ?? 0;
  const spanS = (requests.arrivalMs[requests.count - 1] ?? 1) / 1_000;
  return {
    ttftMs: quantilesOf(outcomes.ttftMs),
    goodput: good / spanS,
    goodShare: good / requests.count,
    served,
    shed: counts[OUTCOME.shed] ?? 0,
    failed: counts[OUTCOME.failed] ?? 0,
    unfinished: counts[OUTCOME.open] ?? 0,
    coldHits: outcomes.coldHits,
    wakeUps: outcomes.wakeUps,
    attempts: world.attempts.count,
    crossRegion: served === 0 ? 0 : away / served,
    wasted: outcomes.usedMs === 0 ? 0 : outcomes.wastedMs / outcomes.usedMs,
    backlog: outcomes.backlog,
    oscillation: world.shares.read(),
    hash: world.hash.read(),
  };
}
