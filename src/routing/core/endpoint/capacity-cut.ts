/**
 * Decides how many slots an endpoint has after it has refused for want of room, and when one more is tried.
 *
 * Model. A refusal shows how many slots there are: as many as requests ran when one more was refused, also none. So it
 * stays for as long as the endpoint itself asks (`Retry-After`, bounded), else for a back-off that doubles with each
 * refusal in a row. Then one attempt more is let through as a trial: one for the whole fleet, because the owner alone
 * grants.
 * - If it is served, the cut ends, and the endpoint starts slowly, as one that has become ready.
 * - If it still runs after TRIAL_MS, it was not refused. Since an answer may take minutes, the slots then double every
 *   TRIAL_MS.
 * - If it is refused, a longer wait begins.
 * Refusals of attempts that were under way lower the slots but not the wait: they are the same news again.
 * Source: `breaker.ts`, whose half-open state this is for room instead of health; the doubling is TCP's slow start.
 * Rejected: a floor of one slot, by which an endpoint that refuses at once is idle, near and fast, and takes every
 * first attempt for ever; and counting refusals as failures, which ejects an endpoint for being popular.
 */
import type { Rng } from "../../../lib/rng.ts";

export type CapacityCut = {
  /** Requests that it ran when it refused one more, >= 0. */
  readonly slots: number;
  /** No attempt beyond them before. */
  readonly untilMs: number;
  /** Waits in a row, >= 1. */
  readonly refusals: number;
  /** When an attempt beyond the slots was let through; null: none since the wait. */
  readonly trialAtMs: number | null;
};

/** First wait without a word from the endpoint, ms; each further one doubles … */
export const CUT_MS = 1_000;
/** … up to this, ms: a trial costs one request one more trip, and an endpoint that has room again must be found. */
export const CUT_MS_MAX = 10_000;
/** Share by which such a wait is shorter or longer: pools that share an endpoint do not come back together. */
export const CUT_JITTER = 0.25;
/** Longest wait that an endpoint may ask for, ms: the most that a client is told to wait. */
export const CUT_ASKED_MS_MAX = 60_000;
/** A trial that has not been refused after this has its slot, ms: a refusal for want of room comes at once. */
export const TRIAL_MS = 2_000;
/** A cut that nobody has tried for so long after its wait is over, ms. */
export const CUT_LIFE_MS = 60_000;

/** A double more than any endpoint has slots. */
const DOUBLINGS_MAX = 16;

export type RoomRefusal = {
  /** In-flight beside the attempt that was refused. */
  readonly inFlight: number;
  /** When the endpoint wants to be asked again, ms; null: it did not say. */
  readonly retryAfterMs: number | null;
};

/** The cut after a refusal. */
export function refusedCut(
  known: CapacityCut | null,
  { inFlight, retryAfterMs }: RoomRefusal,
  now: number,
  rng: Rng,
): CapacityCut {
  const slots = Math.max(0, inFlight);
  const askedMs = retryAfterMs === null ? 0 : Math.min(CUT_ASKED_MS_MAX, retryAfterMs);
  if (known !== null && now < known.untilMs) {
    return { ...known, slots: Math.min(known.slots, slots), untilMs: Math.max(known.untilMs, now + askedMs) };
  }
  const isRow = known !== null && now - known.untilMs < CUT_LIFE_MS && !hasPassed(known, now);
  const refusals = isRow ? known.refusals + 1 : 1;
  const waitMs = askedMs > 0 ? askedMs : backOffMs(refusals, rng);
  return { slots, untilMs: now + waitMs, refusals, trialAtMs: null };
}

/** An attempt beside `inFlight` others is about to be sent. */
export function grantedCut(cut: CapacityCut, inFlight: number, now: number): CapacityCut {
  const isTrial = cut.trialAtMs === null && now >= cut.untilMs && inFlight >= cut.slots;
  return isTrial ? { ...cut, trialAtMs: now } : cut;
}

/**
 * An attempt that was sent beside `inFlight` others has ended, and was not refused for want of room. Null: it is over.
 */
export function endedCut(cut: CapacityCut, inFlight: number, wasServed: boolean, now: number): CapacityCut | null {
  if (cut.trialAtMs === null || inFlight < cut.slots) return cut;
  if (wasServed) return null;
  // It says nothing of room: another one is tried.
  return hasPassed(cut, now) ? cut : { ...cut, trialAtMs: null };
}

/** Slots that a cut leaves, >= 0; Infinity when it is over. */
export function cutSlots(cut: CapacityCut | null, now: number): number {
  if (cut === null) return Number.POSITIVE_INFINITY;
  const { slots, untilMs, trialAtMs } = cut;
  if (now < untilMs) return slots;
  if (trialAtMs === null) return now - untilMs < CUT_LIFE_MS ? slots + 1 : Number.POSITIVE_INFINITY;
  const doublings = Math.floor((now - trialAtMs) / TRIAL_MS);
  return doublings > DOUBLINGS_MAX ? Number.POSITIVE_INFINITY : slots + 2 ** doublings;
}

/** What is left of the wait, ms; 0 when one more may be tried. */
export function cutForMs(cut: CapacityCut | null, now: number): number {
  return cut === null ? 0 : Math.max(0, cut.untilMs - now);
}

function hasPassed({ trialAtMs }: CapacityCut, now: number): boolean {
  return trialAtMs !== null && now - trialAtMs >= TRIAL_MS;
}

function backOffMs(refusals: number, rng: Rng): number {
  const meanMs = Math.min(CUT_MS_MAX, CUT_MS * 2 ** (refusals - 1));
  return meanMs * (1 + CUT_JITTER * (2 * rng() - 1));
}
