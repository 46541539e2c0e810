/**
 * What an isolate has counted and not told the feed yet, and the telling.
 *
 * Model. The record of a request is folded into a tally at once, and about once a second the tally goes out as a report: under
 * a number, again and again until it is answered, and only then the next one. So a report counts once, and one that was not
 * answered is still here. One request of the isolate carries all of it in the background (`carry`), for as long as there is
 * anything; when that one's context ends first, the next request that ends takes over. No request waits for any of it.
 * Memory is bounded: series by the tally, records by `RECORDS_MAX`; an unanswered report is given up after an hour, and
 * the feed counts the gap.
 * Data only: no promise is kept here, because a request may not await another one's.
 * Rejected: a call for each request (as much CPU as the request itself), a timer for each (the same in the end), a queue of
 * unanswered reports (unbounded while the feed is away, or lossy; one tally takes any number of seconds).
 */
import type { Waiting } from "../dispatch/runtime.ts";
import { fold } from "./core/fold.ts";
import type { RequestRecord } from "./core/record.ts";
import type { Report } from "./core/report.ts";
import { createTally, deltasOf } from "./core/tally.ts";
import type { Tally } from "./core/tally.ts";
import { feedOf } from "./feed-port.ts";
import { watched } from "./watched.ts";

/** Between two reports, ms. */
const REPORT_GAP_MS = 1_000;
/** The feed answers within a second when it is well; then it is asked again, ms. */
const ANSWER_TIMEOUT_MS = 5_000;
/** The same when the isolate ends, and its process waits, ms. */
const LAST_ANSWER_TIMEOUT_MS = 2_000;
/** A report that was not answered for this long is given up, ms: long before the feed forgets its isolate. */
const REPORT_LIFE_MS = 3_600_000;
/** The platform ends background work half a minute after its request, ms. */
const CARRY_MS_MAX = 20_000;
/** Before its end, a carrier takes over nothing new, ms: longer than a wait and an answer. */
const HANDOVER_MS = 5_000;
/** After an unanswered report, doubled with each, ms. */
const RETRY_MS_MAX = 8_000;

/** Records of failures, and as many of others, that a report brings while somebody watches: as many as a frame shows. */
export const RECORDS_MAX = 50;
/** The same while nobody does: for the list that a page begins with. */
const RECORDS_UNWATCHED_MAX = 5;

export type OutboxHost = { readonly env: { readonly FLEET_FEED?: unknown }; readonly ctx: Waiting };

type Pending = { tally: Tally; failed: RequestRecord[]; served: RequestRecord[] };

const empty = (): Pending => ({ tally: createTally(), failed: [], served: [] });

/** Of this isolate. */
const outbox = {
  source: "",
  seq: 0,
  pending: empty(),
  /** The report that is to be answered, and since when. */
  unanswered: null as { readonly report: Report; readonly sinceMs: number } | null,
  /** Somebody carries it until this instant, ms. */
  carriedUntilMs: 0,
};

/** Counts a request that has ended. */
export function noteRecord({ env, ctx }: OutboxHost, record: RequestRecord): void {
  if (env.FLEET_FEED === undefined) return;
  const { pending } = outbox;
  fold(pending.tally, record);
  show(record.outcome === "served" ? pending.served : pending.failed, record);
  carryOn({ env, ctx });
}

/** Counts what is no request. */
export function noteCounts(host: OutboxHost, count: (tally: Tally) => void): void {
  if (host.env.FLEET_FEED === undefined) return;
  count(outbox.pending.tally);
  carryOn(host);
}

function carryOn({ env, ctx }: OutboxHost): void {
  const now = Date.now();
  if (now < outbox.carriedUntilMs) return;
  outbox.carriedUntilMs = now + REPORT_GAP_MS + ANSWER_TIMEOUT_MS;
  ctx.waitUntil(carry(env));
}

/** The last ones: they are what a page shows first. */
function show(list: RequestRecord[], record: RequestRecord): void {
  list.push(record);
  if (list.length > (watched.isWatched ? RECORDS_MAX : RECORDS_UNWATCHED_MAX)) list.shift();
}

/** Sends what there is now, without waiting for its time, because the isolate ends; gives up where nobody answers. */
export async function flushOutbox(env: OutboxHost["env"]): Promise<void> {
  // What is under way is sent again, and counts once.
  let isAnswered = true;
  while (isAnswered && hasMore()) isAnswered = await sendNext(env, LAST_ANSWER_TIMEOUT_MS);
}

async function carry(env: OutboxHost["env"]): Promise<void> {
  const untilMs = Date.now() + CARRY_MS_MAX;
  let failures = 0;
  for (let waitMs = REPORT_GAP_MS; Date.now() + waitMs < untilMs;) {
    const now = Date.now();
    // Whoever ends in its last seconds is carried by another one: nothing waits here for a request that never comes.
    const carriedUntilMs = Math.min(now + waitMs + ANSWER_TIMEOUT_MS, untilMs - HANDOVER_MS);
    outbox.carriedUntilMs = Math.max(outbox.carriedUntilMs, carriedUntilMs);
    await scheduler.wait(waitMs);
    if (!hasMore()) {
      outbox.carriedUntilMs = 0;
      return;
    }
    failures = (await sendNext(env, ANSWER_TIMEOUT_MS)) ? 0 : failures + 1;
    waitMs = Math.min(REPORT_GAP_MS * 2 ** failures, RETRY_MS_MAX);
  }
  if (hasMore()) await sendNext(env, ANSWER_TIMEOUT_MS);
}

const hasMore = (): boolean => outbox.unanswered !== null || outbox.pending.tally.series.size > 0;

/** The next report, or the one that was not answered, under its own number. */
async function sendNext(env: OutboxHost["env"], timeoutMs: number): Promise<boolean> {
  // Anew each time: a stub whose object was restarted is broken for good.
  const feed = feedOf(env);
  if (feed === null) return false;
  const now = Date.now();
  if (outbox.unanswered !== null && now - outbox.unanswered.sinceMs >= REPORT_LIFE_MS) outbox.unanswered = null;
  outbox.unanswered ??= { report: nextReport(), sinceMs: now };
  const { report } = outbox.unanswered;
  const bound = new AbortController();
  try {
    const tooLate = scheduler.wait(timeoutMs, { signal: bound.signal }).then(
      () => null,
      () => null,
    );
    const reply = await Promise.race([feed.report(report), tooLate]);
    if (reply === null) return false;
    // Another carrier may have had it answered, and sent the next one.
    if (outbox.unanswered?.report === report) outbox.unanswered = null;
    watched.isWatched = reply.watched;
    return true;
  } catch {
    return false;
  } finally {
    bound.abort();
  }
}

function nextReport(): Report {
  const { tally, failed, served } = outbox.pending;
  outbox.pending = empty();
  // Not at the isolate's start: chance is not to be had there.
  outbox.source ||= crypto.randomUUID();
  outbox.seq += 1;
  const records = [...served, ...failed].toSorted((left, right) => left.atMs - right.atMs);
  return { source: outbox.source, seq: outbox.seq, deltas: deltasOf(tally), records };
}
