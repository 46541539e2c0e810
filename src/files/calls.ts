/**
 * What the edge and a tenant's `TenantFiles` object say to each other: one method by name, so that the shell of the object
 * needs no line for each. Plain data, unions instead of exceptions.
 */
import type { Batch, BatchOrder } from "./core/batch.ts";
import type { FileRecord, Page } from "./core/file.ts";

/** Over which bound. */
export type FilesFull = "files" | "bytes" | "storage";

export type FilesCalls = {
  /** An upload begins. */
  begin(id: string): "ok" | FilesFull;
  /** The next part of it, in order; `unknown`: it was given up meanwhile. */
  put(part: { readonly id: string; readonly bytes: Uint8Array }): "ok" | "unknown" | FilesFull;
  finish(
    file: Pick<FileRecord, "id" | "filename" | "purpose"> & { readonly lifeMs: number | null },
  ): FileRecord | "unknown";
  abort(id: string): null;
  files(page: Page & { readonly purpose: string | null }): Listed<FileRecord> | "unknown";
  file(id: string): FileRecord | null;
  /** Null: it is gone. */
  part(part: { readonly id: string; readonly part: number }): Uint8Array | null;
  /** A batch that has not ended reads or writes it: `used`. */
  remove(id: string): "ok" | "unknown" | "used";
  createBatch(order: BatchOrder): Batch | "limited" | "no_file" | "wrong_purpose";
  batches(page: Page): Listed<Batch> | "unknown";
  batch(id: string): Batch | null;
  /** `ended`: it is too late. */
  cancelBatch(id: string): Batch | "unknown" | "ended";
  erase(asked: null): FilesErased;
};

export type Listed<Item> = { readonly items: readonly Item[]; readonly hasMore: boolean };

export type FilesErased = { readonly files: number; readonly batches: number };

export type FilesStub = {
  call<Name extends keyof FilesCalls>(
    name: Name,
    asked: Parameters<FilesCalls[Name]>[0],
  ): Promise<ReturnType<FilesCalls[Name]>>;
};

type Namespace = { getByName(name: string): { call(name: string, asked: unknown): Promise<unknown> } };

/** Null where the deployment binds none. An object belongs to one tenant, and knows of no other. */
export function filesOf(env: { readonly TENANT_FILES?: unknown }, tenant: string): FilesStub | null {
  const namespace = env.TENANT_FILES as Namespace | undefined;
  if (namespace === undefined) return null;
  const stub = namespace.getByName(`files:${tenant}`);
  return { call: async (name, asked) => (await stub.call(name, asked)) as never };
}
