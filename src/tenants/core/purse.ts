/**
 * Decides what an isolate may let pass without asking a tenant's ledger, and keeps what it has yet to tell.
 *
 * Model. A *loan* is what is left of a grant: spent request by request within its life from its asking, by this isolate's clock
 * alone; then its rest goes back. A request that is let pass has *spent* a part, and closes it when it ends, with what it
 * used. What is to be told waits here, is summed up by grant, and is cut into numbered entries, which are kept until the
 * ledger has them on its disk: a message that is lost or doubled, and a ledger that starts anew, change no sum.
 * All of it is data; `budget-client.ts` makes the calls.
 */
import type { Amount, Limits } from "./amounts.ts";
import { LOAN_MS } from "./ledger.ts";
import { standingWith } from "./standing.ts";
import { addTo, usageName } from "./usage-sum.ts";
import type {
  Ask,
  Close,
  Entry,
  EntryReply,
  EntryReport,
  Granted,
  Refused,
  Standing,
  Usage,
} from "./ledger-messages.ts";

/** What a request asks for. */
export type Wish = Pick<Ask, "key" | "bounds" | "tokens" | "micros" | "holdMs" | "queueMax" | "queueWaitMs">;

type Loan = {
  readonly id: string;
  readonly atMs: number;
  readonly size: number;
  requests: number;
  tokens: number;
  micros: number;
  readonly spendByMs: number;
  readonly isTight: boolean;
};

/** What one request has of a grant; settled once. */
export type Spent = {
  /** Null: it was let pass while the ledger was away. */
  readonly grantId: string | null;
  readonly key: string;
  readonly atMs: number;
  readonly tokens: number;
  readonly micros: number;
  readonly beganAtMs: number;
  readonly standing: Standing;
  isOver: boolean;
};

type KeyPurse = {
  loans: Loan[];
  standing: Standing;
  isRefilling: boolean;
  /** An ask for more than one is under way: others ask for themselves alone. */
  isAsking: boolean;
  /** From an ask to its answer, ms: a mean of the recent. */
  tripMs: number;
  /** Requests in this and in the last stretch of LOAN_MS. */
  rate: { sinceMs: number; now: number; before: number };
  /** The ledger's last no, for as long as it is repeated here. */
  refused: { readonly wish: Wish; readonly reply: Refused; readonly untilMs: number } | null;
  running: number;
  /** Let pass in this minute while the ledger was away. */
  alone: { minute: number; requests: number; tokens: number; micros: number };
};

/** Written in place. One of each tenant that has limits. */
export type Purse = {
  readonly isolate: string;
  asks: number;
  readonly keys: Map<string, KeyPurse>;
  readonly closes: Map<string, Close>;
  readonly usage: Map<string, Usage>;
  dropped: string[];
  /** Told, and not known to be on the disk. */
  entries: Entry[];
  seq: number;
  heard: number;
  /** Somebody waits, or a limit is near: what ends is told at once. */
  isTight: boolean;
  /** Of the last loan, ms: as long as it may be spent, what ends may wait to be told. */
  lifeMs: number;
};

/** A refusal is repeated without asking for at most this, ms: a flood of refused requests is no flood of calls. */
const REPEAT_MS = 200;
/** Of each limit of a minute so much, each isolate, while the ledger is away. */
const ALONE_SHARE = 0.1;
/** Of a day's cap so much a minute. */
const ALONE_CAP_SHARE = 0.01;
/** A refill is asked for so many usual trips before a loan ends. */
const TRIPS = 1.5;
const TRIP_WEIGHT = 0.2;
/** Keys with something to remember, of one tenant. */
const KEYS_MAX = 1_024;

export const createPurse = (isolate: string): Purse => ({
  isolate,
  asks: 0,
  keys: new Map(),
  closes: new Map(),
  usage: new Map(),
  dropped: [],
  entries: [],
  seq: 0,
  heard: 0,
  isTight: false,
  lifeMs: LOAN_MS,
});

function keyPurse(purse: Purse, key: string): KeyPurse {
  const known = purse.keys.get(key);
  if (known !== undefined) return known;
  if (purse.keys.size >= KEYS_MAX) {
    for (const [name, { loans, running }] of purse.keys) {
      if (loans.length > 0 || running > 0) continue;
      purse.keys.delete(name);
      break;
    }
  }
  const made: KeyPurse = {
    loans: [],
    standing: {},
    isRefilling: false,
    isAsking: false,
    tripMs: 0,
    rate: { sinceMs: 0, now: 0, before: 0 },
    refused: null,
    running: 0,
    alone: { minute: 0, requests: 0, tokens: 0, micros: 0 },
  };
  purse.keys.set(key, made);
  return made;
}

/** What can be said without asking; null: the ledger has to be asked. */
export function take(purse: Purse, wish: Wish, now: number): Spent | Refused | null {
  const own = keyPurse(purse, wish.key);
  noteRate(own, now);
  for (const loan of own.loans) {
    if (now >= loan.spendByMs || loan.requests < 1 || loan.tokens < wish.tokens || loan.micros < wish.micros) continue;
    return spend(own, loan, wish, now);
  }
  const { refused } = own;
  if (refused === null) return null;
  if (now >= refused.untilMs) own.refused = null;
  else if (wish.tokens >= refused.wish.tokens && wish.micros >= refused.wish.micros)
    return { ...refused.reply, retryAfterMs: laterBy(refused.reply.retryAfterMs, refused.untilMs - REPEAT_MS - now) };
  return null;
}

const laterBy = (waitMs: number | null, ms: number): number | null =>
  waitMs === null ? null : Math.max(1, waitMs + Math.min(0, ms));

function spend(own: KeyPurse, loan: Loan, { key, tokens, micros }: Wish, now: number): Spent {
  loan.requests -= 1;
  loan.tokens -= tokens;
  loan.micros -= micros;
  own.running += 1;
  return spentOf({ grantId: loan.id, key, atMs: loan.atMs, tokens, micros }, own, now);
}

function spentOf(
  { grantId, key, atMs, tokens, micros }: Pick<Spent, "grantId" | "key" | "atMs" | "tokens" | "micros">,
  own: KeyPurse,
  now: number,
): Spent {
  return { grantId, key, atMs, tokens, micros, beganAtMs: now, standing: standingNow(own), isOver: false };
}

/** As the ledger told it, and what is lent here besides. */
function standingNow({ standing, loans }: KeyPurse): Standing {
  let [moreRequests, moreTokens] = [0, 0];
  for (const loan of loans) {
    moreRequests += loan.requests;
    moreTokens += loan.tokens;
  }
  return standingWith(standing, moreRequests, moreTokens);
}

/** No answer to an ask came, or nobody waits for it any more. */
export function onDropped(purse: Purse, { id, key }: Ask, isRefill: boolean): void {
  purse.dropped.push(id);
  const own = keyPurse(purse, key);
  own.isAsking = false;
  if (isRefill) own.isRefilling = false;
}

function noteRate({ rate }: KeyPurse, now: number): void {
  const gone = now - rate.sinceMs;
  if (gone >= LOAN_MS) {
    rate.before = gone < 2 * LOAN_MS ? rate.now : 0;
    rate.now = 0;
    rate.sinceMs = now;
  }
  rate.now += 1;
}

/** The ask for a request, or for a loan alone (`isRefill`), which waits in no line. */
export function askFor(purse: Purse, wish: Wish, isRefill: boolean): Ask {
  const own = keyPurse(purse, wish.key);
  const { rate } = own;
  purse.asks += 1;
  const line = isRefill ? { queueMax: 0, queueWaitMs: 0 } : {};
  const wants = own.isAsking && !isRefill ? 1 : Math.max(rate.now, rate.before, 1);
  own.isAsking = true;
  return { ...wish, ...line, id: `${purse.isolate}-${purse.asks}`, isolate: purse.isolate, wants };
}

/** Is the last loan half spent, or about to end, so that the next one should be asked for? True once for each. */
export function wantsRefill(purse: Purse, key: string, now: number): boolean {
  const own = keyPurse(purse, key);
  const last = own.loans.at(-1);
  if (own.isRefilling || last === undefined || last.isTight || last.size < 2) return false;
  const isEnding = now + TRIPS * own.tripMs >= last.spendByMs;
  if (last.requests > last.size / 2 && !isEnding) return false;
  own.isRefilling = true;
  return true;
}

/** The reply to a refill, or that there is none (null). */
export function onRefilled(purse: Purse, asked: Ask, reply: Granted | null, askedAtMs: number, now: number): void {
  const own = keyPurse(purse, asked.key);
  own.isRefilling = false;
  own.isAsking = false;
  if (reply !== null) lend(purse, own, asked, reply, askedAtMs, now);
}

/** The request that asked has its part of the grant; the rest is a loan. */
export function onGranted(purse: Purse, asked: Ask, reply: Granted, askedAtMs: number, now: number): Spent {
  const own = keyPurse(purse, asked.key);
  own.refused = null;
  const loan = lend(purse, own, asked, reply, askedAtMs, now);
  const spent = spend(own, loan, asked, now);
  // What waited in line, or came late, has its own part and no more.
  if (now >= loan.spendByMs) giveBackLoans(purse, asked.key, now);
  return spent;
}

function lend(purse: Purse, own: KeyPurse, asked: Ask, reply: Granted, askedAtMs: number, now: number): Loan {
  const { requests, tokens, micros, atMs, standing, isTight, lifeMs = LOAN_MS } = reply;
  own.standing = standing;
  own.isAsking = false;
  own.tripMs += (Math.min(LOAN_MS, now - askedAtMs) - own.tripMs) * TRIP_WEIGHT;
  purse.isTight = isTight;
  purse.lifeMs = lifeMs;
  const loan = {
    id: asked.id,
    atMs,
    size: requests,
    requests,
    tokens,
    micros,
    spendByMs: askedAtMs + lifeMs,
    isTight,
  };
  giveBackLoans(purse, asked.key, now);
  own.loans.push(loan);
  return loan;
}

export function onRefused(purse: Purse, wish: Wish, reply: Refused, now: number): void {
  const own = keyPurse(purse, wish.key);
  own.standing = reply.standing;
  own.isAsking = false;
  purse.isTight = true;
  const forMs = Math.min(REPEAT_MS, reply.retryAfterMs ?? REPEAT_MS);
  own.refused = { wish, reply, untilMs: now + forMs };
}

/** The rest of loans whose life is over goes back. */
function giveBackLoans(purse: Purse, key: string, now: number): void {
  const own = keyPurse(purse, key);
  if (own.loans.every(({ spendByMs, requests }) => now < spendByMs && requests > 0)) return;
  for (const { id, atMs, spendByMs, requests, tokens, micros } of own.loans) {
    if (requests === 0 && tokens === 0 && micros === 0) continue;
    if (now < spendByMs && requests > 0) continue;
    const reserved = { requests, tokens, micros };
    tellClose(purse, { id, key, atMs, reserved, unused: { requests, tokens }, heldMs: null });
  }
  own.loans = own.loans.filter(({ spendByMs, requests }) => now < spendByMs && requests > 0);
}

/** While the ledger is away: a bounded share of every limit, each isolate. Null: that is used up. */
export function takeAlone(purse: Purse, wish: Wish, now: number): Spent | null {
  const own = keyPurse(purse, wish.key);
  const minute = Math.floor(now / 60_000);
  if (own.alone.minute !== minute) own.alone = { minute, requests: 0, tokens: 0, micros: 0 };
  const { alone } = own;
  const next = {
    requests: alone.requests + 1,
    tokens: alone.tokens + wish.tokens,
    micros: alone.micros + wish.micros,
  };
  const { tenant, key } = wish.bounds;
  if (![tenant, key].every((limits) => isWithinAlone(limits, next, own.running + 1))) return null;
  Object.assign(alone, next);
  own.running += 1;
  const { tokens, micros } = wish;
  return spentOf({ grantId: null, key: wish.key, atMs: now, tokens, micros }, own, now);
}

function isWithinAlone(limits: Limits, { requests, tokens, micros }: Amount, running: number): boolean {
  const within = (limit: number | undefined, share: number, used: number, least: number): boolean =>
    limit === undefined || used <= Math.max(least, Math.floor(limit * share));
  return (
    within(limits.requestsPerMinute, ALONE_SHARE, requests, 1) &&
    within(limits.tokensPerMinute, ALONE_SHARE, tokens, 0) &&
    within(limits.concurrency, ALONE_SHARE, running, 1) &&
    within(limits.tokensPerDay, ALONE_CAP_SHARE, tokens, 0) &&
    within(limits.tokensPerMonth, ALONE_CAP_SHARE / 30, tokens, 0) &&
    within(limits.microsPerDay, ALONE_CAP_SHARE, micros, 0) &&
    within(limits.microsPerMonth, ALONE_CAP_SHARE / 30, micros, 0)
  );
}

/** A request is over. `used`: what it came to; `countsRequest`: it counts against the limits of requests. */
/** `used`: null where nothing came of it, and it is no request of its own either. */
export function close(purse: Purse, spent: Spent, used: Usage | null, countsRequest: boolean, now: number): void {
  if (spent.isOver) return;
  spent.isOver = true;
  const { grantId, key, atMs, tokens, micros } = spent;
  const own = keyPurse(purse, key);
  own.running = Math.max(0, own.running - 1);
  if (used !== null) noteUsage(purse, used);
  if (grantId === null) return;
  tellClose(purse, {
    id: grantId,
    key,
    atMs,
    reserved: { requests: 1, tokens, micros },
    unused: { requests: countsRequest ? 0 : 1, tokens: tokens - (used?.input ?? 0) - (used?.output ?? 0) },
    heldMs: now - spent.beganAtMs,
  });
}

export const noteUsage = ({ usage }: Purse, used: Usage): void => addTo(usage, usageName(used), used);

function tellClose({ closes }: Purse, told: Close): void {
  const known = closes.get(told.id);
  if (known === undefined) return void closes.set(told.id, told);
  const { id, key, atMs, reserved, unused } = known;
  closes.set(id, {
    id,
    key,
    atMs,
    reserved: {
      requests: reserved.requests + told.reserved.requests,
      tokens: reserved.tokens + told.reserved.tokens,
      micros: reserved.micros + told.reserved.micros,
    },
    unused: { requests: unused.requests + told.unused.requests, tokens: unused.tokens + told.unused.tokens },
    heldMs: told.heldMs ?? known.heldMs,
  });
}

/** Is there anything to tell, or lent, so that there will be. */
export const owes = ({ closes, usage, dropped, keys, entries }: Purse): boolean =>
  closes.size > 0 ||
  dropped.length > 0 ||
  usage.size > 0 ||
  entries.length > 0 ||
  [...keys.values()].some(({ loans }) => loans.length > 0);

/** Closes of one entry: a message is bounded. */
const CLOSES_MAX = 1_000;

/** What the ledger is to be told now; null: nothing. What was not heard is told again before anything new is cut. */
export function takeReport(purse: Purse, now: number): EntryReport | null {
  for (const key of purse.keys.keys()) giveBackLoans(purse, key, now);
  const isAllHeard = purse.seq <= purse.heard;
  if (isAllHeard && purse.closes.size + purse.usage.size + purse.dropped.length > 0) {
    const closes = [...purse.closes.values()].slice(0, CLOSES_MAX);
    for (const { id } of closes) purse.closes.delete(id);
    purse.seq += 1;
    purse.entries.push({ seq: purse.seq, closes, dropped: purse.dropped, usage: [...purse.usage.values()] });
    purse.dropped = [];
    purse.usage.clear();
  }
  const [first] = purse.entries;
  if (first === undefined) return null;
  const entries = purse.entries.filter(({ seq }) => seq > purse.heard);
  return { isolate: purse.isolate, from: first.seq, entries };
}

/** A ledger that has heard less than before was restarted: the rest is told again. */
export function onHeard(purse: Purse, { heard, kept }: EntryReply): void {
  purse.heard = heard;
  purse.entries = purse.entries.filter(({ seq }) => seq > kept);
}
