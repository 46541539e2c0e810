/**
 * Decides whether a request that keeps failing is still sent to an endpoint.
 *
 * Model. What is the request's fault fails everywhere: two endpoints fail at it, or refuse it though they are idle, while
 * other requests are served. One that did so FAILING_TIMES within FAILING_MS of each other is not sent again before that
 * time is over. While nothing else is served the fleet is at fault, and nothing is held against a request: whoever asks
 * every second while all endpoints are down is served by the first that is up.
 * One such memory a pool and isolate, by tenant, path and body. Rejected: a memory in the shard, which would carry what a
 * client can make up at will to the one object that must stay fast.
 */

/** `failed`: with errors of the endpoints' own. `no_room`: refused as if they were full. */
export type RequestFault = "failed" | "no_room";

type Entry = {
  readonly fault: RequestFault;
  readonly times: number;
  readonly lastMs: number;
  readonly servedBefore: number;
};

/** Written in place. */
export type FailingRequests = {
  /** Requests of the pool that were served. */
  served: number;
  /** By request; the one that failed last comes last. */
  readonly entries: Map<string, Entry>;
};

/** So often a request may fail at two endpoints. */
export const FAILING_TIMES = 3;
/** How long a failure is held against a request, ms: an endpoint that was mended is tried within half a minute. */
export const FAILING_MS = 30_000;
/** Requests remembered; the oldest is forgotten first. */
export const FAILING_MAX = 256;

export function createFailingRequests(): FailingRequests {
  return { served: 0, entries: new Map() };
}

/** The request `key` failed at two endpoints. */
export function noteFailing(failing: FailingRequests, key: string, fault: RequestFault, now: number): void {
  const { entries, served } = failing;
  const known = entries.get(key);
  const isRow = known !== undefined && now - known.lastMs < FAILING_MS;
  entries.delete(key);
  entries.set(key, {
    fault,
    times: isRow ? known.times + 1 : 1,
    lastMs: now,
    servedBefore: isRow ? known.servedBefore : served,
  });
  if (entries.size <= FAILING_MAX) return;
  const oldest = entries.keys().next();
  if (oldest.done !== true) entries.delete(oldest.value);
}

/** Why the request `key` is not sent now, and for how long; null: it is. */
export function refusalOf(
  { entries, served }: FailingRequests,
  key: string,
  now: number,
): { readonly fault: RequestFault; readonly forMs: number } | null {
  const known = entries.get(key);
  if (known === undefined || known.times < FAILING_TIMES || served === known.servedBefore) return null;
  const forMs = known.lastMs + FAILING_MS - now;
  return forMs > 0 ? { fault: known.fault, forMs } : null;
}
