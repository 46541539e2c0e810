/**
 * Gets the lease for an attempt, and tells the shards how attempts ended: the calls around `routing/core/lease-client/edge-lease.ts`, which
 * decides, and the pool's patience.
 */
import {
  beginLease,
  onAwaited,
  onCallFailed,
  onLateReply,
  onRefilled,
  onReply,
  onSilence,
} from "../routing/core/lease-client/edge-lease.ts";
import type { Asking, Leased, LeaseStep, LeaseWish, Refused } from "../routing/core/lease-client/edge-lease.ts";
import { LEASES_MAX } from "../routing/core/shard/leases.ts";
import type { AcquireReply, AwaitOutcome, ReportReply, Settlement } from "../routing/core/shard-messages.ts";
import { parseShardName } from "../routing/core/shard-name.ts";
import {
  CARRY_MAX,
  isOwedAWord,
  restoreCarry,
  rideMs,
  settleHolding,
  shardsOwed,
  takeCarry,
} from "../routing/core/lease-client/wallet.ts";
import type { Holding } from "../routing/core/lease-client/wallet.ts";
import { noteHeard } from "../routing/core/lease-client/wallet-leave.ts";
import type { EdgeEnv, EdgePool, Runtime } from "./runtime.ts";

/** A queued request waits for its grant this much longer than the shard's own bound, ms. */
const QUEUE_MARGIN_MS = 1_000;
/** Messages to one shard in one flush: enough for every lease that it may have out. */
export const FLUSH_MESSAGES_MAX = LEASES_MAX / CARRY_MAX;
/** A flush that has not come back after this no longer keeps others from being sent, ms. */
const FLUSH_LIFE_MS = 1_000;

export type Desk = { readonly runtime: Runtime; readonly env: EdgeEnv; readonly ctx: ExecutionContext };

export type LeaseAnswer = Leased | Refused;

/** Gets a lease: at once when a credit is at hand, else from a shard, else by deciding alone. Never rejects. */
export async function lease(desk: Desk, pool: EdgePool, wish: LeaseWish): Promise<LeaseAnswer> {
  // Its jobs are pulled; it has no shard either.
  if (wish.pool.endpoints.length === 0) return { kind: "no_endpoint" };
  const { wallet } = desk.runtime;
  const { step: first, refill } = beginLease(wallet, wish, Date.now());
  if (refill !== null) desk.ctx.waitUntil(fill(desk, refill));
  let step: LeaseStep = first;
  while (step.kind === "ask" || step.kind === "await") {
    const { asking } = step;
    if (step.kind === "ask") {
      const reply = await askWithin(desk, asking, pool.config.patienceMs + asking.tripMs);
      const at = { now: Date.now(), rng: Math.random };
      step = reply === null ? onSilence(wallet, wish, at) : onReply(wallet, wish, asking, reply, at);
      continue;
    }
    const outcome = await awaitSlot(desk, asking, step.leaseId, pool.config.queueWaitMsMax + QUEUE_MARGIN_MS);
    step = onAwaited(wallet, wish, asking, outcome, { now: Date.now(), rng: Math.random });
  }
  // A shard takes back a slot of which nobody says that it was received, and counts only what it hears of.
  if (step.kind === "leased" && isOwedAWord(step.holding, Date.now())) desk.ctx.waitUntil(flush(desk));
  return step;
}

export type AttemptEnd = Omit<Settlement, "leaseId" | "endpointId" | "epoch" | "inFlightAtGrant">;

/** Ends an attempt, once: told to the shard now, or with the isolate's next acquire. */
export function settle(desk: Desk, holding: Holding, end: AttemptEnd): void {
  const { runtime } = desk;
  const { endpointId, epoch, inFlightAtGrant } = holding.grant;
  const settlement = { leaseId: holding.leaseId, endpointId, epoch, inFlightAtGrant, ...end };
  if (!settleHolding(runtime.wallet, holding, settlement)) return;
  const now = Date.now();
  // One flush at a time serves the whole isolate; a flush whose request died is replaced after its life.
  if (now < runtime.flushUntilMs) return;
  const delayMs = rideMs(runtime.wallet, holding, now);
  runtime.flushUntilMs = now + delayMs + FLUSH_LIFE_MS;
  desk.ctx.waitUntil(delayMs === 0 ? flush(desk) : scheduler.wait(delayMs).then(async () => flush(desk)));
}

/** Gives a lease back under which nothing was sent. */
export function returnLease(desk: Desk, holding: Holding): void {
  const nothing = { heldMs: 0, ttftMs: null, headersMs: null, clientKey: "", inputTokens: 0 };
  settle(desk, holding, { outcome: "unused", ...nothing });
}

/** Sends all that the shards are owed: settlements that found no ride, and confirmations that are due. */
export async function flush(desk: Desk): Promise<void> {
  const { wallet } = desk.runtime;
  // Whatever is settled from here on needs a flush of its own.
  desk.runtime.flushUntilMs = 0;
  await Promise.all(shardsOwed(wallet, Date.now()).map(async (shard) => tell(desk, shard)));
}

/** One message after the other until nothing is owed: each is bounded, and after a burst there is more than one holds. */
async function tell(desk: Desk, shard: string): Promise<void> {
  const { wallet } = desk.runtime;
  for (let message = 0; message < FLUSH_MESSAGES_MAX; message++) {
    const carry = takeCarry(wallet, shard, Date.now());
    // Another flush, or an acquire, may have told the rest meanwhile.
    if (carry.settled.length === 0 && carry.held.length === 0) return;
    try {
      noteReported(desk, shard, await stubOf(desk, shard).report(carry));
    } catch {
      // The rest would fail as well: the next flush or acquire takes it.
      restoreCarry(wallet, shard, carry);
      return;
    }
  }
}

/** Asks a shard for its news, with nothing to tell. */
export async function askNews(desk: Desk, shard: string): Promise<void> {
  try {
    noteReported(desk, shard, await stubOf(desk, shard).report({ settled: [], held: [] }));
  } catch {
    // It is away: what waits has limits of its own.
  }
}

/** A shard of an older version says nothing. */
function noteReported({ runtime }: Desk, shard: string, reply: ReportReply | undefined): void {
  noteHeard(runtime.wallet, shard, reply?.leave, Date.now());
}

/** One call, for as long as the pool's patience lasts; null when the shard failed or was too slow. */
async function askWithin(desk: Desk, asking: Asking, patienceMs: number): Promise<AcquireReply | null> {
  let late = false;
  const answered = acquire(desk, asking).then((reply) => {
    if (reply === null || !late) return reply;
    onLateReply(desk.runtime.wallet, asking, reply, Date.now());
    desk.ctx.waitUntil(flush(desk));
    return null;
  });
  desk.ctx.waitUntil(answered);
  let timer: number | null = null;
  const patience = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), patienceMs);
  });
  const reply = await Promise.race([answered, patience]);
  clearTimeout(timer);
  late = reply === null;
  return reply;
}

async function fill(desk: Desk, asking: Asking): Promise<void> {
  const reply = await acquire(desk, asking);
  if (reply !== null) onRefilled(desk.runtime.wallet, asking, reply, Date.now());
}

/** Null when the call failed. Never rejects. */
async function acquire(desk: Desk, asking: Asking): Promise<AcquireReply | null> {
  try {
    return await stubOf(desk, asking.shard).acquire(asking.request);
  } catch {
    onCallFailed(desk.runtime.wallet, asking);
    return null;
  }
}

async function awaitSlot(desk: Desk, asking: Asking, leaseId: string, limitMs: number): Promise<AwaitOutcome | null> {
  const bound = new AbortController();
  const { signal } = bound;
  const tooLong = scheduler.wait(limitMs, { signal }).then(
    () => null,
    () => null,
  );
  try {
    return await Promise.race([stubOf(desk, asking.shard).awaitGrant(leaseId), tooLong]);
  } catch {
    return null;
  } finally {
    bound.abort();
  }
}

/** The shard of this name; the first call ever made decides where it lives, so every caller gives its region's hint. */
export function stubOf(desk: Desk, shard: string) {
  const region = parseShardName(shard)?.region ?? "";
  const locationHint = desk.runtime.config.regions.get(region)?.hint;
  return desk.env.POOL_SHARD.getByName(shard, locationHint === undefined ? {} : { locationHint });
}
