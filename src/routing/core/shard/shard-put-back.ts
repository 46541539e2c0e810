/**
 * Decides which attempts without a byte are put back for requests of a higher class that wait.
 *
 * Model. A lease of a lower class whose attempt has not begun to answer may be given up without a loss but its place:
 * its edge aborts the attempt and asks again, and the slot goes to who waits first. The shard names the youngest of the
 * lowest class of which it has heard no first token, which most likely stand in the endpoint's own line, one for each
 * that waits for longer than the news takes to be heard. That news may be on its way: an edge that finds the answer begun, or
 * may not repeat the request, goes on, and after PUT_BACK_LIFE_MS another is named. Only who says so may be put back (`mayPutBack`): a
 * stream that may be repeated, and was put back fewer than PUT_BACKS_MAX times (`dispatch/core/attempt-plan.ts`).
 * Source: docs/reference/sources.md, Fairness (SMG). Rejected: the oldest, which has waited longest and begins next; a call from
 * the shard to each holder, which an object cannot make.
 */
import type { Lease } from "./leases.ts";
import { rankOfWaiter } from "./queue-order.ts";
import type { ShardState } from "./shard-state.ts";
import type { AcquireRequest } from "../shard-messages.ts";

/**
 * Who waits for less gets its slot sooner than an edge hears, ms: attempts look this often (`lease-cache-leave.ts`).
 */
export const PUT_BACK_WAIT_MS = 500;

/** A lease that is named and still lives after this has begun, ms: twice that, and the trips. */
export const PUT_BACK_LIFE_MS = 2_000;

/** Named at once at most; they are in every answer of the shard. */
export const PUT_BACK_NAMES_MAX = 64;

/** A lease was granted whose attempt may be put back, as long as it has no byte. */
export function notePutBackable({ putBackable }: ShardState, { mayPutBack }: AcquireRequest, lease: Lease): void {
  const rank = lease.charged?.rank ?? 0;
  if (mayPutBack === true && rank > 0) (putBackable[rank] ??= new Set()).add(lease.id);
}

/** It has ended. */
export function forgetPutBackable({ putBackable }: ShardState, leaseId: string): void {
  for (const ids of putBackable) ids?.delete(leaseId);
}

/** Leases that are to be put back now; most of the time there are none. */
export function putBackNames(state: ShardState, now: number): string[] {
  if (state.queue.size === 0 || state.putBackable.length === 0) return [];
  const waiting = [...state.queue.values()]
    .filter(({ etaMs }) => etaMs > PUT_BACK_WAIT_MS)
    .map(rankOfWaiter)
    .toSorted((one, other) => one - other);
  const names: string[] = [];
  for (const rank of waiting) {
    if (names.length >= PUT_BACK_NAMES_MAX) break;
    const lease = lowestAbove(state, rank, names, now);
    // Nobody is below the rest either.
    if (lease === null) break;
    if (lease.charged !== null) lease.charged.putBackAtMs ??= now;
    names.push(lease.id);
  }
  return names;
}

/** Of the lowest class below `rank` the one that is named already, else the youngest. */
function lowestAbove(state: ShardState, rank: number, names: readonly string[], now: number): Lease | null {
  for (let lower = state.putBackable.length - 1; lower > rank; lower -= 1) {
    let best: Lease | null = null;
    for (const id of state.putBackable[lower] ?? []) {
      const lease = state.leases.live.get(id);
      if (lease === undefined || names.includes(id)) continue;
      const namedAtMs = lease.charged?.putBackAtMs ?? null;
      const isTooLate = namedAtMs !== null && now - namedAtMs >= PUT_BACK_LIFE_MS;
      if (isTooLate || lease.begun) state.putBackable[lower]?.delete(id);
      else if (best === null || isNamed(lease) || (!isNamed(best) && lease.grantedAtMs >= best.grantedAtMs))
        best = lease;
    }
    if (best !== null) return best;
  }
  return null;
}

const isNamed = ({ charged }: Lease): boolean => charged !== null && charged.putBackAtMs !== null;
