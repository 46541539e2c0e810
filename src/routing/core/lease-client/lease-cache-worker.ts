/**
 * Decides what an isolate does once it knows which GPU worker answers: a worker that the shard did not ask for is told
 * to it soon, with the next confirmation, so that the shard counts live leases where they are.
 */
import { CONFIRM_CREDIT_MS } from "./lease-cache.ts";
import type { HeldLease, LeaseCache } from "./lease-cache.ts";

/** A longer id, or one with other characters, is none of a platform's: it would go into a header again. */
const WORKER_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** `told`: what the answer says of its GPU worker; null: nothing. */
export function noteAnswering(leaseCache: LeaseCache, heldLease: HeldLease, told: string | null, now: number): void {
  const workerId = told !== null && WORKER_ID.test(told) ? told : null;
  const isNews = workerId !== null && workerId !== heldLease.workerId;
  heldLease.workerId = workerId;
  if (!isNews) return;
  heldLease.confirmDueMs = Math.min(heldLease.confirmDueMs, now + CONFIRM_CREDIT_MS);
  leaseCache.confirmDueMs = Math.min(leaseCache.confirmDueMs, heldLease.confirmDueMs);
}
