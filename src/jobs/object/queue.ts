/**
 * A pool's queue: the parts put together, and the calls of clients.
 *
 * Loaded when the first call comes (`job-queue.ts`). Each method is: load, let the core decide, persist, answer; none
 * throws for what a caller can cause. Long polls wait for events (`waiters.ts`).
 */
import type { Notice } from "../core/events.ts";
import { isRedrivable, isTerminal, isVisible } from "../core/job.ts";
import type {
  BatchRefusal,
  BatchView,
  JobStatus,
  JobView,
  QueueHealth,
  StreamPage,
  SubmitOutcome,
  SubmitRequest,
  TakenJob,
} from "../core/messages.ts";
import { JOB_LEASE_MS } from "../core/policy.ts";
import { DEFAULT_LIMITS, orderKey } from "../core/queue.ts";
import type { QueueLimits, QueueMode } from "../core/queue.ts";
import { wantsNotice } from "../core/webhook.ts";
import { Batches } from "./batches.ts";
import { collectEnded, endsKey } from "./collect.ts";
import { Blobs } from "./blobs.ts";
import { BATCH_TURN_MAX, LIST_MAX, POSITION_MAX } from "./bounds.ts";
import { EndedList } from "./ended-list.ts";
import { FleetHealth } from "./fleet-health.ts";
import type { JobQueueEnv } from "./queue-env.ts";
import { JobStore } from "./job-store.ts";
import type { JobRow } from "./job-row.ts";
import { inlineOutput, viewOf } from "./job-view.ts";
import { Ledger } from "./ledger.ts";
import type { Totals } from "./ledger.ts";
import { listJobs } from "./listing.ts";
import { Outbox } from "./outbox.ts";
import type { DeadDelivery } from "./outbox.ts";
import { OperatorDesk } from "./operator-desk.ts";
import { configuredLimits, jobsConfigOf, signersOf } from "./pool-config.ts";
import { PoolWatch } from "./pool-watch.ts";
import { Dispatcher } from "./dispatcher.ts";
import type {
  CollectedJobs,
  CollectRequest,
  JobQueueAdminRpc,
  JobQueueMoreRpc,
  JobQueueRpc,
  WorkerResult,
} from "./rpc.ts";
import type { Sealer } from "./sealer.ts";
import { StoredBytes } from "./stored-bytes.ts";
import { Streams } from "./streams.ts";
import { goneView, takeIn } from "./submission.ts";
import { Scrub } from "./scrub.ts";
import { Maintenance } from "./maintenance.ts";
import { Patience, Waiters } from "./waiters.ts";
import { queueHealth } from "./queue-health.ts";
import { PulledRails } from "./pulled-rails.ts";
import { TAKE_KEY, WorkerDesk } from "./worker-desk.ts";

export class Queue implements JobQueueRpc, JobQueueMoreRpc, JobQueueAdminRpc {
  readonly #ledger: Ledger;
  readonly #store: JobStore;
  readonly #waiters = new Waiters();
  readonly #blobs: Blobs;
  readonly #outbox: Outbox;
  readonly #dispatcher: Dispatcher;
  readonly #workers: WorkerDesk;
  readonly #maintenance: Maintenance;
  readonly #scrub: Scrub;
  readonly #streams: Streams;
  readonly #batches: Batches;
  readonly desk: OperatorDesk;
  readonly #fleet = new FleetHealth();
  readonly #watch: PoolWatch;
  /** What operators ordered; the rest is the config's. */
  #ordered: Partial<QueueLimits>;
  #savedTotals = "";
  /** Tokens of what an earlier object of this queue left running, until something has been done about it. */
  readonly #inherited: Map<string, number>;
  /** Null once it is on disk. */
  #unsavedEpoch: number | null;

  constructor(ctx: DurableObjectState, env: JobQueueEnv, sealer: Sealer) {
    const name = ctx.id.name ?? "";
    const poolId = name.slice("jobs:".length);
    const config = jobsConfigOf(env, poolId);
    const store = new JobStore(ctx.storage, sealer);
    this.#store = store;
    const epoch = Number(store.meta("epoch") ?? 0) + 1;
    this.#unsavedEpoch = epoch;
    this.#blobs = new Blobs(env.JOB_BLOBS ?? null, ctx.storage.sql, name, sealer);
    const wakeAt = (atMs: number): void => this.#maintenance.wakeAt(atMs);
    this.#savedTotals = store.meta("totals") ?? "[]";
    this.#ordered = JSON.parse(store.meta("limits") ?? "{}") as Partial<QueueLimits>;
    const kept = {
      limits: { ...DEFAULT_LIMITS, ...configuredLimits(config), ...this.#ordered },
      mode: (store.meta("mode") ?? "open") as QueueMode,
      totals: new Map(JSON.parse(this.#savedTotals) as [string, Totals][]),
      bytes: new StoredBytes(JSON.parse(store.meta("stored") ?? "[]") as [string, number][]),
    };
    const ended = new EndedList(ctx.storage.sql, epoch * 2 ** 32);
    this.#ledger = new Ledger(store, ended, kept, {
      ready: () => this.#ready(),
      aborted: (row, token, workerId) => {
        if (workerId === null) this.#dispatcher.abort(row.job.id, token);
        else this.#workers.stop(workerId, row.job.id);
      },
      noticed: (row, notice) => this.#noticed(row, notice),
      changed: ({ job }) => {
        this.#waiters.wake(jobKey(job.id));
        if (isTerminal(job.state)) this.#waiters.wake(endsKey(job.tenant));
      },
      deleted: ({ job }) => {
        this.#streams.forget(job.id);
        this.#scrub.mark();
        ctx.waitUntil(this.#blobs.forgetJob(job));
      },
      scheduled: wakeAt,
    });
    const ledger = this.#ledger;
    this.#inherited = new Map(Array.from(ledger.running, ([id, { row }]) => [id, row.job.token]));
    this.#outbox = new Outbox({ sql: ctx.storage.sql, env, wakeAt, signers: signersOf(env, poolId), sealer });
    this.#dispatcher = new Dispatcher({ env, ctx, poolId, ledger, blobs: this.#blobs, wakeAt });
    const pool = () => this.#dispatcher.site()?.pool.config ?? null;
    const rails = new PulledRails({ pool, ledger, blobs: this.#blobs });
    this.#workers = new WorkerDesk({ ledger, waiters: this.#waiters, blobs: this.#blobs, rails, wakeAt });
    const isHealthy = async (): Promise<boolean | null> => this.#isHealthy();
    this.#watch = new PoolWatch({ poolId, ledger, outbox: this.#outbox, isHealthy, wakeAt }, config.events);
    this.#scrub = new Scrub({ ctx, host: env.STATE_HOST, ledger });
    this.#maintenance = new Maintenance({
      storage: ctx.storage,
      ledger,
      outbox: this.#outbox,
      dispatcher: this.#dispatcher,
      watch: this.#watch,
      saveTotals: () => this.#saveTotals(),
      recover: () => this.#recover(),
    });
    this.#streams = new Streams(ledger, this.#waiters);
    this.#batches = new Batches(ledger, async (request) => this.submit(request));
    const begun = (): void => this.#maintenance.hasBegun();
    const parts = { ledger, blobs: this.#blobs, outbox: this.#outbox, scrub: this.#scrub };
    this.desk = new OperatorDesk({ ...parts, workers: this.#workers, begun, saveTotals: () => this.#saveTotals() });
    // Nothing is written by its mere existence: a call that only reads must not fail with a disk that is full.
    this.#maintenance.begin();
  }

  async submit(request: SubmitRequest): Promise<SubmitOutcome> {
    this.#maintenance.hasBegun();
    this.#maintenance.look();
    const taken = await takeIn({ ledger: this.#ledger, blobs: this.#blobs, dispatcher: this.#dispatcher }, request);
    if (taken.kind === "gone") return { kind: "accepted", job: goneView(taken.jobId), isNew: false };
    if (taken.kind !== "taken") return taken;
    return { kind: "accepted", job: await this.#view(taken.row), isNew: taken.isNew };
  }

  async view(tenant: string, jobId: string, waitMs: number): Promise<JobView | null> {
    this.#maintenance.look();
    const patience = new Patience(waitMs);
    try {
      for (;;) {
        const row = this.#find(tenant, jobId);
        if (row === null) return null;
        if (isTerminal(row.job.state) || patience.over) return await this.#view(row);
        await this.#waiters.until(jobKey(jobId), patience);
      }
    } finally {
      patience.end();
    }
  }

  async stream(tenant: string, jobId: string, fromSeq: number, waitMs: number): Promise<StreamPage | null> {
    this.#maintenance.look();
    return this.#streams.read(() => this.#find(tenant, jobId), jobId, { fromSeq, waitMs });
  }

  async cancel(tenant: string, jobId: string): Promise<JobView | null> {
    const row = this.#find(tenant, jobId);
    return row === null ? null : this.#view(this.#ledger.apply(row, [{ kind: "cancel" }]));
  }

  async retry(tenant: string, jobId: string): Promise<JobView | "not_retryable" | null> {
    const row = this.#find(tenant, jobId);
    if (row === null) return null;
    if (!isRedrivable(row.job)) return "not_retryable";
    return this.#view(this.#ledger.redrive(row));
  }

  async purge(tenant: string): Promise<number> {
    let removed = 0;
    for (;;) {
      const rows = this.#store.waitingOf(tenant, BATCH_TURN_MAX);
      for (const row of rows) this.#ledger.apply(row, [{ kind: "expired", reason: "purged" }]);
      removed += rows.length;
      if (rows.length < BATCH_TURN_MAX) return removed;
      await scheduler.wait(0);
    }
  }

  async health(tenant: string): Promise<QueueHealth> {
    this.#maintenance.look();
    const fleet = await this.#fleet.read(this.#dispatcher.site());
    return queueHealth(this.#ledger, { fleet, pulling: this.#workers.online(Date.now()) }, tenant);
  }

  async list(tenant: string, page: Parameters<JobQueueRpc["list"]>[1]): Promise<readonly JobView[]> {
    this.#maintenance.hasBegun();
    const states = page.status === null ? null : new Set([page.status]);
    return this.#views(listJobs(this.#ledger, tenant, { ...page, limit: Math.min(page.limit, LIST_MAX), states }));
  }

  async deadLetters(tenant: string): Promise<readonly JobView[]> {
    this.#maintenance.hasBegun();
    const states = new Set<JobStatus>(["failed", "timed_out"]);
    return this.#views(listJobs(this.#ledger, tenant, { offset: 0, limit: LIST_MAX, states }));
  }

  async pause(paused: boolean): Promise<void> {
    await this.setMode(paused ? "paused" : "open");
  }

  async setMode(mode: QueueMode): Promise<void> {
    this.#ledger.mode = mode;
    this.#store.saveMeta("mode", mode);
    if (mode !== "paused") this.#ready();
  }

  /** Kept over restarts. Ageing changes the order of what is submitted from now on. */
  async setLimits(limits: Partial<QueueLimits>): Promise<QueueLimits> {
    this.#ordered = { ...this.#ordered, ...limits };
    this.#ledger.limits = { ...this.#ledger.limits, ...limits };
    this.#store.saveMeta("limits", JSON.stringify(this.#ordered));
    this.#ready();
    return this.#ledger.limits;
  }

  async deadDeliveries(tenant: string): Promise<readonly DeadDelivery[]> {
    return this.#outbox.dead(tenant, LIST_MAX);
  }

  async replayDelivery(tenant: string, webhookId: string): Promise<boolean> {
    return this.#outbox.replay(tenant, webhookId);
  }

  async take(workerId: string, count: number, waitMs: number, holdsNothing = false): Promise<readonly TakenJob[]> {
    this.#maintenance.look();
    if (holdsNothing) this.#workers.startAnew(workerId);
    return this.#workers.take(workerId, count, waitMs);
  }

  async done(workerId: string, jobId: string, result: WorkerResult): Promise<"ok" | "stale"> {
    const outcome = await this.#workers.done(workerId, jobId, result);
    // Its end may have made room under a limit.
    this.#ready();
    return outcome;
  }

  async chunk(workerId: string, jobId: string, data: string): Promise<"ok" | "stale"> {
    return this.#workers.chunk(workerId, jobId, data);
  }

  async ping(workerId: string, jobIds: readonly string[]): Promise<void> {
    this.#maintenance.look();
    this.#workers.ping(workerId, jobIds);
  }

  async stops(workerId: string, waitMs: number): Promise<readonly string[]> {
    return this.#workers.stops(workerId, waitMs);
  }

  async giveBack(workerId: string, jobIds: readonly string[]): Promise<void> {
    this.#workers.giveBack(workerId, jobIds);
  }

  async keepFor(tenant: string, jobId: string, ttlMs: number): Promise<boolean> {
    const row = this.#find(tenant, jobId);
    return row !== null && this.#ledger.keepFor(row, ttlMs);
  }

  async collect(tenant: string, asked: CollectRequest): Promise<CollectedJobs> {
    const [ledger, waiters] = [this.#ledger, this.#waiters];
    return collectEnded({ ledger, waiters, view: async (row) => this.#view(row) }, tenant, asked);
  }

  async createBatch(tenant: string, batchId: string): Promise<BatchView | "limited"> {
    return this.#batches.create(tenant, batchId);
  }

  async addToBatch(
    tenant: string,
    batchId: string,
    requests: readonly SubmitRequest[],
  ): Promise<BatchView | BatchRefusal> {
    return this.#batches.add(tenant, batchId, requests);
  }

  async finalizeBatch(tenant: string, batchId: string): Promise<BatchView | BatchRefusal> {
    return this.#batches.finalize(tenant, batchId);
  }

  async batch(tenant: string, batchId: string): Promise<BatchView | null> {
    return this.#batches.view(tenant, batchId);
  }

  async batchJobs(
    tenant: string,
    batchId: string,
    { offset, limit }: { readonly offset: number; readonly limit: number },
  ): Promise<{ readonly jobs: readonly JobView[]; readonly total: number } | null> {
    const batch = this.#batches.view(tenant, batchId);
    if (batch === null) return null;
    const rows = this.#store.ofBatch(batchId, offset, Math.min(limit, LIST_MAX));
    return { jobs: await this.#views(rows), total: batch.requestTotal };
  }

  async cancelBatch(tenant: string, batchId: string): Promise<BatchView | BatchRefusal> {
    return this.#batches.cancel(tenant, batchId);
  }

  onAlarm(): void {
    this.#maintenance.onAlarm();
  }

  /**
   * Attempts that an earlier object pushed died with its memory; a pulling worker goes on and gets one lease more.
   * Once, and anew with the next sweep where the disk has no room for it.
   */
  #recover(): void {
    const now = Date.now();
    if (this.#unsavedEpoch !== null) this.#store.saveMeta("epoch", String(this.#unsavedEpoch));
    this.#unsavedEpoch = null;
    for (const [id, token] of this.#inherited) {
      const row = this.#ledger.running.get(id)?.row;
      const lost = { kind: "lease_lost", token, reason: "router_restarted" } as const;
      const more = { kind: "recovered", leaseUntilMs: now + JOB_LEASE_MS } as const;
      const lease = row?.job.lease ?? null;
      if (row !== undefined && lease?.token === token) this.#ledger.apply(row, [lease.workerId === null ? lost : more]);
      this.#inherited.delete(id);
    }
  }

  /** A job waits that may start: a waiting GPU worker has it at once, else a lease is asked for. */
  #ready(): void {
    this.#maintenance.guard();
    this.#watch.wake();
    if (!this.#waiters.wakeOne(TAKE_KEY)) return this.#dispatcher.pump();
    // The worker takes it in the next microtasks; what is left after that needs leases.
    setTimeout(() => this.#dispatcher.pump(), 0);
  }

  /** May any endpoint, or any GPU worker that pulls, take a job; null: nobody knows. */
  async #isHealthy(): Promise<boolean | null> {
    const { idle, running } = this.#workers.online(Date.now());
    if (idle + running > 0) return true;
    // Fresh: two looks at one old answer would be one sight taken for two.
    await this.#fleet.read(this.#dispatcher.site(), 0);
    return this.#fleet.isHealthy;
  }

  #noticed(row: JobRow, notice: Notice): void {
    this.#watch.noticed(row, notice);
    const { webhook } = row.extra;
    if (webhook === null || !wantsNotice(webhook.form, webhook.events, notice)) return;
    this.#outbox.post({ row, view: viewOf(row, { output: inlineOutput(row), position: null }), webhook, notice });
  }

  #find(tenant: string, jobId: string): JobRow | null {
    const row = this.#ledger.find(jobId);
    return row !== null && row.job.tenant === tenant && isVisible(row.job, Date.now()) ? row : null;
  }

  async #view(row: JobRow): Promise<JobView> {
    const { job, extra } = row;
    const { tenant, state } = job;
    const isWaiting = state === "queued";
    const key = isWaiting ? orderKey(job, this.#ledger.limits.ageingMs) : "";
    const position = isWaiting ? this.#store.before(tenant, key, POSITION_MAX) : null;
    const output = (await this.#blobs.load(job.output ?? job.progress)) ?? extra.failedOutput;
    return viewOf(row, { output, position });
  }

  async #views(rows: readonly JobRow[]): Promise<readonly JobView[]> {
    return Promise.all(rows.map(async (row) => this.#view(row)));
  }

  #saveTotals(): void {
    const text = JSON.stringify([...this.#ledger.totals]);
    if (text === this.#savedTotals) return;
    this.#savedTotals = text;
    this.#store.saveMeta("totals", text);
    this.#store.saveMeta("stored", JSON.stringify(this.#ledger.bytes.entries()));
  }
}

const jobKey = (jobId: string): string => `job:${jobId}`;
