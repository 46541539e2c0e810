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
import type { Asking, Leased, LeaseStep, LeaseRequest, Refused } from "../routing/core/lease-client/edge-lease.ts";
import { LEASES_MAX } from "../routing/core/shard/leases.ts";
import type { AcquireReply, AwaitOutcome, ReportReply, Settlement } from "../routing/core/shard-messages.ts";
import { parseShardName } from "../routing/core/shard-name.ts";
import {
  REPORT_MAX,
  isOwedAWord,
  restoreReport,
  rideMs,
  settleHeldLease,
  shardsOwed,
  takeReport,
} from "../routing/core/lease-client/lease-cache.ts";
import type { HeldLease } from "../routing/core/lease-client/lease-cache.ts";
import { noteHeard } from "../routing/core/lease-client/lease-cache-leave.ts";
import type { EdgeEnv, EdgePool, Runtime } from "./runtime.ts";

/** A queued request waits for its grant this much longer than the shard's own bound, ms. */
const QUEUE_MARGIN_MS = 1_000;
/** Messages to one shard in one flush: enough for every lease that it may have out. */
export const FLUSH_MESSAGES_MAX = LEASES_MAX / REPORT_MAX;
/** A flush that has not come back after this no longer keeps others from being sent, ms. */
const FLUSH_LIFE_MS = 1_000;

export type Desk = { readonly runtime: Runtime; readonly env: EdgeEnv; readonly ctx: ExecutionContext };

export type LeaseAnswer = Leased | Refused;

/** Gets a lease: at once when a credit is at hand, else from a shard, else by deciding alone. Never rejects. */
export async function lease(desk: Desk, pool: EdgePool, leaseRequest: LeaseRequest): Promise<LeaseAnswer> {
  // Its jobs are pulled; it has no shard either.
  if (leaseRequest.pool.endpoints.length === 0) return { kind: "no_endpoint" };
  const { leaseCache } = desk.runtime;
  const { step: first, refill } = beginLease(leaseCache, leaseRequest, Date.now());
  if (refill !== null) desk.ctx.waitUntil(fill(desk, refill));
  let step: LeaseStep = first;
  while (step.kind === "ask" || step.kind === "await") {
    const { asking } = step;
    if (step.kind === "ask") {
      const reply = await askWithin(desk, asking, pool.config.patienceMs + asking.tripMs);
      const at = { now: Date.now(), rng: Math.random };
      step =
        reply === null ? onSilence(leaseCache, leaseRequest, at) : onReply(leaseCache, leaseRequest, asking, reply, at);
      continue;
    }
    const outcome = await awaitSlot(desk, asking, step.leaseId, pool.config.queueWaitMsMax + QUEUE_MARGIN_MS);
    step = onAwaited(leaseCache, leaseRequest, asking, outcome, { now: Date.now(), rng: Math.random });
  }
  // A shard takes back a slot of which nobody says that it was received, and counts only what it hears of.
  if (step.kind === "leased" && isOwedAWord(step.heldLease, Date.now())) desk.ctx.waitUntil(flush(desk));
  return step;
}

export type AttemptEnd = Omit<Settlement, "leaseId" | "endpointId" | "epoch" | "inFlightAtGrant">;

/** Ends an attempt, once: told to the shard now, or with the isolate's next acquire. */
export function settle(desk: Desk, heldLease: HeldLease, end: AttemptEnd): void {
  const { runtime } = desk;
  const { endpointId, epoch, inFlightAtGrant } = heldLease.grant;
  const settlement = { leaseId: heldLease.leaseId, endpointId, epoch, inFlightAtGrant, ...end };
  if (!settleHeldLease(runtime.leaseCache, heldLease, settlement)) return;
  const now = Date.now();
  // One flush at a time serves the whole isolate; a flush whose request died is replaced after its life.
  if (now < runtime.flushUntilMs) return;
  const delayMs = rideMs(runtime.leaseCache, heldLease, now);
  runtime.flushUntilMs = now + delayMs + FLUSH_LIFE_MS;
  desk.ctx.waitUntil(delayMs === 0 ? flush(desk) : scheduler.wait(delayMs).then(async () => flush(desk)));
}

/** Gives a lease back under which nothing was sent. */
export function returnLease(desk: Desk, heldLease: HeldLease): void {
  const nothing = { heldMs: 0, ttftMs: null, headersMs: null, clientKey: "", inputTokens: 0 };
  settle(desk, heldLease, { outcome: "unused", ...nothing });
}

/** Sends all that the shards are owed: settlements that found no ride, and confirmations that are due. */
export async function flush(desk: Desk): Promise<void> {
  const { leaseCache } = desk.runtime;
  // Whatever is settled from here on needs a flush of its own.
  desk.runtime.flushUntilMs = 0;
  await Promise.all(shardsOwed(leaseCache, Date.now()).map(async (shard) => tell(desk, shard)));
}

/** One message after the other until nothing is owed: each is bounded, and after a burst there is more than one holds. */
async function tell(desk: Desk, shard: string): Promise<void> {
  const { leaseCache } = desk.runtime;
  for (let message = 0; message < FLUSH_MESSAGES_MAX; message++) {
    const report = takeReport(leaseCache, shard, Date.now());
    // Another flush, or an acquire, may have told the rest meanwhile.
    if (report.settled.length === 0 && report.held.length === 0) return;
    try {
      noteReported(desk, shard, await stubOf(desk, shard).report(report));
    } catch {
      // The rest would fail as well: the next flush or acquire takes it.
      restoreReport(leaseCache, shard, report);
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
  noteHeard(runtime.leaseCache, shard, reply?.leave, Date.now());
}

/** One call, for as long as the pool's patience lasts; null when the shard failed or was too slow. */
async function askWithin(desk: Desk, asking: Asking, patienceMs: number): Promise<AcquireReply | null> {
  let late = false;
  const answered = acquire(desk, asking).then((reply) => {
    if (reply === null || !late) return reply;
    onLateReply(desk.runtime.leaseCache, asking, reply, Date.now());
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
  if (reply !== null) onRefilled(desk.runtime.leaseCache, asking, reply, Date.now());
}

/** Null when the call failed. Never rejects. */
async function acquire(desk: Desk, asking: Asking): Promise<AcquireReply | null> {
  try {
    return await stubOf(desk, asking.shard).acquire(asking.request);
  } catch {
    onCallFailed(desk.runtime.leaseCache, asking);
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
