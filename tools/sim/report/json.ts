/** The result as JSON, for other programs. Fields are only ever added. */
import { isUnstable, type RouterResult, type ScenarioResult } from "../run.ts";
import { faultsOf, meanOverSeeds, spread } from "./table.ts";

export function jsonOf(results: readonly ScenarioResult[]): string {
  return `${JSON.stringify({ scenarios: results.map(scenarioOf) }, null, 2)}\n`;
}

function scenarioOf(result: ScenarioResult) {
  return {
    name: result.name,
    load: result.load,
    seeds: result.seeds,
    seed: result.seed,
    requests: result.requests,
    bounds: Object.fromEntries([...result.bounds].map(([name, ttftMs]) => [name, { ttftMs }])),
    policies: result.routers.map((router) => policyOf(router, result)),
  };
}

function policyOf(router: RouterResult, result: ScenarioResult) {
  const { name, ttftMs, ratioToBound, seeds } = router;
  const ect = result.bounds.get("ect");
  const { p50, p95, p99, p999, mean } = ttftMs;
  return {
    name,
    ttftMs: { p50, p95, p99, p999, mean },
    ratioToBound,
    /** Standard deviation between seeds. */
    spread: {
      p50: spread(seeds.map((seed) => seed.metrics.ttftMs.p50)),
      p99: spread(seeds.map((seed) => seed.metrics.ttftMs.p99)),
      ratioP99: spread(seeds.map((seed) => seed.ratioToBound.p99)),
    },
    goodput: meanOverSeeds(router, (one) => one.goodput),
    goodShare: meanOverSeeds(router, (one) => one.goodShare),
    shed: meanOverSeeds(router, (one) => one.shed) / result.requests,
    failed: meanOverSeeds(router, (one) => one.failed + one.unfinished) / result.requests,
    coldHits: meanOverSeeds(router, (one) => one.coldHits),
    wakeUps: meanOverSeeds(router, (one) => one.wakeUps),
    crossRegion: meanOverSeeds(router, (one) => one.crossRegion),
    wasted: meanOverSeeds(router, (one) => one.wasted),
    oscillation: {
      shareVariance: meanOverSeeds(router, (one) => one.oscillation.shareVariance),
      peakPower: meanOverSeeds(router, (one) => one.oscillation.peakPower),
      overNoise: meanOverSeeds(router, (one) => one.oscillation.overNoise),
    },
    /** Null without faults that hit endpoints; counts are of all seeds. */
    faults: faultsOf(router),
    unstable: ect !== undefined && isUnstable(router, ect),
    hashes: seeds.map((seed) => seed.metrics.hash),
  };
}
