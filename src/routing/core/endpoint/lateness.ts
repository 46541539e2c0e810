/**
 * Decides what first tokens that do not come say about an endpoint.
 *
 * Model. Late is not failed: the engine reads a long prompt, thinks, or has a queue of its own, and its health is fine.
 * So lateness is time that whoever comes next is likely to wait as well, added to the `wait` term: a mean over attempts
 * of how long they waited beyond the limit, 0 for each that came in time, which fades when nobody tries. One attempt
 * late makes an endpoint dearer than its like; one that is always late costs what it takes. While the last word of it
 * is "late", nobody is moved there from another that is late: two slow endpoints would only work twice.
 * Rejected: the breaker, under which a model that thinks for 40 s ejects every endpoint it has.
 */

export type Lateness = {
  /** What is to be expected, as of `atMs`, ms. */
  readonly ms: number;
  readonly atMs: number;
  /** Nothing has come in time since. */
  readonly isOpen: boolean;
};

export const IN_TIME: Lateness = { ms: 0, atMs: Number.NEGATIVE_INFINITY, isOpen: false };

/** Share of the newest attempt. */
export const LATE_ALPHA = 0.25;

/** The engine's queue has another length by then, ms. */
export const LATE_HALF_LIFE_MS = 15_000;

/** An endpoint that was late so long ago is tried again, ms. */
export const LATE_OPEN_MS = 60_000;

/** Expected wait beyond what the other terms say, ms. */
export function lateMs({ ms, atMs }: Lateness, now: number): number {
  return ms === 0 ? 0 : ms * 0.5 ** (Math.max(0, now - atMs) / LATE_HALF_LIFE_MS);
}

/** An attempt has waited for `waitedMs`, and nothing has come. */
export function observeLate(lateness: Lateness, waitedMs: number, now: number): Lateness {
  const before = lateMs(lateness, now);
  return { ms: before + LATE_ALPHA * Math.max(0, waitedMs - before), atMs: now, isOpen: true };
}

/** An answer came before anybody gave it up. */
export function observeInTime(lateness: Lateness, now: number): Lateness {
  return lateness.ms === 0 ? lateness : { ms: (1 - LATE_ALPHA) * lateMs(lateness, now), atMs: now, isOpen: false };
}

/** Is it late now, as far as anybody knows. */
export function isLate({ isOpen, atMs }: Lateness, now: number): boolean {
  return isOpen && now - atMs < LATE_OPEN_MS;
}
