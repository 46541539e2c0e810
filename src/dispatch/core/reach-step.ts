/**
 * Decides whether an endpoint that sends no headers can be reached at all.
 *
 * Model. `fetch` tells nothing before the headers, and engines send those with the first token: a handshake that hangs
 * looks like a long prompt. So an endpoint that has been silent for `connectTimeoutMs` is asked for its health beside,
 * over the same network; if that is not answered in the same time either, what waits there is given up. One question at
 * a time serves the isolate, and any answer of the endpoint counts. Where health is asked at another origin it tells
 * nothing of this one, and nothing is bounded here.
 * Rejected: `connect()` of the platform's sockets, which opens a connection beside the pool and cannot look through a
 * proxy; a short limit for headers, which would be a limit for prompts.
 */

/** Instants, and no promise: a request may not await another one's I/O. Written in place. */
export type Reach = {
  /** When it last answered anything. */
  answeredAtMs: number;
  /** It is being asked until then. */
  askedUntilMs: number;
  /** When it last failed to answer a question. */
  silentAtMs: number;
};

export function createReach(): Reach {
  const never = Number.NEGATIVE_INFINITY;
  return { answeredAtMs: never, askedUntilMs: never, silentAtMs: never };
}

/**
 * What to do for an attempt that has waited for its headers since `sinceMs`: give it up, ask, or look again at an
 * instant.
 */
export function reachStep(reach: Reach, sinceMs: number, limitMs: number, now: number): "unreachable" | "ask" | number {
  const heardAtMs = Math.max(sinceMs, reach.answeredAtMs);
  if (reach.silentAtMs > heardAtMs) return "unreachable";
  if (now - heardAtMs < limitMs) return heardAtMs + limitMs;
  if (now < reach.askedUntilMs) return reach.askedUntilMs;
  reach.askedUntilMs = now + limitMs;
  return "ask";
}

/** What came of asking. */
export function noteAsked(reach: Reach, hasAnswered: boolean, now: number): void {
  reach.askedUntilMs = now;
  if (hasAnswered) reach.answeredAtMs = now;
  else reach.silentAtMs = now;
}
