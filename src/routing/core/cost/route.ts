/**
 * Decides which endpoint gets an attempt. A pure function of the endpoints' views, the request and the random draw; the
 * shard, the edge's fallback and the simulator all call this one.
 *
 * Model. Among warm endpoints with a free slot the lowest expected time to first token wins (`cost.ts`); within
 * max(5 ms, 5 %) of the best the emptiest wins when the state is exact, and the emptier of two random ones when it is
 * stale, so that deciders who share a stale picture do not herd. A cold endpoint is chosen only when nothing warm,
 * waiting included, would be faster. Ejected and down endpoints are a last resort, and only in panic.
 * Source: docs/sources.md, Cost model; the panic share is Envoy's. Rejected: plain least-in-flight (ignores distance) and plain
 * nearest (unstable under skewed demand).
 */
import { assertNever, invariant } from "../../../lib/invariant.ts";
import { costTerms, totalMs } from "./cost.ts";
import type { CostInput, CostTerms } from "./cost.ts";
import type { EndpointView } from "../endpoint/endpoint-view.ts";
import type { Rng } from "../../../lib/rng.ts";
import { kvWaitMs, lineMs } from "./terms/line.ts";
import { exploring } from "./terms/net.ts";
import { workAt } from "./terms/prefill.ts";

/** Endpoints within this of the best count as equally good, ms. */
export const NEAR_MS = 5;
/** … or within this share of the best. */
export const NEAR_SHARE = 0.05;
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

export type Candidate = {
  readonly endpointId: string;
  readonly region: string;
  readonly terms: CostTerms;
  readonly totalMs: number;
  readonly inFlight: number;
  readonly capacity: number;
  readonly warmth: EndpointView["warmth"];
  readonly excluded: Excluded | null;
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

export type Decision = {
  readonly outcome: RouteOutcome;
  readonly panic: boolean;
  readonly candidates: readonly Candidate[];
};

export function route(views: readonly EndpointView[], request: RouteRequest, rng: Rng): Decision {
  const candidates = exploring(views, request).map((view) => candidate(view, request));
  const picked = (one: Candidate) => asChosen(one, views[candidates.indexOf(one)], request);
  const admitting = candidates.filter(({ excluded }) => excluded === null);
  const reachable = admitting.filter(({ region }) => region !== request.avoidRegion);
  const chosen = choose(reachable, request.exact, rng, picked) ?? choose(admitting, request.exact, rng, picked);
  if (chosen !== null) return { outcome: chosen, panic: false, candidates };

  const eligible = candidates.filter(({ excluded }) => excluded !== "tried" && excluded !== "draining");
  const panic = eligible.length > 0 && admitting.length < PANIC_SHARE * eligible.length;
  if (panic) {
    const resort = cheapest(eligible.filter((one) => one.warmth === "warm" && hasSlot(one)));
    if (resort !== null) return { outcome: { ...picked(resort), reason: "panic" }, panic, candidates };
  }
  const best = cheapest(admitting);
  const outcome: RouteOutcome =
    best === null
      ? { kind: "none" }
      : { kind: "full", endpointId: best.endpointId, region: best.region, waitMs: best.terms.wait };
  return { outcome, panic, candidates };
}

/** The chosen endpoint, or null when every admitting one is full. */
function choose(
  admitting: readonly Candidate[],
  exact: boolean,
  rng: Rng,
  picked: (one: Candidate) => ReturnType<typeof asChosen>,
): RouteOutcome | null {
  const free = admitting.filter((one) => one.warmth === "warm" && hasSlot(one));
  const best = cheapest(free);
  if (best !== null) {
    const limitMs = best.totalMs + Math.max(NEAR_MS, NEAR_SHARE * best.totalMs);
    const near = free.filter((one) => one.totalMs <= limitMs);
    const winner = exact ? emptiest(near, rng) : emptierOfTwo(near, rng);
    return { ...picked(winner ?? best), reason: reasonFor(winner ?? best, admitting) };
  }
  const any = cheapest(admitting);
  if (any === null || any.warmth === "warm" || !hasSlot(any)) return null;
  return { ...picked(any), reason: "cold_start" };
}

function candidate(view: EndpointView, request: RouteRequest): Candidate {
  const terms = costTerms(view, request);
  return {
    endpointId: view.id,
    region: view.region,
    terms,
    totalMs: totalMs(terms),
    inFlight: view.inFlight,
    capacity: view.capacity,
    warmth: view.warmth,
    excluded: request.excluded.includes(view.id) ? "tried" : standingExcludes(view),
  };
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

function reasonFor(winner: Candidate, admitting: readonly Candidate[]): RouteReason {
  const nearer = admitting.filter((one) => one.warmth === "warm" && one.terms.net < winner.terms.net - NEAR_MS);
  if (nearer.length === 0) return "nearest_warm";
  return nearer.every((one) => !hasSlot(one)) ? "spill" : "cheaper";
}

function asChosen(one: Candidate, view: EndpointView | undefined, request: CostInput) {
  const { endpointId, region, totalMs: costMs, terms } = one;
  invariant(view !== undefined, "a candidate is of a view");
  const prompt = promptAt(readingFigures(view, request, terms.net), terms.net);
  return { kind: "chosen", endpointId, region, costMs, prompt } as const;
}

const hasSlot = (one: Candidate): boolean => one.inFlight < one.capacity;

const fill = (one: Candidate): number => one.inFlight / one.capacity;

/** Of two that cost the same, one with a slot: the order of the views decides nothing. */
function cheapest(candidates: readonly Candidate[]): Candidate | null {
  let best: Candidate | null = null;
  for (const one of candidates) {
    const isBetter =
      best === null || one.totalMs < best.totalMs || (one.totalMs === best.totalMs && hasSlot(one) && !hasSlot(best));
    if (isBetter) best = one;
  }
  return best;
}

/** Lowest in-flight share; ties are drawn. */
function emptiest(candidates: readonly Candidate[], rng: Rng): Candidate | undefined {
  const least = Math.min(...candidates.map(fill));
  return drawn(
    candidates.filter((one) => fill(one) === least),
    rng,
  );
}

/** The emptier of two distinct random candidates. */
function emptierOfTwo(candidates: readonly Candidate[], rng: Rng): Candidate | undefined {
  const first = drawn(candidates, rng);
  const second = drawn(
    candidates.filter((one) => one !== first),
    rng,
  );
  if (first === undefined || second === undefined) return first;
  return fill(second) < fill(first) ? second : first;
}

function drawn(candidates: readonly Candidate[], rng: Rng): Candidate | undefined {
  return candidates[Math.floor(rng() * candidates.length)];
}
