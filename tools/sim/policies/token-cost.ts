/**
 * A candidate for the production policy on engines with continuous batching: network + the prompts ahead + the
 * own prompt, in ms of prefill.
 *
 * Model. Such an engine reads prompts one after another and admits far more sequences than it reads at once, so what a
 * request waits for is rarely a slot and mostly the prompt tokens in front of it. In flight without a first token is
 * what a router can count of them. GORGO adds the running requests' tokens too, which wait for nothing. Measured on the
 * traces: docs/explanation/simulator.md. Not for the slots model, where a wait is a slot's.
 */
import { lowest, type PolicyFactory } from "../policy.ts";

export const tokenCost: PolicyFactory = ({ rng, capacities, tripMs }) => ({
  pick: (ask) => {
    const { candidates, fleet, region, promptTokens } = ask;
    return lowest(
      candidates,
      (endpoint) => {
        const ahead = fleet.queuedTokens[endpoint] ?? 0;
        const own = promptTokens - ask.matchedTokens(endpoint);
        return tripMs(region, endpoint) + (ahead + own) / (capacities[endpoint]?.prefillTokensPerMs ?? 1);
      },
      rng,
    );
  },
});
