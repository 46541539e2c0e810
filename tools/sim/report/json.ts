/** The result as JSON, for other programs. What changes in its fields is in the CHANGELOG. */
import type { Quantiles } from "../metrics.ts";
import { isUnstable, type Pooled, type RouterResult, type ScenarioResult } from "../run.ts";
import { spread } from "./difference.ts";
import { faultsOf, meanOverSeeds } from "./table.ts";

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
    references: Object.fromEntries(
      result.references.map(({ name, goodShare, ...pooled }) => [
        name,
        { ...servedOf(pooled), goodShare: Number.isNaN(goodShare) ? null : goodShare },
      ]),
    ),
    best: result.best.name,
    policies: result.routers.map((router) => policyOf(router, result)),
  };
}

function servedOf({ ttftMs, tpotMs, e2eMs }: Pooled) {
  const figures = ({ p50, p95, p99, p999, mean }: Quantiles) => ({ p50, p95, p99, p999, mean });
  return { ttftMs: figures(ttftMs), tpotMs: figures(tpotMs), e2eMs: figures(e2eMs) };
}

function policyOf(router: RouterResult, result: ScenarioResult) {
  const { name, ratioToBest, seeds } = router;
  return {
    name,
    ...servedOf(router),
    ratioToBest,
    /** Standard deviation between seeds. */
    spread: {
      p50: spread(seeds.map((seed) => seed.metrics.ttftMs.p50)),
      p99: spread(seeds.map((seed) => seed.metrics.ttftMs.p99)),
      ratioP99: spread(seeds.map((seed) => seed.ratioToBest.p99)),
    },
    goodput: meanOverSeeds(router, (one) => one.goodput),
    goodShare: meanOverSeeds(router, (one) => one.goodShare),
    shed: meanOverSeeds(router, (one) => one.shed) / result.requests,
    failed: meanOverSeeds(router, (one) => one.failed + one.unfinished) / result.requests,
    coldHits: meanOverSeeds(router, (one) => one.coldHits),
    wakeUps: meanOverSeeds(router, (one) => one.wakeUps),
    messages: meanOverSeeds(router, (one) => one.messages),
    crossRegion: meanOverSeeds(router, (one) => one.crossRegion),
    wasted: meanOverSeeds(router, (one) => one.wasted),
    oscillation: {
      shareVariance: meanOverSeeds(router, (one) => one.oscillation.shareVariance),
      peakPower: meanOverSeeds(router, (one) => one.oscillation.peakPower),
      overNoise: meanOverSeeds(router, (one) => one.oscillation.overNoise),
    },
    /** Null without faults that hit endpoints; counts are of all seeds. */
    faults: faultsOf(router),
    unstable: isUnstable(router, result.best),
    hashes: seeds.map((seed) => seed.metrics.hash),
  };
}
