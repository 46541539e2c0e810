/**
 * The `pre` term: prompt processing, ms, less what the endpoint has in its cache of this prompt.
 *
 * Model. Prefill is linear in the tokens that are not cached: pre = (tokens − match / heat) / speed. The match is what
 * `affinity.ts` remembers of this session or prompt prefix; the discount is divided by the key's heat, so that a key with
 * more than its share of the traffic spreads over the endpoints instead of overloading its home. The discount is at least
 * 0 and at most the whole prefill. The speed, tokens per ms, is learned from prompts long enough to stand out, on an
 * engine that was idle or nearly so, and of which nothing was thought to be cached.
 * Source: docs/sources.md, Cost model; the heat is prequal-rs'. GORGO and Dynamo subtract cached tokens likewise.
 * Rejected: a sticky home with escape rules, which prequal-rs measured as a loser; and a weighted prefix score.
 */
import type { AffinityMatch } from "../../shard/affinity.ts";
import type { EndpointView } from "../../endpoint/endpoint-view.ts";
import { createCountEwma, observeCount } from "../../../../lib/ewma.ts";
import type { CountEwma } from "../../../../lib/ewma.ts";

/** Below this many prompt tokens the prefill speed drowns in noise. */
export const PREFILL_TOKENS_MIN = 512;

/** An engine with more than this in flight shares its steps with others, and tells nothing of prefill alone. */
const PREFILL_IN_FLIGHT_MAX = 1;

const PREFILL_ALPHA = 0.1;

export type PrefillInput = {
  /** Estimated tokens of the prompt, >= 0. */
  readonly inputTokens: number;
  /** What is remembered of the request's affinity key; absent or null: nothing. */
  readonly affinity?: AffinityMatch | null;
};

export function prefillMs(view: Pick<EndpointView, "id" | "prefillTokensPerMs">, input: PrefillInput): number {
  return input.inputTokens / view.prefillTokensPerMs - affinityDiscountMs(view, input);
}

/** What the cache is expected to save here, ms: 0 up to the whole prefill. */
export function affinityDiscountMs(
  { id, prefillTokensPerMs }: Pick<EndpointView, "id" | "prefillTokensPerMs">,
  { inputTokens, affinity }: PrefillInput,
): number {
  const cached = affinity?.tokensByEndpoint.get(id);
  if (affinity === undefined || affinity === null || cached === undefined) return 0;
  return Math.min(cached, inputTokens) / affinity.heat / prefillTokensPerMs;
}

export function createPrefillSpeed(priorTokensPerMs: number): CountEwma {
  return createCountEwma({ priorValue: priorTokensPerMs, alpha: PREFILL_ALPHA });
}

export type PrefillSample = {
  readonly inputTokens: number;
  /** Tokens that were thought to be cached when the attempt was granted. */
  readonly cachedTokens: number;
  /** First token less the network, ms. */
  readonly afterNetMs: number;
  readonly inFlightAtGrant: number;
};

/** The speed with one more attempt, where that attempt tells anything of it. */
export function observePrefill(speed: CountEwma, sample: PrefillSample): CountEwma {
  const { inputTokens, cachedTokens, afterNetMs, inFlightAtGrant } = sample;
  const tells = inputTokens >= PREFILL_TOKENS_MIN && cachedTokens === 0 && inFlightAtGrant <= PREFILL_IN_FLIGHT_MAX;
  return tells && afterNetMs > 0 ? observeCount(speed, inputTokens / afterNetMs) : speed;
}
