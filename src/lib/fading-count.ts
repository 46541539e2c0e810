/**
 * A count of events that fades: every event enters with weight 1, which falls by e each `tauMs`. Divided by tau it is a
 * rate. Reading it changes nothing; a clock that jumps back does not make events younger.
 */
export type FadingCount = { readonly count: number; readonly atMs: number };

export const NO_EVENTS: FadingCount = { count: 0, atMs: 0 };

/** The count with `events` more, which may be negative to take some back; never below 0. */
export function countMore(fading: FadingCount, events: number, tauMs: number, now: number): FadingCount {
  return { count: Math.max(0, countAt(fading, tauMs, now) + events), atMs: Math.max(fading.atMs, now) };
}

export function countAt({ count, atMs }: FadingCount, tauMs: number, now: number): number {
  return count * Math.exp(-Math.max(0, now - atMs) / tauMs);
}
