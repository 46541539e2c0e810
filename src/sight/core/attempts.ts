/**
 * Decides whether one more attempt to sign in may be made: so many in a minute, by whoever is told apart by `bucket`.
 *
 * Model. A window that begins with the first attempt and forgets it whole. What guards a key is its 256 random bits; this
 * keeps a flood of guesses from costing anything but a look-up. Of more buckets than are remembered the oldest is
 * forgotten, so a flood from everywhere fills no memory.
 */

/** A person mistypes twice; a page that signs in again by itself does so once. */
export const SIGN_IN_ATTEMPTS_MAX = 10;
export const SIGN_IN_WINDOW_MS = 60_000;
export const SIGN_IN_BUCKETS_MAX = 1_000;

type Window = { readonly sinceMs: number; count: number };

export type Attempts = Map<string, Window>;

/** Counts the attempt; null: it may be made. Else how long until one may, ms. */
export function countAttempt(attempts: Attempts, bucket: string, now: number): number | null {
  const known = attempts.get(bucket);
  // A clock that was set back opens a new one.
  const isOver = known === undefined || now >= known.sinceMs + SIGN_IN_WINDOW_MS || now < known.sinceMs;
  if (!isOver && known.count >= SIGN_IN_ATTEMPTS_MAX) return known.sinceMs + SIGN_IN_WINDOW_MS - now;
  if (!isOver) {
    known.count += 1;
    return null;
  }
  attempts.delete(bucket);
  const oldest = attempts.keys().next();
  if (attempts.size >= SIGN_IN_BUCKETS_MAX && oldest.done !== true) attempts.delete(oldest.value);
  attempts.set(bucket, { sinceMs: now, count: 1 });
  return null;
}
