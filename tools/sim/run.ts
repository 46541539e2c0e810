/**
 * Runs a scenario at one load: all its seeds, all routers on the same requests, and the references beside them.
 *
 * Model. Seeds are independent runs. Quantiles and their ratios to the best known clairvoyant are of all requests of
 * all seeds together, as in the reference table (docs/explanation/simulator.md says how we know); beside them stands the standard
 * deviation between the seeds. Everything else is a mean over seeds. The best clairvoyant is the one with the lowest
 * p99 of the run, the same for all seeds and all columns: one rule, and not the best of each column.
 * Rejected: the mean of each seed's quantile as the headline. It differs by up to a tenth where the tail is one crowded
 * hour of one seed; it is in the result by seed, for who wants it.
 */
import { BOUND, referencesOf, type ReferenceName } from "./bounds/references.ts";
import { invariant } from "../../src/lib/invariant.ts";
import { faultMetrics, type FaultMetrics } from "./fault-metrics.ts";
import { metricsOf, pooledQuantiles, quantilesOf, servedOf } from "./metrics.ts";
import type { Quantiles, RunMetrics, Served } from "./metrics.ts";
import type { RouterEntry } from "./policies/registry.ts";
import type { RouterFactory } from "./router.ts";
import type { Scenario } from "./scenario.ts";
import type { TraceRow } from "./trace.ts";
import { createWorkload, type Workload } from "./workload.ts";
import { World } from "./world.ts";

export type SimulateOptions = {
  readonly scenario: Scenario;
  readonly load: number;
  readonly routers: readonly RouterEntry[];
  /** First seed; the others follow. */
  readonly seed: number;
  readonly seeds: number;
  readonly requests: number;
  readonly trace: readonly TraceRow[] | null;
  /** Told after every run. */
  readonly onRun?: (router: string, seed: number) => void;
};

type Ratio = { readonly p50: number; readonly p95: number; readonly p99: number; readonly p999: number };

type SeedResult = {
  readonly seed: number;
  readonly metrics: RunMetrics;
  /** Null for a scenario without faults that hit endpoints. */
  readonly faults: FaultMetrics | null;
  /** To the best known clairvoyant on the same seed. */
  readonly ratioToBest: Ratio;
};

/** Of all requests of all seeds. */
export type Pooled = { readonly ttftMs: Quantiles; readonly tpotMs: Quantiles; readonly e2eMs: Quantiles };

export type RouterResult = Pooled & {
  readonly name: string;
  readonly ratioToBest: Ratio;
  readonly seeds: readonly SeedResult[];
};

export type Reference = Pooled & {
  readonly name: ReferenceName;
  /** Mean over seeds; NaN where only first tokens are known. */
  readonly goodShare: number;
};

export type ScenarioResult = {
  readonly name: string;
  readonly engine: "slots" | "step";
  readonly load: number;
  readonly requests: number;
  readonly seed: number;
  readonly seeds: number;
  /** The bound and the clairvoyants. */
  readonly references: readonly Reference[];
  /** The clairvoyant with the lowest p99. */
  readonly best: Reference;
  readonly routers: readonly RouterResult[];
};

type Run = { readonly served: Served; readonly metrics: RunMetrics; readonly faults: FaultMetrics | null };

export async function simulate(options: SimulateOptions): Promise<ScenarioResult> {
  const { scenario, load, routers, seed, seeds, requests, trace, onRun } = options;
  const known = new Map<ReferenceName, Served[]>();
  const runs = routers.map((): Run[] => []);
  for (let at = seed; at < seed + seeds; at += 1) {
    const workload = createWorkload(scenario, { load, seed: at, count: requests, trace });
    for (const [name, served] of await referencesOf(scenario, workload, at)) {
      known.set(name, [...(known.get(name) ?? []), served]);
    }
    for (const [index, { name, factory }] of routers.entries()) {
      const world = await runOnce({ scenario, workload, seed: at, factory });
      runs[index]?.push({ served: servedOf(world), metrics: metricsOf(world), faults: faultMetrics(world) });
      onRun?.(name, at);
    }
  }
  const references = [...known].map(([name, served]): Reference => {
    const goodShare = served.reduce((sum, one) => sum + one.goodShare, 0) / served.length;
    return { name, ...pooled(served), goodShare };
  });
  const best = bestOf(references);
  const bestBySeed = (known.get(best.name) ?? []).map(({ ttftMs }) => quantilesOf(ttftMs));
  const results = routers.map(({ name }, index): RouterResult => {
    const its = runs[index] ?? [];
    const all = pooled(its.map(({ served }) => served));
    const bySeed = its.map(({ metrics, faults }, nth): SeedResult => {
      const ratioToBest = ratio(metrics.ttftMs, bestBySeed[nth] ?? metrics.ttftMs);
      return { seed: seed + nth, metrics, faults, ratioToBest };
    });
    return { name, ...all, ratioToBest: ratio(all.ttftMs, best.ttftMs), seeds: bySeed };
  });
  const { kind: engine } = scenario.engine;
  return { name: scenario.name, engine, load, requests, seed, seeds, references, best, routers: results };
}

function pooled(served: readonly Served[]): Pooled {
  return {
    ttftMs: pooledQuantiles(served.map(({ ttftMs }) => ttftMs)),
    tpotMs: pooledQuantiles(served.map(({ tpotMs }) => tpotMs)),
    e2eMs: pooledQuantiles(served.map(({ e2eMs }) => e2eMs)),
  };
}

function bestOf(references: readonly Reference[]): Reference {
  const clairvoyants = references.filter(({ name }) => name !== BOUND);
  const [first] = clairvoyants.toSorted((one, other) => one.ttftMs.p99 - other.ttftMs.p99);
  invariant(first !== undefined, "every engine has a clairvoyant rule");
  return first;
}

type RunOptions = {
  readonly scenario: Scenario;
  readonly workload: Workload;
  readonly seed: number;
  readonly factory: RouterFactory;
};

/** One run, to its end; the world holds everything that happened. */
async function runOnce({ scenario, workload, seed, factory }: RunOptions): Promise<World> {
  const world = new World({ scenario, workload, seed });
  await world.run(factory);
  return world;
}

function ratio(own: Quantiles, other: Quantiles): Ratio {
  return {
    p50: own.p50 / other.p50,
    p95: own.p95 / other.p95,
    p99: own.p99 / other.p99,
    p999: own.p999 / other.p999,
  };
}

/**
 * A queue that only grew: waits far above the clairvoyant's that rise through the run, and the clairvoyant's do not.
 */
export function isUnstable({ ttftMs, seeds }: RouterResult, { ttftMs: best }: Reference): boolean {
  const growth = seeds.reduce((sum, { metrics }) => sum + metrics.ttftMs.growth, 0) / seeds.length;
  return ttftMs.mean > UNSTABLE_MEAN_RATIO * best.mean && growth / best.growth > UNSTABLE_GROWTH;
}

/** A stable router's mean is at most a few times the clairvoyant's; a growing queue's mean is a share of the run. */
const UNSTABLE_MEAN_RATIO = 3;

/** A queue that grows evenly gives 2.3, a stable one about 1, up to 1.6 in short runs near saturation (metrics.ts). */
const UNSTABLE_GROWTH = 1.8;
