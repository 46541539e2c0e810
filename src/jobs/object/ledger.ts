/**
 * The jobs of a queue. Each event goes through `step`, and what `step` decides is done here: in memory and in SQL.
 *
 * Model. Running jobs are in memory, and of the waiting ones the first of each tenant; all others are rows alone. An
 * event is handled in one turn, without an `await`. So the platform writes what it changed as one transaction, and
 * holds back every message of the object until that is on disk (the output gate): a dispatch, an answer or a webhook
 * never tells of a state that a crash could undo.
 */
import type { JobEffect, JobEvent, Notice } from "../core/events.ts";
import { isTerminal, nextToken, nextWakeMs, runDeadlineMs, startDeadlineMs } from "../core/job.ts";
import type { JobState } from "../core/job-state.ts";
import type { Job, Step } from "../core/job.ts";
import { chooseLane, holdReason, isBelowNormal, orderKey } from "../core/queue.ts";
import type { QueueCounts, QueueLimits, QueueMode } from "../core/queue.ts";
import type { EndReason } from "../core/reasons.ts";
import { step } from "../core/step.ts";
import { TENANTS_COUNTED_MAX } from "./bounds.ts";
import { ChunkLog } from "./chunk-log.ts";
import type { EndedList } from "./ended-list.ts";
import { Lanes } from "./lanes.ts";
import type { HeadLane } from "./lanes.ts";
import type { StoredBytes } from "./stored-bytes.ts";
import type { Extra, JobRow, JobSpecRow } from "./job-row.ts";
import type { JobStore } from "./job-store.ts";

/** Retried jobs whose last endpoint is remembered, to avoid it; one that is forgotten may go there again. */
const LOST_AT_MAX = 10_000;

export type Live = { row: JobRow; readonly chunks: ChunkLog };

export type LedgerHooks = {
  /** A job waits that may start. */
  readonly ready: () => void;
  /** What runs under `token` is to be stopped. */
  readonly aborted: (row: JobRow, token: number, workerId: string | null, reason: EndReason) => void;
  readonly noticed: (row: JobRow, notice: Notice) => void;
  /** Whoever waits for something of this job may look again. */
  readonly changed: (row: JobRow) => void;
  readonly deleted: (row: JobRow) => void;
  /** The clock has something to do at this instant. */
  readonly scheduled: (atMs: number) => void;
};

export type Totals = { completed: number; failed: number; retried: number };

export class Ledger {
  readonly store: JobStore;
  readonly ended: EndedList;
  readonly running = new Map<string, Live>();
  readonly totals: Map<string, Totals>;
  limits: QueueLimits;
  mode: QueueMode;
  retrying = 0;
  readonly #hooks: LedgerHooks;
  readonly #lanes: Lanes;
  readonly bytes: StoredBytes;
  readonly #lostAt = new Map<string, string>();
  #seq = 0;

  constructor(
    store: JobStore,
    ended: EndedList,
    kept: {
      readonly limits: QueueLimits;
      readonly mode: QueueMode;
      readonly totals: Map<string, Totals>;
      readonly bytes: StoredBytes;
    },
    hooks: LedgerHooks,
  ) {
    this.store = store;
    this.ended = ended;
    this.limits = kept.limits;
    this.mode = kept.mode;
    this.totals = kept.totals;
    this.bytes = kept.bytes;
    this.#hooks = hooks;
    this.#lanes = new Lanes((tenant) => store.head(tenant));
    for (const { tenant, waiting } of store.lanes()) {
      this.#lanes.of(tenant).waiting = waiting;
      this.#lanes.nextHead(tenant);
    }
    const { running, retrying } = store.unfinished();
    this.retrying = retrying;
    for (const row of running) this.#place(row, 1);
  }

  nextSeq(): number {
    this.#seq += 1;
    return this.#seq;
  }

  waiting(): number {
    let count = this.retrying;
    for (const lane of this.#lanes.all()) count += lane.waiting;
    return count;
  }

  totalsOf(tenant: string): Totals {
    const key = this.totals.has(tenant) || this.totals.size < TENANTS_COUNTED_MAX ? tenant : "";
    const totals = this.totals.get(key) ?? { completed: 0, failed: 0, retried: 0 };
    this.totals.set(key, totals);
    return totals;
  }

  allTotals(): Readonly<Totals> {
    const all = { completed: 0, failed: 0, retried: 0 };
    for (const { completed, failed, retried } of this.totals.values()) {
      all.completed += completed;
      all.failed += failed;
      all.retried += retried;
    }
    return all;
  }

  /** First waiting jobs of a few tenants. */
  headIds(max: number): readonly string[] {
    return Array.from(this.#lanes.heads(), ({ headId }) => headId).slice(0, max);
  }

  /** Tenants with waiting jobs, the one first that has had some for longest. */
  waitingTenants(max: number): readonly string[] {
    return Array.from(this.#lanes.heads(), ({ tenant }) => tenant).slice(0, max);
  }

  /** Tenants with jobs that wait or run, and how many. */
  lanes(max: number): readonly { readonly tenant: string; readonly waiting: number; readonly running: number }[] {
    const all = Array.from(this.#lanes.all(), ({ tenant, waiting, running }) => ({ tenant, waiting, running }));
    return all.slice(0, max);
  }

  waitingOf(tenant: string): number {
    return this.#lanes.get(tenant)?.waiting ?? 0;
  }

  counts(tenant: string, workerId: string | null): QueueCounts {
    return {
      running: this.running.size,
      runningAtWorker: workerId === null ? 0 : this.heldBy(workerId).length,
      runningOfTenant: this.#lanes.get(tenant)?.running ?? 0,
      waiting: this.waiting(),
      waitingOfTenant: this.waitingOf(tenant),
    };
  }

  /** Jobs of a tenant that have not ended, at most `max` of each state. */
  unfinishedOf(tenant: string, max: number): readonly JobRow[] {
    const running = [...this.running.values()].map(({ row }) => row).filter(({ job }) => job.tenant === tenant);
    return [...running.slice(0, max), ...this.store.waitingOf(tenant, max), ...this.store.retryingOf(tenant, max)];
  }

  heldBy(workerId: string): Live[] {
    return [...this.running.values()].filter(({ row }) => row.job.lease?.workerId === workerId);
  }

  /** Jobs that could start now, up to `max`: as many as the limits leave room for. */
  startable(max: number): number {
    if (holdReason(this.mode, { ...this.counts("", null), runningOfTenant: 0 }, this.limits) !== null) return 0;
    const { globalLimit, tenantLimit } = this.limits;
    const room = globalLimit === null ? max : Math.min(max, globalLimit - this.running.size);
    let count = 0;
    for (const { waiting, running } of this.#lanes.all()) {
      count += tenantLimit === null ? waiting : Math.max(0, Math.min(waiting, tenantLimit - running));
      if (count >= room) return Math.max(0, room);
    }
    return count;
  }

  /** Endpoint that the next job should not meet again; null: none. */
  nextLostAt(): string | null {
    const lane = this.#next();
    return lane === null ? null : (this.#lostAt.get(lane.headId) ?? null);
  }

  /** Every job that may start is below a normal one; also where there is none. */
  isAllLow(): boolean {
    const lane = this.#next();
    return lane === null || isBelowNormal(lane.headKey, this.limits.ageingMs, Date.now());
  }

  /** Claims the first job that may start, under a new token; null: none. */
  claim(
    holder: { readonly endpointId: string; readonly workerId: string | null },
    leaseUntilMs: (job: Job, now: number) => number,
  ): Live | null {
    for (;;) {
      if (holdReason(this.mode, { ...this.counts("", holder.workerId), runningOfTenant: 0 }, this.limits)) return null;
      const lane = this.#next();
      if (lane === null) return null;
      const { headId } = lane;
      const row = this.store.read(headId);
      if (row === null) {
        this.#lanes.nextHead(lane.tenant);
        continue;
      }
      const now = Date.now();
      const token = nextToken(row.job);
      const claim = { kind: "claimed", token, leaseUntilMs: leaseUntilMs(row.job, now), ...holder } as const;
      const { endpointId, workerId } = holder;
      const after = this.apply(row, [claim, { kind: "started", token }], { endpointId, workerId, answer: null });
      this.#lostAt.delete(headId);
      const live = this.running.get(after.job.id);
      // Its deadline had passed while it waited: it has ended, and the next one is looked at.
      if (live !== undefined) return live;
      if (this.store.read(headId)?.job.state === "queued") return null;
    }
  }

  /** `inputBytes`: of its input, wherever it lies. */
  create(made: Step, extra: Extra, spec: JobSpecRow, inputBytes: number): JobRow {
    const row = { job: made.job, extra, bytes: { input: inputBytes, kept: 0 } };
    this.bytes.add(made.job.tenant, made.job.id, inputBytes);
    this.store.insert(row, spec, this.#columns(row.job));
    this.#place(row, 1);
    this.#perform(row, made.effects);
    return row;
  }

  /** The same for a job that was looked up before something was waited for: it is looked up again. */
  applyTo(jobId: string, events: readonly JobEvent[], changes: Partial<Extra> = {}): JobRow | null {
    const row = this.find(jobId);
    return row === null ? null : this.apply(row, events, changes);
  }

  /** One turn: the events in order, one write. `before` was found in this very turn. */
  apply(before: JobRow, events: readonly JobEvent[], changes: Partial<Extra> = {}): JobRow {
    const now = Date.now();
    const effects: JobEffect[] = [];
    let { job } = before;
    for (const event of events) {
      const next = step(job, event, now, Math.random);
      job = next.job;
      effects.push(...next.effects);
    }
    return this.#commit(before, { job, extra: { ...before.extra, ...changes }, bytes: before.bytes }, effects);
  }

  /** A job that `isRedrivable` anew, as if it had just come. */
  redrive(row: JobRow): JobRow {
    const cleared = { answer: null, failedOutput: null, endpointId: null, workerId: null };
    return this.apply(row, [{ kind: "retried" }], cleared);
  }

  /** Its owner says how long the job is kept from now on, whatever its policy was. False: it is gone already. */
  keepFor(row: JobRow, ttlMs: number): boolean {
    const now = Date.now();
    const { job } = row;
    const policy = { ...job.policy, ttlMs: now + ttlMs - job.dueAtMs };
    const deleteAtMs = isTerminal(job.state) ? now + ttlMs : job.deleteAtMs;
    const changed: JobRow = { ...row, job: { ...job, policy, deleteAtMs } };
    const live = this.running.get(job.id);
    if (live !== undefined) live.row = changed;
    this.store.update(changed, this.#columns(changed.job));
    if (isTerminal(job.state)) this.ended.add({ id: job.id, tenant: job.tenant, state: job.state }, now + ttlMs);
    this.apply(changed, [{ kind: "timer" }]);
    return true;
  }

  find(jobId: string): JobRow | null {
    return this.running.get(jobId)?.row ?? this.store.read(jobId);
  }

  #commit(before: JobRow, made: JobRow, effects: readonly JobEffect[]): JobRow {
    const { id } = made.job;
    const has = (kind: JobEffect["kind"]): boolean => effects.some((effect) => effect.kind === kind);
    const isGone = has("delete");
    const live = this.running.get(id);
    const after = isGone ? made : this.#counted(before, made, has("discard_results"));
    if (has("discard_chunks") || has("discard_results")) {
      live?.chunks.clear();
      this.store.deleteChunks(id);
    }
    if (isGone) {
      this.store.deleteChunks(id);
      this.store.deleteCursor(id);
      this.store.delete(id);
    } else if (has("record_history") || has("keep_shown")) {
      if (isTerminal(after.job.state)) live?.chunks.save();
      this.store.update(after, this.#columns(after.job));
    }
    if (before.job.state === after.job.state && !isGone) {
      if (live !== undefined) live.row = after;
    } else {
      this.#place(before, -1);
      if (!isGone) this.#place(after, 1);
    }
    if (isTerminal(after.job.state) && !isTerminal(before.job.state)) this.#countEnd(after);
    if (after.extra.lostAt !== null && !isTerminal(after.job.state)) this.#rememberLost(id, after.extra.lostAt);
    this.#perform(after, effects);
    if (isGone) {
      this.bytes.add(before.job.tenant, id, -before.bytes.input - before.bytes.kept);
      this.#hooks.deleted(before);
    }
    return after;
  }

  /** With what is kept of it from its end on. */
  #counted(before: JobRow, after: JobRow, isAnew: boolean): JobRow {
    const { id, tenant, state, output } = after.job;
    const { input } = after.bytes;
    const hasEnded = isTerminal(state) && !isTerminal(before.job.state);
    if (!hasEnded && !isAnew) return after;
    const chunks = this.running.get(id)?.chunks.length ?? 0;
    const ofOutput = output === null ? 0 : output.kind === "inline" ? output.json.length : output.bytes;
    const kept = hasEnded ? ofOutput + chunks : 0;
    this.bytes.add(tenant, id, kept - before.bytes.kept);
    return { ...after, bytes: { input, kept } };
  }

  #next(): HeadLane | null {
    return chooseLane(this.#lanes.heads(), this.limits, Date.now());
  }

  #perform(row: JobRow, effects: readonly JobEffect[]): void {
    let isReady = false;
    for (const effect of effects) {
      if (effect.kind === "abort_attempt") this.#hooks.aborted(row, effect.token, effect.workerId, effect.reason);
      if (effect.kind === "notify") this.#hooks.noticed(row, effect.notice);
      if (effect.kind === "schedule") this.#hooks.scheduled(effect.atMs);
      if (effect.kind === "ready") isReady = true;
    }
    this.#hooks.changed(row);
    if (isReady && row.job.state === "queued") this.#hooks.ready();
  }

  #countEnd({ job }: JobRow): void {
    const totals = this.totalsOf(job.tenant);
    if (job.state === "completed") totals.completed += 1;
    else totals.failed += 1;
    if (!isTerminal(job.state) || job.deleteAtMs === null) return;
    this.ended.add({ id: job.id, tenant: job.tenant, state: job.state }, job.deleteAtMs);
  }

  #rememberLost(id: string, endpointId: string): void {
    if (this.#lostAt.size >= LOST_AT_MAX) this.#lostAt.clear();
    this.#lostAt.set(id, endpointId);
  }

  #columns(job: Job): { readonly orderKey: string; readonly wakeMs: number | null } {
    return { orderKey: orderKey(job, this.limits.ageingMs), wakeMs: wakeOf(job) };
  }

  /** Counts a row in (`by` 1) or out (-1) of its state, so that memory agrees with the rows. */
  #place(row: JobRow, by: 1 | -1): void {
    const { id, tenant, state } = row.job;
    if (isTerminal(state)) return;
    if (state === "retrying") {
      this.retrying += by;
      if (by === 1 && row.job.attempts > 0) this.totalsOf(tenant).retried += 1;
      return;
    }
    const lane = this.#lanes.of(tenant);
    if (state === "running") {
      this.#lanes.runs(lane, row.job.lease?.claimedAtMs ?? 0, by);
      if (by === 1) this.running.set(id, { row, chunks: new ChunkLog(this.store, id, row.job.token) });
      else this.running.delete(id);
    } else {
      lane.waiting += by;
      const key = orderKey(row.job, this.limits.ageingMs);
      if (by === -1 && lane.headId === id) this.#lanes.nextHead(tenant);
      if (by === 1 && (lane.headId === null || key < lane.headKey)) {
        lane.headId = id;
        lane.headKey = key;
      }
    }
    this.#lanes.dropIfIdle(lane);
  }
}

/**
 * When the clock must look at a row; null: never. Running jobs have an entry so that a restart finds them, retried ones
 * until they are due, waiting ones only if they may start too late. Each entry is one more billed row; a job past its
 * ttl is found in passing.
 */
function wakeOf(job: Job): number | null {
  const state: JobState = job.state;
  if (state === "running") return runDeadlineMs(job);
  if (state === "queued") return startDeadlineMs(job);
  return state === "retrying" ? nextWakeMs(job) : null;
}
