/**
 * Decides how fast an endpoint reads prompts, in tokens per ms: the R of the line of prompts (`prompt-line.ts`) and of the
 * `pre` term.
 *
 * Model. An engine with continuous batching reads one prompt after the other, in pieces, beside the tokens that it writes.
 * Between two first tokens it has read what the second one's prompt asked for; so
 *
 *   R = tokens read / time busy with them
 *
 * as a ratio of sums, over the last MEMORY_TOKENS tokens, with the configured speed as PRIOR_TOKENS of them. Time counts
 * from the last first token, or from when the line began again. Prompts whose first tokens come in one step cost one step
 * together. What stood before an engine whose KV memory was full tells nothing of its speed.
 * Source: docs/sources.md, Routing by work (SGLang's router takes the same ratio from the engine's counters).
 * Rejected: the mean of each attempt's tokens per ms, which one quick prompt among slow ones makes too high (by e^(σ²) where
 * the times are lognormal); and only prompts that met an idle engine, of which a busy endpoint has none.
 */

/** Written in place. */
export type Reading = {
  /** Fading sums: uncached tokens read, and the time that took, ms. */
  tokens: number;
  busyMs: number;
  /** When the last first token left the endpoint, ms; -Infinity: none has. */
  lastMs: number;
};

/** Weight of the configured speed, tokens: it may be wrong by ten times, and four prompts of 512 then weigh as much. */
export const PRIOR_TOKENS = 2_048;
/** Memory, tokens: thirty prompts of two thousand. An engine that changes its speed shows it after as many. */
export const MEMORY_TOKENS = 60_000;
/** A slower engine reads nothing, tokens per ms: keeps every quotient finite. */
const SPEED_MIN = 1e-6;

export function createReading(priorTokensPerMs: number): Reading {
  const busyMs = PRIOR_TOKENS / Math.max(SPEED_MIN, priorTokensPerMs);
  return { tokens: PRIOR_TOKENS, busyMs, lastMs: Number.NEGATIVE_INFINITY };
}

/** Tokens per ms, > 0. */
export const speedOf = ({ tokens, busyMs }: Reading): number => tokens / busyMs;

export type Read = {
  /** Uncached tokens of the prompt. */
  readonly work: number;
  /** Since when the endpoint was busy with it or with those before it, ms; what lies before the last first token is not counted. */
  readonly busySinceMs: number;
  /** It waited for KV memory. */
  readonly isBlocked: boolean;
};

/** The first token of a prompt left the endpoint at `atMs`. */
export function observeRead(reading: Reading, { work, busySinceMs, isBlocked }: Read, atMs: number): void {
  const busyMs = atMs - Math.max(reading.lastMs, busySinceMs);
  reading.lastMs = Math.max(reading.lastMs, atMs);
  if (isBlocked || work < 1 || !Number.isFinite(busyMs)) return;
  reading.tokens += work;
  reading.busyMs += Math.max(0, busyMs);
  if (reading.tokens <= MEMORY_TOKENS) return;
  const kept = MEMORY_TOKENS / reading.tokens;
  reading.tokens *= kept;
  reading.busyMs *= kept;
}

/** The engine's own counters have grown by so much: as good as any number of first tokens. */
export function observeCounted(reading: Reading, tokens: number, busyMs: number): void {
  if (!(tokens > 0) || !(busyMs > 0)) return;
  const weight = Math.min(1, MEMORY_TOKENS / tokens);
  const kept = Math.max(0, Math.min(1, (MEMORY_TOKENS - tokens * weight) / reading.tokens));
  reading.tokens = reading.tokens * kept + tokens * weight;
  reading.busyMs = reading.busyMs * kept + busyMs * weight;
}
