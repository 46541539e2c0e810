/**
 * Runs one attempt, and a second one beside it when the first is late: the promises around `dispatch/core/hedge-race.ts`, which
 * decides.
 *
 * Model. Nobody races anything until the first attempt is late; its own timer says so. The second attempt then begins,
 * or does not, behind its back: if it wins it aborts the first, whose promise rejects and so lets the caller go on. Each
 * attempt holds its lease until it was aborted, and is settled once. What the second one fails at is never shown.
 */
import { createRace, raceBegun, raceLate, raceLost } from "./core/hedge-race.ts";
import { part } from "./part.ts";
import type { HeldLease } from "../routing/core/lease-client/lease-cache.ts";
import type { LeaseClient } from "../routing/host/lease-client.ts";
import { endLost, nowOf } from "./attempt-end.ts";
import { attemptOnce } from "./attempt-once.ts";
import type { Hedged, HedgePlan } from "./course.ts";
import type { Bounds, Way } from "./upstream.ts";

/** The second attempt: loaded with the first one that is late. */
const loadSecond = part(async () => import("./hedge-second.ts"));

/** What exists only once the first attempt is late: before, a race costs nothing. */
type Second<Reply> = { readonly stop: AbortController; readonly hedged: Promise<Hedged<Reply> | null> };

export async function attemptHedged<Reply>(
  leases: LeaseClient,
  heldLease: HeldLease,
  way: Way<Reply>,
  bounds: Bounds,
  plan: HedgePlan<Reply>,
): Promise<Hedged<Reply>> {
  const race = createRace();
  const beside: { second: Second<Reply> | null } = { second: null };
  const { hedgeAfterMs, moveAfterMs } = plan.late;
  const result = await attemptOnce(leases, heldLease, way, bounds, {
    afterMs: Math.min(hedgeAfterMs, moveAfterMs),
    onLate: (first) => {
      const now = nowOf(first);
      const lateForMs = now - first.sentAtMs;
      // Where nobody is better now, one may be later.
      const nextMs = lateForMs < moveAfterMs ? first.sentAtMs + moveAfterMs : now + moveAfterMs;
      if (!raceLate(race)) return nextMs;
      const stop = new AbortController();
      const clientGone = AbortSignal.any([bounds.clientGone, stop.signal]);
      const isMove = lateForMs >= moveAfterMs;
      const hedged = loadSecond().then(async ({ runSecond }) =>
        runSecond(race, first, { ...bounds, clientGone, isHedge: true }, plan, isMove ? lateForMs : null),
      );
      beside.second = { stop, hedged };
      leases.ports.spawn(hedged);
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
