/**
 * Decides whether a prompt that an endpoint has read is still in its cache.
 *
 * Model. An engine keeps the prompts that were used last, as many tokens as its memory holds, and drops the others in the
 * order of their last use. So not the time since a prompt was used decides, but how much was written since: its reuse
 * distance. A shard counts what it has an endpoint write; a holder (`affinity.ts`) remembers how much that was when its
 * prompt was last used:
 *
 *   cached  ⇔  written now − written then < keeps
 *
 * `keeps` is the size of the KV memory where the engine tells it, and learned from ends: a hit farther back than it, or a
 * miss nearer, moves it a share of the way there.
 * Source: docs/reference/sources.md, Routing by work (Mattson's stack distances, which for least-recently-used hold for any size).
 * Rejected: five minutes, as hosted caches promise: a busy engine's cache turns over in one, an idle one's in hours.
 */

/** Written in place. */
export type PromptCache = {
  /** Tokens written there so far. */
  written: number;
  /** How many of the last ones are kept. */
  keeps: number;
  /** Something has been seen of it. */
  isLearned: boolean;
};

/** Kept where nothing is known, tokens: between what an 8B model leaves of a card of 24 GB (40,000) and of 80 GB (400,000). */
export const KEEPS_PRIOR = 128_000;
/** The engine's batch alone needs so many. */
export const KEEPS_MIN = 4_096;
/** Share of the way that one surprise moves the estimate. */
const SURPRISE_SHARE = 0.3;
/** Less that was thought to be cached tells nothing: every engine has the start of its system prompt, tokens. */
export const EVIDENCE_TOKENS_MIN = 512;
/** A hit is at least this share of what was thought to be cached. */
export const HIT_SHARE = 0.5;

export function createPromptCache(): PromptCache {
  return { written: 0, keeps: KEEPS_PRIOR, isLearned: false };
}

/** The engine tells for how many tokens it has memory: the better prior, while nothing was seen. */
export function noteCacheSize(cache: PromptCache, kvTokensMax: number): void {
  if (!cache.isLearned && kvTokensMax > 0) cache.keeps = Math.max(KEEPS_MIN, kvTokensMax);
}

/** A prompt last used so many written tokens ago turned out to be cached, or not. */
export function observeReuse(cache: PromptCache, distance: number, wasCached: boolean): void {
  const isSurprise = wasCached ? distance > cache.keeps : distance < cache.keeps;
  cache.isLearned = true;
  if (!isSurprise || !Number.isFinite(distance)) return;
  cache.keeps = Math.max(KEEPS_MIN, cache.keeps + SURPRISE_SHARE * (distance - cache.keeps));
}
