/**
 * Decides what operators are told of a shard's endpoints: what failed at one last, and that one takes
 * traffic no longer, or again.
 *
 * Model. The last failure of each endpoint is kept. A line for the log is due at the first failure of a kind (how it
 * ended, and the status), and then at most every LINE_EVERY_MS, with how many there were since; and at each change of
 * standing. Lines wait here until the shell takes them, so that no decision knows of a log. What they hold is as the
 * endpoint sent it: whoever shows it redacts it (`wire/news-line.ts`).
 * Rejected: a line for each failure, by which a broken endpoint buries its own cause; and counters alone,
 * which do not say what to mend.
 */
import type { FailureKind, LastFailure, NewsLine, ShardNews } from "./news.ts";
import { standing } from "../endpoint/endpoint.ts";
import type { ShardState } from "./shard-state.ts";
import type { AttemptFailure, AttemptOutcome } from "../shard-messages.ts";

/**
 * At most one line about one kind of failure at one endpoint in this time, ms: an alert repeats, and a log stays
 * readable.
 */
export const LINE_EVERY_MS = 60_000;

/** Kinds remembered of all endpoints: beyond it the oldest is told anew. */
export const KINDS_MAX = 256;

/** Lines that wait for the shell; more at once are dropped, the oldest first. */
export const LINES_MAX = 64;

export function createNews(): ShardNews {
  return { lastFailures: new Map(), kinds: new Map(), standings: new Map(), lines: [] };
}

/** Null where the outcome speaks of no failure of the endpoint. */
export function failureKind(outcome: AttemptOutcome): FailureKind | null {
  switch (outcome) {
    case "failed":
    case "cut":
    case "capacity":
    case "disputed":
    case "late":
      return outcome;
    case "served":
    case "cancelled":
    case "client_fault":
    case "unused":
      return null;
  }
}

/** `shown` is absent where nobody saw what failed: an older Worker, or an adapter that does not say. */
export function noteFailure(
  news: ShardNews,
  endpointId: string,
  kind: FailureKind,
  shown: AttemptFailure | null | undefined,
  now: number,
): void {
  const { status = null, text = "", requestId } = shown ?? {};
  const before = news.lastFailures.get(endpointId);
  const count = before?.kind === kind && before.status === status ? before.count + 1 : 1;
  const of = requestId === undefined ? {} : { requestId };
  const failure: LastFailure = { status, text, kind, atMs: now, count, ...of };
  news.lastFailures.set(endpointId, failure);
  const key = `${endpointId} ${kind} ${failure.status ?? ""}`;
  const told = news.kinds.get(key);
  const times = (told?.since ?? 0) + 1;
  const isDue = told === undefined || now - told.toldAtMs >= LINE_EVERY_MS;
  news.kinds.delete(key);
  news.kinds.set(key, isDue ? { toldAtMs: now, since: 0 } : { toldAtMs: told.toldAtMs, since: times });
  if (isDue) pushLine(news, { event: "endpoint_failed", endpointId, failure, times });
  if (news.kinds.size <= KINDS_MAX) return;
  const oldest = news.kinds.keys().next();
  if (oldest.done !== true) news.kinds.delete(oldest.value);
}

/** Compares every endpoint's standing with the one that was told. */
export function noteStandings({ endpoints, news }: ShardState, now: number): void {
  for (const [endpointId, endpoint] of endpoints) {
    const to = standing(endpoint, now);
    const from = news.standings.get(endpointId) ?? "admitting";
    if (to === from) continue;
    news.standings.set(endpointId, to);
    const failure = news.lastFailures.get(endpointId) ?? null;
    pushLine(news, { event: "endpoint_standing", endpointId, from, to, failure });
  }
}

/** The lines that are due, once. */
export const takeNews = ({ lines }: ShardNews): NewsLine[] => lines.splice(0);

/** Says it with the next call. */
export function pushLine({ lines }: ShardNews, line: NewsLine): void {
  lines.push(line);
  if (lines.length > LINES_MAX) lines.shift();
}
