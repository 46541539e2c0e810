/**
 * The balancers that every proxy ships: random, round robin, nearest, least outstanding, two choices.
 *
 * Sources: Envoy's load balancers (round robin, random, least request with choice count 2) and nginx's least_conn;
 * Mitzenmacher 2001 for the power of two choices; "nearest" is a proximity steering without load. The "/ K" variants
 * divide by the endpoint's slots, as SkyServe's instance-aware least load does
 * (docs/reference/sources.md, Balancing and overload, Routers for inference).
 */
import { anyOf, lowest, twoOf, type PolicyFactory, type PolicySetup } from "../policy.ts";

export const random: PolicyFactory = ({ rng }) => ({ pick: ({ candidates }) => anyOf(candidates, rng) });

export const roundRobin: PolicyFactory = () => {
  let next = 0;
  return {
    pick: ({ candidates }) => candidates[next++ % candidates.length] ?? 0,
  };
};

/** Shortest round trip; equals at random. */
export const nearest: PolicyFactory = ({ rng, tripMs }) => ({
  pick: ({ candidates, region }) => lowest(candidates, (endpoint) => tripMs(region, endpoint), rng),
});

export const leastOutstanding: PolicyFactory = ({ rng }) => ({
  pick: ({ candidates, fleet }) => lowest(candidates, (endpoint) => fleet.inFlight[endpoint] ?? 0, rng),
});

export const leastOutstandingPerSlot: PolicyFactory = ({ rng, capacities }) => {
  const share = perSlot(capacities);
  return { pick: ({ candidates, fleet }) => lowest(candidates, (endpoint) => share(fleet.inFlight, endpoint), rng) };
};

export const twoChoices: PolicyFactory = ({ rng }) => ({
  pick: ({ candidates, fleet }) => {
    const [one, other] = twoOf(candidates, rng);
    return (fleet.inFlight[one] ?? 0) <= (fleet.inFlight[other] ?? 0) ? one : other;
  },
});

export const twoChoicesPerSlot: PolicyFactory = ({ rng, capacities }) => {
  const share = perSlot(capacities);
  return {
    pick: ({ candidates, fleet }) => {
      const [one, other] = twoOf(candidates, rng);
      return share(fleet.inFlight, one) <= share(fleet.inFlight, other) ? one : other;
    },
  };
};

function perSlot(capacities: PolicySetup["capacities"]): (inFlight: Float64Array, endpoint: number) => number {
  return (inFlight, endpoint) => (inFlight[endpoint] ?? 0) / (capacities[endpoint]?.slots ?? 1);
}
