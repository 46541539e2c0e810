/**
 * Decides what happens to a job: one total function over every state and event. docs/explanation/jobs.md has it as a table.
 *
 * Model. Three rules come before the table.
 * 1. Deadlines first. Whatever the event, a deadline that has passed by `now` is applied before it, the earliest one
 *    first. So the outcome is a function of what happened and when; an alarm that is late, doubled or stuck delays
 *    effects and changes none. A lease is no deadline: while nobody else claimed the job, its holder's answer is good,
 *    however late; only `timer` and `lease_lost` take a lease away.
 * 2. The live token decides. An event of an attempt counts only under the token of the lease the job has now; a job
 *    without a lease has no live token. Anything else is `refused_stale` and changes nothing.
 * 3. A final state is never left. A redrive makes the next generation of the job, under the same id, and is the one
 *    event that may; it keeps the token rising, and waits until an attempt that was taken away can no longer run.
 *
 * An instant is reached when `now` equals it. A clock that steps back stands still (`lastAtMs`).
 * Rejected: a handler per (state, event) pair, 96 functions of which two thirds would say "ignored".
 */
import { assertNever } from "../../lib/invariant.ts";
import type { Rng } from "../../lib/rng.ts";
import type { Claim, IgnoredWhy, JobEffect, JobEvent, OutputNote } from "./events.ts";
import { type HistoryEntry, lastAtMs, record } from "./history.ts";
import { type TerminalState } from "./job-state.ts";
import {
  isRedrivable,
  isTerminal,
  type Job,
  lateAtMs,
  nextWakeMs,
  NOTHING_EXCUSED,
  runDeadlineMs,
  startDeadlineMs,
  type Step,
  terminalNotice,
  ttlDeadlineMs,
} from "./job.ts";
import { failureClass, type EndReason, RESTARTS_MAX, RETURNS_MAX, UNREACHED_MAX } from "./reasons.ts";
import { retryDelayMs } from "./retry.ts";

/** An error's message is for a reader, not a transport: longer ones are cut, so that a row stays small. */
export const ERROR_CHARS_MAX = 1_024;

/** A job that could have been repeated, and was not. */
const SHOWN_MESSAGE =
  "the attempt broke off after a part of its stream had been read: a second one would have been read as its continuation";

type Turn = {
  job: Job;
  /** It had ended before this event. */
  readonly hadEnded: boolean;
  readonly atMs: number;
  readonly rng: Rng;
  readonly effects: JobEffect[];
};

/** `now`: ms. `rng` is drawn only when a failure is retried. Never throws for any state and event. */
export function step(job: Job, event: JobEvent, now: number, rng: Rng): Step {
  const atMs = Math.max(now, lastAtMs(job.history));
  const turn: Turn = { job, hadEnded: isTerminal(job.state), atMs, rng, effects: [] };
  // Before the deadlines: which lease an attempt holds after a restart decides how long its successor is fenced.
  if (event.kind === "recovered") recover(turn, event.leaseUntilMs);
  settleDeadlines(turn);
  apply(turn, event);
  return finish(turn, job, event);
}

function apply(turn: Turn, event: JobEvent): void {
  switch (event.kind) {
    case "submitted":
      return ignore(turn, event, "duplicate");
    case "claimed":
      return claim(turn, event);
    case "started":
    case "progress":
    case "chunk":
    case "heartbeat":
      return signOfLife(turn, event);
    case "shown":
      return shown(turn, event.token);
    case "finished":
    case "failed":
    case "lease_lost":
      return attemptEnded(turn, event);
    case "recovered":
      return turn.job.lease === null ? ignore(turn, event, "not_running") : undefined;
    case "cancel":
      if (isTerminal(turn.job.state)) return ignore(turn, event, "terminal");
      return end(turn, "cancelled", { reason: "cancelled_by_user" });
    case "timer":
      return timer(turn);
    case "retried":
      return redrive(turn);
    case "expired":
      if (isTerminal(turn.job.state)) return ignore(turn, event, "terminal");
      return end(turn, "expired", { reason: event.reason });
    default:
      return assertNever(event);
  }
}

/** What is true after every event: an ended job whose time is over goes, and the next instant is armed. */
function finish({ job, atMs, effects }: Turn, before: Job, event: JobEvent): Step {
  if (job.deleteAtMs !== null && job.deleteAtMs <= atMs) {
    effects.push({ kind: "delete" });
    return { job, effects };
  }
  const wakeMs = nextWakeMs(job);
  // A timer is always answered with the next one: an alarm that is not set again has stopped for good.
  if (event.kind === "timer" || event.kind === "recovered" || wakeMs !== nextWakeMs(before)) {
    effects.push({ kind: "schedule", atMs: wakeMs });
  }
  return { job, effects };
}

/** The earliest deadline that has passed ends the job; then a wait that was too long is noticed. */
function settleDeadlines(turn: Turn): void {
  const { job, atMs } = turn;
  if (isTerminal(job.state)) return;
  const deadlines: readonly { readonly reason: EndReason; readonly dueMs: number | null }[] = [
    { reason: "ttl", dueMs: ttlDeadlineMs(job) },
    { reason: "start_deadline", dueMs: startDeadlineMs(job) },
    { reason: "run_deadline", dueMs: runDeadlineMs(job) },
  ];
  const passed = deadlines
    .filter(({ dueMs }) => dueMs !== null && dueMs <= atMs)
    .reduce<(typeof deadlines)[number] | null>(
      (first, next) => (first === null || (next.dueMs ?? 0) < (first.dueMs ?? 0) ? next : first),
      null,
    );
  if (passed !== null) {
    return end(turn, passed.reason === "run_deadline" ? "timed_out" : "expired", { reason: passed.reason });
  }
  const lateMs = lateAtMs(job);
  if (lateMs === null || lateMs > atMs) return;
  move(turn, { late: true }, { mark: "late" });
  turn.effects.push({ kind: "late", waitedMs: atMs - job.dueAtMs }, { kind: "notify", notice: "job.late" });
}

function claim(turn: Turn, { token, leaseUntilMs, endpointId, workerId }: Claim): void {
  const { job, atMs } = turn;
  if (token <= job.token) return refuse(turn, token);
  if (job.state !== "queued") {
    return ignore(turn, { kind: "claimed" }, isTerminal(job.state) ? "terminal" : "not_queued");
  }
  const lease = { token, leaseUntilMs, endpointId, workerId, claimedAtMs: atMs, startedAtMs: null };
  move(
    turn,
    { state: "running", token, lease, attempts: job.attempts + 1, startedAtMs: atMs, progress: null },
    { mark: "running", token },
  );
  turn.effects.push(
    {
      kind: "start_attempt",
      token,
      leaseUntilMs,
      endpointId,
      workerId,
      runDeadlineMs: atMs + job.policy.executionTimeoutMs,
    },
    { kind: "notify", notice: "job.started" },
  );
}

type SignOfLife = Extract<JobEvent, { kind: "started" | "progress" | "chunk" | "heartbeat" }>;

/** None of these is worth a write: what a crash forgets of them, the next one says again. */
function signOfLife(turn: Turn, event: SignOfLife): void {
  const { job, atMs } = turn;
  if (job.lease === null || job.lease.token !== event.token) return refuse(turn, event.token);
  switch (event.kind) {
    case "started":
      if (job.lease.startedAtMs !== null) return ignore(turn, event, "repeat");
      return change(turn, { startedAtMs: atMs, lease: { ...job.lease, startedAtMs: atMs } });
    case "heartbeat":
      return recover(turn, event.leaseUntilMs);
    case "progress":
      change(turn, { progress: event.output });
      turn.effects.push({ kind: "notify", notice: "job.progress" });
      return undefined;
    case "chunk":
      turn.effects.push({ kind: "append_chunk", token: event.token }, { kind: "notify", notice: "job.output" });
      return undefined;
    default:
      return assertNever(event);
  }
}

/** Also of an attempt that has ended since: then nothing follows from it. */
function shown(turn: Turn, token: number): void {
  const { job } = turn;
  if (job.lease?.token !== token || job.shownToken === token) return ignore(turn, { kind: "shown" }, "repeat");
  change(turn, { shownToken: token });
  turn.effects.push({ kind: "keep_shown" });
}

/** A lease is only ever made longer. */
function recover(turn: Turn, leaseUntilMs: number): void {
  const { lease } = turn.job;
  if (lease === null || lease.leaseUntilMs >= leaseUntilMs) return;
  change(turn, { lease: { ...lease, leaseUntilMs } });
}

type AttemptEnd = Extract<JobEvent, { kind: "finished" | "failed" | "lease_lost" }>;

function attemptEnded(turn: Turn, event: AttemptEnd): void {
  const { job } = turn;
  if (job.lease === null || job.lease.token !== event.token) {
    // The answer to the first message was lost, and its sender tries again: it may stop now.
    const told = event.kind === "finished" ? "completed" : "failed";
    return job.state === told && job.token === event.token ? ignore(turn, event, "repeat") : refuse(turn, event.token);
  }
  if (event.kind !== "finished") return attemptFailed(turn, event);
  change(turn, { lease: null, output: event.output, error: null });
  return end(turn, "completed", null, event.note);
}

type AttemptFailure = Pick<Extract<JobEvent, { kind: "failed" }>, "reason" | "message" | "noRetry" | "retryAfterMs">;

function attemptFailed(turn: Turn, failure: AttemptFailure): void {
  const { job, atMs, rng } = turn;
  const cut = failure.message?.slice(0, ERROR_CHARS_MAX) ?? null;
  const tally = countFailure(job, failure);
  // Whoever has read of this attempt would read the next one as its continuation.
  const isShown = tally.again && job.shownToken === job.token;
  const { attempts, returns, unreached, restarts, again } = isShown ? { ...job, again: false } : tally;
  const error = { reason: failure.reason, message: isShown ? SHOWN_MESSAGE : cut };
  // The attempt is over on its own account: nothing to abort, nothing to fence.
  change(turn, { lease: null, attempts, returns, unreached, restarts, error });
  if (!again) return end(turn, "failed", error);
  const { retryAfterMs = 0, reason } = failure;
  const tries = { attempts, returns, excused: unreached + restarts };
  const delayMs = retryDelayMs({ backoff: job.policy.backoff, ...tries, reason, retryAfterMs }, rng);
  turn.effects.push({ kind: "discard_chunks", token: job.token });
  if (returns > job.returns || unreached > job.unreached) change(turn, { startedAtMs: null });
  else turn.effects.push({ kind: "notify", notice: "job.retrying" });
  wait(turn, atMs + delayMs, { token: job.token, reason });
}

type Tally = Pick<Job, "attempts" | "returns" | "unreached" | "restarts"> & { readonly again: boolean };

/** What the failure counts as, and whether the job may run again. */
function countFailure(job: Job, { reason, noRetry }: AttemptFailure): Tally {
  const { attempts, returns, unreached, restarts } = job;
  const tally = { attempts, returns, unreached, restarts };
  const { attemptsMax } = job.policy;
  const mayRepeat = noRetry !== true && attempts < attemptsMax;
  switch (failureClass(reason)) {
    case "final":
      return { ...tally, again: false };
    case "again":
      return { ...tally, again: mayRepeat };
    case "returned":
      return { ...tally, attempts: attempts - 1, returns: returns + 1, again: returns < RETURNS_MAX };
    case "unreached":
      // A crash at once looks the same, and whoever asked for one attempt only asked that nothing runs twice.
      if (unreached >= UNREACHED_MAX || attemptsMax === 1) return { ...tally, again: mayRepeat };
      return { ...tally, attempts: attempts - 1, unreached: unreached + 1, again: true };
    case "restarted":
      if (restarts >= RESTARTS_MAX || attemptsMax === 1) return { ...tally, again: mayRepeat };
      return { ...tally, attempts: attempts - 1, restarts: restarts + 1, again: true };
  }
}

function timer(turn: Turn): void {
  const { job, atMs } = turn;
  const { lease, waitUntilMs } = job;
  if (waitUntilMs !== null && waitUntilMs <= atMs) return wait(turn, atMs, {});
  if (lease === null || lease.leaseUntilMs > atMs) return;
  abort(turn, "worker_lost");
  attemptFailed(turn, { reason: "worker_lost" });
}

function redrive(turn: Turn): void {
  const { job, atMs, hadEnded } = turn;
  const gone = job.deleteAtMs !== null && job.deleteAtMs <= atMs;
  // A deadline applied just now has not been told to anyone yet: its notice must not be lost to the next generation.
  if (gone || !hadEnded || !isRedrivable(job)) return ignore(turn, { kind: "retried" }, "not_redrivable");
  move(
    turn,
    {
      generation: job.generation + 1,
      attempts: 0,
      returns: 0,
      ...NOTHING_EXCUSED,
      submittedAtMs: atMs,
      dueAtMs: Math.max(atMs, job.fencedUntilMs),
      startedAtMs: null,
      endedAtMs: null,
      deleteAtMs: null,
      late: false,
      progress: null,
      output: null,
      error: null,
    },
    { mark: "redriven" },
  );
  turn.effects.push({ kind: "discard_results" });
  wait(turn, job.fencedUntilMs, {});
}

/** Into the queue, at once where `untilMs` has come. */
function wait(turn: Turn, untilMs: number, why: Pick<HistoryEntry, "token" | "reason">): void {
  if (untilMs > turn.atMs) return move(turn, { state: "retrying", waitUntilMs: untilMs }, { ...why, mark: "retrying" });
  move(turn, { state: "queued", waitUntilMs: null }, { ...why, mark: "queued" });
  turn.effects.push({ kind: "ready" });
}

function end(
  turn: Turn,
  state: TerminalState,
  why: { reason: EndReason; message?: string | null } | null,
  note?: OutputNote,
): void {
  const { atMs, job } = turn;
  const atOnce = why?.reason === "ttl" || why?.reason === "purged";
  if (why !== null) abort(turn, why.reason);
  move(
    turn,
    {
      state,
      // Of an attempt that was taken away: it may not have heard of it yet.
      fencedUntilMs: job.lease?.leaseUntilMs ?? job.fencedUntilMs,
      lease: null,
      waitUntilMs: null,
      endedAtMs: atMs,
      deleteAtMs: atOnce ? atMs : Math.min(atMs + job.policy.retentionMs, ttlDeadlineMs(job)),
      error: why === null ? null : { reason: why.reason, message: why.message ?? null },
    },
    why === null
      ? { mark: state, token: job.token, ...(note === undefined ? {} : { reason: note }) }
      : { mark: state, reason: why.reason },
  );
  turn.effects.push({ kind: "notify", notice: terminalNotice(state) });
}

function abort(turn: Turn, reason: EndReason): void {
  const { lease } = turn.job;
  if (lease === null) return;
  const { token, endpointId, workerId } = lease;
  turn.effects.push({ kind: "abort_attempt", token, endpointId, workerId, reason });
}

/** A change that is remembered, and so must be written. */
function move(turn: Turn, changes: Partial<Job>, mark: Omit<HistoryEntry, "atMs">): void {
  const entry = { ...mark, atMs: turn.atMs };
  change(turn, { ...changes, history: record(turn.job.history, entry) });
  turn.effects.push({ kind: "record_history", entry });
}

function change(turn: Turn, changes: Partial<Job>): void {
  turn.job = { ...turn.job, ...changes };
}

function ignore(turn: Turn, { kind }: Pick<JobEvent, "kind">, why: IgnoredWhy): void {
  turn.effects.push({ kind: "ignored", event: kind, why });
}

function refuse(turn: Turn, token: number): void {
  turn.effects.push({ kind: "refused_stale", token, liveToken: turn.job.lease?.token ?? null });
}
