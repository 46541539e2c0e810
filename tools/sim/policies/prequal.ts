/**
 * Prequal: probes of (requests in flight, latency at that load); the cold ones by latency, else the least loaded.
 *
 * Source: Wydrowski et al., NSDI 2024, with the parameters of docs/reference/sources.md, Prequal: pool 16, age 1 s, three probes
 * and one removal a query, removal of the oldest and the worst by turns, own dispatches added to pooled probes, reuse
 * bound by randomised rounding (16 when the formula's denominator is not positive), random pick below two usable
 * probes. Q is 0.84 in the paper and 0.6 in prequal-rs. Any failure drops the endpoint's probes, and it is ejected as
 * in `ejections.ts`, both after prequal-rs. Probes answer at once, which favours it; latency is the first token's.
 */
import type { Rng } from "../../../src/lib/rng.ts";
import { anyOf, type PolicyFactory } from "../policy.ts";
import { Ejections } from "./ejections.ts";

const PREQUAL = {
  poolMax: 16,
  ageMsMax: 1_000,
  probesPerQuery: 3,
  removalsPerQuery: 1,
  delta: 1,
  reuseMax: 16,
  /** Loads in the estimate of the distribution. */
  history: 64,
  /** Latencies kept per endpoint. */
  samples: 16,
} as const;

type Probe = {
  readonly endpoint: number;
  inFlight: number;
  readonly latencyMs: number;
  readonly atMs: number;
  uses: number;
};

export function prequal(quantile: number): PolicyFactory {
  return ({ endpoints, rng }) => {
    const latencies = Array.from({ length: endpoints }, () => new LatencyByLoad());
    const ejections = new Ejections(endpoints);
    const reuse = reuseOf(endpoints);
    const loads: number[] = [];
    let pool: Probe[] = [];
    let removeOldest = true;
    return {
      pick: ({ candidates, fleet, nowMs }) => {
        const usable = ejections.filter(candidates, nowMs);
        for (const endpoint of someOf(usable, PREQUAL.probesPerQuery, rng)) {
          const inFlight = (fleet.running[endpoint] ?? 0) + (fleet.waiting[endpoint] ?? 0);
          loads.push(inFlight);
          if (loads.length > PREQUAL.history) loads.shift();
          const latencyMs = latencies[endpoint]?.near(inFlight) ?? 0;
          pool.push({ endpoint, inFlight, latencyMs, atMs: nowMs, uses: roundedAtRandom(reuse, rng) });
        }
        pool = pool.filter(({ uses, atMs }) => uses > 0 && nowMs - atMs <= PREQUAL.ageMsMax).slice(-PREQUAL.poolMax);
        const choices = pool.filter(({ endpoint }) => usable.includes(endpoint));
        const threshold = quantileOf(loads, quantile);
        if (choices.length < 2) return anyOf(usable, rng);
        const chosen = hotCold(choices, threshold);
        chosen.uses -= 1;
        for (const probe of pool) if (probe.endpoint === chosen.endpoint) probe.inFlight += 1;
        pool = withoutOne(pool, removeOldest, threshold);
        removeOldest = !removeOldest;
        return chosen.endpoint;
      },
      onFirstToken: ({ endpoint, latencyMs, loadBefore }) => {
        latencies[endpoint]?.add(loadBefore, latencyMs);
        ejections.succeeded(endpoint);
      },
      onFailure: (endpoint, nowMs) => {
        pool = pool.filter((probe) => probe.endpoint !== endpoint);
        ejections.failed(endpoint, nowMs);
      },
    };
  };
}

function hotCold(choices: readonly Probe[], threshold: number): Probe {
  const cold = choices.filter(({ inFlight }) => inFlight <= threshold);
  return cold.length > 0
    ? cold.reduce((best, probe) => (probe.latencyMs < best.latencyMs ? probe : best))
    : choices.reduce((best, probe) => (probe.inFlight < best.inFlight ? probe : best));
}

/** Worst is the most loaded of the hot, else the slowest of the cold. */
function withoutOne(pool: readonly Probe[], oldest: boolean, threshold: number): Probe[] {
  const hot = pool.filter(({ inFlight }) => inFlight > threshold);
  const worst =
    hot.length > 0
      ? hot.reduce((one, probe) => (probe.inFlight > one.inFlight ? probe : one))
      : pool.reduce<Probe | undefined>(
          (one, probe) => (one !== undefined && one.latencyMs >= probe.latencyMs ? one : probe),
          undefined,
        );
  const victim = oldest ? pool[0] : worst;
  return pool.filter((probe) => probe !== victim);
}

/** 1 + delta / ((1 − m/n) · r_probe − r_remove), within 1..16: with fewer endpoints than pool places, 16. */
function reuseOf(endpoints: number): number {
  const { poolMax, probesPerQuery, removalsPerQuery, delta, reuseMax } = PREQUAL;
  const denominator = (1 - poolMax / endpoints) * probesPerQuery - removalsPerQuery;
  return denominator <= 0 ? reuseMax : Math.min(reuseMax, Math.max(1, 1 + delta / denominator));
}

function roundedAtRandom(value: number, rng: Rng): number {
  const whole = Math.floor(value);
  return value === whole ? whole : whole + (rng() < value - whole ? 1 : 0);
}

function quantileOf(values: readonly number[], quantile: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(quantile * sorted.length))] ?? 0;
}

/** Up to `count` distinct members. */
function someOf(values: readonly number[], count: number, rng: Rng): readonly number[] {
  const left = [...values];
  return Array.from({ length: Math.min(count, left.length) }, () => {
    const [taken = 0] = left.splice(Math.floor(rng() * left.length), 1);
    return taken;
  });
}

/** What the server's side of a probe knows: the median of the last latencies at or near a load, by powers of two. */
class LatencyByLoad {
  readonly #samples: number[][] = [];
  readonly #medianMs: number[] = [];

  add(load: number, latencyMs: number): void {
    const bucket = bucketOf(load);
    const samples = (this.#samples[bucket] ??= []);
    samples.push(latencyMs);
    if (samples.length > PREQUAL.samples) samples.shift();
    this.#medianMs[bucket] = quantileOf(samples, 0.5);
  }

  /** The nearest bucket with samples, the lower one first; 0 when there is none, which draws the first requests. */
  near(load: number): number {
    const bucket = bucketOf(load);
    for (let off = 0; off < LOAD_BUCKETS; off += 1) {
      const found = this.#medianMs[bucket - off] ?? this.#medianMs[bucket + off];
      if (found !== undefined) return found;
    }
    return 0;
  }
}

/** Loads up to a million. */
const LOAD_BUCKETS = 20;

function bucketOf(load: number): number {
  return Math.min(LOAD_BUCKETS - 1, Math.floor(Math.log2(1 + load)));
}
