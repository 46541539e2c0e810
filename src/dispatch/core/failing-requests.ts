/**
 * Decides whether a request that keeps failing is still sent to an endpoint.
 *
 * Model. What is the request's fault fails everywhere: two endpoints fail at it, or refuse it though they are idle,
 * while other requests are served. One that did so FAILING_TIMES within FAILING_MS of each other is not sent again
 * before that time is over. While nothing else is served the fleet is at fault, and nothing is held against a request:
 * whoever asks every second while all endpoints are down is served by the first that is up. Idle endpoints that refuse
 * a request and say for how long are believed of it at once, and of it alone: their shards do not believe one request
 * (`room-doubt.ts`). One such memory a pool and isolate, by tenant, path and body. Rejected: a memory in the shard,
 * which would carry what a client can make up at will to the one object that must stay fast.
 */

import type { FullLately } from "./full-lately.ts";

/** `failed`: with errors of the endpoints' own. `no_room`: refused as if they were full. */
export type RequestFault = "failed" | "no_room";

export type FailedEntry = {
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
  readonly entries: Map<string, FailedEntry>;
  /** Endpoints that refuse while they are idle (`full-lately.ts`). */
  readonly full: FullLately;
};

/** For so long one served request shows that the pool serves, ms: a fleet that stops is believed after it. */
export const SERVED_LIFE_MS = 10_000;
export function createFailingRequests(): FailingRequests {
  return { served: 0, servedAtMs: Number.NEGATIVE_INFINITY, entries: new Map(), full: new Map() };
}

export function noteServed(failing: FailingRequests, endpointId: string, now: number): void {
  failing.full.delete(endpointId);
  failing.served += 1;
  failing.servedAtMs = now;
}

/** Are other requests served: then what all endpoints refuse is the request's fault. */
export const servesOthers = ({ servedAtMs }: FailingRequests, now: number): boolean =>
  now - servedAtMs < SERVED_LIFE_MS;
