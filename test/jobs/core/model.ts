/**
 * A queue in memory around the production core, for tests: a disk that survives, a memory that does not, attempts that
 * believe in their leases, and a crash before or after any write. `check` in here throws at the first broken promise.
 *
 * It is what the Durable Object does, less SQL and sockets: load, step, write once, then perform.
 */
import { expect } from "vitest";
import type { JobEffect, JobEvent, Notice } from "../../../src/jobs/core/events.ts";
import { lastAtMs } from "../../../src/jobs/core/history.ts";
import { decideSubmission, type KeyRecord, scopedKey } from "../../../src/jobs/core/idempotency.ts";
import { createJob, isTerminal, type Job, nextToken, nextWakeMs } from "../../../src/jobs/core/job.ts";
import type { JobState } from "../../../src/jobs/core/job-state.ts";
import type { JobPolicy } from "../../../src/jobs/core/policy.ts";
import { chooseLane, DEFAULT_LIMITS, holdReason, orderKey, type QueueLimits } from "../../../src/jobs/core/queue.ts";
import { step } from "../../../src/jobs/core/step.ts";
import {
  createDelivery,
  delivered,
  type Delivery,
  isTerminalNotice,
  webhookId,
} from "../../../src/jobs/core/webhook.ts";
import type { Rng } from "../../../src/lib/rng.ts";

type Row = { readonly job: Job; readonly delivery: Delivery | null };

/** One run of a job somewhere else. It may run while it is alive and `believesUntilMs` has not come. */
export type Attempt = { readonly jobId: string; readonly token: number; believesUntilMs: number; alive: boolean };

export type CrashPoint = "before_write" | "after_write";

export type Submission = {
  readonly tenant: string;
  readonly key: string | null;
  readonly bodyHash: string;
  readonly policy: JobPolicy;
  readonly notBeforeMs?: number;
};

export const LEASE_MS = 3_000;

/** Thrown through the shell's code and caught by `guarded`: the object is gone. */
class Crash extends Error {}

export const JOB_STATES = Object.keys({
  queued: true,
  running: true,
  retrying: true,
  completed: true,
  failed: true,
  cancelled: true,
  timed_out: true,
  expired: true,
} satisfies Record<JobState, true>) as JobState[];

export class JobWorld {
  now = 1_000_000;
  readonly attempts: Attempt[] = [];
  readonly submitted: string[] = [];
  /** Webhooks that arrived, by id, with what they said. */
  readonly received = new Map<string, Notice>();
  /** Last sight of every job, deleted ones too. */
  readonly lastSeen = new Map<string, Job>();
  crashes = 0;
  rowsWritten = 0;
  private readonly disk = new Map<string, string>();
  private readonly keys = new Map<string, KeyRecord>();
  private memory = new Map<string, Job>();
  private waiting = new Map<string, { key: string; id: string }[]>();
  private running = new Map<string, string>();
  private wakes = new Map<string, number>();
  /** Deliveries on their way, with the instant of the next try. */
  private outbox = new Map<string, number>();
  private open = new Set<string>();
  private crashNext: CrashPoint | null = null;
  private readonly rng: Rng;
  private readonly limits: QueueLimits;

  constructor(rng: Rng, limits: Partial<QueueLimits> = {}) {
    this.rng = rng;
    this.limits = { ...DEFAULT_LIMITS, ...limits };
  }

  /** The next turn dies there. */
  crashAt(point: CrashPoint): void {
    this.crashNext = point;
  }

  crash(): void {
    this.crashes += 1;
    this.memory = new Map();
    this.waiting = new Map();
    this.running = new Map();
    this.wakes = new Map();
    this.outbox = new Map();
    this.open = new Set();
    for (const id of this.disk.keys()) {
      const { job, delivery } = this.row(id);
      this.index(job);
      this.enqueue(id, delivery);
      if (job.state === "running") this.turn(id, { kind: "recovered", leaseUntilMs: this.now + LEASE_MS });
    }
  }

  /** Runs a piece of the shell; a crash inside ends it and restarts the object. */
  guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      this.crash();
    }
  }

  submit({ tenant, key, bodyHash, policy, notBeforeMs }: Submission): void {
    const id = `job${this.submitted.length}`;
    const scoped = key === null ? null : scopedKey(tenant, key);
    const decision = decideSubmission(
      scoped === null ? null : (this.keys.get(scoped) ?? null),
      { jobId: id, bodyHash },
      this.now,
    );
    if (decision.kind === "same" && this.disk.has(decision.jobId)) this.turn(decision.jobId, { kind: "submitted" });
    if (decision.kind !== "new") return;
    const spec = { id, tenant, seq: this.submitted.length, policy };
    const made = createJob(notBeforeMs === undefined ? spec : { ...spec, notBeforeMs }, this.now);
    this.dieAt("before_write");
    if (scoped !== null) this.keys.set(scoped, decision.record);
    this.submitted.push(id);
    this.write({ job: made.job, delivery: null });
    this.dieAt("after_write");
  }

  /** Places waiting jobs while a slot is free. */
  dispatch(): void {
    for (;;) {
      const lanes = [...this.waiting].flatMap(([tenant, [head]]) =>
        head === undefined
          ? []
          : [{ tenant, headKey: head.key, id: head.id, running: this.runningOf(tenant), hadMs: 0 }],
      );
      const lane = chooseLane(lanes, this.limits, this.now);
      if (lane === null) return;
      const none = { runningAtWorker: 0, waiting: 0, waitingOfTenant: 0 };
      const counts = { ...none, running: this.running.size, runningOfTenant: lane.running };
      if (holdReason("open", counts, this.limits) !== null) return;
      this.claim(lane.id, nextToken(this.job(lane.id)));
    }
  }

  claim(id: string, token: number): void {
    this.turn(id, { kind: "claimed", token, leaseUntilMs: this.now + LEASE_MS, endpointId: "e", workerId: null });
  }

  /** At least once, or twice, or not for a long time; an early one comes to every job. */
  alarm(isEarly = false): void {
    for (const [id, atMs] of this.wakes) if (isEarly || atMs <= this.now) this.turn(id, { kind: "timer" });
  }

  /** Tries every webhook that is due; `answers` says which receiver is up. */
  deliver(answers: boolean): void {
    for (const [id, nextAtMs] of this.outbox) {
      if (nextAtMs > this.now) continue;
      const { job, delivery } = this.row(id);
      if (delivery === null) continue;
      const notice = noticeOf(delivery);
      if (answers) {
        expect(this.received.get(delivery.webhookId) ?? notice, "a webhook id always says the same").toBe(notice);
        this.received.set(delivery.webhookId, notice);
      }
      this.dieAt("before_write");
      const next = delivered(delivery, answers ? { status: 204 } : null, this.now, this.rng);
      this.write({ job, delivery: next });
      if (next.state !== "pending" && (job.deleteAtMs ?? Number.POSITIVE_INFINITY) <= this.now) this.erase(id);
    }
  }

  /** One event to one job. False where its row is gone. */
  turn(id: string, event: JobEvent): boolean {
    if (!this.disk.has(id)) return false;
    const { job: stored, delivery } = this.row(id);
    const before = this.memory.get(id) ?? stored;
    const { job, effects } = step(before, event, this.now, this.rng);
    checkStep(before, event, job, effects);
    this.dieAt("before_write");
    // Only what runs is held in memory: everything else must be on the disk in full.
    if (job.state === "running") this.memory.set(id, job);
    else this.memory.delete(id);
    const mustWrite = effects.some(({ kind }) => kind === "record_history");
    const ended = effects.find((effect) => effect.kind === "notify" && isTerminalNotice(effect.notice));
    const next =
      ended?.kind === "notify"
        ? createDelivery(webhookId(job, ended.notice), "standard", this.now)
        : job.generation === before.generation
          ? delivery
          : null;
    if (mustWrite) this.write({ job, delivery: next });
    else this.index(job);
    this.dieAt("after_write");
    for (const effect of effects) this.perform(job, effect, next);
    return !effects.some(({ kind }) => kind === "refused_stale");
  }

  job(id: string): Job {
    return this.memory.get(id) ?? this.row(id).job;
  }

  get liveIds(): string[] {
    return [...this.disk.keys()];
  }

  get hasWork(): boolean {
    return this.outbox.size > 0 || this.open.size > 0;
  }

  /** The next instant at which anything is due, ms. */
  get nextMs(): number {
    return [...this.wakes.values(), ...this.outbox.values()].reduce(
      (next, atMs) => Math.min(next, atMs),
      Number.POSITIVE_INFINITY,
    );
  }

  private perform(job: Job, effect: JobEffect, delivery: Delivery | null): void {
    if (effect.kind === "start_attempt") {
      const rivals = this.attempts.filter(
        (other) => other.jobId === job.id && other.alive && other.believesUntilMs > this.now,
      );
      expect(rivals, "a job runs under one live lease at a time").toEqual([]);
      const { token, leaseUntilMs } = effect;
      // Zombies of the last hour are enough to haunt with.
      if (this.attempts.length > 500) this.attempts.splice(0, 250, ...this.attempts.slice(0, 250).filter(isAlive));
      this.attempts.push({ jobId: job.id, token, believesUntilMs: leaseUntilMs, alive: true });
    }
    // The message may be lost; then only the end of its lease stops the attempt.
    if (effect.kind === "abort_attempt" && this.rng() < 0.5) {
      for (const attempt of this.attempts) {
        if (attempt.jobId === job.id && attempt.token === effect.token) attempt.alive = false;
      }
    }
    if (effect.kind !== "delete") return;
    if (delivery?.state === "pending") this.wakes.delete(job.id);
    else this.erase(job.id);
  }

  private write(row: Row): void {
    this.disk.set(row.job.id, JSON.stringify(row));
    this.rowsWritten += 1;
    this.index(row.job);
    this.enqueue(row.job.id, row.delivery);
  }

  private enqueue(id: string, delivery: Delivery | null): void {
    if (delivery?.state === "pending") this.outbox.set(id, delivery.nextAtMs ?? this.now);
    else this.outbox.delete(id);
  }

  private erase(id: string): void {
    this.disk.delete(id);
    this.memory.delete(id);
    this.wakes.delete(id);
    this.open.delete(id);
    this.outbox.delete(id);
  }

  private row(id: string): Row {
    return JSON.parse(this.disk.get(id) ?? "") as Row;
  }

  /** What SQL indexes would do with the row. */
  private index(job: Job): void {
    this.lastSeen.set(job.id, job);
    this.wakes.set(job.id, nextWakeMs(job));
    if (isTerminal(job.state)) this.open.delete(job.id);
    else this.open.add(job.id);
    if (job.state === "running") this.running.set(job.id, job.tenant);
    else this.running.delete(job.id);
    const lane = this.waiting.get(job.tenant) ?? [];
    this.waiting.set(job.tenant, lane);
    const key = orderKey(job, this.limits.ageingMs);
    const at = firstNotBelow(lane, key);
    const isIn = lane[at]?.id === job.id;
    if (job.state === "queued" && !isIn) lane.splice(at, 0, { key, id: job.id });
    if (job.state !== "queued" && isIn) lane.splice(at, 1);
  }

  private runningOf(tenant: string): number {
    let count = 0;
    for (const owner of this.running.values()) if (owner === tenant) count += 1;
    return count;
  }

  private dieAt(point: CrashPoint): void {
    if (this.crashNext !== point) return;
    this.crashNext = null;
    throw new Crash(point);
  }
}

const isAlive = ({ alive }: Attempt): boolean => alive;

const noticeOf = ({ webhookId: id }: Delivery): Notice => id.split(".").slice(2).join(".") as Notice;

function firstNotBelow(lane: readonly { readonly key: string }[], key: string): number {
  let low = 0;
  let high = lane.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lane[middle]?.key ?? "") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What holds for every single step, whatever the state and the event. */
export function checkStep(before: Job, event: JobEvent, job: Job, effects: readonly JobEffect[]): void {
  checkJob(job);
  const kinds = effects.map(({ kind }) => kind);
  const redriven = job.generation === before.generation + 1;
  if (isTerminal(before.state)) {
    expect(redriven ? event.kind : "retried", "only a redrive leaves a final state").toBe("retried");
    if (!redriven) expect(job.state).toBe(before.state);
  }
  expect(job.token).toBeGreaterThanOrEqual(before.token);
  expect(lastAtMs(job.history)).toBeGreaterThanOrEqual(lastAtMs(before.history));
  const written = job.state !== before.state || job.token !== before.token || job.history !== before.history;
  expect(kinds.includes("record_history"), "a change of state is written, and nothing else is").toBe(written);
  const ended = effects.filter((effect) => effect.kind === "notify" && isTerminalNotice(effect.notice));
  expect(ended.length, "an end is told once").toBe(isTerminal(job.state) && !isTerminal(before.state) ? 1 : 0);
  if (kinds.includes("refused_stale") && !written) expect(job, "a stale token changes nothing").toBe(before);
  if ("token" in event && event.kind !== "claimed" && event.token !== before.lease?.token) {
    expect(["expired", "timed_out", before.state], "an old token decides nothing").toContain(job.state);
  }
  if (kinds.includes("start_attempt")) {
    expect(job.state).toBe("running");
    expect(job.token, "every claim has a new token").toBeGreaterThan(before.token);
  }
  if (event.kind === "timer" && !kinds.includes("delete"))
    expect(kinds, "a timer is armed again").toContain("schedule");
}

function checkJob(job: Job): void {
  const ended = isTerminal(job.state);
  expect(job.lease !== null, "who runs has a lease, and nobody else").toBe(job.state === "running");
  expect(job.waitUntilMs !== null).toBe(job.state === "retrying");
  expect([job.endedAtMs !== null, job.deleteAtMs !== null]).toEqual([ended, ended]);
  if (job.lease !== null) expect(job.lease.token, "the lease has the newest token").toBe(job.token);
  expect(job.attempts).toBeLessThanOrEqual(job.policy.attemptsMax);
  const times = job.history.entries.map(({ atMs }) => atMs);
  expect(times, "a history never steps back").toEqual(times.toSorted((a, b) => a - b));
}
