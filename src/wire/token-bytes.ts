/**
 * How many bytes of a body are a token of a pool's model: learned from what its endpoints count.
 *
 * Model. A quotient of sums, bytes by tokens, over the last TOKENS_REMEMBERED tokens or so, in which the prior stands for
 * TOKENS_PRIOR of them: long prompts, for which it matters, weigh the most. An answer whose quotient is out of
 * BYTES_MIN to BYTES_MAX says nothing: its body holds an image, or its prompt stands elsewhere. Per isolate and pool; the
 * shard is told tokens. Source: docs/reference/sources.md, Cost model. Rejected: a tokenizer at the edge, one a model, of megabytes.
 */
import { BYTES_PER_TOKEN } from "./openai.ts";

/** Written in place. */
export type TokenBytes = { bytes: number; tokens: number };

export const TOKENS_PRIOR = 2_000;
export const TOKENS_REMEMBERED = 200_000;
/** A tokenizer of bytes has one a token, and a template may add as much again; more than the other is no text. */
export const BYTES_MIN = 0.5;
export const BYTES_MAX = 16;

export const createTokenBytes = (): TokenBytes => ({ bytes: BYTES_PER_TOKEN * TOKENS_PRIOR, tokens: TOKENS_PRIOR });

export function observeTokens(known: TokenBytes, bodyBytes: number, promptTokens: number): void {
  const quotient = bodyBytes / promptTokens;
  if (!(quotient >= BYTES_MIN && quotient <= BYTES_MAX)) return;
  // One prompt never weighs more than all that is remembered.
  const weight = Math.min(promptTokens, TOKENS_REMEMBERED);
  const fade = Math.min(1, (TOKENS_REMEMBERED - weight) / known.tokens);
  known.bytes = known.bytes * fade + quotient * weight;
  known.tokens = known.tokens * fade + weight;
}

/** Tokens of a prompt, from the bytes of the whole body: a prior for the cost of prefill, never a bill. */
export const tokensIn = ({ bytes, tokens }: TokenBytes, bodyBytes: number): number =>
  Math.ceil((bodyBytes * tokens) / bytes);
