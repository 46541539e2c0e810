/**
 * Decides when a shard looks at its region's demand and warmth, and turns the scaler's plan into effects: each endpoint's
 * owner is the only one who wakes it, once a need.
 */
import { concurrencyOf, claimWake, endpointView, warmthNow } from "../endpoint/endpoint.ts";
import type { EndpointState } from "../endpoint/endpoint-state.ts";
import { countAt, countMore } from "../../../lib/fading-count.ts";
import { inFlight } from "./leases.ts";
import { planScale } from "./scaler.ts";
import type { ScalerEndpoint } from "./scaler.ts";
import type { ShardState } from "./shard-state.ts";
import type { Effect } from "./shard.ts";

/** Time constant of the arrival rate, ms: shorter and a burst of one second looks like a trend. */
const DEMAND_TAU_MS = 5_000;

/** Demand is looked at no more often than this, ms: it moves slower, and this runs beside requests. */
export const SCALE_EVERY_MS = 250;

/** Requests that came for this shard's region; negative for those that needed no GPU after all. */
export function countDemand(state: ShardState, requests: number, now: number): void {
  if (requests !== 0) state.demand = countMore(state.demand, requests, DEMAND_TAU_MS, now);
}

/** Wakes what the demand calls for; at most every SCALE_EVERY_MS. */
export function scale(state: ShardState, now: number): Effect[] {
  if (now - state.scaledAtMs < SCALE_EVERY_MS) return [];
  state.scaledAtMs = now;
  if (!canScale(state)) return [];
  const endpoints = [...state.endpoints.values()];
  const occupancyMs = endpoints.reduce((sum, one) => sum + one.occupancyMs.value, 0) / endpoints.length;
  const arrivalsPerSecond = (countAt(state.demand, DEMAND_TAU_MS, now) * 1_000) / DEMAND_TAU_MS;
  const { wake, keepWarm } = planScale(
    endpoints.map((endpoint) => asScaled(state, endpoint, now)),
    { queued: state.queue.size, arrivalsPerSecond, occupancyMs },
  );
  const effects: Effect[] = [];
  for (const endpointId of wake) {
    const endpoint = state.endpoints.get(endpointId);
    if (endpoint === undefined || !claimWake(endpoint, inFlight(state.leases, endpointId), now)) continue;
    effects.push({ kind: "wake", endpointId });
  }
  for (const endpointId of keepWarm) {
    const endpoint = state.endpoints.get(endpointId);
    // The wake-up is a request, from which its idle time begins again.
    if (endpoint !== undefined) endpoint.lastUsedMs = now;
    effects.push({ kind: "wake", endpointId });
  }
  return effects;
}

/** A region whose endpoints all keep a GPU worker has nothing to wake. */
function canScale({ endpoints }: ShardState): boolean {
  for (const { spec, warmth } of endpoints.values()) if (spec.workersMin === 0 || warmth !== "warm") return true;
  return false;
}

function asScaled(state: ShardState, endpoint: EndpointState, now: number): ScalerEndpoint {
  const { spec } = endpoint;
  const live = inFlight(state.leases, spec.id);
  const warmth = warmthNow(endpoint, live, now);
  const view = endpointView(endpoint, live, now, { client: { key: "", regionMs: null } });
  return {
    id: spec.id,
    warmth,
    // One that is warm and refuses everything helps nobody; one that is cold and refuses is what is to be woken.
    admits: view.standing === "admitting" && (warmth !== "warm" || view.capacity > 0),
    inFlight: view.inFlight,
    workers: warmth === "warm" ? endpoint.warmWorkers : spec.workersMin,
    workersMin: spec.workersMin,
    workersMax: spec.workersMax,
    concurrency: concurrencyOf(endpoint),
    scalerValue: spec.scalerValue,
    coldStartMs: endpoint.coldStartMs.value,
    idleMs: live > 0 ? 0 : now - Math.max(endpoint.lastUsedMs, endpoint.warmthSinceMs),
    idleTimeoutMs: spec.idleTimeoutMs,
  };
}
