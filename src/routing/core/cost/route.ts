/**
 * Decides which endpoint gets an attempt. A pure function of the endpoints' views, the request and the random draw; the
 * shard, the edge's fallback and the simulator all call this one.
 *
 * Model. Among warm endpoints with a free slot the lowest expected time to first token wins (`cost.ts`); within
 * max(5 ms, 5 %) of the best the emptiest wins when the state is exact, and the emptier of two random ones when it is
 * stale, so that deciders who share a stale picture do not herd. An idle one beside the best needs to be less near: its
 * reading speed was measured in another time, nobody measures it again while it gets nothing, and it delays nobody's
 * tokens (IDLE_SHARE); not where it would have to read more of the prompt. A cold endpoint is chosen only when nothing warm,
 * waiting included, would be faster. Ejected and down endpoints are a last resort, and only in panic: an ejected one where
 * it is thought to answer sooner than a slot of those who admit comes free, one that is down where nobody admits; in the
 * region to avoid they come after a wait elsewhere.
 * Source: docs/reference/sources.md, Cost model; the panic share is Envoy's. Rejected: plain least-in-flight (ignores distance) and plain
 * nearest (unstable under skewed demand).
 */
import { assertNever } from "../../../lib/invariant.ts";
import { costTerms, noTerms, totalMs, writeTerms } from "./cost.ts";
import type { CostInput, CostTerms, WrittenTerms } from "./cost.ts";
import type { EndpointView } from "../endpoint/endpoint-view.ts";
import type { Rng } from "../../../lib/rng.ts";
import { kvWaitMs, lineMs } from "./terms/line.ts";
import { exploring } from "./terms/net.ts";
import { workAt } from "./terms/prefill.ts";

/** Endpoints within this of the best count as equally good, ms. */
export const NEAR_MS = 5;
/** … or within this share of the best. */
export const NEAR_SHARE = 0.05;
/**
 * An idle one as near as the best counts as equally good if it would be with this share less of its reading. A quarter leaves
 * one of three equal engines idle for 2 % of the time where speeds vary, a half costs a chat's p99 a seventh at low load.
 */
const IDLE_SHARE = 1 / 3;
/** Below this share of admitting endpoints, ejection is ignored. */
const PANIC_SHARE = 0.5;

export type RouteRequest = CostInput & {
  /** Endpoints already tried by this request. */
  readonly excluded: readonly string[];
  /** A region whose endpoint could not be reached at all: its others come last. Null or absent: none. */
  readonly avoidRegion?: string | null;
  /** Are in-flight counts exact (asked of their owner) or a stale copy. */
  readonly exact: boolean;
};

/** Why the chosen endpoint won. */
export type RouteReason =
  /** No warm endpoint is nearer. */
  | "nearest_warm"
  /** A nearer warm endpoint is full. */
  | "spill"
  /** A nearer warm endpoint has a slot but would answer later. */
  | "cheaper"
  /** Nothing warm could answer sooner than this cold start. */
  | "cold_start"
  /** Fewer than half admit traffic: ejection was ignored. */
  | "panic";

/** Why a candidate was not eligible. */
type Excluded = "tried" | "ejected" | "draining" | "down";

export type Candidate = Pick<Weighed, "totalMs" | "inFlight" | "capacity" | "warmth" | "excluded"> & {
  readonly endpointId: string;
  readonly region: string;
  readonly terms: CostTerms;
  /** What its prompts have to do with it; absent from shards of an older version. */
  readonly reading?: ReadingFigures;
};

/** What stands before a prompt at an endpoint, and what it asks for there. */
export type ReadingFigures = {
  /** Until the prompts in line are read, ms. */
  readonly lineMs: number;
  /** Until there is KV memory for it, ms. */
  readonly kvMs: number;
  /** Tokens that it would have to read. */
  readonly work: number;
  /** How fast it reads, tokens per ms. */
  readonly tokensPerMs: number;
  /** Tokens of KV memory that are taken, and all of them; null: the engine does not tell. */
  readonly kvUsed: number;
  readonly kvMax: number | null;
};

/** What a chosen endpoint expects of the request's prompt. */
export type PromptAt = {
  /** Tokens that are expected to be read. */
  readonly work: number;
  readonly netMs: number;
  /** Ahead of it, ms. */
  readonly aheadMs: number;
  /** … because of KV memory. */
  readonly isBlocked: boolean;
};

export type RouteOutcome =
  | {
      readonly kind: "chosen";
      readonly endpointId: string;
      readonly region: string;
      readonly reason: RouteReason;
      readonly costMs: number;
      readonly prompt: PromptAt;
    }
  /** Every warm endpoint is full; `endpointId` is where the wait is expected to be shortest. */
  | { readonly kind: "full"; readonly endpointId: string; readonly region: string; readonly waitMs: number }
  /** Nothing may take it. */
  | { readonly kind: "none" };

/** An endpoint as a decision weighs it: of the terms only those that are asked for once it is made. */
export type Weighed = {
  readonly view: EndpointView;
  readonly totalMs: number;
  readonly netMs: number;
  readonly loadMs: number;
  readonly preMs: number;
  readonly inFlight: number;
  readonly capacity: number;
  readonly warmth: EndpointView["warmth"];
  readonly excluded: Excluded | null;
};

/** `weighed` in the order of the views. */
export type Choice = {
  readonly outcome: RouteOutcome;
  readonly panic: boolean;
  readonly weighed: readonly Weighed[];
};

export type Decision = Pick<Choice, "outcome" | "panic"> & { readonly candidates: readonly Candidate[] };

/** The choice, and every candidate with its terms, for whoever is to understand it. */
export function route(views: readonly EndpointView[], request: RouteRequest, rng: Rng): Decision {
  const { outcome, panic, weighed } = pick(views, request, rng);
  return { outcome, panic, candidates: candidatesOf(weighed, request) };
}

export function pick(views: readonly EndpointView[], request: RouteRequest, rng: Rng): Choice {
  const terms = noTerms();
  const weighed = exploring(views, request).map((view) => weigh(terms, view, request));
  const admitting = weighed.filter(({ excluded }) => excluded === null);
  const { avoidRegion = null } = request;
  const isElsewhere = ({ view }: Weighed): boolean => view.region !== avoidRegion;
  const elsewhere = avoidRegion === null ? admitting : admitting.filter(isElsewhere);
  const chosen = choose(elsewhere, request, rng) ?? (elsewhere === admitting ? null : choose(admitting, request, rng));
  if (chosen !== null) return { outcome: chosen, panic: false, weighed };

  const eligible = weighed.filter(({ excluded }) => excluded !== "tried" && excluded !== "draining");
  const panic = eligible.length > 0 && admitting.length < PANIC_SHARE * eligible.length;
  const best = cheapest(elsewhere) ?? cheapest(admitting);
  if (panic) {
    // What answers no probe is tried where nobody admits: else a slot of who does is worth a wait.
    const free = eligible.filter((one) => isFree(one) && (best === null || one.excluded !== "down"));
    // What does not admit in the region to avoid is tried only where nobody else is worth a wait.
    const resort = cheapest(free.filter(isElsewhere)) ?? (elsewhere.some(isWarm) ? null : cheapest(free));
    if (resort !== null && (best === null || resort.totalMs < best.totalMs))
      return { outcome: { ...asChosen(resort, request), reason: "panic" }, panic, weighed };
  }
  if (best === null) return { outcome: { kind: "none" }, panic, weighed };
  const { id: endpointId, region } = best.view;
  const waitMs = costTerms(best.view, request).wait;
  return { outcome: { kind: "full", endpointId, region, waitMs }, panic, weighed };
}

/** The chosen endpoint, or null when every admitting one is full. */
function choose(admitting: readonly Weighed[], request: RouteRequest, rng: Rng): RouteOutcome | null {
  const free = admitting.filter(isFree);
  const best = cheapest(free);
  if (best !== null) {
    const limitMs = best.totalMs + Math.max(NEAR_MS, NEAR_SHARE * best.totalMs);
    const near = free.filter((one) => one.totalMs <= limitMs || isIdleBeside(one, best, request));
    const winner = (request.exact ? emptiest(near, rng) : emptierOfTwo(near, rng)) ?? best;
    return { ...asChosen(winner, request), reason: reasonFor(winner, admitting) };
  }
  const any = cheapest(admitting);
  if (any === null || any.warmth === "warm" || !hasSlot(any)) return null;
  return { ...asChosen(any, request), reason: "cold_start" };
}

/** It is idle, no farther than the best, and as good if it reads faster than it is thought to. */
const isIdleBeside = (one: Weighed, best: Weighed, request: RouteRequest): boolean =>
  one.inFlight === 0 &&
  one.netMs <= best.netMs + NEAR_MS &&
  one.totalMs - IDLE_SHARE * one.preMs <= best.totalMs &&
  workAt(one.view, request) <= workAt(best.view, request);

function weigh(terms: WrittenTerms, view: EndpointView, request: RouteRequest): Weighed {
  const { net, load, pre } = writeTerms(terms, view, request);
  const { inFlight, capacity, warmth } = view;
  const { excluded: tried } = request;
  const excluded = tried.length > 0 && tried.includes(view.id) ? "tried" : standingExcludes(view);
  return { view, totalMs: totalMs(terms), netMs: net, loadMs: load, preMs: pre, inFlight, capacity, warmth, excluded };
}

/** What was weighed, with all terms. */
export function candidatesOf(weighed: readonly Weighed[], request: RouteRequest): Candidate[] {
  return weighed.map(({ view, totalMs: costMs, inFlight, capacity, warmth, excluded }) => ({
    endpointId: view.id,
    region: view.region,
    terms: costTerms(view, request),
    totalMs: costMs,
    inFlight,
    capacity,
    warmth,
    excluded,
  }));
}

/** The candidates with what stands before a prompt at each, for whoever is to understand them; no decision needs it. */
export function withReading(
  candidates: readonly Candidate[],
  views: readonly EndpointView[],
  request: CostInput,
): Candidate[] {
  return candidates.map((one, index) => {
    const view = views[index];
    return view === undefined ? one : { ...one, reading: readingFigures(view, request, one.terms.net) };
  });
}

export function readingFigures(view: EndpointView, request: CostInput, netMs: number): ReadingFigures {
  return {
    lineMs: lineMs(view, netMs),
    kvMs: kvWaitMs(view, request.inputTokens),
    work: workAt(view, request),
    tokensPerMs: view.prefillTokensPerMs,
    kvUsed: view.kvUsed ?? 0,
    kvMax: view.kvMax ?? null,
  };
}

export function promptAt({ lineMs: aheadMs, kvMs, work }: ReadingFigures, netMs: number): PromptAt {
  return { work, netMs, aheadMs: Math.max(aheadMs, kvMs), isBlocked: kvMs > 0 };
}

function standingExcludes({ standing }: EndpointView): Excluded | null {
  switch (standing) {
    case "admitting":
      return null;
    case "ejected":
    case "draining":
    case "down":
      return standing;
    default:
      return assertNever(standing);
  }
}

function reasonFor(winner: Weighed, admitting: readonly Weighed[]): RouteReason {
  let reason: RouteReason = "nearest_warm";
  for (const one of admitting) {
    if (one.warmth !== "warm" || !(one.netMs < winner.netMs - NEAR_MS)) continue;
    if (hasSlot(one)) return "cheaper";
    reason = "spill";
  }
  return reason;
}

function asChosen({ view, totalMs: costMs, netMs }: Weighed, request: CostInput) {
  const prompt = promptAt(readingFigures(view, request, netMs), netMs);
  return { kind: "chosen", endpointId: view.id, region: view.region, costMs, prompt } as const;
}

const hasSlot = (one: Weighed): boolean => one.inFlight < one.capacity;

const isWarm = (one: Weighed): boolean => one.warmth === "warm";

const isFree = (one: Weighed): boolean => isWarm(one) && hasSlot(one);

const fill = (one: Weighed): number => one.inFlight / one.capacity;

/** Of two that cost the same, one with a slot: the order of the views decides nothing. */
function cheapest(candidates: readonly Weighed[]): Weighed | null {
  let best: Weighed | null = null;
  for (const one of candidates) {
    const isBetter =
      best === null || one.totalMs < best.totalMs || (one.totalMs === best.totalMs && hasSlot(one) && !hasSlot(best));
    if (isBetter) best = one;
  }
  return best;
}

/** Lowest in-flight share; ties are drawn. */
function emptiest(candidates: readonly Weighed[], rng: Rng): Weighed | undefined {
  let least = Number.POSITIVE_INFINITY;
  for (const one of candidates) least = Math.min(least, fill(one));
  return drawn(
    candidates.filter((one) => fill(one) === least),
    rng,
  );
}

/** The emptier of two distinct random candidates. */
function emptierOfTwo(candidates: readonly Weighed[], rng: Rng): Weighed | undefined {
  const first = drawn(candidates, rng);
  const second = drawn(
    candidates.filter((one) => one !== first),
    rng,
  );
  if (first === undefined || second === undefined) return first;
  return fill(second) < fill(first) ? second : first;
}

function drawn(candidates: readonly Weighed[], rng: Rng): Weighed | undefined {
  return candidates[Math.floor(rng() * candidates.length)];
}
