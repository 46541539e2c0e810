/**
 * GPU workers that pull: who is there, what they hold, what they are to stop.
 *
 * A worker holds a job under a lease of three beats; its own word about the job (a ping that names it, progress, a
 * chunk) prolongs it in memory. A silent worker's lease runs out, and `step` puts the job back once; what it says
 * afterwards is under an old token and refused. The stock protocol carries no token, so a worker's id stands for it:
 * the live lease must be its own.
 */
import type { TakenJob } from "../core/messages.ts";
import { JOB_LEASE_MS } from "../core/policy.ts";
import type { Blobs } from "./blobs.ts";
import {
  BLOB_BYTES_MAX,
  OUTPUT_ROW_BYTES_MAX,
  STOPS_MAX,
  TAKE_MAX,
  utf8Bytes,
  WORKER_SILENT_MS,
  WORKERS_MAX,
} from "./bounds.ts";
import { workerInput } from "./job-work.ts";
import type { JobRow } from "./job-row.ts";
import type { Ledger } from "./ledger.ts";
import type { PulledRails } from "./pulled-rails.ts";
import type { WorkerResult } from "./rpc.ts";
import { Patience } from "./waiters.ts";
import type { Waiters } from "./waiters.ts";

/** The endpoint name of what a pulling worker runs: it stands behind none. */
const PULLED = "pull";

/** What takers wait for. */
export const TAKE_KEY = "take";

type WorkerState = {
  seenMs: number;
  polls: number;
  /** Its calls that wait for a job. */
  readonly takes: Set<Patience>;
  readonly stops: Set<string>;
};

export type WorkerDeps = {
  readonly ledger: Ledger;
  readonly waiters: Waiters;
  readonly blobs: Blobs;
  /** Looks at what a worker hands in. */
  readonly rails: PulledRails;
  /** Something is due at this instant. */
  readonly wakeAt: (atMs: number) => void;
};

export class WorkerDesk {
  readonly #deps: WorkerDeps;
  readonly #workers = new Map<string, WorkerState>();

  constructor(deps: WorkerDeps) {
    this.#deps = deps;
  }

  async take(workerId: string, count: number, waitMs: number): Promise<readonly TakenJob[]> {
    const patience = new Patience(waitMs);
    const worker = this.#seen(workerId);
    worker.polls += 1;
    worker.takes.add(patience);
    try {
      for (;;) {
        if (patience.isGivenUp) return [];
        const rows = this.#claim(workerId, Math.min(count, TAKE_MAX));
        if (rows.length > 0) return await this.#hand(rows);
        if (patience.over) return [];
        await this.#deps.waiters.until(TAKE_KEY, patience);
      }
    } finally {
      patience.end();
      worker.polls -= 1;
      worker.takes.delete(patience);
      this.#seen(workerId);
    }
  }

  /**
   * The worker asks for a job and says that it has none: the stock one counts a job until its result has been sent, so
   * what is held for it was lost with an earlier process, or on its way. Such a process may have left calls standing
   * here that nobody reads.
   */
  startAnew(workerId: string): void {
    for (const patience of this.#workers.get(workerId)?.takes ?? []) patience.giveUp();
    for (const { row } of this.#deps.ledger.heldBy(workerId)) {
      this.#deps.ledger.apply(row, [{ kind: "lease_lost", token: row.job.token, reason: "worker_lost" }]);
    }
  }

  async done(workerId: string, jobId: string, handedIn: WorkerResult): Promise<"ok" | "stale"> {
    this.#seen(workerId);
    const { ledger, blobs, rails } = this.#deps;
    const held = this.#held(workerId, jobId);
    if (held === null) return this.#isRepeat(workerId, jobId, handedIn) ? "ok" : "stale";
    const { chunks, refused, result } = await rails.end(held, handedIn);
    const row = this.#held(workerId, jobId);
    if (row?.job.token !== held.job.token) return this.#isRepeat(workerId, jobId, handedIn) ? "ok" : "stale";
    const { token } = row.job;
    if (result.isProgress) {
      const { output } = result;
      if (output !== null && utf8Bytes(output) <= OUTPUT_ROW_BYTES_MAX) {
        ledger.apply(row, [{ kind: "progress", token, output: { kind: "inline", json: output } }]);
      }
      this.#beat(row);
      return "ok";
    }
    if (chunks.length > 0 && !this.#keep(row, chunks)) return "ok";
    if (refused !== null) {
      this.#refuse(row, refused);
      return "ok";
    }
    if (result.error !== null) {
      ledger.applyTo(jobId, [{ kind: "failed", token, reason: "handler_error", message: result.error }]);
      return "ok";
    }
    const output = result.output === null ? null : await blobs.store(jobId, token, result.output);
    if (output === null && result.output !== null) {
      const message = `the output is larger than ${BLOB_BYTES_MAX} bytes`;
      ledger.applyTo(jobId, [{ kind: "failed", token, reason: "output_too_large", message }]);
      return "ok";
    }
    const note = result.note === undefined ? {} : { note: result.note };
    const after = ledger.applyTo(jobId, [{ kind: "finished", token, output, ...note }]);
    return after?.job.state === "completed" && after.job.token === token ? "ok" : "stale";
  }

  async chunk(workerId: string, jobId: string, data: string): Promise<"ok" | "stale"> {
    this.#seen(workerId);
    const held = this.#held(workerId, jobId);
    if (held === null) {
      this.stop(workerId, jobId);
      return "stale";
    }
    const { chunks, refused } = await this.#deps.rails.chunk(held, data);
    const row = this.#held(workerId, jobId);
    if (row?.job.token !== held.job.token) return "stale";
    if (!this.#keep(row, chunks)) return "stale";
    if (refused === null) {
      this.#beat(row);
      return "ok";
    }
    this.#refuse(row, refused);
    this.stop(workerId, jobId);
    return "stale";
  }

  /** False: there is no room for more, and the job has failed. */
  #keep({ job }: JobRow, chunks: readonly string[]): boolean {
    const { ledger } = this.#deps;
    const live = ledger.running.get(job.id);
    for (const data of chunks) {
      if (live?.chunks.add(data) !== true) {
        const message = "the job streamed more than can be kept of it";
        ledger.applyTo(job.id, [{ kind: "failed", token: job.token, reason: "output_too_large", message }]);
        if (job.lease?.workerId !== undefined && job.lease.workerId !== null) this.stop(job.lease.workerId, job.id);
        return false;
      }
      // The worker goes on over a restart of this object and does not send it again.
      live.chunks.save();
      ledger.applyTo(job.id, [{ kind: "chunk", token: job.token }]);
    }
    return true;
  }

  /** What the guardrails let nobody have. */
  #refuse({ job }: JobRow, message: string): void {
    this.#deps.ledger.applyTo(job.id, [{ kind: "failed", token: job.token, reason: "blocked", message }]);
  }

  ping(workerId: string, jobIds: readonly string[]): void {
    this.#seen(workerId);
    for (const jobId of jobIds) {
      const row = this.#held(workerId, jobId);
      if (row !== null) this.#beat(row);
      else this.#stopAgain(workerId, jobId);
    }
  }

  giveBack(workerId: string, jobIds: readonly string[]): void {
    for (const jobId of jobIds) {
      const row = this.#held(workerId, jobId);
      if (row === null) continue;
      this.#deps.ledger.apply(row, [{ kind: "failed", token: row.job.token, reason: "released" }]);
    }
  }

  async stops(workerId: string, waitMs: number): Promise<readonly string[]> {
    const patience = new Patience(waitMs);
    const worker = this.#seen(workerId);
    worker.polls += 1;
    try {
      if (worker.stops.size === 0) await this.#deps.waiters.until(stopKey(workerId), patience);
      const stops = [...worker.stops];
      worker.stops.clear();
      return stops;
    } finally {
      patience.end();
      worker.polls -= 1;
      this.#seen(workerId);
    }
  }

  /** The worker is to stop this job, when it asks next. */
  stop(workerId: string, jobId: string): void {
    const worker = this.#workers.get(workerId);
    if (worker === undefined || worker.stops.size >= STOPS_MAX) return;
    worker.stops.add(jobId);
    this.#deps.waiters.wake(stopKey(workerId));
  }

  /**
   * The worker speaks of a job that is not, or no longer, its own: it has not heard that it is to stop, because this
   * object restarted or the answer was lost on its way. A job that it has just ended itself is told of as well, by a
   * ping that was under way; that one it knows.
   */
  #stopAgain(workerId: string, jobId: string): void {
    const row = this.#deps.ledger.find(jobId);
    const isTold = row?.job.state === "completed" || row?.job.error?.reason === "handler_error";
    if (!isTold || row.extra.workerId !== workerId) this.stop(workerId, jobId);
  }

  /** Workers that were heard of within three beats, or wait here. */
  online(now: number): { readonly idle: number; readonly running: number } {
    let idle = 0;
    let running = 0;
    const busy = new Set([...this.#deps.ledger.running.values()].map(({ row }) => row.job.lease?.workerId));
    for (const [id, worker] of this.#workers) {
      if (worker.polls === 0 && now - worker.seenMs >= WORKER_SILENT_MS) continue;
      if (busy.has(id)) running += 1;
      else idle += 1;
    }
    return { idle, running };
  }

  /** Workers that are remembered, the one that was heard of last first. */
  known(): readonly { readonly id: string; readonly seenMs: number; readonly waiting: number }[] {
    const all = Array.from(this.#workers, ([id, { seenMs, takes }]) => ({ id, seenMs, waiting: takes.size }));
    return all.toReversed();
  }

  #claim(workerId: string, count: number): JobRow[] {
    const rows: JobRow[] = [];
    while (rows.length < count) {
      const live = this.#deps.ledger.claim({ endpointId: PULLED, workerId }, (_, now) => now + JOB_LEASE_MS);
      if (live === null) break;
      // It may have lost this very job before, and is given it anew.
      this.#workers.get(workerId)?.stops.delete(live.row.job.id);
      rows.push(live.row);
    }
    if (rows.length > 0) this.#deps.wakeAt(Date.now() + JOB_LEASE_MS);
    return rows;
  }

  async #hand(rows: readonly JobRow[]): Promise<readonly TakenJob[]> {
    const { ledger, blobs } = this.#deps;
    return Promise.all(
      rows.map(async ({ job, extra }) => {
        const spec = ledger.store.readSpec(job.id);
        const body =
          spec === null ? "" : spec.bodyKey === null ? spec.work.body : ((await blobs.get(spec.bodyKey)) ?? "");
        const input = spec === null ? "null" : workerInput({ ...spec.work, body });
        const { s3Config } = spec?.work ?? {};
        const webhook = extra.webhook?.url ?? null;
        return { id: job.id, token: job.token, input, webhook, ...(s3Config === undefined ? {} : { s3Config }) };
      }),
    );
  }

  #held(workerId: string, jobId: string): JobRow | null {
    const row = this.#deps.ledger.running.get(jobId)?.row ?? null;
    return row?.job.lease?.workerId === workerId ? row : null;
  }

  /** The answer to its first message was lost, and it says again how the job ended. */
  #isRepeat(workerId: string, jobId: string, { error, isProgress }: WorkerResult): boolean {
    const row = isProgress ? null : this.#deps.ledger.find(jobId);
    if (row === null || row.extra.workerId !== workerId) return false;
    return row.job.state === (error === null ? "completed" : "failed");
  }

  #beat(row: JobRow): void {
    const leaseUntilMs = Date.now() + JOB_LEASE_MS;
    this.#deps.ledger.applyTo(row.job.id, [{ kind: "heartbeat", token: row.job.token, leaseUntilMs }]);
  }

  #seen(workerId: string): WorkerState {
    const known = this.#workers.get(workerId);
    const worker = known ?? { seenMs: 0, polls: 0, takes: new Set<Patience>(), stops: new Set<string>() };
    worker.seenMs = Date.now();
    this.#workers.delete(workerId);
    this.#workers.set(workerId, worker);
    const oldest = this.#workers.keys().next();
    if (this.#workers.size > WORKERS_MAX && oldest.done !== true) this.#workers.delete(oldest.value);
    return worker;
  }
}

const stopKey = (workerId: string): string => `stop:${workerId}`;
