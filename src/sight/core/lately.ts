/**
 * Decides what "now" is on the page: the figures of the last half minute, in slots that are forgotten one by one.
 *
 * Model. A report counts in the slot of its arrival: isolates report once a second, so nothing is older than a slot is
 * wide. The window that was covered is told with the rates: an object that has just started knows less than half a minute.
 */
import { addFigures, costIn, countOf, errorShare, noFigures, railTrips, requestsIn, timeQuantile } from "./figures.ts";
import type { Figures } from "./figures.ts";
import type { FeedFrame } from "./frame.ts";

const SLOT_MS = 5_000;
const SLOTS = 6;
export const WINDOW_MS = SLOT_MS * SLOTS;
/** A rate over less would jump with every report. */
const COVERED_MS_MIN = 5_000;

type Slot = { readonly index: number; readonly figures: Figures };

/** Written in place. */
export type Lately = { readonly sinceMs: number; readonly slots: Slot[] };

export const createLately = (now: number): Lately => ({ sinceMs: now, slots: [] });

export function noteFigures(lately: Lately, figures: Figures, now: number): void {
  const index = Math.floor(now / SLOT_MS);
  let slot = lately.slots.at(-1);
  // A clock that was set back counts into the slot that there is.
  if (slot === undefined || slot.index < index) {
    slot = { index, figures: noFigures() };
    lately.slots.push(slot);
    while (lately.slots.length > SLOTS + 1) lately.slots.shift();
  }
  addFigures(slot.figures, figures);
}

type Rates = NonNullable<FeedFrame<never>["rates"]>;
type Now = Pick<Rates, "inFlight" | "capacity" | "queued">;

export function ratesOf({ sinceMs, slots }: Lately, { inFlight, capacity, queued }: Now, now: number): Rates {
  const first = Math.floor((now - WINDOW_MS) / SLOT_MS);
  const sum = noFigures();
  for (const { index, figures } of slots) if (index > first) addFigures(sum, figures);
  // From the beginning of the oldest slot that counts.
  const coveredMs = Math.max(COVERED_MS_MIN, now - Math.max(sinceMs, (first + 1) * SLOT_MS));
  const windowS = coveredMs / 1_000;
  const cost = costIn(sum);
  return {
    windowS,
    requestsPerS: requestsIn(sum).all / windowS,
    byOutcome: sum.outcomes,
    errorShare: errorShare(sum),
    ttftMs: {
      p50: timeQuantile(sum, "firstToken", 0.5),
      p95: timeQuantile(sum, "firstToken", 0.95),
      p99: timeQuantile(sum, "firstToken", 0.99),
    },
    overheadMs: { p50: timeQuantile(sum, "overhead", 0.5), p99: timeQuantile(sum, "overhead", 0.99) },
    tpotMs: { p50: timeQuantile(sum, "outputToken", 0.5), p95: timeQuantile(sum, "outputToken", 0.95) },
    queueMs: { p50: timeQuantile(sum, "queue", 0.5), p95: timeQuantile(sum, "queue", 0.95) },
    inFlight,
    capacity,
    queued,
    spills: countOf(sum, "spills"),
    retries: countOf(sum, "retries"),
    hedges: countOf(sum, "hedges"),
    coldStarts: countOf(sum, "coldStarts"),
    failOpens: countOf(sum, "failOpens"),
    railTrips: railTrips(sum),
    tokens: { in: countOf(sum, "tokensIn"), cached: countOf(sum, "tokensCached"), out: countOf(sum, "tokensOut") },
    costPerHour: cost === null ? null : (cost / windowS) * 3_600,
  };
}
