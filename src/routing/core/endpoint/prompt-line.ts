/**
 * Decides how long the line of prompts at an endpoint is: what must be read before the next one's turn comes.
 *
 * Model. A lease carries the tokens of its prompt that are not in the endpoint's cache, from its grant to its first token;
 * the line is those of the live leases without one. It is read off that set at every look, and no number is added to or
 * subtracted from: what a lost message leaves behind goes with its lease. Prompts are read in the order in which they come
 * to the endpoint, at its speed R (`reading.ts`), from the last first token on:
 *
 *   free = max(free, arrival) + work / R,   W = max(0, free − now) + work that is still on its way / R
 *
 * A prompt whose time is over and whose first token has not been told is still being read, for TOLD_LATE_MS, and of a stream
 * for SLOW_TIMES what it should have taken: its engine has become slow, and must not look empty. After that the news is
 * presumed lost, or there is none (an answer that is no stream), and the line goes on without it.
 * Source: docs/reference/sources.md, Routing by work: llm-d's in-flight tokens, Dynamo's decay of the oldest, sgl-router's waiting
 * tokens over R. Rejected: slots alone, of which such an engine has many free beside a line of seconds; and a counter of
 * tokens, which one lost message makes wrong for ever.
 */

/** What a lease's prompt asks of its endpoint. */
export type LeasePrompt = {
  /** Tokens of the prompt, >= 0. */
  readonly tokens: number;
  /** … and those that are expected to be read, because no cache has them: `workOf`. */
  readonly work: number;
  /** When it is, or was, at the endpoint, on the shard's clock, ms. */
  readonly atEndpointMs: number;
  /** What the way from the endpoint takes, ms. */
  readonly backMs: number;
  /** It is expected to wait for KV memory. */
  readonly isBlocked: boolean;
  /** It is a stream: its first token will be told. Absent: nobody says. */
  readonly isTold?: boolean;
  /** What was thought to be cached, and how much was written there since it was last used, tokens; null: nothing. */
  readonly reuse: Reuse | null;
};

export type Reuse = { readonly tokens: number; readonly distance: number };

/**
 * A first token may be told so late, ms: it rides for up to 200 ms (`BEGUN_RIDE_MS_MAX`), and travels. Until then its prompt
 * is taken as being read.
 */
export const TOLD_LATE_MS = 300;

/**
 * … and of a stream for so many times what the line should have taken, because an engine that has become slow is not
 * empty. Once is not enough and ten times no better (docs/explanation/performance.md, Why one of three equals stood idle).
 */
export const SLOW_TIMES = 3;

/** Tokens that an endpoint reads of a prompt of which it has `hit` in its cache: at least the last one. */
export const workOf = (tokens: number, hit: number): number => (tokens <= 0 ? 0 : Math.max(1, tokens - hit));

export type Line = {
  /** What is left of it, ms. */
  readonly leftMs: number;
  /** Since when it has been read without a break, ms. */
  readonly busySinceMs: number;
};

/** The line as of `now`; with `until` only up to that prompt. `unread`: in the order of their grants. */
export function lineOf(
  unread: Iterable<{ readonly prompt: LeasePrompt | null }>,
  { speed, lastMs }: { readonly speed: number; readonly lastMs: number },
  now: number,
  until: LeasePrompt | null = null,
): Line {
  let freeAtMs = lastMs;
  let busySinceMs = lastMs;
  let onTheWay = 0;
  for (const { prompt } of unread) {
    if (prompt === null) continue;
    if (prompt.atEndpointMs > now && prompt !== until) {
      // It holds nobody up who comes before it.
      onTheWay += prompt.work;
      continue;
    }
    if (prompt.atEndpointMs > freeAtMs) {
      freeAtMs = prompt.atEndpointMs;
      busySinceMs = freeAtMs;
    }
    if (prompt === until) break;
    const sinceMs = Math.max(lastMs, prompt.atEndpointMs);
    freeAtMs += prompt.work / speed;
    const lateMsMax = Math.max(TOLD_LATE_MS, prompt.isTold === true ? SLOW_TIMES * (freeAtMs - sinceMs) : 0);
    if (freeAtMs < now && now - freeAtMs <= lateMsMax) freeAtMs = now;
  }
  return { leftMs: Math.max(0, freeAtMs - now) + onTheWay / speed, busySinceMs };
}
