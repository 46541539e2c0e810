/**
 * Decides what a job is: its record, how one begins, and what can be read off it without an event.
 *
 * Model. Plain data, one row. Eight states, five of them final. A job has at most one lease, and the lease carries a
 * fencing token that only rises: whoever holds an older one has no say. `step` (step.ts) is the only way from one state
 * to the next. Input is not part of the record: it never changes and only `start_attempt` needs it.
 *
 * Source: docs/explanation/jobs.md; fencing as in Kleppmann, "How to do distributed locking" (2016); states of Runpod, fal,
 * Prefect. Rejected: a state `cancelling` (the token already refuses what the aborted attempt still says), and states
 * for claimed-not-started (nothing decides differently there).
 */
import type { JobState, StoredValue, TerminalState } from "./job-state.ts";
import { invariant } from "../../lib/invariant.ts";
import type { JobEffect, TerminalNotice } from "./events.ts";
import { record, type History } from "./history.ts";
import { type JobPolicy, SCHEDULE_AHEAD_MAX_MS } from "./policy.ts";
import type { EndReason } from "./reasons.ts";

type JobLease = {
  readonly token: number;
  readonly endpointId: string;
  readonly workerId: string | null;
  readonly leaseUntilMs: number;
  readonly claimedAtMs: number;
  /** When the attempt said that it began; null until then. */
  readonly startedAtMs: number | null;
};

type JobError = { readonly reason: EndReason; readonly message: string | null };

export type Job = {
  readonly id: string;
  readonly tenant: string;
  /** Order of submission in the queue: ties of the same ms are broken by it. */
  readonly seq: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly policy: JobPolicy;
  readonly state: JobState;
  /** 1, then one more with each redrive. */
  readonly generation: number;
  /** The last fencing token given; 0 before the first claim. Rises over all generations. */
  readonly token: number;
  /** Attempts that may have run, in this generation. */
  readonly attempts: number;
  /** Claims that came back without having run, in this generation. */
  readonly returns: number;
  /** Attempts that reached no endpoint and were not counted for it, in this generation. */
  readonly unreached: number;
  /** Attempts that ended with the router and were not counted for it, in this generation. */
  readonly restarts: number;
  readonly lease: JobLease | null;
  /** The last attempt of which chunks were given to a reader who cannot be told that they are void; 0: none. */
  readonly shownToken: number;
  /** When this generation was submitted. */
  readonly submittedAtMs: number;
  /** When it could first have started; its place in the queue, kept through retries. */
  readonly dueAtMs: number;
  /** While `retrying`: until when. */
  readonly waitUntilMs: number | null;
  /** When the last attempt began; for `delayTime` and `executionTime`. */
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly deleteAtMs: number | null;
  /** An attempt that was taken away may run until here; nothing else may start before. */
  readonly fencedUntilMs: number;
  readonly late: boolean;
  readonly progress: StoredValue | null;
  readonly output: StoredValue | null;
  readonly error: JobError | null;
  readonly history: History;
};

export type Step = { readonly job: Job; readonly effects: readonly JobEffect[] };

export const NOTHING_EXCUSED = { unreached: 0, restarts: 0 } as const;

/** What a row of an earlier version lacks. */
export const JOB_NEWER = { ...NOTHING_EXCUSED, shownToken: 0 } as const;

/** Tags are for finding and for dashboards, not for storage. Names and values alike. */
export const TAGS_MAX = 16;
export const TAG_CHARS_MAX = 64;

export type JobSpec = {
  readonly id: string;
  readonly tenant: string;
  readonly seq: number;
  readonly policy: JobPolicy;
  /** Scheduled start, ms; in the past it means now. At most `SCHEDULE_AHEAD_MAX_MS` ahead. */
  readonly notBeforeMs?: number;
  /** `areTags` has said yes. */
  readonly tags?: Readonly<Record<string, string>>;
};

/** At most `TAGS_MAX`, each name and value of at most `TAG_CHARS_MAX` characters. */
export function areTags(tags: Readonly<Record<string, string>>): boolean {
  const entries = Object.entries(tags);
  return entries.length <= TAGS_MAX && entries.flat().every((text) => text.length <= TAG_CHARS_MAX);
}

/** The first step of a job. The caller has checked the bounds of `spec`. */
export function createJob(spec: JobSpec, now: number): Step {
  const { id, tenant, seq, policy, tags = {} } = spec;
  invariant(areTags(tags), "the edge has checked the tags");
  const dueAtMs = Math.max(now, spec.notBeforeMs ?? now);
  invariant(dueAtMs - now <= SCHEDULE_AHEAD_MAX_MS, "a start is scheduled within bounds");
  const state = dueAtMs > now ? "retrying" : "queued";
  const entry = { mark: state, atMs: now } as const;
  const job: Job = {
    id,
    tenant,
    seq,
    tags,
    policy,
    state,
    generation: 1,
    token: 0,
    attempts: 0,
    returns: 0,
    ...JOB_NEWER,
    lease: null,
    submittedAtMs: now,
    dueAtMs,
    waitUntilMs: state === "retrying" ? dueAtMs : null,
    startedAtMs: null,
    endedAtMs: null,
    deleteAtMs: null,
    fencedUntilMs: 0,
    late: false,
    progress: null,
    output: null,
    error: null,
    history: record({ entries: [], dropped: 0 }, entry),
  };
  const effects: JobEffect[] = [{ kind: "record_history", entry }];
  if (state === "queued") effects.push({ kind: "ready" });
  effects.push({ kind: "schedule", atMs: nextWakeMs(job) });
  return { job, effects };
}

export function isTerminal(state: JobState): state is TerminalState {
  return state !== "queued" && state !== "running" && state !== "retrying";
}

export const terminalNotice = (state: TerminalState): TerminalNotice => `job.${state}`;

/** The token the next claim must carry. */
export const nextToken = (job: Job): number => job.token + 1;

/** The instant the job and all that belongs to it is over, in whatever state. */
export const ttlDeadlineMs = (job: Job): number => job.dueAtMs + job.policy.ttlMs;

/** An attempt may have run, in this generation. */
const hasRun = (job: Job): boolean => job.attempts > 0 || job.restarts > 0;

/** Null once an attempt may have run, and where there is no such deadline. */
export function startDeadlineMs(job: Job): number | null {
  if (hasRun(job) || job.policy.startWithinMs === null) return null;
  return job.dueAtMs + job.policy.startWithinMs;
}

/** Null while nothing runs. */
export function runDeadlineMs(job: Job): number | null {
  if (job.lease === null) return null;
  return (job.lease.startedAtMs ?? job.lease.claimedAtMs) + job.policy.executionTimeoutMs;
}

/** Null once it has started or was found late. */
export function lateAtMs(job: Job): number | null {
  return job.late || hasRun(job) ? null : job.dueAtMs + job.policy.lateAfterMs;
}

/** The next instant at which `timer` would do something, ms; Infinity for a job that nothing is due for. */
export function nextWakeMs(job: Job): number {
  if (isTerminal(job.state)) return job.deleteAtMs ?? Number.POSITIVE_INFINITY;
  const dueMs = [
    ttlDeadlineMs(job),
    startDeadlineMs(job),
    runDeadlineMs(job),
    job.lease?.leaseUntilMs,
    job.waitUntilMs,
    lateAtMs(job),
  ];
  return dueMs.reduce<number>((next, atMs) => Math.min(next, atMs ?? next), Number.POSITIVE_INFINITY);
}

/** False where a read must answer 404: past retention or ttl, whether or not the row is deleted yet. */
export function isVisible(job: Job, now: number): boolean {
  return now < Math.min(job.deleteAtMs ?? Number.POSITIVE_INFINITY, ttlDeadlineMs(job));
}

/** A dead letter: ended without an answer, and the user may ask for it again. */
export function isRedrivable(job: Job): boolean {
  return job.state === "failed" || job.state === "timed_out";
}
