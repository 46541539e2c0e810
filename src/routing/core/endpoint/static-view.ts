/** The view of an endpoint before anything was seen of it. */
import { LIMIT_START } from "./learned-limit.ts";
import type { EndpointSpec } from "../pool.ts";
import { FAILURE_COST_PRIOR_MS } from "../cost/terms/risk.ts";
import { FAILURE_PRIOR } from "../cost/terms/risk.ts";
import { OCCUPANCY_PRIOR_MS } from "../cost/terms/wait.ts";
import type { EndpointView } from "./endpoint-view.ts";

/**
 * The view of an endpoint of which nothing is known but its configuration. An endpoint that keeps a GPU worker at all
 * times is presumed warm; one that scales to zero is presumed cold.
 */
export function staticView(spec: EndpointSpec): EndpointView {
  const warm = spec.workersMin > 0;
  return {
    id: spec.id,
    region: spec.region,
    place: spec.place,
    warmth: warm ? "warm" : "cold",
    coldMs: warm ? 0 : spec.coldStartMs,
    standing: "admitting",
    inFlight: 0,
    capacity: Math.max(1, spec.workersMin) * (spec.concurrencyPerWorker ?? LIMIT_START),
    queuesExcess: spec.queuesExcess,
    occupancyMs: OCCUPANCY_PRIOR_MS,
    loadCurveMs: [],
    prefillTokensPerMs: spec.prefillTokensPerMs,
    failureProbability: FAILURE_PRIOR,
    failureCostMs: FAILURE_COST_PRIOR_MS,
    roundTripMs: {},
  };
}
