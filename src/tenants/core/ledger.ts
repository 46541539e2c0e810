/**
 * Decides what a tenant and its keys may still do: the one authority over their limits, whichever isolate asks.
 *
 * Intuition. A limit that every request had to ask for would cost a trip each; one that every isolate kept for itself would
 * be multiplied by the isolates. So budgets are lent, as credits are (decision 0002).
 * Model. A *grant* reserves the most that its requests may come to, at the tenant and at the key, before it is answered.
 * While there is slack it holds several requests, which the isolate spends within LOAN_MS without asking, or within four
 * times that where the limit is far; near a limit it
 * holds one, so the last unit is given out once. A grant is closed in parts as its requests end, with what they used, or
 * comes home when its time is over. Isolates number what they report; each entry counts once.
 * What is granted between two writes is bounded by `Scope.ahead`, which a restart counts as granted: it never grants twice.
 * Rejected: counters that each isolate adds to (over by one slice an isolate at every limit); to ask for each request; a
 * write for each grant.
 */
import { periodOf } from "./amounts.ts";
import type { Amount, Limits, Period } from "./amounts.ts";
import type {
  Ask,
  AskReply,
  CapShare,
  Close,
  EntryReply,
  EntryReport,
  Granted,
  Refused,
  Usage,
  Whose,
} from "./ledger-messages.ts";
import { createLine, enter, leaveLate, noteHeld, placeOf, quit, takeTurns } from "./line.ts";
import type { Line } from "./line.ts";
import {
  createScope,
  fit,
  giveBack,
  hasCap,
  isBeyondWritten,
  minus,
  nearestCap,
  release,
  releaseGhost,
  reserve,
  settle,
  standingOf,
  times,
  turn,
} from "./scope.ts";
import type { Scope } from "./scope.ts";
import { addDay } from "./usage-sum.ts";
import type { DayUsage } from "./usage-sum.ts";

/** What is lent is spent within this, by the isolate's clock from its asking, ms; then it goes back. */
export const LOAN_MS = 250;
/** The same where there is room for far more than anybody asks for, ms: calls are then few, however few requests come. */
export const LOAN_LONG_MS = 1_000;
/** So many times what all that ask could spend in it. */
const LONG_SHARE = 32;
/** Requests lent at once, at most: what an isolate serves within LOAN_LONG_MS when it does nothing else. */
export const LOAN_MAX = 1_024;
/** A loan is at most this part of what is left, for each isolate that asks. */
const LOAN_SHARE = 8;
/** With room for fewer requests than this, what ends is told at once. */
const TIGHT_BELOW = 16;
/** Who has not asked for so long is no asker, ms. */
const ASKER_MS = 2_000;
/** Isolates remembered; the one that was heard of longest ago is forgotten first. */
export const ISOLATES_MAX = 1_024;
/** Keys remembered; as many as a config may have, and as many again that live elsewhere. */
const KEYS_MAX = 4_096;
/** Requests that are granted and not closed, at most. */
const GRANTS_MAX = 20_000;

type Grant = { readonly id: string; readonly key: string; reply: Granted; reserved: Amount; readonly untilMs: number };

/** `place`: its number among all keys there ever were; neighbours are written together. */
export type KeyScope = Scope & { readonly place: number };

type Heard = { seq: number; kept: number };

/** Written in place. */
export type Ledger = {
  readonly tenant: Scope;
  readonly keys: Map<string, KeyScope>;
  /** Where the next key is written (`ledger-image.ts`). */
  nextPlace: number;
  /** Of keys that were dropped: they are on the disk yet. */
  readonly droppedPlaces: Set<number>;
  readonly grants: Map<string, Grant>;
  /** No grant's time is over before this instant. */
  dueMs: number;
  /** The longest that a reservation is kept, ms: what a restart finds held is so for no longer. */
  holdMs: number;
  /** Asks that are over: one that comes late, or twice, changes nothing. */
  readonly over: Map<string, AskReply>;
  /** The last heard of last. */
  readonly isolates: Map<string, Heard>;
  /** When each isolate asked last. */
  readonly askers: Map<string, number>;
  readonly line: Line;
  /** Since they were last written down, summed up by day, key, model and outcome. */
  usage: Map<string, DayUsage>;
  /** More was granted than a restart would count: to be written down before an answer goes out. */
  isWriteDue: boolean;
};

export const createLedger = (now: number): Ledger => ({
  tenant: createScope({}, periodOf(now)),
  keys: new Map(),
  nextPlace: 0,
  droppedPlaces: new Set(),
  grants: new Map(),
  dueMs: Number.POSITIVE_INFINITY,
  holdMs: 0,
  over: new Map(),
  isolates: new Map(),
  askers: new Map(),
  line: createLine(),
  usage: new Map(),
  isWriteDue: false,
});

/** Answers an ask; one that waits is answered later, by `turns`. */
export function ask(ledger: Ledger, asked: Ask, now: number): AskReply {
  sweep(ledger, now);
  const known = ledger.grants.get(asked.id)?.reply ?? ledger.over.get(asked.id);
  if (known !== undefined) return known;
  noteAsker(ledger.askers, asked.isolate, now);
  const found = admit(ledger, asked, now);
  if (found.kind === "granted") return found;
  if (found.limit !== "concurrency") return over(ledger, asked.id, found);
  const place = placeOf(ledger.line, asked);
  if (ledger.line.waiting.size >= asked.queueMax || place.etaMs > asked.queueWaitMs)
    return over(ledger, asked.id, { ...found, retryAfterMs: place.etaMs, waiting: ledger.line.waiting.size });
  enter(ledger.line, asked, now);
  return { kind: "queued", ...place };
}

/** Those in line whose turn it is, and those whose time is over, with their answers. */
export function turns(ledger: Ledger, now: number): readonly { readonly id: string; readonly reply: AskReply }[] {
  sweep(ledger, now);
  const late = leaveLate(ledger.line, now).map((asked) => {
    return { id: asked.id, reply: over(ledger, asked.id, slotless(ledger, asked, now)) };
  });
  const served = takeTurns(ledger.line, (asked) => {
    const found = admit(ledger, { ...asked, wants: 1 }, now);
    return found.kind === "refused" && found.limit === "concurrency" ? null : found;
  });
  return [...late, ...served.map(({ asked, answer }) => ({ id: asked.id, reply: answer }))];
}

/** It has waited in vain: there is a slot when the next one ends. */
function slotless(ledger: Ledger, asked: Ask, now: number): Refused {
  const most = Math.min(asked.bounds.tenant.concurrency ?? Infinity, asked.bounds.key.concurrency ?? Infinity);
  const whose: Whose = most === asked.bounds.key.concurrency ? "key" : "tenant";
  const { etaMs } = placeOf(ledger.line, asked);
  const standing = standingOf(scopesOf(ledger, asked, now), now);
  return { kind: "refused", limit: "concurrency", whose, most, retryAfterMs: etaMs, standing };
}

function over<Reply extends AskReply>({ over: asks }: Ledger, id: string, reply: Reply): Reply {
  asks.set(id, reply);
  dropOldest(asks);
  return reply;
}

function admit(ledger: Ledger, asked: Ask, now: number): Granted | Refused {
  const scopes = scopesOf(ledger, asked, now);
  const need: Amount = { requests: 1, tokens: asked.tokens, micros: asked.micros };
  let count = Number.POSITIVE_INFINITY;
  for (const [index, scope] of scopes.entries()) {
    const found = fit(scope, need, now);
    if (found.limit !== null) {
      const whose: Whose = index === 0 ? "key" : "tenant";
      // What runs gives back what it does not use when it ends.
      const back = found.isReserved ? { retryAfterMs: Math.ceil(ledger.line.heldMs) } : {};
      return { kind: "refused", whose, ...found, ...back, standing: standingOf(scopes, now) };
    }
    count = Math.min(count, found.count);
  }
  if (ledger.grants.size >= GRANTS_MAX) {
    const standing = standingOf(scopes, now);
    return {
      kind: "refused",
      limit: "concurrency",
      whose: "tenant",
      most: GRANTS_MAX,
      retryAfterMs: LOAN_MS,
      standing,
    };
  }
  const { requests, lifeMs } = loanOf(ledger, asked, count, now);
  const reserved = times(need, requests);
  // It is spent later than now: when the answer is there, or, what is lent, within its life.
  const atMs = now + lifeMs;
  for (const scope of scopes) reserve(scope, reserved, atMs);
  // Of who wants more than is ever lent at once nothing is short.
  const isTight = requests < Math.min(asked.wants, LOAN_MAX) || ledger.line.waiting.size > 0 || count < TIGHT_BELOW;
  const { tokens, micros } = reserved;
  const reply: Granted = {
    kind: "granted",
    requests,
    tokens,
    micros,
    atMs,
    lifeMs,
    isTight,
    standing: standingOf(scopes, now),
  };
  ledger.isWriteDue ||= asked.holdMs > ledger.holdMs || scopes.some(isBeyondWritten);
  ledger.holdMs = Math.max(ledger.holdMs, asked.holdMs);
  const untilMs = atMs + asked.holdMs;
  ledger.grants.set(asked.id, { id: asked.id, key: asked.key, reply, reserved, untilMs });
  ledger.dueMs = Math.min(ledger.dueMs, untilMs);
  return reply;
}

type Loan = { readonly requests: number; readonly lifeMs: number };

function loanOf(ledger: Ledger, { wants }: Ask, count: number, now: number): Loan {
  if (ledger.line.waiting.size > 0) return { requests: 1, lifeMs: LOAN_MS };
  let askers = 0;
  for (const askedAtMs of ledger.askers.values()) if (now - askedAtMs < ASKER_MS) askers += 1;
  const wantsLong = Math.ceil((wants * LOAN_LONG_MS) / LOAN_MS);
  if (count >= LONG_SHARE * Math.max(1, askers) * wantsLong)
    return { requests: Math.min(wantsLong, LOAN_MAX), lifeMs: LOAN_LONG_MS };
  const requests = Math.max(1, Math.min(wants, LOAN_MAX, Math.floor(count / (LOAN_SHARE * Math.max(1, askers)))));
  return { requests, lifeMs: LOAN_MS };
}

/** The key's first: its own limit is what a client can do something about. */
function scopesOf(ledger: Ledger, { key, bounds }: Ask, now: number): readonly [Scope, Scope] {
  return [scopeAt(ledger, key, bounds.key, now), scopeAt(ledger, null, bounds.tenant, now)];
}

/** `limits`: what now holds; null: as before. `key` null: the tenant itself. */
function scopeAt(ledger: Ledger, key: string | null, limits: Limits | null, now: number): Scope {
  const period = periodOf(now);
  const scope = key === null ? ledger.tenant : (ledger.keys.get(key) ?? addKey(ledger, key, period));
  if (limits !== null) scope.limits = limits;
  scope.isChanged = true;
  turn(scope, period, now);
  return scope;
}

function addKey(ledger: Ledger, key: string, period: Period): KeyScope {
  if (ledger.keys.size >= KEYS_MAX) dropKey(ledger);
  const scope = { ...createScope({}, period), place: ledger.nextPlace };
  ledger.nextPlace += 1;
  ledger.keys.set(key, scope);
  return scope;
}

/**
 * One that holds nothing, and has no cap of a day or a month if there is such a one: those begin anew, if it ever comes
 * back.
 */
function dropKey({ keys, droppedPlaces }: Ledger): void {
  const idle = [...keys].filter(([, { live }]) => live.requests === 0 && live.tokens === 0);
  const dropped = idle.find(([, { limits }]) => !hasCap(limits)) ?? idle[0];
  if (dropped === undefined) return;
  const [key, { place }] = dropped;
  keys.delete(key);
  droppedPlaces.add(place);
}

/** Grants whose time is over come home. Pools have their own longest attempts, so they lie in no order: all are looked at. */
function sweep(ledger: Ledger, now: number): void {
  if (now < ledger.dueMs) return;
  ledger.dueMs = Number.POSITIVE_INFINITY;
  for (const grant of ledger.grants.values()) {
    if (grant.untilMs <= now) free(ledger, grant, grant.reserved, now);
    else ledger.dueMs = Math.min(ledger.dueMs, grant.untilMs);
  }
}

function free(ledger: Ledger, grant: Grant, amount: Amount, now: number): void {
  release(ledger.tenant, amount);
  release(scopeAt(ledger, grant.key, null, now), amount);
  grant.reserved = minus(grant.reserved, amount);
  if (grant.reserved.requests <= 0) {
    // What is left without a request to it is nobody's.
    release(ledger.tenant, grant.reserved);
    release(scopeAt(ledger, grant.key, null, now), grant.reserved);
    ledger.grants.delete(grant.id);
    over(ledger, grant.id, grant.reply);
  }
}

/**
 * Of the tenant and of each key with a cap of money: the one that is nearest to its end. `limits`: the tenant's, as they are
 * now; a key's are those that it came with last.
 */
export function capShares(ledger: Ledger, limits: Limits, now: number): readonly CapShare[] {
  const tenant = { ...scopeAt(ledger, null, null, now), limits };
  const keys = [...ledger.keys.keys()].map((key) => [key, scopeAt(ledger, key, null, now)] as const);
  return [[null, tenant] as const, ...keys].flatMap(([key, scope]) => {
    const nearest = nearestCap(scope);
    return nearest === null ? [] : [{ key, ...nearest }];
  });
}

/** Entries in order, each once. What lies beyond a gap is not heard: it comes again. */
export function report(ledger: Ledger, { isolate, from, entries }: EntryReport, now: number): EntryReply {
  sweep(ledger, now);
  // One that is not known was forgotten, or told nothing before that is not kept.
  const heard = heardOf(ledger, isolate, from - 1);
  for (const entry of entries) {
    if (entry.seq !== heard.seq + 1) continue;
    for (const close of entry.closes) closePart(ledger, close, now);
    for (const id of entry.dropped) drop(ledger, id, now);
    for (const usage of entry.usage) note(ledger, usage, now);
    heard.seq = entry.seq;
  }
  return { heard: heard.seq, kept: heard.kept };
}

/** To an ask that comes after its isolate has given it up. */
const NOT_ASKED: Refused = {
  kind: "refused",
  limit: "concurrency",
  whose: "tenant",
  most: 0,
  retryAfterMs: LOAN_MS,
  standing: {},
};

/** Its isolate has had no answer, or wants none: all of it goes back, and it stands in no line. */
function drop(ledger: Ledger, id: string, now: number): void {
  quit(ledger.line, id);
  const grant = ledger.grants.get(id);
  if (grant === undefined) return void over(ledger, id, NOT_ASKED);
  const { key, reserved, reply } = grant;
  for (const scope of [scopeAt(ledger, key, null, now), ledger.tenant]) giveBack(scope, reserved, reply.atMs, now);
  free(ledger, grant, reserved, now);
}

function closePart(ledger: Ledger, close: Close, now: number): void {
  const scopes = [scopeAt(ledger, close.key, null, now), scopeAt(ledger, null, null, now)];
  const grant = ledger.grants.get(close.id);
  if (grant === undefined) for (const scope of scopes) releaseGhost(scope, close.reserved);
  else free(ledger, grant, atMost(close.reserved, grant.reserved), now);
  for (const scope of scopes) giveBack(scope, close.unused, close.atMs, now);
  if (close.heldMs !== null) noteHeld(ledger.line, close.heldMs);
}

const atMost = (amount: Amount, most: Amount): Amount => ({
  requests: Math.min(amount.requests, most.requests),
  tokens: Math.min(amount.tokens, most.tokens),
  micros: Math.min(amount.micros, most.micros),
});

function note(ledger: Ledger, usage: Usage, now: number): void {
  const tokens = usage.input + usage.output;
  settle(scopeAt(ledger, null, null, now), tokens, usage.micros);
  settle(scopeAt(ledger, usage.key, null, now), tokens, usage.micros);
  addDay(ledger.usage, { ...usage, day: periodOf(now).day });
}

function noteAsker(askers: Map<string, number>, isolate: string, now: number): void {
  askers.delete(isolate);
  askers.set(isolate, now);
  dropOldest(askers);
}

function dropOldest(map: Map<string, unknown>): void {
  if (map.size <= ISOLATES_MAX) return;
  for (const oldest of map.keys()) return void map.delete(oldest);
}

function heardOf({ isolates }: Ledger, isolate: string, before: number): Heard {
  const heard = isolates.get(isolate) ?? { seq: before, kept: before };
  isolates.delete(isolate);
  isolates.set(isolate, heard);
  dropOldest(isolates);
  return heard;
}
