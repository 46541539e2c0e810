/**
 * Whether somebody watches the dashboard, and which requests are asked for what their decision was made of.
 *
 * Model. The feed's answer to a report says whether somebody watches (`outbox.ts`), and an isolate that lets a watcher in knows it at once; while nobody does, a request costs one
 * look at that. A decision that is to be explained asks its shard, where another might have spent a lease that is here: so
 * only a few a second are, from the first one on.
 */

/** Requests of this isolate whose record tells the candidates, a second, while somebody watches. */
export const EXPLAINED_PER_S_MAX = 3;

/** Of this isolate; written in place. */
export const watched = { isWatched: false, secondAtMs: 0, explained: 0 };

/** Is this request's record to tell the candidates; the question counts. */
export function wantsCandidates(now: number): boolean {
  if (!watched.isWatched) return false;
  // A clock that went back begins a second too.
  if (Math.abs(now - watched.secondAtMs) >= 1_000) {
    watched.secondAtMs = now;
    watched.explained = 0;
  }
  watched.explained += 1;
  return watched.explained <= EXPLAINED_PER_S_MAX;
}
