/**
 * Remembers the requests that keep failing, by what they are (`dispatch/core/failing-requests.ts` decides), and refuses them for a
 * while. A request is known by its tenant, its path and its body: nobody is refused for another's.
 */
import { askedOfIt, isRefusedAnywhere } from "./core/attempt-plan.ts";
import type { AttemptPlan } from "./core/attempt-plan.ts";
import { noteAsked, noteFailing, refusalOf } from "./core/failing-rules.ts";
import { endAttempt } from "./attempt-end.ts";
import { servesOthers } from "./core/failing-requests.ts";
import type { LostAttempt } from "./attempt.ts";
import type { Dispatch } from "./course.ts";
import type { Refusal } from "../wire/refusal.ts";

/** A request, as far as it is told from others. */
type Known = Pick<Dispatch<unknown>, "leases" | "pool" | "upstream" | "tenant">;

/** Why a request is not sent at all; null: it is. Hashes nothing while no request of the pool has failed lately. */
export async function refuseFailing(request: Known): Promise<Refusal | null> {
  const { failing } = request.pool;
  if (failing.entries.size === 0) return null;
  const known = refusalOf(failing, await keyOf(request), nowOf(request));
  if (known === null) return null;
  return { reason: known.fault === "failed" ? "request_keeps_failing" : "saturated", retryAfterMs: known.forMs };
}

/** It ended without an answer: held against it where two endpoints said so; where idle ones asked for a wait, it waits. */
export async function noteEnded(request: Known, plan: AttemptPlan): Promise<void> {
  const fault = plan.disputed ? "failed" : isRefusedAnywhere(plan) ? "no_room" : null;
  const askedMs = askedOfIt(plan);
  if (fault === null && askedMs === null) return;
  const key = await keyOf(request);
  const now = nowOf(request);
  if (fault !== null) noteFailing(request.pool.failing, key, fault, now);
  if (askedMs !== null) noteAsked(request.pool.failing, key, askedMs, now);
}

/**
 * What they refused, nobody served. Two idle endpoints that do, while others are served, say nothing of themselves; what one
 * alone refused is told by its hash.
 */
export async function noteRefused(request: Known, plan: AttemptPlan, refusals: readonly LostAttempt[]): Promise<void> {
  const isItsOwn = isRefusedAnywhere(plan) && servesOthers(request.pool.failing, nowOf(request));
  const alone = refusals.length === 1 ? await request.upstream.hash("") : null;
  for (const { attempt } of refusals) {
    attempt.request = alone ?? attempt.request;
    endAttempt(attempt, isItsOwn ? "cancelled" : "capacity");
  }
}

const keyOf = async ({ upstream, tenant }: Known): Promise<string> => upstream.hash(tenant);

const nowOf = ({ leases }: Known): number => leases.ports.clock.now();
