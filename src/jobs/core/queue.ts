/**
 * Decides which waiting job may start, in which order, and whether one more may wait at all: the rules that the queue's
 * SQL follows.
 *
 * Order. Priority first, then age (FIFO), as one text key that sorts bytewise: the head is one index lookup. With
 * ageing, a job gains one level for every `ageingMs` it waits: its effective priority is p − (now − due) / ageingMs.
 * Comparing two jobs by that is comparing p · ageingMs + due, in which `now` does not occur; so the key never has to be
 * rewritten while a job ages, and a claim stays O(log n).
 *
 * Lanes. A tenant at its limit must not be scanned over job by job. Jobs wait in lanes (one a tenant), each in order;
 * the shell holds the head of each. Of the lanes that may start `chooseLane` takes those whose heads have the best
 * priority, and of them the one that had least of the pool (`fair-lanes.ts`): a tenant that submits thousands at once
 * keeps nobody else waiting. Where jobs age, those within one level of each other have the same priority.
 *
 * Source: Prefect's work queues (strict priority, limits of pool and worker, enqueue or cancel), ageing as in operating
 * systems' schedulers. Rejected: a sweep that raises priorities (a write a job), weighted draws between levels (a high
 * job could wait behind a low one), one index over all tenants (a blocked tenant's backlog makes a claim O(n)).
 */
import { invariant } from "../../lib/invariant.ts";
import type { Job } from "./job.ts";
import { mayFill } from "./fair-lanes.ts";
import { PRIORITY_MAX, PRIORITY_NORMAL } from "./policy.ts";

/** `paused`: takes jobs, starts none. `draining`: takes none, starts what waits. */
export type QueueMode = "open" | "paused" | "draining";

export type QueueLimits = {
  /** Jobs of the pool that may run at once; null for no limit of its own. */
  readonly globalLimit: number | null;
  readonly workerLimit: number | null;
  readonly tenantLimit: number | null;
  /** A job that finds a limit reached waits, or is refused. */
  readonly onConflict: "enqueue" | "reject";
  /** Jobs that may wait. */
  readonly depthMax: number;
  /** … of one tenant; null: by what is free (`fair-lanes.ts`). */
  readonly tenantDepthMax: number | null;
  /** Bytes of inputs, outputs and chunks that are kept of one tenant; null: by what is free. */
  readonly tenantBytesMax: number | null;
  /** Waiting this long is worth one level of priority, ms; null for strict priority. */
  readonly ageingMs: number | null;
};

/** A million waiting jobs took 4.6 GB in `npm run bench:claim`, of an object's 10. */
export const DEPTH_MAX = 1_000_000;

export const DEFAULT_LIMITS: QueueLimits = {
  globalLimit: null,
  workerLimit: null,
  tenantLimit: null,
  onConflict: "enqueue",
  depthMax: DEPTH_MAX,
  tenantDepthMax: null,
  tenantBytesMax: null,
  ageingMs: null,
};

/** What runs and waits now, by the rows: a job runs while it has a lease. */
export type QueueCounts = {
  readonly running: number;
  /** At the GPU worker that asks or would be given the job; 0 where none is meant. */
  readonly runningAtWorker: number;
  readonly runningOfTenant: number;
  /** Queued or retrying. */
  readonly waiting: number;
  /** Queued, of the tenant. */
  readonly waitingOfTenant: number;
};

export type HoldReason = "paused" | "global_limit" | "worker_limit" | "tenant_limit";

/** Null where one more job may start; else the first rule that holds it. A limit of 0 holds everything. */
export function holdReason(mode: QueueMode, counts: QueueCounts, limits: QueueLimits): HoldReason | null {
  if (mode === "paused") return "paused";
  if (reached(counts.running, limits.globalLimit)) return "global_limit";
  if (reached(counts.runningAtWorker, limits.workerLimit)) return "worker_limit";
  if (reached(counts.runningOfTenant, limits.tenantLimit)) return "tenant_limit";
  return null;
}

export type Admission =
  | { readonly kind: "admitted" }
  | { readonly kind: "refused"; readonly reason: "draining" | "queue_full" | "tenant_queue_full" | HoldReason };

/** May one more job be submitted. `scheduled`: it does not want to start now, so no running job is in its way. */
export function admit(mode: QueueMode, counts: QueueCounts, limits: QueueLimits, scheduled: boolean): Admission {
  if (mode === "draining") return { kind: "refused", reason: "draining" };
  if (counts.waiting >= limits.depthMax) return { kind: "refused", reason: "queue_full" };
  const { tenantDepthMax } = limits;
  const mayWait =
    tenantDepthMax === null
      ? mayFill(counts.waitingOfTenant, counts.waiting, limits.depthMax)
      : counts.waitingOfTenant < tenantDepthMax;
  if (!mayWait) return { kind: "refused", reason: "tenant_queue_full" };
  if (limits.onConflict === "enqueue" || scheduled) return { kind: "admitted" };
  const reason = holdReason(mode, counts, limits);
  return reason === null ? { kind: "admitted" } : { kind: "refused", reason };
}

/** Nine base-36 digits hold instants until far beyond the year 5000, eight hold 2.8e12 jobs of one queue. */
const TIME_DIGITS = 9;
const SEQ_DIGITS = 8;

export type Placed = Pick<Job, "dueAtMs" | "seq"> & { readonly policy: Pick<Job["policy"], "priority"> };

/** Sorts bytewise: the least starts first. Changes with a redrive, and never while a job waits, retries included. */
export function orderKey({ dueAtMs, seq, policy: { priority } }: Placed, ageingMs: number | null): string {
  invariant(priority >= 0 && priority <= PRIORITY_MAX, "a priority is one digit");
  return ageingMs === null
    ? `${priority}${digits(dueAtMs, TIME_DIGITS)}${digits(seq, SEQ_DIGITS)}`
    : `0${digits(dueAtMs + priority * ageingMs, TIME_DIGITS)}${digits(seq, SEQ_DIGITS)}`;
}

/** Does the job of this key stand below a normal one that came just now; where jobs age, it has not waited long for that. */
export function isBelowNormal(key: string, ageingMs: number | null, now: number): boolean {
  if (ageingMs === null) return Number(key[0]) > PRIORITY_NORMAL;
  return Number.parseInt(key.slice(1, 1 + TIME_DIGITS), 36) > now + PRIORITY_NORMAL * ageingMs;
}

/** `hadMs`: what the tenant had of the pool, ms of slots. */
export type Lane = {
  readonly tenant: string;
  readonly headKey: string;
  readonly running: number;
  readonly hadMs: number;
};

/** The lane whose head starts next, or null. One pass over the tenants that have jobs waiting, not over the jobs. */
export function chooseLane<Kind extends Lane>(lanes: Iterable<Kind>, limits: QueueLimits, now: number): Kind | null {
  let best: Kind | null = null;
  for (const lane of lanes) {
    if (reached(lane.running, limits.tenantLimit)) continue;
    if (best === null || comesBefore(lane, best, limits.ageingMs, now)) best = lane;
  }
  return best;
}

function comesBefore(one: Lane, other: Lane, ageingMs: number | null, now: number): boolean {
  const byLevel = levelOf(one.headKey, ageingMs, now) - levelOf(other.headKey, ageingMs, now);
  if (byLevel !== 0) return byLevel < 0;
  return one.hadMs === other.hadMs ? one.headKey < other.headKey : one.hadMs < other.hadMs;
}

/** The priority, or what is left of it after the wait, in whole levels. */
function levelOf(key: string, ageingMs: number | null, now: number): number {
  if (ageingMs === null) return Number(key[0]);
  return Math.floor((Number.parseInt(key.slice(1, 1 + TIME_DIGITS), 36) - now) / ageingMs);
}

const reached = (count: number, limit: number | null): boolean => limit !== null && count >= limit;

function digits(value: number, width: number): string {
  const text = value.toString(36).padStart(width, "0");
  invariant(Number.isSafeInteger(value) && value >= 0 && text.length === width, "an order key has a fixed width");
  return text;
}
