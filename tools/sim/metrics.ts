/**
 * What one run says, as numbers: exact quantiles from all requests, not from buckets.
 *
 * Model. Quantiles are over served requests by nearest rank; what was shed, failed or never answered is counted beside
 * them and can make no quantile look better, because goodput divides by all. No warm-up is cut off: a run starts empty,
 * which is a thousandth of it.
 */
import type { Oscillation } from "./oscillation.ts";
import { OUTCOME } from "./outcomes.ts";
import type { Scenario } from "./scenario.ts";
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

/** What clients got of a run, by request; NaN where there is none. Empty arrays: not known. */
export type Served = {
  readonly ttftMs: Float64Array;
  /** Mean time between tokens: (end − first token) / (tokens − 1), ms; NaN also of a single token. */
  readonly tpotMs: Float64Array;
  /** From arrival to the last token, ms. */
  readonly e2eMs: Float64Array;
  /** Of all requests, 0..1. */
  readonly goodShare: number;
};

/** On step engines a good answer flows at most this many times slower than from an idle engine of speed 1. */
const GOOD_TPOT_FACTOR = 2;

export type RunMetrics = {
  /** Time to first token, ms; NaN when nothing was served. */
  readonly ttftMs: Quantiles;
  /** Good requests per second of the arrivals' span. */
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
  /** Calls that edges made to shards, of any kind, a request; 0 for policies that make none. */
  readonly messages: number;
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

/** Met the objective: its first token in time and, on step engines, its other tokens too. */
export function servedOf({ outcomes, requests, scenario }: World): Served {
  const { ttftMs, e2eMs } = outcomes;
  const tpotMs = e2eMs.map((ms, request) => {
    const gaps = (requests.outputTokens[request] ?? 1) - 1;
    return gaps < 1 ? NaN : (ms - (ttftMs[request] ?? NaN)) / gaps;
  });
  const tpotMsMax = goodTpotMs(scenario);
  let good = 0;
  for (const [request, ms] of ttftMs.entries()) {
    if (outcomes.outcome[request] !== OUTCOME.served || ms > scenario.objectiveMs) continue;
    if (!((tpotMs[request] ?? NaN) > tpotMsMax)) good += 1;
  }
  return { ttftMs, tpotMs, e2eMs, goodShare: good / requests.count };
}

function goodTpotMs({ engine }: Scenario): number {
  if (engine.kind === "slots") return Infinity;
  return GOOD_TPOT_FACTOR * (engine.params.stepBaseMs + engine.params.stepPerDecodingMs);
}

export function metricsOf(world: World): RunMetrics {
  const { outcomes, requests } = world;
  const { goodShare } = servedOf(world);
  const counts = [0, 0, 0, 0];
  let away = 0;
  for (let request = 0; request < requests.count; request += 1) {
    const outcome = outcomes.outcome[request] ?? 0;
    counts[outcome] = (counts[outcome] ?? 0) + 1;
    if (outcome !== OUTCOME.served) continue;
    if (world.regionOf(outcomes.servedBy[request] ?? 0) !== requests.region[request]) away += 1;
  }
  const served = counts[OUTCOME.served] ?? 0;
  const spanS = (requests.arrivalMs[requests.count - 1] ?? 1) / 1_000;
  return {
    ttftMs: quantilesOf(outcomes.ttftMs),
    goodput: (goodShare * requests.count) / spanS,
    goodShare,
    served,
    shed: counts[OUTCOME.shed] ?? 0,
    failed: counts[OUTCOME.failed] ?? 0,
    unfinished: counts[OUTCOME.open] ?? 0,
    coldHits: outcomes.coldHits,
    wakeUps: outcomes.wakeUps,
    attempts: world.attempts.count,
    messages: world.shardCalls / world.requests.count,
    crossRegion: served === 0 ? 0 : away / served,
    wasted: outcomes.usedMs === 0 ? 0 : outcomes.wastedMs / outcomes.usedMs,
    backlog: outcomes.backlog,
    oscillation: world.shares.read(),
    hash: world.hash.read(),
  };
}
