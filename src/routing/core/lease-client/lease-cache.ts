/**
 * Decides what an edge isolate may do without asking: its credits, the leases it holds, and what it has yet to tell.
 *
 * Intuition. A trip to the shard costs time. So a busy isolate gets leases ahead, and tells what it owes by the way.
 * Model. A *credit* is a lease that was granted ahead: spent within a fraction of a second, or given back. What a shard
 * must be told (settlements, confirmations) waits in an *outbox* for the next acquire there, and is sent by itself if
 * none is likely soon. All of it is data: the shell makes the calls. Source: docs/explanation/architecture.md.
 * Rejected: promises or streams in here, which one request of the isolate would await for another.
 */
import type { ViewSet } from "../endpoint/endpoint-view.ts";
import { CREDIT_LIFE_MS } from "../shard/credits.ts";
import { ASKED_BY_NOBODY, LOCAL_EPOCH } from "../shard-messages.ts";
import type { AskedWith, Report, Grant, LeaseConfirmation, Owner, ReportReply, Settlement } from "../shard-messages.ts";
import { createRetriesAlone, earnAlone } from "./lease-cache-alone.ts";
import type { RetriesAlone } from "./lease-cache-alone.ts";
import { noteHome } from "./lease-cache-homes.ts";
import type { Homes } from "./lease-cache-homes.ts";
import { heldBy, promptNews, promptOnCredit, takeBegun, tellBegun } from "./lease-cache-line.ts";
import type { BegunNotes, HeldPrompt } from "./lease-cache-line.ts";
import { confirmationOf, ownerOf } from "./lease-cache-owner.ts";

/** A lease in the hands of a request. */
export type HeldLease = HeldPrompt & {
  readonly leaseId: string;
  readonly grant: Grant;
  readonly shard: string;
  /** Pool, shard and client place: what the request rate is counted by. */
  readonly key: string;
  readonly capAtMs: number;
  /** When the shard must next hear that it is held. */
  confirmDueMs: number;
  /** When its request last showed that it lives. */
  touchedAtMs: number;
  /** The GPU worker to ask for; once the answer has begun, the one that answers. Null: none, or it is not known. */
  workerId: string | null;
  /** Tokens of the prompt that are thought to be cached there. */
  readonly cachedTokens: number;
  /** Whose request it is, where its shard does not know. */
  of?: Owner;
  /** Which request it is, of one that may be what ends endpoints; absent: of no other. */
  suspect?: string;
  /** Set once, by whoever gives the lease to a request. */
  askedWith: AskedWith;
};

type Credit = { readonly leaseId: string; readonly grant: Grant; readonly spendByMs: number };

type Rate = { perSecond: number; atMs: number };

export type LeaseCache = {
  /** Prefix of every lease id made here; unique among isolates, without a dash. */
  readonly isolateId: string;
  leaseCount: number;
  /** By pool, shard and client place. */
  readonly credits: Map<string, Credit[]>;
  readonly heldLeases: Map<string, HeldLease>;
  /** Settlements to be told, by shard. */
  readonly outboxes: Map<string, Settlement[]>;
  /** First tokens to be told, by shard. */
  readonly begun: BegunNotes;
  readonly rates: Map<string, Rate>;
  /** By key: the last grant's credits, and until when nobody else asks for more. */
  readonly refills: Map<string, { readonly lastCredits: number; readonly pausedUntilMs: number }>;
  /** Where sessions and prefixes were answered. */
  readonly homes: Homes;
  readonly snapshots: Map<string, { readonly set: ViewSet; readonly atMs: number }>;
  /** What each shard last said of its endpoints. */
  readonly heard: Map<string, Required<ReportReply> & { readonly atMs: number; readonly askedAtMs: number }>;
  /** Shards near saturation when last heard. */
  readonly tight: Set<string>;
  /** Pays for the retries that this isolate decides alone, while no shard answers. */
  readonly retriesAlone: RetriesAlone;
  /** No held lease needs a confirmation before this instant, so that not every call walks through all of them. */
  confirmDueMs: number;
};

/** More credits are asked for when this share of the last ones is left, so that no request waits for them. */
export const REFILL_SHARE = 0.5;

/** A refill that has not come back by then is given up, ms. As long is the pause after one that brought nothing. */
export const REFILL_MS = 100;

/** Settlements that wait in one outbox. If a shard is away for long, the oldest are dropped: those leases expire. */
export const OUTBOX_MAX = 2_048;

/** Settlements and confirmations in one message. */
export const REPORT_MAX = 256;

/** Places and shards remembered per isolate; the oldest is forgotten first. */
export const KEYS_MAX = 512;

/** A held lease is confirmed each time this share of its life has passed, so two confirmations may be lost. */
export const CONFIRM_SHARE = 1 / 3;

/** A held lease whose request was silent for so many confirmations is nobody's. */
export const ORPHAN_CONFIRMS = 2;

/** … and for at least this long, ms: a busy isolate is late with its timers. */
export const ORPHAN_MS_MIN = 2_000;

/** A spent credit is confirmed this soon, ms: well before the shard takes an unconfirmed credit back. */
export const CONFIRM_CREDIT_MS = 300;

/**
 * A settlement waits at most this long, ms, for an acquire that takes it along, if the recent rate makes one likely. One
 * message then tells the ends of many attempts; a slot that looks taken costs nothing while others are free.
 */
export const RIDE_MS = 50;

/** Time constant of the request rate, ms. */
const RATE_TAU_MS = 500;

/** `isolateId`: unique among isolates, without a dash. */
export function createLeaseCache(isolateId: string): LeaseCache {
  return {
    isolateId,
    leaseCount: 0,
    credits: new Map(),
    heldLeases: new Map(),
    outboxes: new Map(),
    begun: new Map(),
    rates: new Map(),
    refills: new Map(),
    homes: new Map(),
    snapshots: new Map(),
    heard: new Map(),
    tight: new Set(),
    retriesAlone: createRetriesAlone(),
    confirmDueMs: Number.POSITIVE_INFINITY,
  };
}

/** A lease id that no other isolate makes. */
export function nextLeaseId(leaseCache: LeaseCache): string {
  leaseCache.leaseCount += 1;
  return `${leaseCache.isolateId}-${leaseCache.leaseCount}`;
}

/** Counts one request for `key` and returns the recent rate, requests per second. */
export function countRequest(leaseCache: LeaseCache, key: string, now: number): number {
  const rate = leaseCache.rates.get(key) ?? { perSecond: 0, atMs: now };
  rate.perSecond = decayed(rate, now) + 1_000 / RATE_TAU_MS;
  rate.atMs = now;
  remember(leaseCache.rates, key, rate);
  return rate.perSecond;
}

export function recentPerSecond(leaseCache: LeaseCache, key: string, now: number): number {
  const rate = leaseCache.rates.get(key);
  return rate === undefined ? 0 : decayed(rate, now);
}

const decayed = (rate: Rate, now: number): number =>
  rate.perSecond * Math.exp(-Math.max(0, now - rate.atMs) / RATE_TAU_MS);

/**
 * Takes the oldest credit for `key`, the next to go home unspent, and holds it for a prompt of `promptTokens`; null when
 * there is none. Credits past their life go home as `unused` with the next message.
 */
export function spendCredit(
  leaseCache: LeaseCache,
  key: string,
  shard: string,
  now: number,
  promptTokens = 0,
): HeldLease | null {
  const credits = leaseCache.credits.get(key) ?? [];
  for (let credit = credits.shift(); credit !== undefined; credit = credits.shift()) {
    const { leaseId, grant, spendByMs } = credit;
    if (spendByMs <= now) {
      returnUnused(leaseCache, shard, leaseId, grant);
      continue;
    }
    const confirmDueMs = now + Math.min(CONFIRM_CREDIT_MS, confirmEveryMs(grant));
    const held = { leaseId, grant, shard, key, confirmDueMs, workerId: null, cachedTokens: 0 };
    return keep(leaseCache, { ...held, ...promptOnCredit(promptTokens) }, now);
  }
  return null;
}

/**
 * True when somebody should ask for more credits, and nobody does: the caller then asks, and says so with `endRefill`.
 * Asking before the lease cache is empty hides the round trip; one at a time keeps concurrent requests from all asking.
 */
export function claimRefill(leaseCache: LeaseCache, key: string, now: number): boolean {
  const { lastCredits, pausedUntilMs } = leaseCache.refills.get(key) ?? { lastCredits: 0, pausedUntilMs: 0 };
  if (now < pausedUntilMs || (leaseCache.credits.get(key)?.length ?? 0) > REFILL_SHARE * lastCredits) return false;
  remember(leaseCache.refills, key, { lastCredits, pausedUntilMs: now + REFILL_MS });
  return true;
}

/** A refill brought `credits`; after none, the next waits for the rest of REFILL_MS. */
export function endRefill(leaseCache: LeaseCache, key: string, credits: number): void {
  if (credits > 0) remember(leaseCache.refills, key, { lastCredits: credits, pausedUntilMs: 0 });
}

/**
 * Keeps the credits `ids` for `key`. `askedAtMs` is when the request for them was sent; `firstAt`: leases of the same
 * grant before the first of them.
 */
export function depositCredits(
  leaseCache: LeaseCache,
  at: { readonly key: string; readonly shard: string },
  grant: Grant,
  ids: readonly string[],
  { askedAtMs, now, firstAt }: { readonly askedAtMs: number; readonly now: number; readonly firstAt: number },
): void {
  const spendByMs = askedAtMs + Math.min(grant.creditLifeMs, CREDIT_LIFE_MS);
  const credits = leaseCache.credits.get(at.key) ?? [];
  for (const [index, leaseId] of ids.entries()) {
    // From a far shard they may come too late to be spent; until they are home they block slots.
    if (spendByMs <= now) returnUnused(leaseCache, at.shard, leaseId, grant);
    // Each stands beside those that were granted with it.
    else
      credits.push({
        leaseId,
        grant: { ...grant, inFlightAtGrant: grant.inFlightAtGrant + firstAt + index },
        spendByMs,
      });
  }
  if (credits.length > 0) remember(leaseCache.credits, at.key, credits);
}

/** Ids of the credits that came with a grant. */
export function creditIds(grant: Grant): string[] {
  return Array.from({ length: grant.credits }, (_, index) => `${grant.leaseId}.${index + 1}`);
}

/** Holds the lease of a grant, and keeps its credits for `key`. `askedAtMs` is when the request for it was sent. */
export function deposit(
  leaseCache: LeaseCache,
  key: string,
  shard: string,
  grant: Grant,
  askedAtMs: number,
  now: number,
  promptTokens = 0,
): HeldLease {
  depositCredits(leaseCache, { key, shard }, grant, creditIds(grant), { askedAtMs, now, firstAt: 1 });
  endRefill(leaseCache, key, grant.credits);
  const held = heldBy(grant, promptTokens);
  return keep(leaseCache, { ...held, shard, key, confirmDueMs: now + confirmEveryMs(grant) }, now);
}

/** Holds a lease of which its shard does not know that it is held: the next message confirms it. */
export function holdUnconfirmed(
  leaseCache: LeaseCache,
  key: string,
  shard: string,
  grant: Grant,
  now: number,
  promptTokens = 0,
): HeldLease {
  return keep(leaseCache, { ...heldBy(grant, promptTokens), shard, key, confirmDueMs: now }, now);
}

/** Ends a held lease. Exactly one settlement per lease leaves this isolate: a second call does nothing. */
export function settleHeldLease(leaseCache: LeaseCache, heldLease: HeldLease, settlement: Settlement): boolean {
  if (!leaseCache.heldLeases.delete(heldLease.leaseId)) return false;
  if (settlement.outcome === "served") earnAlone(leaseCache, heldLease);
  if (settlement.outcome === "capacity") returnCreditsFor(leaseCache, heldLease);
  noteHome(leaseCache.homes, settlement);
  enqueue(leaseCache, heldLease.shard, { ...ownerOf(heldLease), ...settlement });
  return true;
}

/** An endpoint that had no room has none for the leases that were granted ahead either. */
function returnCreditsFor(leaseCache: LeaseCache, { key, shard, grant }: HeldLease): void {
  const credits = leaseCache.credits.get(key);
  if (credits === undefined) return;
  const kept = credits.filter((credit) => credit.grant.endpointId !== grant.endpointId);
  for (const credit of credits)
    if (!kept.includes(credit)) returnUnused(leaseCache, shard, credit.leaseId, credit.grant);
  leaseCache.credits.set(key, kept);
}

/** Gives a lease back under which nothing ran; without a grant, a place in the shard's queue. */
export function returnUnused(leaseCache: LeaseCache, shard: string, leaseId: string, grant: Grant | null): void {
  enqueue(leaseCache, shard, {
    leaseId,
    endpointId: grant?.endpointId ?? "",
    epoch: grant?.epoch ?? LOCAL_EPOCH,
    outcome: "unused",
    heldMs: 0,
    ttftMs: null,
    headersMs: null,
    clientKey: "",
    inputTokens: 0,
    inFlightAtGrant: grant?.inFlightAtGrant ?? 0,
  });
}

/** Takes what is to be told to `shard` now: at most REPORT_MAX of each. */
export function takeReport(leaseCache: LeaseCache, shard: string, now: number): Report {
  const settled = leaseCache.outboxes.get(shard)?.splice(0, REPORT_MAX) ?? [];
  const begun = takeBegun(leaseCache.begun, shard, now);
  return { settled, held: takeDue(leaseCache, shard, now), ...(begun.length === 0 ? {} : { begun }) };
}

function takeDue(leaseCache: LeaseCache, shard: string, now: number): LeaseConfirmation[] {
  if (now < leaseCache.confirmDueMs) return [];
  const held: LeaseConfirmation[] = [];
  let nextDueMs = Number.POSITIVE_INFINITY;
  for (const heldLease of leaseCache.heldLeases.values()) {
    // Its request died without a word, as when the platform ends it: its lease is confirmed no more, and expires.
    if (isOrphan(heldLease, now)) {
      leaseCache.heldLeases.delete(heldLease.leaseId);
      continue;
    }
    if (heldLease.shard === shard && held.length < REPORT_MAX && heldLease.confirmDueMs <= now) {
      heldLease.confirmDueMs = now + confirmEveryMs(heldLease.grant);
      held.push({ ...confirmationOf(heldLease, now), ...promptNews(heldLease, now) });
    }
    nextDueMs = Math.min(nextDueMs, heldLease.confirmDueMs);
  }
  leaseCache.confirmDueMs = nextDueMs;
  return held;
}

/** The request of `holding` lives. To be said at least as often as its lease is to be confirmed. */
export function touch(heldLease: HeldLease, now: number): void {
  heldLease.touchedAtMs = now;
}

function isOrphan({ touchedAtMs, grant }: HeldLease, now: number): boolean {
  return now - touchedAtMs > Math.max(ORPHAN_MS_MIN, ORPHAN_CONFIRMS * confirmEveryMs(grant));
}

/** Puts back what a failed call carried, so that nothing is lost; held leases are due again at once. */
export function restoreReport(leaseCache: LeaseCache, shard: string, report: Report): void {
  if (report.settled.length > 0) {
    leaseCache.outboxes.set(shard, [...report.settled, ...(leaseCache.outboxes.get(shard) ?? [])].slice(-OUTBOX_MAX));
  }
  for (const { leaseId } of report.held) {
    const heldLease = leaseCache.heldLeases.get(leaseId);
    if (heldLease === undefined) continue;
    heldLease.confirmDueMs = Number.NEGATIVE_INFINITY;
    leaseCache.confirmDueMs = Number.NEGATIVE_INFINITY;
  }
  for (const { leaseId } of report.begun ?? []) {
    const heldLease = leaseCache.heldLeases.get(leaseId);
    if (heldLease !== undefined) tellBegun(leaseCache.begun, heldLease);
  }
}

/** Shards that are owed a message now: settlements, or confirmations that are due. */
export function shardsOwed(leaseCache: LeaseCache, now: number): string[] {
  const owed = new Set<string>();
  for (const [shard, settled] of leaseCache.outboxes) if (settled.length > 0) owed.add(shard);
  for (const [shard, notes] of leaseCache.begun) if (notes.length > 0) owed.add(shard);
  if (now >= leaseCache.confirmDueMs) {
    for (const heldLease of leaseCache.heldLeases.values())
      if (heldLease.confirmDueMs <= now) owed.add(heldLease.shard);
  }
  return [...owed];
}

/** Must its shard hear of it now, because it does not know that the lease is held? */
export const isOwedAWord = ({ confirmDueMs }: HeldLease, now: number): boolean => confirmDueMs <= now;

/** How long a settlement of `holding` may wait for an acquire of this isolate to ride on, ms; 0 means: send it now. */
export function rideMs(leaseCache: LeaseCache, heldLease: HeldLease, now: number): number {
  if (leaseCache.tight.has(heldLease.shard)) return 0;
  return (recentPerSecond(leaseCache, heldLease.key, now) * RIDE_MS) / 1_000 >= 1 ? RIDE_MS : 0;
}

/** Notes whether `shard` is near saturation: then nothing waits for a ride. */
export function noteTight(leaseCache: LeaseCache, shard: string, tight: boolean): void {
  if (tight) leaseCache.tight.add(shard);
  else leaseCache.tight.delete(shard);
}

type Held = Omit<HeldLease, "capAtMs" | "touchedAtMs" | "askedWith">;

function keep(leaseCache: LeaseCache, held: Held, now: number): HeldLease {
  const life = { capAtMs: now + held.grant.capMs, touchedAtMs: now };
  const heldLease: HeldLease = { ...held, ...life, askedWith: ASKED_BY_NOBODY };
  leaseCache.heldLeases.set(heldLease.leaseId, heldLease);
  leaseCache.confirmDueMs = Math.min(leaseCache.confirmDueMs, heldLease.confirmDueMs);
  return heldLease;
}

/** How often the holder of such a grant confirms it, ms. */
export const confirmEveryMs = ({ ttlMs }: Grant): number => ttlMs * CONFIRM_SHARE;

function enqueue(leaseCache: LeaseCache, shard: string, settlement: Settlement): void {
  const settled = leaseCache.outboxes.get(shard) ?? [];
  if (settled.length >= OUTBOX_MAX) settled.shift();
  settled.push(settlement);
  leaseCache.outboxes.set(shard, settled);
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  if (!map.has(key) && map.size >= KEYS_MAX) {
    const oldest = map.keys().next();
    if (oldest.done !== true) map.delete(oldest.value);
  }
  map.set(key, value);
}
