/**
 * Decides whether a request that keeps failing is still sent to an endpoint.
 *
 * Model. What is the request's fault fails everywhere: two endpoints fail at it, or refuse it though they are idle, while
 * other requests are served. One that did so FAILING_TIMES within FAILING_MS of each other is not sent again before that
 * time is over. While nothing else is served the fleet is at fault, and nothing is held against a request: whoever asks
 * every second while all endpoints are down is served by the first that is up.
 * Idle endpoints that refuse a request and say for how long are believed of it at once, and of it alone: their shards do not
 * believe one request (`room-doubt.ts`).
 * One such memory a pool and isolate, by tenant, path and body. Rejected: a memory in the shard, which would carry what a
 * client can make up at will to the one object that must stay fast.
 */

import { CUT_ASKED_MS_MAX } from "../../routing/core/endpoint/capacity-cut.ts";

/** `failed`: with errors of the endpoints' own. `no_room`: refused as if they were full. */
export type RequestFault = "failed" | "no_room";

type Entry = {
  readonly fault: RequestFault;
  readonly times: number;
  readonly lastMs: number;
  readonly servedBefore: number;
  /** All who refused it asked for a wait until then, ms; 0: they did not. */
  readonly askedUntilMs: number;
};

/** Written in place. */
export type FailingRequests = {
  /** Requests of the pool that were served. */
  served: number;
  servedAtMs: number;
  /** By request; the one that failed last comes last. */
  readonly entries: Map<string, Entry>;
};

/** So often a request may fail at two endpoints. */
export const FAILING_TIMES = 3;
/** How long a failure is held against a request, ms: an endpoint that was mended is tried within half a minute. */
export const FAILING_MS = 30_000;
/** For so long one served request shows that the pool serves, ms: a fleet that stops is believed after it. */
export const SERVED_LIFE_MS = 10_000;
/** Requests remembered; the oldest is forgotten first. */
export const FAILING_MAX = 256;

export function createFailingRequests(): FailingRequests {
  return { served: 0, servedAtMs: Number.NEGATIVE_INFINITY, entries: new Map() };
}

export function noteServed(failing: FailingRequests, now: number): void {
  failing.served += 1;
  failing.servedAtMs = now;
}

/** Are other requests served: then what all endpoints refuse is the request's fault. */
export const servesOthers = ({ servedAtMs }: FailingRequests, now: number): boolean =>
  now - servedAtMs < SERVED_LIFE_MS;

/** The request `key` failed at two endpoints. */
export function noteFailing(failing: FailingRequests, key: string, fault: RequestFault, now: number): void {
  const { entries, served } = failing;
  const known = entries.get(key);
  const isRow = known !== undefined && now - known.lastMs < FAILING_MS;
  keep(failing, key, {
    fault,
    times: isRow ? known.times + 1 : 1,
    lastMs: now,
    servedBefore: isRow ? known.servedBefore : served,
    askedUntilMs: known?.askedUntilMs ?? 0,
  });
}

/** Idle endpoints refused the request `key`, and all of them asked for a wait. */
export function noteAsked(failing: FailingRequests, key: string, askedMs: number, now: number): void {
  const known = failing.entries.get(key) ?? { fault: "no_room", times: 0, lastMs: now, servedBefore: failing.served };
  keep(failing, key, { ...known, askedUntilMs: now + Math.min(CUT_ASKED_MS_MAX, askedMs) });
}

function keep({ entries }: FailingRequests, key: string, entry: Entry): void {
  entries.delete(key);
  entries.set(key, entry);
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
  if (known !== undefined && now < known.askedUntilMs) return { fault: "no_room", forMs: known.askedUntilMs - now };
  if (known === undefined || known.times < FAILING_TIMES || served === known.servedBefore) return null;
  const forMs = known.lastMs + FAILING_MS - now;
  return forMs > 0 ? { fault: known.fault, forMs } : null;
}
