/**
 * A tenant's files and batches behind their object's shell: the parts put together, one method for each call, and the one
 * alarm.
 */
import { prepareConfig } from "../../config/env.ts";
import type { EdgeEnv } from "../../dispatch/runtime.ts";
import type { FilesCalls, FilesErased } from "../../files/calls.ts";
import { SWEEP_MS } from "../../files/core/bounds.ts";
import { FileStore } from "../../files/object/file-store.ts";
import { isLocked } from "../../jobs/core/locked.ts";
import type { JobQueueEnv } from "../../jobs/object/queue-env.ts";
import { PLAIN } from "../../jobs/object/sealer.ts";
import type { Sealer } from "../../jobs/object/sealer.ts";
import { sealerOf } from "../../jobs/object/sealer-of.ts";

type FilesEnv = EdgeEnv & Pick<JobQueueEnv, "JOB_BLOBS">;

type Handlers = {
  readonly [Name in keyof FilesCalls]: (
    asked: Parameters<FilesCalls[Name]>[0],
  ) => ReturnType<FilesCalls[Name]> | Promise<ReturnType<FilesCalls[Name]>>;
};

export async function beginFiles(ctx: DurableObjectState, env: FilesEnv): Promise<FilesHost> {
  await prepareConfig(env);
  return new FilesHost(ctx, storeOf(ctx, env, await sealerOf(ctx.id.name ?? "", env)));
}

/** Where the key is gone: nothing of it is read. */
export async function eraseLocked(ctx: DurableObjectState, env: FilesEnv, error: unknown): Promise<FilesErased> {
  if (!isLocked(error)) throw error;
  return new FilesHost(ctx, storeOf(ctx, env, PLAIN)).erase();
}

function storeOf(ctx: DurableObjectState, env: FilesEnv, sealer: Sealer): FileStore {
  return new FileStore({ storage: ctx.storage, bucket: env.JOB_BLOBS ?? null, prefix: ctx.id.toString(), sealer });
}

export class FilesHost {
  readonly #ctx: DurableObjectState;
  readonly #files: FileStore;
  readonly #handlers: Handlers;

  constructor(ctx: DurableObjectState, files: FileStore) {
    this.#ctx = ctx;
    this.#files = files;
    this.#handlers = {
      begin: (id) => files.begin(id),
      put: async ({ id, bytes }) => files.put(id, bytes),
      finish: (file) => files.finish(file),
      abort: (id) => this.#forget(id) && null,
      files: (page) => files.list(page) ?? "unknown",
      file: (id) => files.file(id),
      part: async ({ id, part }) => (files.file(id) === null ? null : files.read(id, part)),
      remove: (id) => (files.file(id) === null ? "unknown" : this.#forget(id)),
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
    this.#files.expire(() => false);
    await this.#files.clear();
    await this.#plan();
  }

  async erase(): Promise<FilesErased> {
    const files = await this.#files.eraseBucket();
    await this.#ctx.storage.deleteAlarm();
    await this.#ctx.storage.deleteAll();
    this.#files.prepare();
    return { files, batches: 0 };
  }

  #forget(id: string): "ok" | "unknown" {
    const outcome = this.#files.forget(id);
    if (outcome === "ok") this.#ctx.waitUntil(this.#files.clear());
    return outcome;
  }

  /** The alarm is moved to an earlier instant alone: one that comes too early finds nothing to do. */
  async #plan(): Promise<void> {
    const nextMs = this.#files.nextMs;
    if (nextMs === null) return;
    const set = await this.#ctx.storage.getAlarm();
    const atMs = Math.max(nextMs, Date.now() + 1);
    if (set === null || atMs < set) await this.#ctx.storage.setAlarm(Math.min(atMs, Date.now() + SWEEP_MS));
  }
}
