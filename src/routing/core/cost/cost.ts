/**
 * Decides what a choice costs: the expected time to the first token, in ms, as a sum that can be shown.
 *
 *   T = net + wait + load + pre + cold + risk                                   (docs/explanation/routing.md)
 *
 * Every term is a delay, so none needs a weight, and the sum explains itself. Each term is a module in `terms/`, with
 * its formula, its source and how it is learned.
 * Source: docs/reference/sources.md, Cost model, with the peers' formulas.
 * Rejected: weighted scores (queue 2, cache 2, prefix 3 …). They hold for the fleet on which they were tuned.
 */
import type { EndpointView } from "../endpoint/endpoint-view.ts";
import { adapterMs } from "./terms/adapter.ts";
import type { AdapterInput } from "./terms/adapter.ts";
import { coldMs } from "./terms/cold.ts";
import { kvWaitMs, lineMs } from "./terms/line.ts";
import { loadMs } from "./terms/load.ts";
import { netMs } from "./terms/net.ts";
import type { NetInput } from "./terms/net.ts";
import { prefillMs } from "./terms/prefill.ts";
import type { PrefillInput } from "./terms/prefill.ts";
import { riskMs } from "./terms/risk.ts";
import { waitMs } from "./terms/wait.ts";

export type CostTerms = {
  /** HTTP round trip from the client's region to the endpoint. */
  readonly net: number;
  /** Time until a slot frees, there is KV memory and the prompts in line are read, whichever is last. */
  readonly wait: number;
  /** How much later the engine's first token comes at this in-flight. */
  readonly load: number;
  /** Prompt processing, less what is expected to be cached. */
  readonly pre: number;
  /** Rest of the cold start, or loading the adapter that is asked for. */
  readonly cold: number;
  /** What failures are expected to add: how often it fails, times what a failure costs. */
  readonly risk: number;
};

export type CostInput = NetInput & PrefillInput & AdapterInput;

export const costTerms = (view: EndpointView, input: CostInput): CostTerms => writeTerms(noTerms(), view, input);

/** Terms that are written in place: who weighs many endpoints needs the sums alone. */
export type WrittenTerms = { -readonly [Term in keyof CostTerms]: CostTerms[Term] };

export const noTerms = (): WrittenTerms => ({ net: NaN, wait: NaN, load: NaN, pre: NaN, cold: NaN, risk: NaN });

export function writeTerms(terms: WrittenTerms, view: EndpointView, input: CostInput): CostTerms {
  const net = netMs(view, input);
  terms.net = net;
  terms.wait = Math.max(waitMs(view, unseenMs(view, net)), kvWaitMs(view, input.inputTokens), lineMs(view, net));
  terms.load = loadMs(view.loadCurveMs, Math.max(0, Math.min(view.inFlight, view.capacity - 1)));
  terms.pre = prefillMs(view, input);
  terms.cold = coldMs(view) + adapterMs(view, input);
  terms.risk = riskMs(view, net);
  return terms;
}

/**
 * For how long the endpoint will have gone on unseen when the request arrives, ms: the age of the news, and the trip.
 */
const unseenMs = ({ ageMs }: EndpointView, tripMs: number): number => (ageMs === undefined ? 0 : ageMs + tripMs);

export function totalMs(terms: CostTerms): number {
  return terms.net + terms.wait + terms.load + terms.pre + terms.cold + terms.risk;
}
