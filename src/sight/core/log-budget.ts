/**
 * Decides how many lines of the log the requests of one isolate may have: a flood of refused requests must not become a
 * flood of lines, which cost CPU here and money where logs are kept.
 *
 * Model. A bucket of tokens. What finds none is counted, and the next line tells how many there were, so that nothing is
 * lost in silence.
 */

/** Lines at once, … */
export const LINES_AT_ONCE_MAX = 200;
/** … and from then on, a second. */
export const LINES_PER_SECOND_MAX = 50;

/** Written in place. */
export type LogBudget = { left: number; atMs: number; heldBack: number };

export const createLogBudget = (now: number): LogBudget => ({ left: LINES_AT_ONCE_MAX, atMs: now, heldBack: 0 });

/** How many were held back since the last line; null: this one is held back too. */
export function takeLine(budget: LogBudget, now: number): number | null {
  const earned = (Math.max(0, now - budget.atMs) / 1_000) * LINES_PER_SECOND_MAX;
  budget.left = Math.min(LINES_AT_ONCE_MAX, budget.left + earned);
  budget.atMs = now;
  if (budget.left < 1) {
    budget.heldBack += 1;
    return null;
  }
  budget.left -= 1;
  const { heldBack } = budget;
  budget.heldBack = 0;
  return heldBack;
}
