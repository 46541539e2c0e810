/**
 * Decides whether a request that its pool did not serve goes on to another pool, and how long each of them may take.
 *
 * Model. A closed table: the reasons that say "this pool cannot serve now". Whatever is not in it ends the request where
 * it is: what the client did wrong, what a rail or a limit refuses, and what endpoints end under, which another pool
 * would only end under as well. So a reason that comes later is not followed until somebody has decided it.
 * Each pool that has another one behind it takes FALLBACK_SHARE of the time that the client has left; without a time of
 * the client's a pool's own bounds hold (`queueWaitMsMax`, `coldWaitMsMax`, `firstTokenTimeoutMs`).
 * The order is that of the pool that was asked. A pool's own list is not followed from another's: the way is as long as
 * what the operator has written in one place.
 */

/** Why a pool did not serve a request, as far as another one may. */
export type FallbackCause = "down" | "cold" | "full" | "late" | "failed";

/** By the code of the refusal. */
const CAUSES: ReadonlyMap<string, FallbackCause> = new Map([
  ["pool_down", "down"],
  ["no_endpoint", "down"],
  ["warming_up", "cold"],
  ["saturated", "full"],
  ["upstream_timeout", "late"],
  // Of the pool's share: of the client's own time nothing is left for another pool.
  ["client_deadline", "late"],
  ["upstream_failed", "failed"],
  ["credential_refused", "failed"],
]);

/** Of the time that the client has left, for a pool that has another one behind it. */
const FALLBACK_SHARE = 0.5;

/** Less than this is no time for another pool, ms. */
export const FALLBACK_LEFT_MS_MIN = 50;

export type Unserved = {
  /** Code of the refusal. */
  readonly reason: string;
  readonly now: number;
  /** When the client gives up; Infinity: it does not say. */
  readonly clientGivesUpAtMs: number;
};

/** Why the next pool is asked; null: it is not. */
export function fallbackCause({ reason, now, clientGivesUpAtMs }: Unserved): FallbackCause | null {
  return clientGivesUpAtMs - now < FALLBACK_LEFT_MS_MIN ? null : (CAUSES.get(reason) ?? null);
}

/** When a pool's share of the time is over. `isLast`: nothing is behind it. */
export function shareEndsAtMs(clientGivesUpAtMs: number, now: number, isLast: boolean): number {
  if (isLast || clientGivesUpAtMs === Number.POSITIVE_INFINITY) return clientGivesUpAtMs;
  return now + Math.max(0, Math.floor((clientGivesUpAtMs - now) * FALLBACK_SHARE));
}

export type Fell = { readonly from: string; readonly reason: FallbackCause; readonly to: string };

/** `from=a; reason=down, from=b; reason=full`: pools in the order in which they were asked. */
export const fallbackText = (fell: readonly Fell[]): string =>
  fell.map(({ from, reason }) => `from=${from}; reason=${reason}`).join(", ");
