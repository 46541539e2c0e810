/**
 * Decides how many leases come back with one acquire.
 *
 * Model. While there is slack, one call to the authority may bring several leases (*credits*), which the isolate spends
 * without asking. They count as in flight from their grant, so nothing is over-admitted; the price is that a slot may
 * stand idle for as long as a credit lives. So: never more than a share of the slack, split among the isolates that
 * ask, never more than the isolate will spend within a credit's life at its recent rate, none near saturation, and none
 * that would be chosen elsewhere by then (`shard-acquire.ts`).
 * Source: docs/explanation/architecture.md; docs/reference/sources.md, Cost of parts (a call costs about 300 µs of CPU, a credit almost
 * nothing).
 * Rejected: a fixed batch, which over-reserves small endpoints and starves other isolates.
 */

/** How long a credit may be spent, ms. */
export const CREDIT_LIFE_MS = 250;

/** Credits in one grant at most: beyond this a request saves less than 2 % of a call. */
export const CREDITS_MAX = 64;

/** Share of an endpoint's free slots that all credits together may take. */
export const CREDIT_SLACK_SHARE = 0.5;

/** Above this share of in-flight, no credits: the last slots are granted one at a time. */
export const CREDIT_FILL_MAX = 0.7;

export type CreditInput = {
  readonly inFlight: number;
  readonly capacity: number;
  /** Isolates that asked this shard lately, >= 1. */
  readonly askers: number;
  /** The isolate's own recent rate for this pool and place, requests per second. */
  readonly recentPerSecond: number;
};

/** Credits to add to a grant, 0..CREDITS_MAX. `inFlight` includes the lease that is being granted. */
export function creditsFor({ inFlight, capacity, askers, recentPerSecond }: CreditInput): number {
  if (inFlight >= CREDIT_FILL_MAX * capacity) return 0;
  const share = (CREDIT_SLACK_SHARE * (capacity - inFlight)) / Math.max(1, askers);
  const spendable = (recentPerSecond * CREDIT_LIFE_MS) / 1_000 - 1;
  return Math.max(0, Math.min(CREDITS_MAX, Math.floor(share), Math.floor(spendable)));
}
