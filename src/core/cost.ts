/**
 * Decides what a choice costs: the expected time to the first token, in ms, as a sum that can be shown.
 *
 *   T = net + wait + load + pre + cold + risk                                   (design.md section 4)
 *
 * Every term is a delay, so a new term needs no weight, and the sum explains itself. Source: facts/routing.md 6.3, with
 * the peers' formulas. Rejected: weighted scores (queue 2, cache 2, prefix 3 …), which mean something only for the fleet
 * on which they were tuned.
 */
import type { EndpointView } from "./endpoint-view.ts";
import { roundTripPriorMs, UNKNOWN_PLACE_RTT_MS } from "./geography.ts";
import { loadMs } from "./load-curve.ts";
import type { Place } from "./pool.ts";

export type CostTerms = {
  /** HTTP round trip from the client's region to the endpoint. */
  readonly net: number;
  /** Time until a slot frees, 0 while one is free. */
  readonly wait: number;
  /** How much later the engine's first token comes at this in-flight. */
  readonly load: number;
  /** Prompt processing. */
  readonly pre: number;
  /** Rest of the cold start. */
  readonly cold: number;
  /** What failures are expected to add. */
  readonly risk: number;
};

export type CostInput = {
  /** Where the client is; null when unknown. */
  readonly client: Place | null;
  /** Key of the client's place in `roundTripMs`. */
  readonly clientKey: string;
  /** Estimated tokens of the prompt, >= 0. */
  readonly inputTokens: number;
};

/** Least rest of a cold start, ms: a warming endpoint is never as good as a warm one before a probe has said so. */
export const WARMING_FLOOR_MS = 50;

export function costTerms(view: EndpointView, input: CostInput): CostTerms {
  const net = netMs(view, input);
  return {
    net,
    wait: waitMs(view),
    load: loadMs(view.loadCurveMs, view.inFlight),
    pre: input.inputTokens / view.prefillTokensPerMs,
    cold: coldMs(view),
    risk: riskMs(view, net),
  };
}

export function totalMs(terms: CostTerms): number {
  return terms.net + terms.wait + terms.load + terms.pre + terms.cold + terms.risk;
}

function netMs(view: EndpointView, { client, clientKey }: CostInput): number {
  const measured = view.roundTripMs[clientKey];
  if (measured !== undefined) return measured;
  return client === null ? UNKNOWN_PLACE_RTT_MS : roundTripPriorMs(client, view.place);
}

/** (rif − K + 1) · S / K once all K slots are taken: each of the K frees every S ms on average. */
function waitMs({ inFlight, capacity, occupancyMs }: EndpointView): number {
  return inFlight < capacity ? 0 : ((inFlight - capacity + 1) * occupancyMs) / capacity;
}

function coldMs({ warmth, coldMs: leftMs }: EndpointView): number {
  if (warmth === "warm") return 0;
  return warmth === "warming" ? Math.max(WARMING_FLOOR_MS, leftMs) : leftMs;
}

/** p/(1−p) failures are expected before the first success; each costs the trip and the time to notice. */
function riskMs({ failureProbability, failureCostMs }: EndpointView, net: number): number {
  return (failureProbability / (1 - failureProbability)) * (net + failureCostMs);
}
