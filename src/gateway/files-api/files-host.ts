/**
 * A tenant's files and batches behind their object's shell: the parts put together, one method for each call, and the one
 * alarm.
 */
import { prepareConfig } from "../../config/env.ts";
import { isDraining } from "../../dispatch/draining.ts";
import type { EdgeEnv } from "../../dispatch/runtime.ts";
import type { FilesCalls, FilesErased } from "../../files/calls.ts";
import { BATCHES_OPEN_MAX, GUARD_MS, SWEEP_MS, TURN_MS } from "../../files/core/bounds.ts";
import { cancelled, createBatch, filesUsedBy } from "../../files/core/batch.ts";
import type { Batch, BatchOrder } from "../../files/core/batch.ts";
import { BatchDriver } from "../../files/object/batch-driver.ts";
import { BatchStore } from "../../files/object/batch-store.ts";
import { FileStore } from "../../files/object/file-store.ts";
import { isLocked } from "../../jobs/core/locked.ts";
import type { JobQueueEnv } from "../../jobs/object/queue-env.ts";
import { PLAIN } from "../../jobs/object/sealer.ts";
import type { Sealer } from "../../jobs/object/sealer.ts";
import { sealerOf } from "../../jobs/object/sealer-of.ts";
import { linePorts } from "./line-jobs.ts";

type FilesEnv = EdgeEnv & Pick<JobQueueEnv, "JOB_BLOBS">;

type Handlers = {
  readonly [Name in keyof FilesCalls]: (
    asked: Parameters<FilesCalls[Name]>[0],
  ) => ReturnType<FilesCalls[Name]> | Promise<ReturnType<FilesCalls[Name]>>;
};

export async function beginFiles(ctx: DurableObjectState, env: FilesEnv): Promise<FilesHost> {
  await prepareConfig(env);
  return new FilesHost(ctx, env, await sealerOf(ctx.id.name ?? "", env));
}

/** Where the key is gone: nothing of it is read. */
export async function eraseLocked(ctx: DurableObjectState, env: FilesEnv, error: unknown): Promise<FilesErased> {
  if (!isLocked(error)) throw error;
  return new FilesHost(ctx, env, PLAIN).erase();
}

export class FilesHost {
  readonly #ctx: DurableObjectState;
  readonly #files: FileStore;
  readonly #batches: BatchStore;
  readonly #driver: BatchDriver;
  readonly #handlers: Handlers;
  /** While an alarm works: takes one batch more into its turn. */
  #join: ((batchId: string) => void) | null = null;

  constructor(ctx: DurableObjectState, env: FilesEnv, sealer: Sealer) {
    this.#ctx = ctx;
    const bucket = env.JOB_BLOBS ?? null;
    this.#files = new FileStore({ storage: ctx.storage, bucket, prefix: ctx.id.toString(), sealer });
    this.#batches = new BatchStore(ctx.storage, sealer);
    const tenant = (ctx.id.name ?? "").slice("files:".length);
    this.#driver = new BatchDriver(this.#files, this.#batches, linePorts({ env, ctx, tenant }));
    const [files, batches] = [this.#files, this.#batches];
    this.#handlers = {
      begin: (id) => files.begin(id),
      put: async ({ id, bytes }) => files.put(id, bytes),
      finish: (file) => files.finish(file),
      abort: (id) => this.#forget(id) && null,
      files: (page) => files.list(page) ?? "unknown",
      file: (id) => files.file(id),
      part: async ({ id, part }) => (files.file(id) === null ? null : files.read(id, part)),
      remove: (id) => this.#remove(id),
      createBatch: (order) => this.#createBatch(order),
      batches: (page) => batches.list(page) ?? "unknown",
      batch: (id) => batches.get(id),
      cancelBatch: (id) => this.#cancel(id),
      erase: async () => this.erase(),
    };
  }

  async call(name: string, asked: unknown): Promise<unknown> {
    const handler = this.#handlers[name as keyof FilesCalls] as (asked: unknown) => unknown;
    const answer = await handler(asked);
    await this.#plan();
    return answer;
  }

  async onAlarm(): Promise<void> {
    // Before anything that may fail, or be cut: what is left is looked at then.
    if (this.#batches.openCount > 0) await this.#ctx.storage.setAlarm(Date.now() + GUARD_MS);
    this.#files.expire((id) => this.#isUsed(id));
    this.#batches.forgetOld();
    await this.#files.clear();
    await this.#turn();
    await this.#plan();
  }

  async erase(): Promise<FilesErased> {
    const batches = this.#batches.count;
    const files = await this.#files.eraseBucket();
    await this.#ctx.storage.deleteAlarm();
    await this.#ctx.storage.deleteAll();
    this.#files.prepare();
    this.#batches.prepare();
    return { files, batches };
  }

  /** All batches beside each other, those too that come meanwhile. */
  async #turn(): Promise<void> {
    const untilMs = Date.now() + TURN_MS;
    const running = new Map<string, Promise<void>>();
    this.#join = (id) => {
      if (running.has(id)) return;
      const run = this.#driver
        .run(id, untilMs)
        .catch(async (error: unknown) => {
          console.error(`the batch ${id} stands still`, error);
          // An operator has something to mend, and the log has it once in a while.
          await scheduler.wait(GUARD_MS);
        })
        .finally(() => running.delete(id));
      running.set(id, run);
    };
    for (const { id } of this.#batches.open()) this.#join(id);
    while (running.size > 0) await Promise.race(running.values());
    this.#join = null;
  }

  #createBatch(order: BatchOrder): Batch | "limited" | "no_file" | "wrong_purpose" {
    const file = this.#files.file(order.inputFileId);
    if (file === null) return "no_file";
    if (file.purpose !== "batch") return "wrong_purpose";
    if (this.#batches.openCount >= BATCHES_OPEN_MAX) return "limited";
    const batch = createBatch(order, Date.now());
    this.#batches.add(batch);
    this.#join?.(batch.id);
    return batch;
  }

  #cancel(id: string): Batch | "unknown" | "ended" {
    const batch = this.#batches.get(id);
    if (batch === null) return "unknown";
    const now = cancelled(batch, Date.now());
    if (now === null) return batch.status === "cancelled" ? batch : "ended";
    if (now !== batch) this.#batches.save(now);
    return now;
  }

  #isUsed(fileId: string): boolean {
    return this.#batches.open().some((batch) => filesUsedBy(batch).includes(fileId));
  }

  #remove(id: string): "ok" | "unknown" | "used" {
    if (this.#files.file(id) === null) return "unknown";
    return this.#isUsed(id) ? "used" : this.#forget(id);
  }

  #forget(id: string): "ok" | "unknown" {
    const outcome = this.#files.forget(id);
    if (outcome === "ok") this.#ctx.waitUntil(this.#files.clear());
    return outcome;
  }

  /** The alarm is moved to an earlier instant alone: one that comes too early finds nothing to do. */
  async #plan(): Promise<void> {
    const now = Date.now();
    // A turn looks after what is open, and its end comes here.
    const batchMs = this.#batches.openCount > 0 && this.#join === null ? now + (isDraining() ? GUARD_MS : 1) : null;
    const due = [batchMs, this.#files.nextMs].filter((ms) => ms !== null);
    if (due.length === 0) return;
    const set = await this.#ctx.storage.getAlarm();
    const atMs = Math.min(Math.max(now + 1, Math.min(...due)), now + SWEEP_MS);
    if (set === null || atMs < set) await this.#ctx.storage.setAlarm(atMs);
  }
}
