/**
 * Decides which cold endpoints of a region are woken before anybody waits for them, and which are kept warm.
 *
 * Model. A region's load is the larger of what is there (queued + in flight) and what keeps coming (arrival rate × slot
 * occupancy, Little's law: it rises before the slots are full). While the load is above 0.8 of the slots that the
 * region's warm endpoints have, are warming up to, or will get from their platform's own scaler, the next cold endpoint
 * is woken, the one with the shortest cold start first. The platform's scaler is known by its formula,
 *
 *   GPU workers = ceil((queued + in flight) / scalerValue)                       (at most workersMax)
 *
 * so what it starts by itself is not started twice. Requests go on being served by what is warm, here or elsewhere; a
 * region whose load is below one request at a time is left to the others, because the round trip costs less than a GPU
 * that idles. An endpoint without which the rest would be short is kept warm shortly before its idle time-out.
 * Source: docs/reference/sources.md, Runpod load balancing (scaler); Cost model (0.8). Rejected: waking by the clock (diurnal
 * schedules), which wakes what idles; waking on the first request, which pays a GPU for a stray one.
 */
import type { Warmth } from "../endpoint/endpoint-view.ts";

/** Share of the slots above which the next endpoint is woken: it takes a cold start until it helps. */
export const PREWARM_FILL = 0.8;

/** Requests at a time below which a region is served from elsewhere. */
export const PREWARM_LOAD_MIN = 1;

/** An endpoint that is needed is kept warm from this share of its idle time-out on. */
export const KEEP_WARM_SHARE = 0.8;

export type ScalerEndpoint = {
  readonly id: string;
  readonly warmth: Warmth;
  /** May it take traffic; what is ejected, draining, down or without a slot neither counts nor is woken. */
  readonly admits: boolean;
  readonly inFlight: number;
  /** Warm GPU workers; of one that is cold or warming, what is kept at all times. */
  readonly workers: number;
  readonly workersMin: number;
  readonly workersMax: number;
  /** Requests one GPU worker serves at once. */
  readonly concurrency: number;
  readonly scalerValue: number;
  /** Expected length of a whole cold start, ms. */
  readonly coldStartMs: number;
  /** Since the last attempt, ms; 0 while one runs. */
  readonly idleMs: number;
  readonly idleTimeoutMs: number;
};

export type Demand = {
  readonly queued: number;
  readonly arrivalsPerSecond: number;
  /** Mean slot occupancy of the region, ms. */
  readonly occupancyMs: number;
};

/** GPU workers that a platform's scaler keeps for so many requests, >= 0. */
export function workersNeeded({
  queued,
  inFlight,
  scalerValue,
}: {
  readonly queued: number;
  readonly inFlight: number;
  readonly scalerValue: number;
}): number {
  return Math.ceil((queued + inFlight) / scalerValue);
}

/** Requests that the region has, or will have at a time if they keep coming, >= 0. */
function regionLoad(endpoints: readonly ScalerEndpoint[], demand: Demand): number {
  const inFlight = endpoints.reduce((sum, endpoint) => sum + endpoint.inFlight, 0);
  return Math.max(demand.queued + inFlight, (demand.arrivalsPerSecond * demand.occupancyMs) / 1_000);
}

/** Ids of the endpoints to wake, and of the warm ones to keep so. */
export type ScalePlan = { readonly wake: readonly string[]; readonly keepWarm: readonly string[] };

export function planScale(endpoints: readonly ScalerEndpoint[], demand: Demand): ScalePlan {
  const load = regionLoad(endpoints, demand);
  if (load < PREWARM_LOAD_MIN) return { wake: [], keepWarm: [] };
  const admitting = endpoints.filter(({ admits }) => admits);
  const started = admitting.filter(({ warmth }) => warmth !== "cold");
  let slots = started.reduce((sum, endpoint) => sum + plannedSlots(endpoint), 0);
  const keepWarm = started
    .filter((endpoint) => isClosing(endpoint) && load > PREWARM_FILL * (slots - plannedSlots(endpoint)))
    .map(({ id }) => id);
  const wake: string[] = [];
  const cold = admitting.filter(({ warmth }) => warmth === "cold");
  for (const endpoint of cold.toSorted((one, other) => one.coldStartMs - other.coldStartMs)) {
    if (load <= PREWARM_FILL * slots) break;
    wake.push(endpoint.id);
    slots += plannedSlots({ ...endpoint, inFlight: Math.max(0, load - PREWARM_FILL * slots) });
  }
  return { wake, keepWarm };
}

/**
 * Slots of an endpoint once its platform has done for its in-flight what it does by itself; at least one GPU worker's.
 */
function plannedSlots({ workers, workersMax, inFlight, scalerValue, concurrency }: ScalerEndpoint): number {
  const scaled = Math.min(workersMax, workersNeeded({ queued: 0, inFlight, scalerValue }));
  return Math.max(1, workers, scaled) * concurrency;
}

function isClosing({ warmth, workersMin, inFlight, idleMs, idleTimeoutMs }: ScalerEndpoint): boolean {
  return warmth === "warm" && workersMin === 0 && inFlight === 0 && idleMs >= KEEP_WARM_SHARE * idleTimeoutMs;
}
