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
 * A step takes its time however little is read in it (the weights are loaded, the others get their next token). With that
 * in the ratio, an endpoint that is given short prompts would seem to read long ones at a fraction of its speed, and would
 * never be given one. So what a step takes by itself is taken off: it is what is left at no tokens of the line that fits the
 * stretches best. Where all prompts are of one length none can be told, and it is 0. As a delay it is part of `load`.
 * Source: docs/reference/sources.md, Routing by work (SGLang's router takes the same ratio from the engine's counters); ordinary least
 * squares. Rejected: the mean of each attempt's tokens per ms, which one quick prompt among slow ones makes too high (by
 * e^(σ²) where the times are lognormal); only prompts that met an idle engine, of which a busy endpoint has none; and the
 * slope of the fit as R, which is any number where prompts are alike.
 */

/** Written in place. */
export type Reading = {
  /** Fading sums: uncached tokens read, the time that took, ms, and in how many stretches. */
  tokens: number;
  busyMs: number;
  stretches: number;
  /** What each stretch takes whatever is read in it, ms. */
  stepMs: number;
  readonly fit: Fit;
  /** When the last first token left the endpoint, ms; -Infinity: none has. */
  lastMs: number;
};

/** Weight of the configured speed, tokens: it may be wrong by ten times, and four prompts of 512 then weigh as much. */
export const PRIOR_TOKENS = 2_048;
/** Memory, tokens: thirty prompts of two thousand. An engine that changes its speed shows it after as many. */
export const MEMORY_TOKENS = 60_000;
/** A slower engine reads nothing, tokens per ms: keeps every quotient finite. */
const SPEED_MIN = 1e-6;

/** First tokens so close together are of one step, ms: the shortest steps of large models take twice that. */
export const SAME_STEP_MS = 5;
/** A step that reads next to nothing takes no longer, ms: what a large model needs for a full batch. */
export const STEP_MS_MAX = 50;
/** … nor more than this share of the time: the rest is for the tokens. */
const STEP_SHARE_MAX = 0.9;
/** Stretches that took no time with nothing to read, assumed beside those that were seen: few that are alike prove none. */
const FIT_PRIOR = 2;
/** Memory of the fit, stretches. */
const FIT_MEMORY = 64;

/** Sums over stretches of x tokens in y ms, and the stretch that the last first token may still belong to. */
type Fit = {
  count: number;
  x: number;
  y: number;
  xx: number;
  xy: number;
  open: { work: number; busyMs: number } | null;
};

export function createReading(priorTokensPerMs: number): Reading {
  const busyMs = PRIOR_TOKENS / Math.max(SPEED_MIN, priorTokensPerMs);
  const fit: Fit = { count: 0, x: 0, y: 0, xx: 0, xy: 0, open: null };
  return { tokens: PRIOR_TOKENS, busyMs, stretches: 0, stepMs: 0, fit, lastMs: Number.NEGATIVE_INFINITY };
}

/** Tokens per ms, > 0. */
export const speedOf = ({ tokens, busyMs, stretches, stepMs }: Reading): number =>
  tokens / (busyMs - Math.min(stretches * stepMs, STEP_SHARE_MAX * busyMs));

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
  const isSameStep = atMs - reading.lastMs <= SAME_STEP_MS;
  reading.lastMs = Math.max(reading.lastMs, atMs);
  if (isBlocked || work < 1 || !Number.isFinite(busyMs)) return;
  reading.tokens += work;
  reading.busyMs += Math.max(0, busyMs);
  if (fitStretch(reading, work, Math.max(0, busyMs), isSameStep)) reading.stretches += 1;
  if (reading.tokens > MEMORY_TOKENS) keep(reading, MEMORY_TOKENS / reading.tokens);
}

/** Is it a new stretch? */
function fitStretch(reading: Reading, work: number, busyMs: number, isSameStep: boolean): boolean {
  const { fit } = reading;
  const { open } = fit;
  if (isSameStep && open !== null) {
    open.work += work;
    open.busyMs += busyMs;
    return false;
  }
  fit.open = { work, busyMs };
  if (open === null) return true;
  const kept = Math.min(1, (FIT_MEMORY - 1) / Math.max(1, fit.count));
  fit.count = fit.count * kept + 1;
  fit.x = fit.x * kept + open.work;
  fit.y = fit.y * kept + open.busyMs;
  fit.xx = fit.xx * kept + open.work ** 2;
  fit.xy = fit.xy * kept + open.work * open.busyMs;
  // Where all are alike both differences are 0.
  const atNothing = (fit.y * fit.xx - fit.x * fit.xy) / ((fit.count + FIT_PRIOR) * fit.xx - fit.x ** 2);
  reading.stepMs = Math.max(0, Math.min(STEP_MS_MAX, atNothing));
  return true;
}

function keep(reading: Reading, share: number): void {
  reading.tokens *= share;
  reading.busyMs *= share;
  reading.stretches *= share;
}

/** The engine's own counters have grown by so much: as good as any number of first tokens. */
export function observeCounted(reading: Reading, tokens: number, busyMs: number): void {
  if (!(tokens > 0) || !(busyMs > 0)) return;
  const weight = Math.min(1, MEMORY_TOKENS / tokens);
  const kept = Math.max(0, Math.min(1, (MEMORY_TOKENS - tokens * weight) / reading.tokens));
  keep(reading, kept);
  reading.tokens += tokens * weight;
  reading.busyMs += busyMs * weight;
}
