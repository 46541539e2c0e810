/**
 * Gives waiting jobs to endpoints: keeps leases asked for, and binds a job only when one is granted.
 *
 * Model. While jobs wait, up to ACQUIRES_MAX acquires are under way at the pool's shards, through the same lease client as
 * the edge's. A shard answers when a slot is free, so nothing is polled and a freed slot starts the job that is first then
 * (late binding). An end of an attempt asks again at once, and its settlement rides on that very call. A lease that finds
 * no job goes back unused.
 *
 * Where nothing takes jobs none is claimed. One acquire stands at the shard, which grants it the moment an endpoint admits
 * again; the others follow that one. A refused acquire is repeated after a pause that doubles, within ACQUIRE_PAUSE_MS. An
 * endpoint that was found empty (`reach.ts`) is looked at before a job is claimed for it, and a look in vain is a failure
 * that its shard hears of.
 *
 * A job's further attempts are first attempts to the shards: they come after a backoff and are bounded by the job's own
 * `attemptsMax`, so they are not the repetitions that the retry budget is there for.
 */
import { DOUBLINGS_MAX } from "../core/backoff.ts";
import type { JobEvent } from "../core/events.ts";
import type { JobWork } from "../core/messages.ts";
import type { Meter } from "../../tenants/meter.ts";
import type { JobRow } from "./job-row.ts";
import { createLeaseCache } from "../../routing/core/lease-client/lease-cache.ts";
import { enter, isDraining } from "../../dispatch/draining.ts";
import { part } from "../../dispatch/part.ts";
import { takeSlot } from "../../dispatch/slot.ts";
import type { Slot } from "../../dispatch/slot.ts";
import { leasesOf, shardsOf } from "../../dispatch/platform.ts";
import type { ShardOf } from "../../dispatch/platform.ts";
import type { LeaseClient } from "../../routing/host/lease-client.ts";
import { runtimeOf } from "../../dispatch/runtime.ts";
import type { EdgeEnv, EdgePool, Runtime } from "../../dispatch/runtime.ts";
import { bytesOf } from "../../wire/text-bytes.ts";
import { SPOKEN } from "../../wire/openai.ts";
import type { InferencePath } from "../../wire/openai.ts";
import type { Blobs } from "./blobs.ts";
import { ACQUIRE_PAUSE_MS, ACQUIRES_MAX, BLOB_BYTES_MAX, PUSHED_MAX, SHARD_PATIENCE_MS } from "./bounds.ts";
import { JOBS_CLIENT_KEY, outgoingOf } from "./job-work.ts";
import type { Ledger, Live } from "./ledger.ts";
import { JobLimits } from "./job-limits.ts";
import type { Payer } from "./job-limits.ts";
import { jobRails } from "./job-rails.ts";
import type { JobRails, Refused } from "./job-rails.ts";
import type { JobTelling } from "./job-telling.ts";
import { noteReport, seenOf } from "./job-seen.ts";
import { Reach, REFUSED_WITHIN_MS } from "./reach.ts";
import { refusedAnswer, runAttempt } from "./run-attempt.ts";
import type { AttemptReport } from "./run-attempt.ts";

/** The pool as the edge sees it, its shards, and a lease client with a memory of this object's own. */
export type Site = {
  readonly pool: EdgePool;
  /** Where a self-hosted router says that it is. */
  readonly place: Runtime["place"];
  readonly shardOf: ShardOf;
  readonly leases: LeaseClient;
};

export type DispatcherDeps = {
  readonly env: EdgeEnv;
  readonly ctx: DurableObjectState;
  readonly poolId: string;
  readonly ledger: Ledger;
  readonly blobs: Blobs;
  /** Something is due at this instant. */
  readonly wakeAt: (atMs: number) => void;
};

const LOW = { priority: "low" } as const;

/** A job, and the slot that it runs in. */
type Given = { readonly slot: Slot; readonly live: Live };

export class Dispatcher {
  readonly #deps: DispatcherDeps;
  readonly #attempts = new Map<string, { readonly token: number; readonly controller: AbortController }>();
  #runtime: Runtime | null = null;
  readonly #reach = new Reach();
  readonly #limits = new JobLimits();
  #asking = 0;
  /** … of them in the class of low jobs. */
  #askingLow = 0;
  /** Acquires in a row that brought no slot. */
  #refusals = 0;
  /** Refused acquires are not repeated before. */
  pausedUntilMs = 0;

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
  }

  get running(): number {
    return this.#attempts.size;
  }

  /** Asks for as many leases as there are jobs to start; `ahead`: jobs that are about to be stored, and whether they are low. */
  pump(ahead = 0, isAheadLow = ahead === 0): void {
    if (isDraining() || Date.now() < this.pausedUntilMs) return;
    const { ledger } = this.#deps;
    const most = Math.min(this.#refusals === 0 ? ACQUIRES_MAX : 1, PUSHED_MAX - this.#attempts.size);
    const wanted = Math.min(most, ledger.startable(most) + ahead);
    const isLow = isAheadLow && ledger.isAllLow();
    // Who asks for low jobs keeps no other one from asking.
    const wantsMore = (): boolean =>
      this.#asking < wanted || (wanted > 0 && !isLow && this.#asking === this.#askingLow);
    if (!wantsMore()) return;
    const site = this.#site();
    if (site === null) return this.#pause(ACQUIRE_PAUSE_MS.max);
    // GPU workers pull its jobs.
    if (site.pool.spec.endpoints.length === 0) return;
    while (wantsMore()) void this.#ask(site, isLow);
  }

  abort(jobId: string, token: number): void {
    const attempt = this.#attempts.get(jobId);
    if (attempt?.token === token) attempt.controller.abort();
  }

  /** Null when it is misconfigured. */
  site(): Site | null {
    return this.#site();
  }

  #site(): Site | null {
    const { env, ctx, poolId } = this.#deps;
    const shared = runtimeOf(env);
    if (shared === null) return null;
    if (this.#runtime?.configId !== shared.configId) {
      // Not the isolate's lease cache: what this object owes must not wait for a flush of a request that may die.
      const leaseCache = createLeaseCache(crypto.randomUUID().replaceAll("-", "").slice(0, 12));
      this.#runtime = { ...shared, leaseCache, flushUntilMs: 0 };
    }
    const known = this.#runtime.pools.get(poolId);
    if (known === undefined) return null;
    const pool = { ...known, config: { ...known.config, patienceMs: SHARD_PATIENCE_MS } };
    const shardOf = shardsOf(env, shared.config);
    return { place: shared.place, shardOf, leases: leasesOf(this.#runtime, shardOf, ctx), pool };
  }

  async #ask({ place, leases, pool }: Site, isLow: boolean): Promise<void> {
    this.#asking += 1;
    if (isLow) this.#askingLow += 1;
    const lostAt = pool.endpoints.size > 1 ? this.#deps.ledger.nextLostAt() : null;
    const askedAtMs = Date.now();
    const leaseRequest = {
      pool: pool.spec,
      client: place,
      clientKey: JOBS_CLIENT_KEY,
      inputTokens: 0,
      purpose: "first",
      explain: false,
      ...(isLow ? LOW : {}),
    } as const;
    let slot = lostAt === null ? null : await takeSlot(leases, pool, { ...leaseRequest, excluded: [lostAt] });
    // Where no other endpoint can take it, the one that failed may have another try. A job has no client at the line: it
    // stands at the shard for as long as the pool lets anybody.
    if (slot?.kind !== "slot") slot = await takeSlot(leases, pool, { ...leaseRequest, excluded: [], patient: true });
    const isThere = slot.kind === "slot" && (await this.#isThere(slot));
    this.#asking -= 1;
    if (isLow) this.#askingLow -= 1;
    if (slot.kind !== "slot" || !isThere) return this.#refused(askedAtMs);
    this.#refusals = 0;
    return this.#granted(pool, slot);
  }

  /** False: nobody is at the endpoint, and its shard hears of it. */
  async #isThere(slot: Slot): Promise<boolean> {
    if (!this.#reach.isDoubted(slot.endpoint) || (await this.#reach.look(slot.endpoint))) return true;
    slot.noteGone();
    return false;
  }

  /** No slot: the next acquire is alone, and later. One that has stood at its shard for long is repeated soon. */
  #refused(askedAtMs: number): void {
    const { min, max } = ACQUIRE_PAUSE_MS;
    if (Date.now() - askedAtMs < max) this.#refusals += 1;
    this.#pause(min * 2 ** Math.min(Math.max(0, this.#refusals - 1), DOUBLINGS_MAX));
  }

  #pause(ms: number): void {
    const { min, max } = ACQUIRE_PAUSE_MS;
    this.pausedUntilMs = Date.now() + Math.min(max, Math.max(min, ms));
    this.#deps.wakeAt(this.pausedUntilMs);
  }

  #granted(pool: EdgePool, slot: Slot): void {
    const holder = { endpointId: slot.endpoint.config.id, workerId: null };
    // The lease of a pushed attempt is this object's memory: it ends with the run's deadline, or with the object.
    const live = isDraining() ? null : this.#claim(holder);
    if (live === null) return slot.giveBack();
    const { lease: held } = live.row.job;
    if (held !== null) this.#deps.wakeAt(held.leaseUntilMs);
    void this.#run(pool, { slot, live });
    this.pump();
  }

  /** Null where nothing waits, and where nothing can be written: a job runs only when that is on disk. */
  #claim(holder: { readonly endpointId: string; readonly workerId: null }): Live | null {
    try {
      return this.#deps.ledger.claim(holder, (job, now) => now + job.policy.executionTimeoutMs);
    } catch (error) {
      console.error("no job could be claimed", error);
      this.#pause(ACQUIRE_PAUSE_MS.max);
      return null;
    }
  }

  async #run(pool: EdgePool, given: Given): Promise<void> {
    const { job } = given.live.row;
    const controller = new AbortController();
    // It is waited for, and never cut: what ends with the process is queued again at the next start.
    const leave = enter(() => undefined);
    this.#attempts.set(job.id, { token: job.token, controller });
    let report: AttemptReport;
    try {
      report = await this.#attempt(pool, given, controller.signal);
    } catch (error) {
      console.error("a job's attempt broke", job.id, error);
      given.slot.giveBack();
      report = {
        kind: "failed",
        reason: "endpoint_lost",
        message: "the attempt broke",
        answer: null,
        output: null,
        retryAfterMs: 0,
      };
    }
    if (this.#attempts.get(job.id)?.token === job.token) this.#attempts.delete(job.id);
    const events = await this.#eventsOf(given.live.row, report);
    const { answer } = report;
    const lostAt = report.kind === "failed" ? given.slot.endpoint.config.id : null;
    const failedOutput = report.kind === "failed" ? report.output : null;
    // An attempt that was taken away meanwhile has no say: the core knows by its token, and writes nothing.
    this.#deps.ledger.applyTo(job.id, events, isLive(this.#deps.ledger, job) ? { answer, lostAt, failedOutput } : {});
    leave();
    // Nothing ran, so no slot is freed.
    const isLimited = report.kind === "failed" && report.isLimited === true;
    if (report.kind === "failed" && !isLimited && (report.reason === "capacity" || report.reason === "unreachable")) {
      this.#refused(Date.now());
      return;
    }
    // The end of an attempt is a free slot: ask for it now, and the settlement rides along.
    this.pausedUntilMs = 0;
    this.pump();
  }

  async #attempt(edgePool: EdgePool, { slot, live }: Given, signal: AbortSignal): Promise<AttemptReport> {
    const { ledger, blobs, env, ctx } = this.#deps;
    const { config: pool } = edgePool;
    const { endpoint } = slot;
    const { job } = live.row;
    const spec = ledger.store.readSpec(job.id);
    const body = spec?.bodyKey === null ? spec.work.body : await blobs.get(spec?.bodyKey ?? "");
    if (spec === null || body === null || signal.aborted) {
      slot.giveBack();
      const message = "the input is gone";
      return { kind: "failed", reason: "blocked", message, answer: null, output: null, retryAfterMs: 0 };
    }
    const work = { ...spec.work, body };
    const { executionTimeoutMs } = endpoint.config;
    const executionMs = Math.min(job.policy.executionTimeoutMs, executionTimeoutMs);
    const {
      firstTokenTimeoutMs = executionMs,
      connectTimeoutMs = executionMs,
      stallTimeoutMs = executionMs,
    } = pool ?? {};
    const firstByteTimeoutMs = work.stream ? Math.min(executionMs, firstTokenTimeoutMs) : executionMs;
    const token = job.token;
    const seen = seenOf(job, edgePool, work, this.#runtime?.config.sight ?? null);
    const telling = await tellingOf(work);
    const asIs = outgoingOf(work, job.id, {
      firstByteTimeoutMs,
      connectTimeoutMs,
      stallTimeoutMs,
      signal,
      trail: seen.trail,
      trace: seen.trace,
    });
    const outgoing = telling === null ? asIs : { ...asIs, speech: telling.speech };
    const { tenant } = job;
    const railed = { jobId: job.id, tenant, path: outgoing.path, body };
    const rails = pool === undefined ? null : await jobRails(pool, railed);
    const toldRails =
      telling === null || pool === undefined ? rails : await jobRails(pool, { ...railed, path: telling.path });
    if (isRefused(rails) || isRefused(toldRails) || signal.aborted) {
      slot.giveBack();
      return refusedAnswer(isRefused(rails) ? rails.message : isRefused(toldRails) ? toldRails.message : GONE);
    }
    const limited = await this.#limit({ tenant, keyId: live.row.extra.keyId ?? null }, edgePool, work);
    if (limited !== null && "kind" in limited) {
      slot.giveBack();
      return limited;
    }
    seen.meter = limited;
    const beganMs = Date.now();
    const report = await runAttempt({
      slot,
      work,
      outgoing,
      request: this.#hashOf(tenant, outgoing.path, body),
      rails,
      telling: telling === null ? null : { of: telling, rails: toldRails },
      outputBytesMax: BLOB_BYTES_MAX,
      onChunk: (data) => {
        const now = ledger.running.get(job.id);
        if (now?.row.job.token !== token) return false;
        const isKept = now.chunks.add(data);
        if (isKept) ledger.applyTo(job.id, [{ kind: "chunk", token }]);
        return isKept;
      },
    });
    if (this.#runtime !== null) noteReport(seen, { runtime: this.#runtime, env, ctx }, report);
    const ranMs = Date.now() - beganMs;
    const isEmpty = report.kind === "failed" && report.isSilent === true && !(await this.#reach.look(endpoint));
    if (!isEmpty || ranMs >= REFUSED_WITHIN_MS) return report;
    return { ...report, reason: "unreachable", message: "nobody is at the endpoint" };
  }

  /** Of the input alone: around one of Runpod's form is its id, and the same input sent again has another. */
  #hashOf(tenant: string, path: string, body: string): (() => Promise<string>) | null {
    const runtime = this.#runtime;
    if (runtime === null) return null;
    return async () => {
      const { requestHash } = await import("../../dispatch/request-hash.ts");
      return requestHash(runtime, { body: bytesOf(body), path }, tenant);
    };
  }

  async #limit(payer: Payer, pool: EdgePool, work: JobWork): Promise<Meter | AttemptReport | null> {
    const { env, ctx } = this.#deps;
    const runtime = this.#runtime;
    return runtime === null ? null : this.#limits.pass({ env, ctx, runtime }, payer, pool, work);
  }

  async #eventsOf({ job }: JobRow, report: AttemptReport): Promise<readonly JobEvent[]> {
    const { token } = job;
    // It was taken away, or erased: its output would lie here as nobody's.
    if (!isLive(this.#deps.ledger, job)) return [];
    if (report.kind === "failed") {
      const { reason, message, retryAfterMs } = report;
      return [{ kind: "failed", token, reason, message, retryAfterMs }];
    }
    if (report.output === null) return [{ kind: "finished", token, output: null }];
    const output = await this.#deps.blobs.store(job.id, token, report.output);
    const note = report.note === undefined ? {} : { note: report.note };
    if (output !== null) return [{ kind: "finished", token, output, ...note }];
    const message = `the output is larger than ${BLOB_BYTES_MAX} bytes`;
    return [{ kind: "failed", token, reason: "output_too_large", message }];
  }
}

const GONE = "it was taken away";

const isRefused = (rails: JobRails | Refused | null): rails is Refused => rails !== null && "kind" in rails;

const tellingPart = part(async () => import("./job-telling.ts"));

/** Null: it asks in no protocol that is told in another one. */
async function tellingOf({ kind, method, path }: JobWork): Promise<JobTelling | null> {
  const spoken = kind === "http" && method === "POST" ? SPOKEN[path as InferencePath] : undefined;
  return spoken === undefined ? null : (await tellingPart()).jobTelling(spoken);
}

const isLive = (ledger: Ledger, { id, token }: JobRow["job"]): boolean =>
  ledger.running.get(id)?.row.job.token === token;
