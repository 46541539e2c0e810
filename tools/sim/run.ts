/**
 * Runs a scenario at one load: all its seeds, all routers on the same requests, and the bounds beside them.
 *
 * Model. Seeds are independent runs. Quantiles and their ratios to the bound are of all requests of all seeds together,
 * as in the reference table (docs/simulator.md says how we know); beside them stands the standard deviation between the
 * seeds. Everything else is a mean over seeds.
 * Rejected: the mean of each seed's quantile as the headline. It differs by up to a tenth where the tail is one crowded
 * hour of one seed; it is in the result by seed, for who wants it.
 */
import { lookAhead, stepNoQueue } from "./bounds/step-bounds.ts";
import { centralQueue, earliest, noQueue } from "./bounds/slots-bounds.ts";
import { faultMetrics, type FaultMetrics } from "./fault-metrics.ts";
import { metricsOf, pooledQuantiles, quantilesOf, type Quantiles, type RunMetrics } from "./metrics.ts";
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

type BoundName = "no-queue" | "central-queue" | "ect";

type Ratio = { readonly p50: number; readonly p95: number; readonly p99: number; readonly p999: number };

type SeedResult = {
  readonly seed: number;
  readonly metrics: RunMetrics;
  /** Null for a scenario without faults that hit endpoints. */
  readonly faults: FaultMetrics | null;
  /** To the ect bound of the same seed. */
  readonly ratioToBound: Ratio;
};

export type RouterResult = {
  readonly name: string;
  /** Of all requests of all seeds. */
  readonly ttftMs: Quantiles;
  readonly ratioToBound: Ratio;
  readonly seeds: readonly SeedResult[];
};

export type ScenarioResult = {
  readonly name: string;
  readonly load: number;
  readonly requests: number;
  readonly seed: number;
  readonly seeds: number;
  /** Of all requests of all seeds. */
  readonly bounds: ReadonlyMap<BoundName, Quantiles>;
  readonly routers: readonly RouterResult[];
};

export async function simulate(options: SimulateOptions): Promise<ScenarioResult> {
  const { scenario, load, routers, seed, seeds, requests, trace, onRun } = options;
  const bounds = new Map<BoundName, Float64Array[]>();
  const runs = routers.map(() => ({ ttftMs: [] as Float64Array[], seeds: [] as SeedResult[] }));
  for (let at = seed; at < seed + seeds; at += 1) {
    const workload = createWorkload(scenario, { load, seed: at, count: requests, trace });
    for (const [name, ttftMs] of await boundsOf(scenario, workload, at)) {
      bounds.set(name, [...(bounds.get(name) ?? []), ttftMs]);
    }
    const ect = quantilesOf(bounds.get("ect")?.at(-1) ?? new Float64Array(0));
    for (const [index, { name, factory }] of routers.entries()) {
      const world = await runOnce({ scenario, workload, seed: at, factory });
      const metrics = metricsOf(world);
      runs[index]?.ttftMs.push(world.outcomes.ttftMs);
      runs[index]?.seeds.push({
        seed: at,
        metrics,
        faults: faultMetrics(world),
        ratioToBound: ratio(metrics.ttftMs, ect),
      });
      onRun?.(name, at);
    }
  }
  const pooled = new Map([...bounds].map(([name, parts]) => [name, pooledQuantiles(parts)]));
  const results = routers.map(({ name }, index): RouterResult => {
    const ttftMs = pooledQuantiles(runs[index]?.ttftMs ?? []);
    return { name, ttftMs, ratioToBound: ratio(ttftMs, pooled.get("ect") ?? ttftMs), seeds: runs[index]?.seeds ?? [] };
  });
  return { name: scenario.name, load, requests, seed, seeds, bounds: pooled, routers: results };
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

/** Time to first token of every request under each bound, ms. */
async function boundsOf(
  scenario: Scenario,
  workload: Workload,
  seed: number,
): Promise<readonly (readonly [BoundName, Float64Array])[]> {
  const { requests } = workload;
  if (scenario.engine.kind === "slots") {
    return [
      ["no-queue", noQueue(scenario, requests)],
      ["central-queue", centralQueue(scenario, requests)],
      ["ect", earliest(scenario, requests)],
    ];
  }
  // A bound is of the healthy world, so it runs without the faults.
  const healthy = { ...scenario, faults: [], jitterSigma: 0 };
  const world = await runOnce({ scenario: healthy, workload: { ...workload, faults: [] }, seed, factory: lookAhead });
  return [
    ["no-queue", stepNoQueue(scenario, requests)],
    ["ect", world.outcomes.ttftMs],
  ];
}

function ratio(own: Quantiles, bound: Quantiles): Ratio {
  return {
    p50: own.p50 / bound.p50,
    p95: own.p95 / bound.p95,
    p99: own.p99 / bound.p99,
    p999: own.p999 / bound.p999,
  };
}

/** A queue that only grew: waits far above the bound's that rise through the run, and the bound's do not. */
export function isUnstable({ ttftMs, seeds }: RouterResult, bound: Quantiles): boolean {
  const growth = seeds.reduce((sum, { metrics }) => sum + metrics.ttftMs.growth, 0) / seeds.length;
  return ttftMs.mean > UNSTABLE_MEAN_RATIO * bound.mean && growth / bound.growth > UNSTABLE_GROWTH;
}

/** A stable router's mean is at most a few times the bound's; a growing queue's mean is a share of the run. */
const UNSTABLE_MEAN_RATIO = 3;

/** A queue that grows evenly gives 2.3, a stable one about 1, up to 1.6 in short runs near saturation (metrics.ts). */
const UNSTABLE_GROWTH = 1.8;
