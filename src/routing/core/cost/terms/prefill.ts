/**
 * The `pre` term: prompt processing, ms, less what the endpoint has in its cache of this prompt.
 *
 * Model. Prefill is linear in the tokens that are not cached, at the endpoint's learned speed R (`endpoint/reading.ts`):
 *
 *   pre = (tokens − match / heat) / R · (1 + λ · in flight)
 *
 * The match is what `affinity.ts` remembers of this session or prompt prefix; the discount is divided by the key's heat,
 * so that a key with more than its share of the traffic spreads over the endpoints instead of overloading its home. The
 * discount is at least 0 and at most the whole prefill. While a prompt is read, those who run there write slower: λ is
 * what that is worth to a request that could be read elsewhere.
 * Source: docs/reference/sources.md, Cost model and Routing by work; the heat is prequal-rs'. GORGO and Dynamo subtract cached tokens
 * likewise; LMetric multiplies the prompt with the batch that it disturbs.
 * Rejected: a sticky home with escape rules, which prequal-rs measured as a loser; a weighted prefix score; λ of 0, which
 * starves those who write (goodput of long and short prompts 51 % instead of 65 %), and of 0.05, which costs a third of the
 * p99.
 */
import type { AffinityMatch } from "../../shard/affinity.ts";
import type { EndpointView } from "../../endpoint/endpoint-view.ts";
import { workOf } from "../../endpoint/prompt-line.ts";

/** λ: share of a prompt's reading time that each request running there is worth. */
export const EXTERNALITY = 0.01;

export type PrefillInput = {
  /** Estimated tokens of the prompt, >= 0. */
  readonly inputTokens: number;
  /** What is remembered of the request's affinity key; absent or null: nothing. */
  readonly affinity?: AffinityMatch | null;
};

type Reader = Pick<EndpointView, "id" | "prefillTokensPerMs"> & { readonly inFlight?: number };

export function prefillMs(view: Reader, input: PrefillInput): number {
  const ownMs = input.inputTokens / view.prefillTokensPerMs - affinityDiscountMs(view, input);
  return ownMs * (1 + EXTERNALITY * (view.inFlight ?? 0));
}

/** What the cache is expected to save here, ms: 0 up to the whole prefill. */
export function affinityDiscountMs(
  { id, prefillTokensPerMs }: Reader,
  { inputTokens, affinity }: PrefillInput,
): number {
  const cached = affinity?.tokensByEndpoint.get(id);
  if (affinity === undefined || affinity === null || cached === undefined) return 0;
  return Math.min(cached, inputTokens) / affinity.heat / prefillTokensPerMs;
}

/** Tokens that the endpoint is expected to read of it, whatever the key's heat. */
export function workAt({ id }: Pick<EndpointView, "id">, { inputTokens, affinity }: PrefillInput): number {
  return workOf(inputTokens, Math.min(inputTokens, affinity?.tokensByEndpoint.get(id) ?? 0));
}
