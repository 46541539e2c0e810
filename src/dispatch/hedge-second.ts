/** The second attempt of a request, beside one that is late (`hedge.ts`). Loaded with the first of them. */
import type { LeaseRequest } from "../routing/core/lease-client/edge-lease.ts";
import { abandonAttempt, endLost, nowOf } from "./attempt-end.ts";
import { attemptOnce } from "./attempt-once.ts";
import type { Attempt } from "./attempt.ts";
import { raceBegun, raceLeased, raceLost } from "./core/hedge-race.ts";
import type { HedgeRace } from "./core/hedge-race.ts";
import type { Hedged, HedgePlan } from "./course.ts";
import type { Bounds } from "./upstream.ts";
import { wayOf } from "./way-of.ts";

/** Null when it did not win. `bounds.clientGone` is also aborted when the first attempt wins. Never rejects. */
export async function runSecond<Reply>(
  race: HedgeRace,
  first: Attempt,
  bounds: Bounds,
  { pool, leaseRequest, upstream, tried }: HedgePlan<Reply>,
  lateForMs: number | null,
): Promise<Hedged<Reply> | null> {
  const { leases } = first;
  // Nobody waits for its lease.
  const { waits: _waits, ...request } = leaseRequest;
  const hedging: LeaseRequest = { ...request, excluded: [...request.excluded, ...tried], purpose: "hedge" };
  const asked = lateForMs === null ? hedging : { ...hedging, lateForMs };
  const answer = await leases.take(asked, pool.config.patienceMs);
  const way = answer.kind === "leased" ? wayOf(leases, answer.heldLease, upstream.to, bounds.clientGone) : null;
  if (answer.kind !== "leased" || way === null) {
    raceLeased(race, false);
    return null;
  }
  const { heldLease } = answer;
  // A shard of another version may name an endpoint that was tried.
  if (raceLeased(race, !tried.includes(way.endpointId)) !== "dispatch") {
    leases.giveBack(heldLease);
    return null;
  }
  tried.push(way.endpointId);
  const result = await attemptOnce(leases, heldLease, way, bounds);
  if (result.kind === "begun" && result.status < 400) {
    const { wins, cancels } = raceBegun(race, "second");
    if (cancels === "first") cancel(first, lateForMs === null ? "cancelled" : "late");
    return wins ? { result, isHedge: true } : null;
  }
  // What speaks against the request itself counts only from the endpoint that was chosen for it.
  if (result.kind === "lost") endLost(result);
  raceLost(race, "second");
  return null;
}

/** Ends an attempt whose request was answered by another one. */
function cancel(attempt: Attempt, outcome: "cancelled" | "late"): void {
  // Its first byte comes no sooner than now, which is all that will be known of it.
  const now = nowOf(attempt);
  attempt.firstByteAtMs = now;
  abandonAttempt(attempt, outcome, now);
}
