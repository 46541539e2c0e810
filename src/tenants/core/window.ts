/**
 * A sliding minute: how much was admitted in it, and when there will be room.
 *
 * Model. Charges fall into buckets of BUCKET_MS; the window is the newest SLOTS buckets and one more, so that a charge
 * counts for at least a minute and for at most BUCKET_MS longer. No minute, wherever it begins, holds more than the
 * limit, and a flood gets at least 60 / 60.25 of it. A charge may lie in the future: what is lent may be spent until
 * its life is over, so it is charged at its end. Refunds go to the bucket of their charge, never below nothing.
 * Rejected: GCRA and the token bucket, which let twice the limit through in one minute after a pause; the two-counter
 * approximation (current and previous minute), which assumes that the previous one was even; a log of every request,
 * whose memory grows with the limit.
 */

export const WINDOW_MS = 60_000;
/** 0.4 % of the window: how much too long a charge may count. */
const BUCKET_MS = 250;

/** By the number of their bucket, in order. */
export type Window = { readonly buckets: Map<number, number>; sum: number };

export const createWindow = (): Window => ({ buckets: new Map(), sum: 0 });

const bucketOf = (atMs: number): number => Math.floor(atMs / BUCKET_MS);

/** Forgets what is older than a minute. Charges come nearly in order, so the oldest are looked for among the first. */
function forget(window: Window, now: number): void {
  const oldest = bucketOf(now - WINDOW_MS);
  for (const [bucket, amount] of window.buckets) {
    if (bucket >= oldest) continue;
    window.buckets.delete(bucket);
    window.sum -= amount;
  }
}

/** `atMs`: when it may be spent at the latest. */
export function charge(window: Window, amount: number, atMs: number): void {
  if (amount === 0) return;
  const bucket = bucketOf(atMs);
  window.buckets.set(bucket, (window.buckets.get(bucket) ?? 0) + amount);
  window.sum += amount;
}

/** Of the charge at this instant so much was not used; more than was charged there changes nothing. */
export function refund(window: Window, amount: number, atMs: number): void {
  const bucket = bucketOf(atMs);
  const charged = window.buckets.get(bucket) ?? 0;
  const back = Math.min(charged, amount);
  if (back === 0) return;
  if (back === charged) window.buckets.delete(bucket);
  else window.buckets.set(bucket, charged - back);
  window.sum -= back;
}

/** Admitted in the minute that ends now, or lent until later. */
export function usedIn(window: Window, now: number): number {
  forget(window, now);
  return window.sum;
}

/** Until so much has left the window, ms; 0: nothing has to. */
export function msUntilLeft(window: Window, amount: number, now: number): number {
  let left = amount;
  if (left <= 0) return 0;
  let lastMs = 0;
  for (const [bucket, charged] of [...window.buckets].toSorted(([one], [other]) => one - other)) {
    left -= charged;
    lastMs = (bucket + 1) * BUCKET_MS + WINDOW_MS - now;
    if (left <= 0) break;
  }
  return Math.max(0, lastMs);
}
