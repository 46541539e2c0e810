/**
 * Decides whether a submission is new, a repetition, or a mistake: keys are the tenant's own, and a key belongs to one
 * body.
 *
 * Same key and same body is the same job, whatever has become of it; same key and another body is a conflict (422),
 * since answering with the first job would hide a bug of the caller. A key is kept from the first submission on, and
 * repeats do not prolong it: a client that retries for ever would keep it for ever.
 *
 * Source: the IETF draft on Idempotency-Key; Inngest's 24 h. Rejected: keys of the whole pool (one tenant could probe
 * for another's), and comparing bodies instead of hashes (they would have to be stored).
 */
import { invariant } from "../../lib/invariant.ts";

/** A day outlives every client's retries, and the ttl of a job by default. */
export const KEY_RETENTION_MS = 24 * 60 * 60_000;

/** Room for two UUIDs and a prefix; what is longer is data, not a key. */
export const KEY_CHARS_MAX = 255;

export type KeyRecord = {
  readonly jobId: string;
  readonly bodyHash: string;
  readonly expiresAtMs: number;
};

export type Submission =
  | { readonly kind: "new"; readonly record: KeyRecord }
  | { readonly kind: "same"; readonly jobId: string }
  | { readonly kind: "conflict" };

/** `known`: what is stored under this tenant's key. `jobId`: for the job that this submission would make. */
export function decideSubmission(
  known: KeyRecord | null,
  asked: { readonly jobId: string; readonly bodyHash: string },
  now: number,
): Submission {
  if (known === null || known.expiresAtMs <= now) {
    return { kind: "new", record: { ...asked, expiresAtMs: now + KEY_RETENTION_MS } };
  }
  return known.bodyHash === asked.bodyHash ? { kind: "same", jobId: known.jobId } : { kind: "conflict" };
}

/** Printable ASCII, 1 to `KEY_CHARS_MAX` characters. */
export function isIdempotencyKey(text: string): boolean {
  return text.length <= KEY_CHARS_MAX && /^[\x21-\x7e]+$/.test(text);
}

/** Injective: the tenant's length comes first, so no tenant and key can be read as another pair. */
export function scopedKey(tenant: string, key: string): string {
  invariant(isIdempotencyKey(key), "the edge has checked the key");
  return `${tenant.length}:${tenant}:${key}`;
}
