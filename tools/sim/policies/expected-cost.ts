/**
 * The expected time to first token with the mean service known: network + wait + prefill, the lowest wins.
 *
 * Source: docs/explanation/routing.md and the "expected cost" column of the reference table. wait = 0 while in flight < K, else
 * (in flight − K + 1) · S / K with S the mean occupancy; prefill is the mean, less what a cached prefix saves. In
 * flight counts trips both ways. This is the column that the production policy must beat.
 */
import { lowest, type PolicyFactory } from "../policy.ts";

export const expectedCost: PolicyFactory = ({ rng, capacities, tripMs }) => ({
  pick: (ask) => {
    const { candidates, fleet, region, promptTokens } = ask;
    return lowest(
      candidates,
      (endpoint) => {
        const capacity = capacities[endpoint];
        if (capacity === undefined) return Infinity;
        const { slots, occupancyMs, prefillTokensPerMs } = capacity;
        const over = (fleet.inFlight[endpoint] ?? 0) - slots + 1;
        const prefillMs = (promptTokens - ask.matchedTokens(endpoint)) / prefillTokensPerMs;
        return tripMs(region, endpoint) + Math.max(0, over) * (occupancyMs / slots) + prefillMs;
      },
      rng,
    );
  },
});
