/**
 * Decides whose turn it is among tenants with jobs of the same priority, and how much of a queue one of them may fill.
 *
 * Model. Deficit round robin (Shreedhar and Varghese, 1995) with the count turned round: each tenant has what it had of
 * the pool, in ms of slots, and whoever had least is next. What runs counts with the time it has run and, for what is to
 * come, with the mean of the pool's jobs; so a tenant of long jobs and one of short ones get the same time, not the same
 * number. Who begins to wait begins at the least of those that are there: nobody saves up turns while he has no work.
 * Nothing of it is stored: after a restart all begin anew.
 * Rejected: turns by jobs (ten-minute jobs would push out short ones), by their input's length (says little of a
 * handler's time), fixed shares (idle slots).
 *
 * A queue's room is shared by dynamic thresholds (Choudhury and Hahne, 1998): a tenant may have `SHARE_FACTOR` times what
 * is free. So one alone fills nine tenths, two that flood fill less than a half each, and there is room for the next.
 */

/** One tenant alone may fill SHARE_FACTOR / (SHARE_FACTOR + 1) of a queue. */
const SHARE_FACTOR = 9;

/** Weight of one more job in the mean of how long they run. */
const MEAN_WEIGHT = 0.1;

/** What a tenant had, and has running. */
export type Had = {
  /** Of what has ended, ms of slots, from where it began. */
  readonly settledMs: number;
  readonly running: number;
  /** Sum of the instants at which those that run were claimed, ms. */
  readonly claimedSumMs: number;
};

export const hadMs = ({ settledMs, running, claimedSumMs }: Had, meanMs: number, now: number): number =>
  settledMs + running * (now + meanMs) - claimedSumMs;

/** Where a tenant begins that has nothing here yet: at the least of the others; `before`: where that was last. */
export function beginsAtMs(others: Iterable<Had>, before: number, meanMs: number, now: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (const had of others) least = Math.min(least, hadMs(had, meanMs, now));
  return Number.isFinite(least) ? least : before;
}

/** The mean of how long jobs run, ms, with one more; null: none has. */
export const withRun = (meanMs: number | null, ranMs: number): number =>
  meanMs === null ? ranMs : meanMs + MEAN_WEIGHT * (ranMs - meanMs);

/** May a tenant that has `own` have more, of `max` that all may have together and `used` that they have? */
export const mayFill = (own: number, used: number, max: number): boolean => own < SHARE_FACTOR * (max - used);
