/**
 * The port of the baselines: which endpoint, now, given the state. Most published balancers have this shape; those that
 * hold requests are routers of their own (`one-queue.ts`, `stargate.ts`).
 *
 * Model. A policy is made fresh for each run. It chooses among the candidates it is given, may keep what it observes,
 * and draws chance only from the stream in its setup.
 */
import type { Rng } from "../../src/lib/rng.ts";
import type { Capacity } from "./capacity.ts";
import type { FleetView } from "./fleet.ts";

export type PolicySetup = {
  readonly endpoints: number;
  /** By endpoint: slots, mean occupancy, prefill speed. What "the mean is known" means. */
  readonly capacities: readonly Capacity[];
  readonly regions: number;
  readonly rng: Rng;
  /** Mean HTTP round trip of a client in `region` to the endpoint, ms. */
  readonly tripMs: (region: number, endpoint: number) => number;
};

/** The question of one request. The same object is used again for the next: do not keep it. */
export type Ask = {
  readonly request: number;
  /** Index of the client's region. */
  readonly region: number;
  readonly promptTokens: number;
  readonly nowMs: number;
  /** Endpoints that may be chosen, at least one, in order. */
  readonly candidates: readonly number[];
  /** Exact, or of other regions as old as the router was told to make it. */
  readonly fleet: FleetView;
  /** Prompt tokens that the endpoint remembers. */
  matchedTokens(endpoint: number): number;
};

/** A first token came. The same object is used again for the next: do not keep it. */
export type FirstToken = {
  readonly endpoint: number;
  /** Since the dispatch, ms. */
  readonly latencyMs: number;
  readonly nowMs: number;
  /** Tokens that the answer will have. */
  readonly outputTokens: number;
  /** Requests that ran or waited at the endpoint when this one was dispatched. */
  readonly loadBefore: number;
};

export type Policy = {
  /** One of `ask.candidates`. */
  pick(ask: Ask): number;
  onFirstToken?(first: FirstToken): void;
  /** An answer ended `totalMs` after the dispatch. */
  onEnd?(endpoint: number, totalMs: number, nowMs: number): void;
  /** An attempt failed or was given up before its first token. */
  onFailure?(endpoint: number, nowMs: number): void;
};

export type PolicyFactory = (setup: PolicySetup) => Policy;

/** The candidate with the lowest score; among equals one at random, so that order in the file decides nothing. */
export function lowest(candidates: readonly number[], score: (endpoint: number) => number, rng: Rng): number {
  let best = candidates[0] ?? 0;
  let bestScore = Infinity;
  let ties = 1;
  for (const endpoint of candidates) {
    const value = score(endpoint);
    if (value < bestScore) {
      best = endpoint;
      bestScore = value;
      ties = 1;
    } else if (value === bestScore) {
      ties += 1;
      if (rng() * ties < 1) best = endpoint;
    }
  }
  return best;
}

/** One candidate at random. */
export function anyOf(candidates: readonly number[], rng: Rng): number {
  return candidates[Math.floor(rng() * candidates.length)] ?? 0;
}

/** Two distinct candidates at random; the same one twice when there is only one. */
export function twoOf(candidates: readonly number[], rng: Rng): readonly [number, number] {
  const first = Math.floor(rng() * candidates.length);
  const step = 1 + Math.floor(rng() * (candidates.length - 1));
  const second = candidates.length === 1 ? first : (first + step) % candidates.length;
  return [candidates[first] ?? 0, candidates[second] ?? 0];
}
