/**
 * The limits of one tenant or one key, and what stands against them.
 *
 * Model. Three kinds of sums. *Windows*: what was admitted in the last minute. *Live*: what is reserved by grants that are
 * not closed (slots, tokens, money). *Settled*: what was used in this day and this month. A cap holds for settled and live
 * together, so a request that runs is paid for before it is over. After a restart `live` is what was last written down
 * (`ghost`), until those requests are told closed or their time is over.
 */
import { invariant } from "../../lib/invariant.ts";
import { msToNextDay, msToNextMonth } from "./amounts.ts";
import type { Amount, LimitName, Limits, Period } from "./amounts.ts";
import { charge, createWindow, msUntilLeft, refund, usedIn, WINDOW_MS } from "./window.ts";
import type { Window } from "./window.ts";
import type { CapShare, Standing, StandingOf } from "./ledger-messages.ts";

/** Written in place. */
export type Scope = {
  limits: Limits;
  readonly requests: Window;
  readonly tokens: Window;
  /** Of grants: `requests` are slots. */
  live: Amount;
  /** Of grants before a restart, of which nobody here knows more. */
  ghost: Amount;
  ghostUntilMs: number;
  period: Period;
  day: { tokens: number; micros: number };
  month: { tokens: number; micros: number };
  /** Charged to the windows since it was last written down. */
  since: { requests: number; tokens: number };
  /** A restart counts this much more than was written. */
  ahead: Ahead;
  /** Something of it may be otherwise than it was written. */
  isChanged: boolean;
};

/** For the windows so much more; and the most that may be held. */
export type Ahead = { readonly requests: number; readonly tokens: number; readonly held: Amount };

const NOTHING: Amount = { requests: 0, tokens: 0, micros: 0 };

const plus = (one: Amount, other: Amount): Amount => ({
  requests: one.requests + other.requests,
  tokens: one.tokens + other.tokens,
  micros: one.micros + other.micros,
});

export const minus = (one: Amount, other: Amount): Amount => ({
  requests: one.requests - other.requests,
  tokens: one.tokens - other.tokens,
  micros: one.micros - other.micros,
});

export const times = ({ requests, tokens, micros }: Amount, count: number): Amount => ({
  requests: requests * count,
  tokens: tokens * count,
  micros: micros * count,
});

const heldBy = ({ live, ghost }: Scope): Amount => plus(live, ghost);

const floored = ({ requests, tokens, micros }: Amount): Amount => ({
  requests: Math.max(0, requests),
  tokens: Math.max(0, tokens),
  micros: Math.max(0, micros),
});

export const createScope = (limits: Limits, period: Period): Scope => ({
  limits,
  requests: createWindow(),
  tokens: createWindow(),
  live: NOTHING,
  ghost: NOTHING,
  ghostUntilMs: 0,
  period,
  day: { tokens: 0, micros: 0 },
  month: { tokens: 0, micros: 0 },
  since: { requests: 0, tokens: 0 },
  ahead: { requests: 0, tokens: 0, held: NOTHING },
  isChanged: true,
});

/** A new day begins with nothing used; so does a month. */
export function turn(scope: Scope, period: Period, now: number): void {
  if (scope.period.day !== period.day) scope.day = { tokens: 0, micros: 0 };
  if (scope.period.month !== period.month) scope.month = { tokens: 0, micros: 0 };
  scope.period = period;
  if (now >= scope.ghostUntilMs) scope.ghost = NOTHING;
}

/** `held`: what of it is reserved, and may come back. */
type Room = { readonly limit: LimitName; readonly left: number; readonly held: number };

/** How much of each limit there is, in the order in which a refusal names one. */
function rooms(scope: Scope, now: number): readonly Room[] {
  const { limits, day, month } = scope;
  const held = heldBy(scope);
  const found: Room[] = [];
  const note = (limit: LimitName, used: number, reserved = 0): void => {
    const most = limits[limit];
    if (most !== undefined) found.push({ limit, left: most - used - reserved, held: reserved });
  };
  note("microsPerMonth", month.micros, held.micros);
  note("microsPerDay", day.micros, held.micros);
  note("tokensPerMonth", month.tokens, held.tokens);
  note("tokensPerDay", day.tokens, held.tokens);
  if (limits.requestsPerMinute !== undefined) note("requestsPerMinute", usedIn(scope.requests, now));
  if (limits.tokensPerMinute !== undefined) note("tokensPerMinute", usedIn(scope.tokens, now));
  note("concurrency", held.requests);
  return found;
}

const MEMBER = {
  microsPerMonth: "micros",
  microsPerDay: "micros",
  tokensPerMonth: "tokens",
  tokensPerDay: "tokens",
  requestsPerMinute: "requests",
  tokensPerMinute: "tokens",
  concurrency: "requests",
} as const satisfies Record<LimitName, keyof Amount>;

/** What keeps one such request out, or for how many like it there is room. */
export type Fit =
  | {
      readonly limit: LimitName;
      readonly most: number;
      readonly retryAfterMs: number | null;
      /** Of a cap: there is room once what runs has ended, unless that comes to all that it has reserved. */
      readonly isReserved: boolean;
    }
  | { readonly limit: null; readonly count: number };

/**
 * `need`: of one request. What has reached a cap of money is refused also where this request costs nothing that is known:
 * a cap halts.
 */
export function fit(scope: Scope, need: Amount, now: number): Fit {
  let count = Number.POSITIVE_INFINITY;
  for (const { limit, left, held } of rooms(scope, now)) {
    const each = need[MEMBER[limit]];
    const most = scope.limits[limit] ?? 0;
    if (each > left || left <= 0) {
      const isReserved = held > 0 && each <= left + held && left + held > 0;
      const waitFor = isReserved ? 0 : waitMs(scope, limit, each, left, now);
      return { limit, most, isReserved, retryAfterMs: each > most ? null : waitFor };
    }
    if (each > 0) count = Math.min(count, Math.floor(left / each));
  }
  return { limit: null, count };
}

/** When there is room: by the window, by the calendar; for a slot the ledger knows better. */
function waitMs(scope: Scope, limit: LimitName, each: number, left: number, now: number): number {
  switch (limit) {
    case "requestsPerMinute":
      return msUntilLeft(scope.requests, each - left, now);
    case "tokensPerMinute":
      return msUntilLeft(scope.tokens, Math.max(1, each - left), now);
    case "tokensPerDay":
    case "microsPerDay":
      return msToNextDay(now);
    case "tokensPerMonth":
    case "microsPerMonth":
      return msToNextMonth(now);
    case "concurrency":
      return 0;
  }
}

/** `untilMs`: when the last of it may be spent. */
export function reserve(scope: Scope, amount: Amount, untilMs: number): void {
  if (scope.limits.requestsPerMinute !== undefined) charge(scope.requests, amount.requests, untilMs);
  if (scope.limits.tokensPerMinute !== undefined) charge(scope.tokens, amount.tokens, untilMs);
  scope.since.requests += amount.requests;
  scope.since.tokens += amount.tokens;
  scope.live = plus(scope.live, amount);
}

export function release(scope: Scope, amount: Amount): void {
  const live = minus(scope.live, amount);
  invariant(live.requests >= 0 && live.tokens >= 0 && live.micros >= 0, "live is what the grants reserve");
  scope.live = live;
}

/** Of what was charged at `atMs` so much was not used; tokens below 0: so much more was, and counts from now on. */
export function giveBack(
  scope: Scope,
  { requests, tokens }: { readonly requests: number; readonly tokens: number },
  atMs: number,
  now: number,
): void {
  refund(scope.requests, requests, atMs);
  if (tokens >= 0) refund(scope.tokens, tokens, atMs);
  else if (scope.limits.tokensPerMinute !== undefined) charge(scope.tokens, -tokens, now);
}

/** A grant that this incarnation does not know is closed. */
export function releaseGhost(scope: Scope, amount: Amount): void {
  scope.ghost = floored(minus(scope.ghost, amount));
}

export function settle(scope: Scope, tokens: number, micros: number): void {
  for (const sum of [scope.day, scope.month]) {
    sum.tokens += tokens;
    sum.micros += micros;
  }
}

/** How much of its caps of money is settled; the higher share of the two. Null: it has none. */
export function nearestCap({ limits, day, month }: Scope): Omit<CapShare, "key"> | null {
  const ofDay = limits.microsPerDay === undefined ? null : day.micros / limits.microsPerDay;
  const ofMonth = limits.microsPerMonth === undefined ? null : month.micros / limits.microsPerMonth;
  if (ofMonth !== null && ofMonth >= (ofDay ?? 0)) return { period: "month", share: ofMonth };
  return ofDay === null ? null : { period: "day", share: ofDay };
}

/** The share of a limit that a restart may count too much: what is granted beyond needs a write first. */
const AHEAD_SHARE = 200;
/** Of slots, which are few, and which come back. */
const AHEAD_SLOTS_SHARE = 16;

const shareOf = (limit: number | undefined, share: number): number =>
  limit === undefined ? 0 : Math.max(1, Math.floor(limit / share));

/** Is more granted than a restart would count. What has no limit counts for nothing. */
export function isBeyondWritten(scope: Scope): boolean {
  const { limits, since, ahead } = scope;
  const held = heldBy(scope);
  return (
    (limits.requestsPerMinute !== undefined && since.requests > ahead.requests) ||
    (limits.tokensPerMinute !== undefined && since.tokens > ahead.tokens) ||
    (limits.concurrency !== undefined && held.requests > ahead.held.requests) ||
    (capOf(limits.tokensPerDay, limits.tokensPerMonth) !== undefined && held.tokens > ahead.held.tokens) ||
    (capOf(limits.microsPerDay, limits.microsPerMonth) !== undefined && held.micros > ahead.held.micros)
  );
}

/** Of a day or a month: what counts for longer than a minute. */
export const hasCap = ({ tokensPerDay, tokensPerMonth, microsPerDay, microsPerMonth }: Limits): boolean =>
  [tokensPerDay, tokensPerMonth, microsPerDay, microsPerMonth].some((cap) => cap !== undefined);

/** The smaller of two caps, where there is one. */
const capOf = (day: number | undefined, month: number | undefined): number | undefined =>
  day === undefined || month === undefined ? (day ?? month) : Math.min(day, month);

/** What is to be written down, so that a restart counts no less than was granted. */
export function aheadOf(scope: Scope): Ahead {
  const { limits } = scope;
  return {
    requests: shareOf(limits.requestsPerMinute, AHEAD_SHARE),
    tokens: shareOf(limits.tokensPerMinute, AHEAD_SHARE),
    held: plus(heldBy(scope), {
      requests: shareOf(limits.concurrency, AHEAD_SLOTS_SHARE),
      tokens: shareOf(capOf(limits.tokensPerDay, limits.tokensPerMonth), AHEAD_SHARE),
      micros: shareOf(capOf(limits.microsPerDay, limits.microsPerMonth), AHEAD_SHARE),
    }),
  };
}

export function standingOf(scopes: readonly Scope[], now: number): Standing {
  const requests = tightest(scopes, "requests", "requestsPerMinute", now);
  const tokens = tightest(scopes, "tokens", "tokensPerMinute", now);
  return { ...(requests && { requests }), ...(tokens && { tokens }) };
}

function tightest(
  scopes: readonly Scope[],
  member: "requests" | "tokens",
  name: LimitName,
  now: number,
): StandingOf | undefined {
  let found: StandingOf | undefined;
  for (const scope of scopes) {
    const limit = scope.limits[name];
    if (limit === undefined) continue;
    const used = usedIn(scope[member], now);
    const left = Math.max(0, limit - used);
    if (found !== undefined && left >= found.left) continue;
    found = { limit, left, resetMs: used === 0 ? 0 : Math.min(WINDOW_MS, msUntilLeft(scope[member], used, now)) };
  }
  return found;
}
