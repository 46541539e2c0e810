/**
 * Gets the lease for an attempt, and tells the shards how attempts ended.
 *
 * A credit in the wallet is spent without a call. Otherwise the nearest shard is asked, for as long as the pool's patience
 * lasts; it may name another region's shard, which is then asked once, or hold the request until a slot frees. When no
 * shard answers in time the attempt goes where the last snapshot, or the configuration, says: a request never fails
 * because a Durable Object does. A grant that comes too late goes home unused.
 */
import { staticView } from "../core/endpoint-view.ts";
import { nearest } from "../core/geography.ts";
import { route } from "../core/route.ts";
import type { Candidate, RouteReason } from "../core/route.ts";
import { LOCAL_EPOCH } from "../core/shard-messages.ts";
import type { AcquireOutcome, AcquireReply, AcquireRequest, Grant, Settlement } from "../core/shard-messages.ts";
import {
  claimRefill,
  countRequest,
  creditIds,
  deposit,
  depositCredits,
  endRefill,
  heldLocally,
  holdUnconfirmed,
  noteTight,
  restoreCarry,
  returnUnused,
  rideMs,
  settleHolding,
  shardsOwed,
  spendCredit,
  takeCarry,
} from "../core/wallet.ts";
import type { Holding } from "../core/wallet.ts";
import { shardName } from "../protocol/shard-name.ts";
import type { ClientPlace } from "./place.ts";
import { nextLeaseId } from "./runtime.ts";
import type { EdgeEnv, EdgePool, Runtime } from "./runtime.ts";

/** The edge asks for a fresh snapshot when its own is older than this, ms. */
const SNAPSHOT_AGE_MS = 1_000;
/** A queued request waits for its grant this much longer than the shard's own bound, ms. */
const QUEUE_MARGIN_MS = 1_000;
/** A flush that has not come back after this no longer keeps others from being sent, ms. */
const FLUSH_LIFE_MS = 1_000;

export type Desk = { readonly runtime: Runtime; readonly env: EdgeEnv; readonly ctx: ExecutionContext };

export type LeaseWish = {
  readonly pool: EdgePool;
  readonly client: ClientPlace;
  readonly inputTokens: number;
  /** Endpoints this request has tried. */
  readonly excluded: readonly string[];
  readonly explain: boolean;
};

/** Why this endpoint: the router's reasons, or that it had to be decided from a snapshot or the configuration alone. */
export type LeaseReason = RouteReason | "snapshot" | "static";

export type Leased = {
  readonly kind: "leased";
  readonly holding: Holding;
  readonly reason: LeaseReason;
  readonly candidates: readonly Candidate[] | null;
};

export type LeaseAnswer = Leased | Extract<AcquireOutcome, { kind: "shed" | "warming_up" | "no_endpoint" }>;

type Ask = {
  readonly shard: string;
  readonly region: string;
  readonly key: string;
  readonly hop: 0 | 1;
  readonly perSecond: number;
};

/** Gets a lease: at once when a credit is at hand, else from a shard, else by deciding alone. Never rejects. */
export async function lease(desk: Desk, wish: LeaseWish): Promise<LeaseAnswer> {
  const { wallet } = desk.runtime;
  const now = Date.now();
  const near = asking(wish, homeRegion(wish), 0);
  const perSecond = countRequest(wallet, near.key, now);
  const mayUseCredits = wish.excluded.length === 0 && !wish.explain;
  const holding = mayUseCredits ? spendCredit(wallet, near.key, near.shard, now) : null;
  const refills = mayUseCredits && claimRefill(wallet, near.key, now);
  if (holding !== null) {
    if (refills) desk.ctx.waitUntil(refill(desk, wish, { ...near, perSecond }));
    return { kind: "leased", holding, reason: holding.grant.reason, candidates: null };
  }
  const reply = await ask(desk, wish, refills ? { ...near, perSecond } : near);
  if (reply === null) return decideAlone(desk, wish, near);
  if (reply.outcome.kind !== "spill") return redeem(desk, wish, near, reply);
  const far = asking(wish, reply.outcome.region, 1);
  const second = await ask(desk, wish, far);
  if (second === null) return decideAlone(desk, wish, near);
  const answer = await redeem(desk, wish, far, second);
  // The owner of the far endpoint does not know what is nearer: the reason and the weighing are the first shard's.
  return answer.kind === "leased" ? { ...answer, reason: reply.outcome.reason, candidates: reply.candidates } : answer;
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

/** Sends what the shards are owed: settlements that found no ride, and confirmations that are due. */
export async function flush(desk: Desk): Promise<void> {
  const { wallet } = desk.runtime;
  // Whatever is settled from here on needs a flush of its own.
  desk.runtime.flushUntilMs = 0;
  await Promise.all(
    shardsOwed(wallet, Date.now()).map(async (shard) => {
      const carry = takeCarry(wallet, shard, Date.now());
      try {
        await stubOf(desk, shard).report(carry);
      } catch {
        restoreCarry(wallet, shard, carry);
      }
    }),
  );
}

/** One acquire, for as long as the pool's patience lasts; null when the shard failed or was too slow. */
async function ask(desk: Desk, wish: LeaseWish, to: Ask): Promise<AcquireReply | null> {
  const askedAtMs = Date.now();
  let late = false;
  const answered = acquire(desk, wish, to, false).then((reply) => {
    if (reply !== null && late) takeLate(desk, to, reply.outcome);
    if (reply?.outcome.kind === "granted" && !late) {
      deposit(desk.runtime.wallet, to.key, to.shard, reply.outcome.grant, askedAtMs, Date.now());
    }
    return reply;
  });
  desk.ctx.waitUntil(answered);
  let timer: number | null = null;
  const patience = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), wish.pool.config.patienceMs);
  });
  const reply = await Promise.race([answered, patience]);
  clearTimeout(timer);
  late = reply === null;
  return reply;
}

/** Fills the wallet before it is empty; nothing waits for it. */
async function refill(desk: Desk, wish: LeaseWish, to: Ask): Promise<void> {
  const askedAtMs = Date.now();
  const reply = await acquire(desk, wish, to, true);
  if (reply?.outcome.kind !== "granted") return;
  const { grant } = reply.outcome;
  const ids = [grant.leaseId, ...creditIds(grant)];
  depositCredits(desk.runtime.wallet, to, grant, ids, { askedAtMs, now: Date.now() });
  endRefill(desk.runtime.wallet, to.key, ids.length);
}

/** The call itself, with what this isolate has to tell the shard; null when it failed. Never rejects. */
async function acquire(desk: Desk, wish: LeaseWish, to: Ask, ahead: boolean): Promise<AcquireReply | null> {
  const { wallet } = desk.runtime;
  const now = Date.now();
  const carry = takeCarry(wallet, to.shard, now);
  const request: AcquireRequest = {
    leaseId: nextLeaseId(desk.runtime),
    client: wish.client.place,
    clientKey: wish.client.key,
    inputTokens: wish.inputTokens,
    excluded: wish.excluded,
    hop: to.hop,
    recentPerSecond: to.perSecond,
    ahead,
    wantsSnapshot: to.hop === 0 && now - (wallet.snapshots.get(to.shard)?.atMs ?? 0) > SNAPSHOT_AGE_MS,
    explain: wish.explain,
    carry,
  };
  try {
    const reply = await stubOf(desk, to.shard).acquire(request);
    noteTight(wallet, to.shard, reply.tight);
    if (reply.snapshot !== null) wallet.snapshots.set(to.shard, { set: reply.snapshot, atMs: Date.now() });
    return reply;
  } catch {
    restoreCarry(wallet, to.shard, carry);
    return null;
  }
}

/** What came after the request had gone elsewhere goes home unused: a grant with its credits, or a place in the queue. */
function takeLate(desk: Desk, to: Ask, outcome: AcquireOutcome): void {
  const { wallet } = desk.runtime;
  if (outcome.kind === "queued") returnUnused(wallet, to.shard, outcome.leaseId, null);
  if (outcome.kind === "granted") {
    const { grant } = outcome;
    for (const leaseId of [grant.leaseId, ...creditIds(grant)]) returnUnused(wallet, to.shard, leaseId, grant);
  }
  desk.ctx.waitUntil(flush(desk));
}

/** Turns a shard's answer into a lease; a queued request waits here for its slot. */
async function redeem(desk: Desk, wish: LeaseWish, from: Ask, reply: AcquireReply): Promise<LeaseAnswer> {
  const { outcome } = reply;
  switch (outcome.kind) {
    case "granted": {
      const holding = desk.runtime.wallet.holdings.get(outcome.grant.leaseId);
      // Held since the answer came; nothing else ends it before the attempt does.
      if (holding === undefined) return decideAlone(desk, wish, from);
      return { kind: "leased", holding, reason: outcome.grant.reason, candidates: reply.candidates };
    }
    case "queued":
      return (await awaitSlot(desk, wish, from, outcome.leaseId)) ?? decideAlone(desk, wish, from);
    case "spill":
      // A shard asked with hop 1 never says this; were it a newer version that does, we would not follow.
      return decideAlone(desk, wish, from);
    case "shed":
    case "warming_up":
    case "no_endpoint":
      return outcome;
  }
}

async function awaitSlot(desk: Desk, wish: LeaseWish, from: Ask, leaseId: string): Promise<LeaseAnswer | null> {
  const { wallet } = desk.runtime;
  const bound = new AbortController();
  const { signal } = bound;
  try {
    const waited = stubOf(desk, from.shard).awaitGrant(leaseId);
    const tooLong = scheduler.wait(wish.pool.config.queueWaitMsMax + QUEUE_MARGIN_MS, { signal }).then(
      () => null,
      () => null,
    );
    const outcome = await Promise.race([waited, tooLong]);
    if (outcome?.kind !== "granted") return outcome;
    const holding = holdUnconfirmed(wallet, from.key, from.shard, outcome.grant, Date.now());
    desk.ctx.waitUntil(flush(desk));
    return { kind: "leased", holding, reason: outcome.grant.reason, candidates: null };
  } catch {
    return null;
  } finally {
    bound.abort();
  }
}

/** Decides without a shard: from its last snapshot, or from the configuration, by the same function. */
function decideAlone(desk: Desk, wish: LeaseWish, near: Ask): LeaseAnswer {
  const { wallet } = desk.runtime;
  const { spec } = wish.pool;
  const known = wallet.snapshots.get(near.shard)?.set.views;
  const views = (known ?? spec.endpoints.map(staticView)).map((view) => {
    const local = heldLocally(wallet, view.id);
    return local === 0 ? view : { ...view, inFlight: view.inFlight + local };
  });
  const { place, key } = wish.client;
  const request = {
    client: place,
    clientKey: key,
    inputTokens: wish.inputTokens,
    excluded: wish.excluded,
    exact: false,
  };
  const { outcome, candidates } = route(views, request, Math.random);
  // Full by a stale picture is no reason to refuse: the endpoint's own admission decides.
  if (outcome.kind === "none") return { kind: "no_endpoint" };
  const grant: Grant = {
    leaseId: nextLeaseId(desk.runtime),
    endpointId: outcome.endpointId,
    region: outcome.region,
    epoch: LOCAL_EPOCH,
    reason: "nearest_warm",
    costMs: 0,
    ttlMs: spec.leaseTtlMs,
    capMs: spec.leaseCapMs,
    inFlightAtGrant: views.find((view) => view.id === outcome.endpointId)?.inFlight ?? 0,
    credits: 0,
    creditLifeMs: 0,
  };
  const holding = holdUnconfirmed(wallet, near.key, shardName(spec.id, outcome.region), grant, Date.now());
  return { kind: "leased", holding, reason: known === undefined ? "static" : "snapshot", candidates };
}

/** The pool's region nearest to the client; its first one when the client's place is unknown. */
function homeRegion({ pool, client }: LeaseWish): string {
  const { endpoints } = pool.spec;
  const home = client.place === null ? endpoints[0] : nearest(client.place, endpoints);
  return home?.region ?? "";
}

function asking(wish: LeaseWish, region: string, hop: 0 | 1): Ask {
  const shard = shardName(wish.pool.spec.id, region);
  return { shard, region, key: `${shard}|${wish.client.key}`, hop, perSecond: 0 };
}

function stubOf(desk: Desk, shard: string) {
  const region = shard.slice(shard.lastIndexOf(":") + 1);
  const locationHint = desk.runtime.config.regions.get(region)?.hint;
  return desk.env.POOL_SHARD.getByName(shard, locationHint === undefined ? {} : { locationHint });
}
