/**
 * Decides in which order held requests are planned, and which of them goes when there are too many.
 *
 * Model. A higher class goes first. Within a class the tenant whose turn it is, within it the session, within it
 * whoever came first. The turn is that of the highest
 *
 *   0.8 · (1 − service / most service) + 0.2 · wait of its first / longest such wait
 *
 * over those that wait, and whoever has had a turn has its service counted at once, so that ten requests of one do not
 * come before the first of another. Of AGE_TURN turns one goes to the request that has waited longest, whatever
 * its class and sender, and one to the longest wait below the class that is served: so nobody starves, n
 * requests that came before one delay it by AGE_TURN · n turns at most, and an eighth of the slots is what
 * lower classes have at the least.
 * Source: docs/reference/sources.md, Fairness (the score and its weights are llm-d's). Rejected: ageing by a priority
 * that rises with the wait, which turns into order of arrival exactly when the line is long; and strict
 * classes, which starve the lower.
 */
import { rankOf } from "./priority.ts";
import type { FairShares } from "./fair-shares.ts";
import { NO_SENDER, sessionKey, sessionService, tenantService } from "./fair-shares.ts";
import type { Waiter } from "./shard-state.ts";

const SERVICE_WEIGHT = 0.8;
const WAIT_WEIGHT = 0.2;

/** One turn in so many is by age, and one that of the lower classes; with fewer a higher class would be none. */
export const AGE_TURN = 8;
const OLDEST_TURN = 3;
const LOWER_TURN = 7;

export const rankOfWaiter = ({ request }: Waiter): number => rankOf(request.priority);

/** What a tenant or a session has had, with what has been given to it here. */
type Account = { service: number };

/** What waits of one session in one class. */
type Line = {
  readonly rank: number;
  readonly tenant: Account;
  readonly session: Account;
  /** In order of arrival. */
  readonly waiters: Waiter[];
  /** So many of them have gone. */
  gone: number;
};

/**
 * The first `most` of `waiters`, which are in order of arrival, in the order in which they go. `turns`: how many have
 * gone before them.
 */
export function inOrder(
  waiters: readonly Waiter[],
  shares: FairShares,
  { turns, most, now }: { readonly turns: number; readonly most: number; readonly now: number },
): Waiter[] {
  const lines = linesOf(waiters, shares, now);
  // Mostly it is one sender's queue.
  if (lines.length < 2) return waiters.slice(0, most);
  const ordered: Waiter[] = [];
  let open: readonly Line[] = lines;
  for (;;) {
    if (open.length === 0 || ordered.length >= most) return ordered;
    const line = nextLine(open, (turns + ordered.length) % AGE_TURN, now);
    const first = firstOf(line);
    if (first === undefined) return ordered;
    ordered.push(first);
    line.gone += 1;
    line.tenant.service += first.service;
    line.session.service += first.service;
    if (firstOf(line) === undefined) open = open.filter((one) => one !== line);
  }
}

function linesOf(waiters: readonly Waiter[], shares: FairShares, now: number): Line[] {
  const lines = new Map<string, Line>();
  const tenants = new Map<string, Account>();
  const sessions = new Map<string, Account>();
  for (const waiter of waiters) {
    const { sender = NO_SENDER } = waiter.request;
    const rank = rankOfWaiter(waiter);
    const name = sessionKey(sender);
    const line = valueOf(lines, `${rank} ${name}`, () => ({
      rank,
      tenant: valueOf(tenants, sender.tenant, () => ({ service: tenantService(shares, sender, now) })),
      session: valueOf(sessions, name, () => ({ service: sessionService(shares, sender, now) })),
      waiters: [],
      gone: 0,
    }));
    line.waiters.push(waiter);
  }
  return [...lines.values()];
}

function valueOf<Value>(map: Map<string, Value>, key: string, create: () => Value): Value {
  const value = map.get(key) ?? create();
  map.set(key, value);
  return value;
}

const firstOf = ({ waiters, gone }: Line): Waiter | undefined => waiters[gone];

const sinceMs = (line: Line): number => firstOf(line)?.sinceMs ?? Number.POSITIVE_INFINITY;

const oldest = (lines: readonly Line[]): Line =>
  lines.reduce((one, other) => (sinceMs(other) < sinceMs(one) ? other : one));

/** Whose turn it is of those that wait, which are not none. */
function nextLine(open: readonly Line[], turn: number, now: number): Line {
  if (turn === OLDEST_TURN) return oldest(open);
  const rank = open.reduce((least, line) => Math.min(least, line.rank), Number.POSITIVE_INFINITY);
  const below = turn === LOWER_TURN ? open.filter((line) => line.rank > rank) : [];
  if (below.length > 0) return oldest(below);
  const ofTenant = turnOf(
    open.filter((line) => line.rank === rank),
    (line) => line.tenant,
    now,
  );
  return oldest(turnOf(ofTenant, (line) => line.session, now));
}

/** The lines of the account whose turn it is; of equals of the one that has waited longer. */
function turnOf(lines: readonly Line[], accountOf: (line: Line) => Account, now: number): readonly Line[] {
  const waits = new Map<Account, number>();
  let [serviceMax, waitMax] = [0, 0];
  for (const line of lines) {
    const account = accountOf(line);
    const waitMs = Math.max(waits.get(account) ?? 0, now - sinceMs(line));
    waits.set(account, waitMs);
    serviceMax = Math.max(serviceMax, account.service);
    waitMax = Math.max(waitMax, waitMs);
  }
  if (waits.size === 1) return lines;
  let best: { readonly account: Account | null; readonly score: number; readonly waitMs: number } = NOBODY;
  for (const [account, waitMs] of waits) {
    const score = SERVICE_WEIGHT * (1 - account.service / (serviceMax || 1)) + WAIT_WEIGHT * (waitMs / (waitMax || 1));
    if (score > best.score || (score === best.score && waitMs > best.waitMs)) best = { account, score, waitMs };
  }
  return lines.filter((line) => accountOf(line) === best.account);
}

const NOBODY = { account: null, score: Number.NEGATIVE_INFINITY, waitMs: 0 };

/**
 * Which of them goes when one has to: of the lowest class the sender that would have had most with what it waits for,
 * of it who came last. Null: nobody waits.
 */
export function lastInLine(waiters: readonly Waiter[], shares: FairShares, now: number): Waiter | null {
  const lowest = Math.max(...waiters.map(rankOfWaiter));
  const lines = linesOf(
    waiters.filter((one) => rankOfWaiter(one) === lowest),
    shares,
    now,
  );
  for (const { tenant, session, waiters: own } of lines) {
    for (const { service } of own) {
      tenant.service += service;
      session.service += service;
    }
  }
  const more = (one: Line, other: Line): number =>
    other.tenant.service - one.tenant.service || other.session.service - one.session.service;
  return (
    lines
      .reduce<Line | null>((most, line) => (most === null || more(most, line) >= 0 ? line : most), null)
      ?.waiters.at(-1) ?? null
  );
}
