/**
 * Decides what a request that has to wait is told of its wait, by its class: those that go before it now, and what
 * higher classes leave of the slots while they come as they do.
 */
import type { EndpointView } from "../endpoint/endpoint-view.ts";
import { PRIORITIES, PRIORITY_DEFAULT, rankOf } from "./priority.ts";
import type { ByPriority } from "./priority.ts";
import { rankOfWaiter } from "./queue-order.ts";
import { ownViews } from "./shard.ts";
import { REFUSED_RETRY_MS } from "./shard-grant.ts";
import { leftFor } from "./shard-shares.ts";
import type { ShardState } from "./shard-state.ts";
import type { AcquireRequest, LinePlace } from "../shard-messages.ts";
import { waitMs as expectedWaitMs } from "../cost/terms/wait.ts";

/** When the next request of this rank to be held is expected to find a slot here, ms from now. */
export function etaOfNext(state: ShardState, rank: number, now: number): number {
  const views = ownViews(state, now).filter(({ standing }) => standing === "admitting");
  const perMs = endsPerMsOf(views);
  const over = views.reduce((sum, { inFlight, capacity }) => sum + Math.max(0, inFlight - capacity), 0);
  const ahead = aheadOf(state, rank);
  if (perMs > 0) return (over + ahead + 1) / (perMs * leftFor(state, rank, perMs, now));
  // None has room: they are tried one request at a time.
  const perTrialMs = views.reduce((sum, { occupancyMs }) => sum + 1 / occupancyMs, 0);
  return perTrialMs === 0 ? 0 : firstRoomMs(views) + ahead / perTrialMs;
}

/** Slots that become free in a ms. */
export function endsPerMsOf(views: readonly EndpointView[]): number {
  return views.reduce((sum, { capacity, occupancyMs }) => sum + capacity / occupancyMs, 0);
}

/** Held requests of this class and of those above it. */
function aheadOf({ queue }: ShardState, rank: number): number {
  let ahead = 0;
  for (const waiter of queue.values()) if (rankOfWaiter(waiter) <= rank) ahead += 1;
  return ahead;
}

/** When the first of them that refuses may be tried again, ms from now. */
function firstRoomMs(views: readonly EndpointView[]): number {
  return Math.min(...views.map(({ refusesForMs = 0 }) => refusesForMs));
}

/** What a request of this rank is told that waited in vain: a slot's time, and that of those above it. */
export function comeBackMs(state: ShardState, rank: number, views: readonly EndpointView[], now: number): number {
  const waits = views.map((view) => (view.capacity === 0 ? expectedWaitMs(view) : view.occupancyMs / view.capacity));
  const oneMs = waits.length === 0 ? REFUSED_RETRY_MS : Math.min(...waits);
  const perMs = endsPerMsOf(views);
  if (perMs === 0) return oneMs;
  const higher = aheadOf(state, rank - 1);
  return Math.max(oneMs, (higher + 1) / perMs) / leftFor(state, rank, perMs, now);
}

/** Held requests by class. */
export function waitingByPriority({ queue }: ShardState): ByPriority {
  const waiting = { high: 0, normal: 0, low: 0 };
  for (const waiter of queue.values()) waiting[PRIORITIES[rankOfWaiter(waiter)] ?? PRIORITY_DEFAULT] += 1;
  return waiting;
}

/** Where a request of its class stands now; it may be among those that wait. */
export function linePlace(
  state: ShardState,
  { priority = PRIORITY_DEFAULT }: Pick<AcquireRequest, "priority">,
  now: number,
): LinePlace {
  const rank = rankOf(priority);
  const waiting = waitingByPriority(state);
  const isFree = state.queue.size === 0 && ownViews(state, now).some(hasRoom);
  return {
    priority,
    waiting,
    ahead: PRIORITIES.slice(0, rank).reduce((sum, one) => sum + waiting[one], 0),
    waitMs: isFree ? 0 : etaOfNext(state, rank, now),
  };
}

const hasRoom = ({ standing, warmth, inFlight, capacity }: EndpointView): boolean =>
  standing === "admitting" && warmth === "warm" && inFlight < capacity;
