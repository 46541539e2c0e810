/**
 * Decides what a shard learns when leases end: by settlement, by expiry, and when holders say that they still hold one.
 * A slot that frees goes to the queue at once.
 */
import { claimInherited, observeAttempt } from "./endpoint.ts";
import { expireLeases, renewLease, settleLease } from "./leases.ts";
import type { Rng } from "./rng.ts";
import type { Effect, ShardState } from "./shard.ts";
import { serveQueue } from "./shard-grant.ts";
import { LOCAL_EPOCH } from "./shard-messages.ts";
import type { Carry, HeldLease, Settlement } from "./shard-messages.ts";

/** Applies what an edge isolate had to tell, then serves the queue. */
export function applyCarry(state: ShardState, carry: Carry, now: number, rng: Rng): Effect[] {
  if (carry.settled.length === 0 && carry.held.length === 0) return [];
  state.lastTrafficMs = now;
  const effects: Effect[] = [];
  for (const held of carry.held) keepHeld(state, held, now);
  for (const settlement of carry.settled) {
    if (settle(state, settlement, now)) effects.push({ kind: "probe", endpointId: settlement.endpointId });
  }
  return [...effects, ...serveQueue(state, now, rng)];
}

/** Drops what is due: expired leases, waiters whose time is up, outcomes nobody fetched. */
export function sweep(state: ShardState, now: number, rng: Rng): Effect[] {
  const expired = expireLeases(state.leases, now);
  for (const [leaseId, { forgetAtMs }] of state.resolved) {
    if (forgetAtMs > now) break;
    state.resolved.delete(leaseId);
  }
  return expired.length > 0 || state.queue.size > 0 ? serveQueue(state, now, rng) : [];
}

/** True when a probe should look at the endpoint. What ended already teaches nothing again. */
function settle(state: ShardState, settlement: Settlement, now: number): boolean {
  const outcome = settleLease(state.leases, settlement.leaseId, now);
  state.queue.delete(settlement.leaseId);
  if (outcome.kind === "ended") return false;
  const endpoint = state.endpoints.get(settlement.endpointId);
  if (endpoint === undefined) return false;
  const fromEarlier = settlement.epoch > LOCAL_EPOCH && settlement.epoch < state.leases.epoch;
  if (outcome.kind === "unknown" && fromEarlier) claimInherited(endpoint);
  return observeAttempt(endpoint, settlement, now);
}

function keepHeld(state: ShardState, held: HeldLease, now: number): void {
  const endpoint = state.endpoints.get(held.endpointId);
  if (endpoint === undefined) return;
  const outcome = renewLease(
    state.leases,
    {
      id: held.leaseId,
      endpointId: held.endpointId,
      epoch: held.epoch,
      ttlMs: state.pool.leaseTtlMs,
      capLeftMs: held.capLeftMs,
    },
    now,
  );
  if (outcome === "adopted" && held.epoch > LOCAL_EPOCH) claimInherited(endpoint);
}
