/**
 * Decides whether real attempts may reach an endpoint, from how the last ones ended.
 *
 * closed flows; open blocks until an instant; after it half_open lets one attempt of the whole fleet through (the owner
 * shard shows a capacity of 1), whose end closes or re-opens the breaker. Five failures in a row before the first byte
 * open it for 1 s, doubling to 30 s. Source: docs/explanation/routing.md, docs/reference/sources.md, Prequal (prequal-rs).
 * One that was down, which probes say, and is up again after its rest begins as closed (`endpoint.ts`).
 * Rejected: an error-rate threshold, which a slow trickle of traffic never reaches; and closing on a good probe,
 * because an endpoint may answer every probe and fail every request.
 */
export type Breaker =
  | { readonly state: "closed"; readonly failures: number; readonly disputes: number }
  | { readonly state: "open"; readonly untilMs: number; readonly openings: number };

/** Failures in a row that open it. */
export const FAILURES_MAX = 5;
/**
 * Disputed failures in a row that open it: errors that another endpoint gave to the same request as well. One client's
 * bad request, repeated until it is refused (`failing-requests.ts`), must not get there; a fleet whose endpoints all
 * came out of a rollout broken must.
 */
export const DISPUTES_MAX = 20;
/** First ejection, ms; each further one doubles. */
export const EJECT_MS = 1_000;
/** Longest ejection, ms. */
export const EJECT_MS_MAX = 30_000;

export const CLOSED: Breaker = { state: "closed", failures: 0, disputes: 0 };

export type BreakerStanding = "closed" | "open" | "half_open";

/** `half_open` once the ejection is over and nothing has been tried since. */
export function breakerStanding(breaker: Breaker, now: number): BreakerStanding {
  if (breaker.state === "closed") return "closed";
  return now < breaker.untilMs ? "open" : "half_open";
}

/** What is left of an ejection, ms; 0 when there is none. */
export function ejectedForMs(breaker: Breaker, now: number): number {
  return breaker.state === "open" ? Math.max(0, breaker.untilMs - now) : 0;
}

export function breakerFailed(breaker: Breaker, now: number): Breaker {
  if (breaker.state === "closed") {
    if (breaker.failures + 1 < FAILURES_MAX) return { ...breaker, failures: breaker.failures + 1 };
    return opened(1, now);
  }
  // A failure while open comes from an attempt that was already under way: it tells nothing new.
  return now < breaker.untilMs ? breaker : opened(breaker.openings + 1, now);
}

/** An error for which neither the endpoint nor the request can be blamed; on trial it is a failure. */
export function breakerDisputed(breaker: Breaker, now: number): Breaker {
  if (breaker.state === "open") return breakerFailed(breaker, now);
  if (breaker.disputes + 1 < DISPUTES_MAX) return { ...breaker, disputes: breaker.disputes + 1 };
  return opened(1, now);
}

export function breakerServed(breaker: Breaker, now: number): Breaker {
  return breaker.state === "open" && now < breaker.untilMs ? breaker : CLOSED;
}

function opened(openings: number, now: number): Breaker {
  return { state: "open", untilMs: now + Math.min(EJECT_MS_MAX, EJECT_MS * 2 ** (openings - 1)), openings };
}
