/**
 * LiteLLM's `latency-based-routing`: the lowest mean of the kept samples, with its window as it is.
 *
 * Source: litellm `router_strategy/lowest_latency.py` (docs/reference/sources.md, Routers for inference): up to 10 samples, but
 * once full the code keeps the first 9 and replaces only the last, so an estimate can be an hour old; time to first
 * token is divided by the answer's tokens; a failure enters as 1000 s; an endpoint without samples counts as 0 and is
 * tried first; buffer 0. The key's life of an hour starts anew with each write, so under traffic it never ends.
 */
import { lowest, type PolicyFactory } from "../policy.ts";

const WINDOW = 10;

/** "timeout = 1000 s penalty". */
const PENALTY_MS = 1_000_000;

export const litellm: PolicyFactory = ({ endpoints, rng }) => {
  const samples = Array.from({ length: endpoints }, (): number[] => []);
  const means = new Float64Array(endpoints);
  const add = (endpoint: number, sample: number): void => {
    const kept = samples[endpoint] ?? [];
    if (kept.length < WINDOW) kept.push(sample);
    else kept[WINDOW - 1] = sample;
    means[endpoint] = kept.reduce((sum, one) => sum + one, 0) / kept.length;
  };
  return {
    pick: ({ candidates }) => lowest(candidates, (endpoint) => means[endpoint] ?? 0, rng),
    onFirstToken: ({ endpoint, latencyMs, outputTokens }) => add(endpoint, latencyMs / outputTokens),
    onFailure: (endpoint) => add(endpoint, PENALTY_MS),
  };
};
