/**
 * Decides what a sender is charged for its requests (`fair-shares.ts`), and what each class leaves of a
 * shard's slots for those below it.
 */
import { countAt, countMore, NO_EVENTS } from "../../../lib/fading-count.ts";
import { addService, NO_SENDER, noteLine, serviceOf } from "./fair-shares.ts";
import type { Lease } from "./leases.ts";
import type { Sender } from "./fair-shares.ts";
import { rankOf } from "./priority.ts";
import { AGE_TURN } from "./queue-order.ts";
import type { ShardState } from "./shard-state.ts";
import type { AcquireRequest, AttemptOutcome, LeaseConfirmation, Owner, Settlement } from "../shard-messages.ts";

/** Time constant of the arrivals of a class, ms: some twenty slots' time, and soon over when a burst is. */
export const CLASS_TAU_MS = 10_000;

/** A request of this class is to be routed. */
export function countClass({ arrivals }: ShardState, { priority }: AcquireRequest, now: number): void {
  const rank = rankOf(priority);
  arrivals[rank] = countMore(arrivals[rank] ?? NO_EVENTS, 1, CLASS_TAU_MS, now);
}

/**
 * Share of the slots that higher classes leave to one of this rank while they come as they do, 1/AGE_TURN..1.
 * `endsPerMs`: slots that become free.
 */
export function leftFor({ arrivals }: ShardState, rank: number, endsPerMs: number, now: number): number {
  let higherPerMs = 0;
  for (const one of arrivals.slice(0, rank)) {
    if (one !== undefined) higherPerMs += countAt(one, CLASS_TAU_MS, now) / CLASS_TAU_MS;
  }
  return higherPerMs === 0 ? 1 : Math.max(1 / AGE_TURN, 1 - higherPerMs / endsPerMs);
}

/** A request is served here, under `lease`. */
export function chargeGrant(state: ShardState, request: AcquireRequest, lease: Lease, now: number): void {
  const tokens = serviceOf(request.inputTokens, null);
  lease.charged = { sender: request.sender ?? NO_SENDER, rank: rankOf(request.priority), tokens, putBackAtMs: null };
  charge(state, request, tokens, now);
}

/** Who holds `lease` says whose request it is; its prompt is charged with its end. */
export function chargeHeld(state: ShardState, lease: Lease | undefined, { of }: LeaseConfirmation, now: number): void {
  if (of === undefined || lease === undefined || lease.charged !== null) return;
  const { sender, priority } = of;
  const tokens = serviceOf(0, null);
  lease.charged = { sender, rank: rankOf(priority), tokens, putBackAtMs: null };
  charge(state, of, tokens, now);
}

/** A request is served elsewhere: what its sender has there it has had. */
export function chargeSpill(state: ShardState, request: AcquireRequest, now: number): void {
  charge(state, request, serviceOf(request.inputTokens, null), now);
}

function charge({ shares }: ShardState, { sender = NO_SENDER, priority }: Partial<Owner>, tokens: number, now: number) {
  addService(shares, sender, tokens, now);
  noteLine(shares, rankOf(priority), sender, now);
}

/** Outcomes by which an endpoint did nothing for the sender. */
const NOTHING_DONE: ReadonlySet<AttemptOutcome> = new Set([
  "capacity",
  "client_fault",
  "disputed",
  "failed",
  "unused",
] satisfies AttemptOutcome[]);

/** Whose request ran under a lease; undefined: nobody knows. */
export const senderOf = (lease: Lease | null, { of }: Settlement): Sender | undefined =>
  lease?.charged?.sender ?? of?.sender;

/** What an attempt has really taken, in place of what its sender was charged for it. */
export function settleService(state: ShardState, lease: Lease | null, settlement: Settlement, now: number): void {
  const { outcome, inputTokens, promptTokens = inputTokens, cachedTrue = 0, outputTokens = null } = settlement;
  const charged = lease?.charged ?? null;
  const sender = senderOf(lease, settlement);
  if (sender === undefined) return;
  const taken = NOTHING_DONE.has(outcome) ? 0 : serviceOf(promptTokens - cachedTrue, outputTokens);
  addService(state.shares, sender, taken - (charged?.tokens ?? 0), now);
}
