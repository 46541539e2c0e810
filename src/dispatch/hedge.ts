/**
 * Runs one attempt, and a second one beside it when the first is late: the promises around `dispatch/core/hedge-race.ts`, which
 * decides.
 *
 * Model. Nobody races anything until the first attempt is late; its own timer says so. The second attempt then begins,
 * or does not, behind its back: if it wins it aborts the first, whose promise rejects and so lets the caller go on. Each
 * attempt holds its lease until it was aborted, and is settled once. What the second one fails at is never shown.
 */
import type { LeaseRequest } from "../routing/core/lease-client/edge-lease.ts";
import type { LateTimes } from "../routing/core/endpoint/first-byte.ts";
import { createRace, raceBegun, raceLate, raceLeased, raceLost } from "./core/hedge-race.ts";
import type { HedgeRace } from "./core/hedge-race.ts";
import type { HeldLease } from "../routing/core/lease-client/lease-cache.ts";
import { attemptOnce, endAttempt, endLost } from "./dispatch.ts";
import type { Attempt, AttemptResult } from "./attempt.ts";
import type { Outgoing } from "./outgoing.ts";
import { lease, returnLease } from "./lease-desk.ts";
import type { Desk } from "./lease-desk.ts";
import type { EdgeEndpoint, EdgePool } from "./runtime.ts";

export type HedgePlan = {
  /** When the first attempt is late. */
  readonly late: LateTimes;
  readonly pool: EdgePool;
  readonly leaseRequest: LeaseRequest;
  /** Endpoints dispatched to; the second one's is added when it is. */
  readonly tried: string[];
};

export type Hedged = {
  readonly result: AttemptResult;
  /** The second attempt answered. */
  readonly isHedge: boolean;
};

/** What exists only once the first attempt is late: before, a race costs nothing. */
type Second = { readonly stop: AbortController; readonly hedged: Promise<Hedged | null> };

export async function attemptHedged(
  desk: Desk,
  heldLease: HeldLease,
  endpoint: EdgeEndpoint,
  outgoing: Outgoing,
  plan: HedgePlan,
): Promise<Hedged> {
  const race = createRace();
  const beside: { second: Second | null } = { second: null };
  const { hedgeAfterMs, moveAfterMs } = plan.late;
  const result = await attemptOnce(desk, heldLease, endpoint, outgoing, {
    afterMs: Math.min(hedgeAfterMs, moveAfterMs),
    onLate: (first) => {
      const now = Date.now();
      const lateForMs = now - first.sentAtMs;
      // Where nobody is better now, one may be later.
      const nextMs = lateForMs < moveAfterMs ? first.sentAtMs + moveAfterMs : now + moveAfterMs;
      if (!raceLate(race)) return nextMs;
      const stop = new AbortController();
      const clientGone = AbortSignal.any([outgoing.clientGone, stop.signal]);
      const isMove = lateForMs >= moveAfterMs;
      const hedged = runSecond(race, first, { ...outgoing, clientGone }, plan, isMove ? lateForMs : null);
      beside.second = { stop, hedged };
      desk.ctx.waitUntil(hedged);
      return nextMs;
    },
  });
  if (result.kind === "begun") {
    const { wins, cancels } = raceBegun(race, "first");
    if (cancels === "second") beside.second?.stop.abort();
    if (wins) return { result, isHedge: false };
  } else {
    raceLost(race, "first");
  }
  const hedged = await beside.second?.hedged;
  if (hedged === undefined || hedged === null) return { result, isHedge: false };
  // The other endpoint served what this one failed at.
  if (result.kind === "lost") endLost(result);
  return hedged;
}

/** Null when it did not win. `outgoing.clientGone` is also aborted when the first attempt wins. Never rejects. */
async function runSecond(
  race: HedgeRace,
  first: Attempt,
  outgoing: Outgoing,
  { pool, leaseRequest, tried }: HedgePlan,
  lateForMs: number | null,
): Promise<Hedged | null> {
  const { desk } = first;
  const answer = await lease(desk, pool, {
    ...leaseRequest,
    excluded: [...tried],
    purpose: "hedge",
    ...(lateForMs === null ? {} : { lateForMs }),
  });
  if (answer.kind !== "leased") {
    raceLeased(race, false);
    return null;
  }
  const { heldLease } = answer;
  const endpoint = pool.endpoints.get(heldLease.grant.endpointId);
  // A shard of another version may name an endpoint that this version does not know, or one that was tried.
  const isUsable = endpoint !== undefined && !tried.includes(endpoint.config.id) && !outgoing.clientGone.aborted;
  if (raceLeased(race, isUsable) !== "dispatch" || endpoint === undefined) {
    returnLease(desk, heldLease);
    return null;
  }
  tried.push(endpoint.config.id);
  const result = await attemptOnce(desk, heldLease, endpoint, outgoing);
  if (result.kind === "begun" && result.response.status < 400) {
    const { wins, cancels } = raceBegun(race, "second");
    if (cancels === "first") cancel(first, lateForMs === null ? "cancelled" : "late");
    return wins ? { result, isHedge: true } : null;
  }
  // What speaks against the request itself counts only from the endpoint that was chosen for it.
  if (result.kind === "begun") endAttempt(result.attempt, "client_fault");
  else endLost(result);
  raceLost(race, "second");
  return null;
}

/** Ends an attempt whose request was answered by another one. */
function cancel(attempt: Attempt, outcome: "cancelled" | "late"): void {
  // Its first byte comes no sooner than now, which is all that will be known of it.
  const now = Date.now();
  attempt.firstByteAtMs = now;
  endAttempt(attempt, outcome, now);
  attempt.controller.abort();
}
