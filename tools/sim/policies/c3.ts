/**
 * C3: rank replicas by response time without service, plus the cube of the expected queue times the service time.
 *
 * Source: Suresh et al., NSDI 2015, as in its simulator (lalithsuresh/absim, `client.py`;
 * docs/reference/sources.md, Balancing and overload): score = nw + theta³ · service, theta = 1 + outstanding · clients + queue.
 * Network, queue and service are averages of what answers report (alpha 0.9 of the paper); one client, because the
 * whole fleet shares its counts here. Rate control is left out: no endpoint refuses work for being asked too often.
 */
import { lowest, type PolicyFactory } from "../policy.ts";

/** Weight of the newest answer. */
const ALPHA = 0.9;

export const c3: PolicyFactory = ({ endpoints, capacities, rng, tripMs }) => {
  const networkMs = Float64Array.from({ length: endpoints }, (_, endpoint) => tripMs(0, endpoint));
  const serviceMs = Float64Array.from(capacities, ({ occupancyMs }) => occupancyMs);
  const queue = new Float64Array(endpoints);
  const blend = (values: Float64Array, endpoint: number, sample: number): void => {
    values[endpoint] = (1 - ALPHA) * (values[endpoint] ?? 0) + ALPHA * sample;
  };
  const waiting = new Float64Array(endpoints);
  return {
    pick: ({ candidates, fleet }) => {
      for (const endpoint of candidates) waiting[endpoint] = fleet.waiting[endpoint] ?? 0;
      return lowest(
        candidates,
        (endpoint) => {
          const theta = 1 + (fleet.inFlight[endpoint] ?? 0) + (queue[endpoint] ?? 0);
          return (
            (networkMs[endpoint] ?? 0) + theta ** 3 * ((serviceMs[endpoint] ?? 0) / (capacities[endpoint]?.slots ?? 1))
          );
        },
        rng,
      );
    },
    onFirstToken: ({ endpoint, latencyMs }) => blend(networkMs, endpoint, latencyMs),
    onEnd: (endpoint, totalMs) => {
      blend(queue, endpoint, waiting[endpoint] ?? 0);
      blend(serviceMs, endpoint, totalMs);
    },
  };
};
