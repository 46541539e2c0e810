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
import { egress } from "../../backends/egress.ts";
import type { EdgeEndpoint } from "./runtime.ts";

/** Instants, and no promise: a request may not await another one's I/O. Written in place. */
type Reach = {
  /** When it last answered anything. */
  answeredAtMs: number;
  /** It is being asked until then. */
  askedUntilMs: number;
  /** When it last failed to answer a question. */
  silentAtMs: number;
};

const reaches = new WeakMap<EdgeEndpoint, Reach>();

function reachOf(endpoint: EdgeEndpoint): Reach {
  const known = reaches.get(endpoint);
  if (known !== undefined) return known;
  const never = Number.NEGATIVE_INFINITY;
  const reach = { answeredAtMs: never, askedUntilMs: never, silentAtMs: never };
  reaches.set(endpoint, reach);
  return reach;
}

export const canAsk = ({ target }: EdgeEndpoint): boolean =>
  new URL(target.healthUrl).origin === new URL(target.url).origin;

export function noteAnswered(endpoint: EdgeEndpoint, now: number): void {
  reachOf(endpoint).answeredAtMs = now;
}

/**
 * What to do for an attempt that has waited for its headers since `sinceMs`: give it up, ask, or look again at an
 * instant.
 */
export function reachStep(
  endpoint: EdgeEndpoint,
  sinceMs: number,
  limitMs: number,
  now: number,
): "unreachable" | "ask" | number {
  const reach = reachOf(endpoint);
  const heardAtMs = Math.max(sinceMs, reach.answeredAtMs);
  if (reach.silentAtMs > heardAtMs) return "unreachable";
  if (now - heardAtMs < limitMs) return heardAtMs + limitMs;
  if (now < reach.askedUntilMs) return reach.askedUntilMs;
  reach.askedUntilMs = now + limitMs;
  return "ask";
}

/** Asks for its health. Resolves to whether there was an answer. */
export async function askReach(endpoint: EdgeEndpoint, limitMs: number): Promise<boolean> {
  const result = await endpoint.backend.probe(endpoint.target, egress, AbortSignal.timeout(limitMs));
  const reach = reachOf(endpoint);
  const now = Date.now();
  reach.askedUntilMs = now;
  if (result.kind === "failed") reach.silentAtMs = now;
  else reach.answeredAtMs = now;
  return result.kind !== "failed";
}
