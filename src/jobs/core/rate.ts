/**
 * Decides whether one more call of an operation is within its rate, for the calls of one tenant to one pool.
 *
 * Model. A sliding window of 10 s, counted in slots of 1 s: the running one and the ten before it. A call is admitted
 * while their sum is below the limit. The oldest counts whole until all of it has left, so no 10 s anywhere ever hold
 * more than the limit; the price is that a call may be refused up to 1 s longer than an exact log would. `Retry-After`
 * is true: the instant at which enough slots will have left, if nobody else calls.
 *
 * Limits and their growth with the number of running GPU workers: Runpod's, `max(base, workers × perWorker)`.
 * Rejected: a log of instants (2,000 numbers a tenant and operation), a token bucket (admits nearly twice the limit in
 * the window after a rest), two fixed windows weighted (exact on average only).
 */

export type Operation =
  | "run"
  | "runsync"
  | "status"
  | "status-sync"
  | "stream"
  | "cancel"
  | "retry"
  | "purge-queue"
  | "health"
  | "requests"
  | "openai";

export type RateLimit = {
  /** Calls in any 10 s. */
  readonly callsPer10s: number;
  /** Calls under way at once; null for no limit. */
  readonly concurrentMax: number | null;
  /** Calls in any 10 s that each running GPU worker allows; 0 for a fixed limit. */
  readonly perWorkerPer10s: number;
};

const limit = (callsPer10s: number, concurrentMax: number | null): RateLimit => ({
  callsPer10s,
  concurrentMax,
  // Runpod publishes the rule but no number: a deployment that wants it says which.
  perWorkerPer10s: 0,
});

/** Runpod's table. What it does not list has the row of its nearest kin: reads `status`, changes `cancel`. */
export const DEFAULT_RATES: Readonly<Record<Operation, RateLimit>> = {
  run: limit(1_000, 200),
  runsync: limit(2_000, 400),
  status: limit(2_000, 400),
  "status-sync": limit(2_000, 400),
  stream: limit(2_000, 400),
  cancel: limit(100, 20),
  retry: limit(100, 20),
  "purge-queue": limit(2, null),
  health: limit(2_000, 400),
  requests: limit(10, 2),
  openai: limit(2_000, 400),
};

export const SLOT_MS = 1_000;
/** Whole slots before the running one. */
export const SLOTS = 10;

export type RateWindow = {
  /** Calls admitted, by slot number modulo `SLOTS + 1`. */
  readonly counts: number[];
  /** Number of the newest slot: its beginning in ms / `SLOT_MS`. */
  newest: number;
  total: number;
};

export function createRateWindow(): RateWindow {
  return { counts: Array.from({ length: SLOTS + 1 }, () => 0), newest: 0, total: 0 };
}

function effectiveLimit({ callsPer10s, perWorkerPer10s }: RateLimit, runningWorkers: number): number {
  return Math.max(callsPer10s, runningWorkers * perWorkerPer10s);
}

export type RateAnswer =
  | { readonly kind: "admitted" }
  /** `retryAfterMs` > 0: when the window will have room, if nobody else calls. */
  | { readonly kind: "refused"; readonly reason: "rate" | "concurrency"; readonly retryAfterMs: number };

/** What a caller over the concurrency limit is told: no instant is known, and a second is a short long-poll. */
export const CONCURRENCY_RETRY_MS = 1_000;

export type RateCall = {
  readonly limit: RateLimit;
  readonly runningWorkers: number;
  /** Calls of this operation under way, without this one. */
  readonly concurrent: number;
};

/**
 * Counts the call when it is admitted; a refused one costs nothing, so that asking in vain does not prolong the wait.
 */
export function takeRate(window: RateWindow, call: RateCall, now: number): RateAnswer {
  const { concurrentMax } = call.limit;
  if (concurrentMax !== null && call.concurrent >= concurrentMax) {
    return { kind: "refused", reason: "concurrency", retryAfterMs: CONCURRENCY_RETRY_MS };
  }
  advance(window, Math.floor(now / SLOT_MS));
  const callsMax = effectiveLimit(call.limit, call.runningWorkers);
  if (window.total >= callsMax)
    return { kind: "refused", reason: "rate", retryAfterMs: roomInMs(window, callsMax, now) };
  const slot = window.newest % window.counts.length;
  window.counts[slot] = countAt(window, window.newest) + 1;
  window.total += 1;
  return { kind: "admitted" };
}

/** Slots that have left the window are emptied. A clock that steps back stays in the newest slot. */
function advance(window: RateWindow, slot: number): void {
  const { counts } = window;
  const steps = Math.min(slot - window.newest, counts.length);
  if (steps <= 0) return;
  for (let back = 0; back < steps; back += 1) {
    const leaving = slot - back;
    window.total -= countAt(window, leaving);
    counts[leaving % counts.length] = 0;
  }
  window.newest = slot;
}

/** A slot leaves when the one `SLOTS + 1` later begins: then its last call is at least 10 s old. */
function roomInMs(window: RateWindow, callsMax: number, now: number): number {
  let total = window.total;
  for (let slot = window.newest - SLOTS; slot <= window.newest; slot += 1) {
    if (slot < 0) continue;
    total -= countAt(window, slot);
    if (total < callsMax) return Math.max(1, (slot + SLOTS + 1) * SLOT_MS - now);
  }
  return SLOTS * SLOT_MS;
}

const countAt = (window: RateWindow, slot: number): number => window.counts[slot % window.counts.length] ?? 0;
