/**
 * The balancers that know of prompt prefixes: SGLang's cache-aware, llm-d's weights, LMetric and GORGO. All of them are
 * given the endpoints' true caches ("oracle index"), which favours them.
 *
 * Sources (docs/reference/sources.md, Routers for inference, Conclusions):
 * SGLang model gateway, `cache_aware`: imbalanced when max − min > 64 and max > 1.5 · min, then least load; else the
 * best match if it covers more than 0.3 of the prompt, else the least loaded (the shipped settings 0.3 / 64 / 1.5).
 * llm-d: scores queue 2 (min–max), KV 2, prefix 3, highest wins. LMetric: least new prefill x (load + 1). GORGO:
 * running + queued + own − matched tokens at 0.094 ms each, plus network latency.
 */
import { lowest, type Ask, type PolicyFactory } from "../policy.ts";

const SGLANG = { cacheThreshold: 0.3, balanceAbs: 64, balanceRel: 1.5 } as const;

export const sglang: PolicyFactory = ({ rng }) => ({
  pick: (ask) => {
    const { candidates, fleet, promptTokens } = ask;
    const loads = candidates.map((endpoint) => fleet.inFlight[endpoint] ?? 0);
    const [least, most] = [Math.min(...loads), Math.max(...loads)];
    const byLoad = (): number => lowest(candidates, (endpoint) => fleet.inFlight[endpoint] ?? 0, rng);
    if (most - least > SGLANG.balanceAbs && most > SGLANG.balanceRel * least) return byLoad();
    const best = lowest(candidates, (endpoint) => -ask.matchedTokens(endpoint), rng);
    return ask.matchedTokens(best) > SGLANG.cacheThreshold * promptTokens ? best : byLoad();
  },
});

const LLM_D = { queue: 2, kv: 2, prefix: 3 } as const;

export const llmD: PolicyFactory = ({ rng, capacities }) => ({
  pick: (ask) => {
    const { candidates, fleet, promptTokens } = ask;
    const queues = candidates.map((endpoint) => fleet.waiting[endpoint] ?? 0);
    const [least, most] = [Math.min(...queues), Math.max(...queues)];
    const score = (endpoint: number): number => {
      const queue = most === least ? 1 : (most - (fleet.waiting[endpoint] ?? 0)) / (most - least);
      const free = Math.max(0, 1 - (fleet.running[endpoint] ?? 0) / (capacities[endpoint]?.slots ?? 1));
      const prefix = ask.matchedTokens(endpoint) / Math.max(1, promptTokens);
      return LLM_D.queue * queue + LLM_D.kv * free + LLM_D.prefix * prefix;
    };
    return lowest(candidates, (endpoint) => -score(endpoint), rng);
  },
});

export const lmetric: PolicyFactory = ({ rng }) => ({
  pick: (ask) =>
    lowest(ask.candidates, (endpoint) => newTokens(ask, endpoint) * ((ask.fleet.inFlight[endpoint] ?? 0) + 1), rng),
});

/** Published regression: ms per token on their engine. */
const GORGO_MS_PER_TOKEN = 0.094;

export const gorgo: PolicyFactory = ({ rng, tripMs }) => ({
  pick: (ask) => {
    const { candidates, fleet, region } = ask;
    const tokens = (endpoint: number): number =>
      (fleet.runningTokens[endpoint] ?? 0) + (fleet.queuedTokens[endpoint] ?? 0) + newTokens(ask, endpoint);
    return lowest(candidates, (endpoint) => tokens(endpoint) * GORGO_MS_PER_TOKEN + tripMs(region, endpoint), rng);
  },
});

function newTokens(ask: Ask, endpoint: number): number {
  return Math.max(0, ask.promptTokens - ask.matchedTokens(endpoint));
}
