/**
 * Remembers the requests that keep failing, by what they are (`dispatch/core/failing-requests.ts` decides), and refuses them for a
 * while. A request is known by its tenant, its path and its body: nobody is refused for another's.
 */
import { askedOfIt } from "./core/attempt-plan.ts";
import type { AttemptPlan } from "./core/attempt-plan.ts";
import { noteAsked, noteFailing, refusalOf } from "./core/failing-rules.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Desk } from "./lease-desk.ts";
import { endAttempt } from "./dispatch.ts";
import { servesOthers } from "./core/failing-requests.ts";
import type { LostAttempt } from "./attempt.ts";
import { requestHash } from "./request-hash.ts";
import type { EdgePool } from "./runtime.ts";
import type { Refusal } from "../wire/refusal.ts";

/** A request, as far as it is told from others. */
type Known = {
  readonly desk: Desk;
  readonly pool: EdgePool;
  readonly outgoing: Outgoing;
  readonly tenant: string;
};

/** Why a request is not sent at all; null: it is. Hashes nothing while no request of the pool has failed lately. */
export function refuseFailing(request: Known): Refusal | null {
  const { failing } = request.pool;
  if (failing.entries.size === 0) return null;
  const known = refusalOf(failing, keyOf(request), Date.now());
  if (known === null) return null;
  return { reason: known.fault === "failed" ? "request_keeps_failing" : "saturated", retryAfterMs: known.forMs };
}

/** It ended without an answer: held against it where two endpoints said so; where idle ones asked for a wait, it waits. */
export function noteEnded(request: Known, plan: AttemptPlan): void {
  const { disputed, idleRefusals } = plan;
  const fault = disputed ? "failed" : idleRefusals > 1 ? "no_room" : null;
  const askedMs = askedOfIt(plan);
  if (fault === null && askedMs === null) return;
  const key = keyOf(request);
  const now = Date.now();
  if (fault !== null) noteFailing(request.pool.failing, key, fault, now);
  if (askedMs !== null) noteAsked(request.pool.failing, key, askedMs, now);
}

/**
 * What they refused, nobody served. Two idle endpoints that do, while others are served, say nothing of themselves; what one
 * alone refused is told by its hash.
 */
export function noteRefused(request: Known, { idleRefusals }: AttemptPlan, refusals: readonly LostAttempt[]): void {
  const isItsOwn = idleRefusals > 1 && servesOthers(request.pool.failing, Date.now());
  for (const { attempt } of refusals) {
    if (refusals.length === 1) attempt.request = requestHash(request.desk, request.outgoing);
    endAttempt(attempt, isItsOwn ? "cancelled" : "capacity");
  }
}

const keyOf = ({ desk, outgoing, tenant }: Known): string => requestHash(desk, outgoing, tenant);
