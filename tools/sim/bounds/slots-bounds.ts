/**
 * How good could it be? Three bounds on the slots model, computed from the same requests without a simulation.
 *
 * `noQueue`: every request alone on its best endpoint: nothing real is below it, request by request.
 * `centralQueue`: one first come, first served queue over all slots, whose requests wait where the next slot frees: no
 *   trip is idle. Clairvoyant about when slots free, not about work.
 * `earliest` (ect): each request, in order of arrival, is put where its first token would come back first, all service
 *   times known, and later ones behind it. Booked in order of arrival, not of reaching the endpoint. This is the measure
 *   that every ratio in the tables is of; it is greedy, so a policy may be a little below it.
 * Source: docs/reference/sources.md, Bounds (LB1, LB2, LB3). Faults are not part of a bound: it is of the healthy world.
 */
import type { Scenario } from "../scenario.ts";
import type { Requests } from "../workload.ts";

export type Bound = (scenario: Scenario, requests: Requests) => Float64Array;

/** Two first tokens closer than this are the same, ms: the lower index then wins, whatever the rounding. */
const SAME_MS = 1e-9;

/** Per request: what the network and the first part of the service take on each endpoint. */
function tripMs({ roundTripMs, endpoints }: Scenario, region: number, endpoint: number): number {
  return roundTripMs[region]?.[endpoints[endpoint]?.region ?? 0] ?? 0;
}

function shareOf({ engine }: Scenario): number {
  return engine.kind === "slots" ? engine.firstTokenShare : 1;
}

export const noQueue: Bound = (scenario, requests) => {
  const share = shareOf(scenario);
  return Float64Array.from({ length: requests.count }, (_, request) => {
    let best = Infinity;
    for (const [endpoint, { speed }] of scenario.endpoints.entries()) {
      const own = ((requests.workMs[request] ?? 0) / speed) * share;
      best = Math.min(best, tripMs(scenario, requests.region[request] ?? 0, endpoint) + own);
    }
    return best;
  });
};

export const earliest: Bound = (scenario, requests) => {
  const share = shareOf(scenario);
  const freeMs = scenario.endpoints.map(({ slots }) => new Float64Array(slots));
  return Float64Array.from({ length: requests.count }, (_, request) => {
    const arrivalMs = requests.arrivalMs[request] ?? 0;
    const region = requests.region[request] ?? 0;
    let best = { ttftMs: Infinity, endpoint: 0, slot: 0, endMs: 0 };
    for (const [endpoint, { speed }] of scenario.endpoints.entries()) {
      const slots = freeMs[endpoint] ?? new Float64Array(1);
      const slot = soonest(slots);
      const half = tripMs(scenario, region, endpoint) / 2;
      const startMs = Math.max(arrivalMs + half, slots[slot] ?? 0);
      const serviceMs = (requests.workMs[request] ?? 0) / speed;
      const ttftMs = startMs + share * serviceMs + half - arrivalMs;
      if (ttftMs < best.ttftMs - SAME_MS) best = { ttftMs, endpoint, slot, endMs: startMs + serviceMs };
    }
    const slots = freeMs[best.endpoint];
    if (slots !== undefined) slots[best.slot] = best.endMs;
    return best.ttftMs;
  });
};

export const centralQueue: Bound = (scenario, requests) => {
  const share = shareOf(scenario);
  const freeMs = scenario.endpoints.map(({ slots }) => new Float64Array(slots));
  let headMs = 0;
  return Float64Array.from({ length: requests.count }, (_, request) => {
    const arrivalMs = requests.arrivalMs[request] ?? 0;
    const region = requests.region[request] ?? 0;
    const firstFree = Math.min(...freeMs.map((slots) => slots[soonest(slots)] ?? 0));
    // First come, first served: nobody is taken before the one ahead was.
    headMs = Math.max(headMs, arrivalMs, firstFree);
    let best = { costMs: Infinity, endpoint: 0, slot: 0 };
    for (const [endpoint, { speed }] of scenario.endpoints.entries()) {
      const slots = freeMs[endpoint] ?? new Float64Array(1);
      const slot = soonest(slots);
      if ((slots[slot] ?? 0) > headMs) continue;
      // The mean service would do as well: what counts is that a faster endpoint comes first among equals.
      const costMs = tripMs(scenario, region, endpoint) + 1 / speed;
      if (costMs < best.costMs - SAME_MS) best = { costMs, endpoint, slot };
    }
    const serviceMs = (requests.workMs[request] ?? 0) / (scenario.endpoints[best.endpoint]?.speed ?? 1);
    const half = tripMs(scenario, region, best.endpoint) / 2;
    const startMs = Math.max(headMs, arrivalMs + half);
    const slots = freeMs[best.endpoint];
    if (slots !== undefined) slots[best.slot] = startMs + serviceMs;
    return startMs + share * serviceMs + half - arrivalMs;
  });
};

/** Index of the slot that frees first. */
function soonest(slots: Float64Array): number {
  let best = 0;
  for (let slot = 1; slot < slots.length; slot += 1) {
    if ((slots[slot] ?? 0) < (slots[best] ?? 0)) best = slot;
  }
  return best;
}
