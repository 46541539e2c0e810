/**
 * Decides how much of a request a rail inside the isolate may read in the time that it has.
 *
 * Model. On Workers the clock stands still between two I/Os, so time is counted in steps of work: a rail reads a
 * character in a step, and steps were measured against a clock where one runs (`npm run bench:rails` prints the slowest
 * of all rails and pumps in steps a ms). A rail that has none left reads what it could and says `rail_error;budget`:
 * it counts as one that could not read all.
 * Source: docs/decisions/0018-rails-stop-at-a-budget.md. Rejected: asking the clock between texts, which stands still;
 * and counting inside the detectors, where every character would pay for a look at the bound.
 */
import type { RailFindings, RailInput, TextPart } from "./rail.ts";

/**
 * What a rail does in a ms of the worst text: `pii`, the slowest on pumps, reads 10 characters a µs on the quiet core of
 * docs/explanation/performance.md, and 6 where others share it. Of prose every rail reads five times as many or more.
 */
export const STEPS_PER_MS = 10_000;

/** What a text costs besides its characters: rails do something for each, and find something in the shortest. */
export const STEPS_PER_PART = 32;

/** Of one rail for one request; what is read is taken from it. */
export type Budget = { stepsLeft: number };

export function budgetOf(...limitsMs: readonly number[]): Budget {
  return { stepsLeft: Math.min(...limitsMs) * STEPS_PER_MS };
}

/** Gives a rail what it has, and no more than is left of the stage's; what it takes is taken from both. */
export function spend<Result>(shared: Budget, timeoutMs: number, run: (budget: Budget) => Result): Result {
  const given = Math.min(budgetOf(timeoutMs).stepsLeft, shared.stepsLeft);
  const own = { stepsLeft: given };
  const result = run(own);
  shared.stepsLeft -= given - own.stepsLeft;
  return result;
}

/** True if as many steps are left; then they are taken. */
export function takeSteps(budget: Budget, steps: number): boolean {
  if (steps > budget.stepsLeft) return false;
  budget.stepsLeft -= steps;
  return true;
}

/**
 * What of the input fits, in its order; of the text in which the budget ends, its beginning. Takes the steps: of a text,
 * of its views (`text/views.ts`), and first of what is sent beside the body. Seams of texts are bounded by themselves.
 */
export function within(input: RailInput, budget: Budget): { readonly input: RailInput; readonly isCut: boolean } {
  const { beside = [], views } = input;
  const fitting = beside.filter(({ text }) => takeSteps(budget, STEPS_PER_PART + text.length));
  const isCut = fitting.length < beside.length;
  const parts: TextPart[] = [];
  for (const part of input.parts) {
    const own = views?.get(part.path) ?? [];
    const ofViews = own.reduce((sum, { text }) => sum + STEPS_PER_PART + text.length, 0);
    if (takeSteps(budget, STEPS_PER_PART + part.text.length + ofViews)) {
      parts.push(part);
      continue;
    }
    const rest = Math.floor(budget.stepsLeft) - STEPS_PER_PART;
    if (rest > 0) parts.push({ ...part, text: part.text.slice(0, rest) });
    budget.stepsLeft = 0;
    // What it says in another way belongs to the whole of it.
    const others = new Map(views);
    others.delete(part.path);
    return { input: { ...input, parts, beside: fitting, views: others }, isCut: true };
  }
  return { input: isCut ? { ...input, beside: fitting } : input, isCut };
}

/** Of a rail that reads each character about once. */
export function readWithin(input: RailInput, budget: Budget, rail: (input: RailInput) => RailFindings): RailFindings {
  const { input: readable, isCut } = within(input, budget);
  return isCut ? { ...rail(readable), isCut } : rail(readable);
}
