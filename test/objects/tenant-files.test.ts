/** A tenant's files inside the Workers runtime: in rows and in R2, sealed, over their bounds, and when they are over. */
import { reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { filesOf } from "../../src/files/calls.ts";
import {
  BATCHES_OPEN_MAX,
  FILE_BYTES_MAX,
  FILE_PART_BYTES,
  FILES_MAX,
  TENANT_BYTES_MAX,
  UPLOAD_DEAD_MS,
} from "../../src/files/core/bounds.ts";
import { FileStore } from "../../src/files/object/file-store.ts";
import type { TenantFiles } from "../../src/gateway/files-api/tenant-files.ts";
import { aesSealer } from "../../src/jobs/object/seal-aes.ts";
import { PLAIN } from "../../src/jobs/object/sealer.ts";

type Bound = {
  readonly TENANT_FILES: DurableObjectNamespace<TenantFiles>;
  readonly BUCKET_OF_TESTS: R2Bucket;
};
const { TENANT_FILES, BUCKET_OF_TESTS } = env as unknown as Bound;

/** In the future, so that no alarm comes by itself. */
const START_MS = Date.UTC(2050, 0, 1);
const HOUR_MS = 3_600_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: START_MS }));
afterEach(async () => {
  vi.useRealTimers();
  await reset();
});

const sealed = aesSealer([crypto.getRandomValues(new Uint8Array(32))], "files:acme");

type Kept = { readonly bucket: R2Bucket | null; readonly sealer: typeof PLAIN };

async function inStore<Value>(
  { bucket, sealer }: Kept,
  work: (store: FileStore, sql: SqlStorage) => Value | Promise<Value>,
): Promise<Value> {
  return runInDurableObject(TENANT_FILES.getByName("files:acme"), async (_, { storage }) =>
    work(new FileStore({ storage, bucket, prefix: "acme", sealer }), storage.sql),
  );
}

const ROWS: Kept = { bucket: null, sealer: PLAIN };
const count = (sql: SqlStorage, table: string): number =>
  sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n;
const inBucket = async (): Promise<readonly string[]> => (await BUCKET_OF_TESTS.list()).objects.map(({ key }) => key);
const filled = (size: number): Uint8Array => new Uint8Array(size).fill(97);

async function upload(store: FileStore, id: string, pieces: readonly Uint8Array[], lifeMs: number | null = null) {
  store.begin(id);
  for (const piece of pieces) expect(await store.put(id, piece)).toBe("ok");
  return store.finish({ id, filename: "secret-name", purpose: "user_data", lifeMs });
}

describe.each<[string, Kept]>([
  ["in rows", ROWS],
  ["in rows, sealed", { bucket: null, sealer: sealed }],
  ["in R2", { bucket: BUCKET_OF_TESTS, sealer: PLAIN }],
  ["in R2, sealed", { bucket: BUCKET_OF_TESTS, sealer: sealed }],
])("a file %s", (_, kept) => {
  test("is read as it was written, after a restart too, and leaves nothing when it is deleted", async () => {
    await inStore(kept, async (store) => {
      const made = await upload(store, "file-1", [filled(FILE_PART_BYTES), filled(3)]);
      expect(made).toMatchObject({ bytes: FILE_PART_BYTES + 3, parts: 2, filename: "secret-name", expiresAtMs: null });
    });
    await inStore(kept, async (store, sql) => {
      expect([await store.read("file-1", 0), await store.read("file-1", 1)]).toEqual([
        filled(FILE_PART_BYTES),
        filled(3),
      ]);
      expect(await store.read("file-1", 2)).toBe(null);
      const rows = sql.exec<{ data: ArrayBuffer | null }>(`SELECT data FROM part`).toArray();
      expect(rows.every(({ data }) => (data === null) === (kept.bucket !== null))).toBe(true);
      expect(await inBucket()).toHaveLength(kept.bucket === null ? 0 : 2);
      for (const key of await inBucket()) {
        const text = await (await BUCKET_OF_TESTS.get(key))?.text();
        expect(text?.includes("aaaaaaaa") ?? false).toBe(kept.sealer === PLAIN && key.endsWith("/0"));
      }
      expect(store.forget("file-1")).toBe("ok");
      expect([store.file("file-1"), store.forget("file-1")]).toEqual([null, "unknown"]);
      await store.clear();
      expect([count(sql, "file"), count(sql, "part"), await inBucket()]).toEqual([0, 0, []]);
    });
  });
});

test("a part of another file, in the place of one that is sealed, does not open", async () => {
  await inStore({ bucket: null, sealer: sealed }, async (store, sql) => {
    await upload(store, "file-1", [filled(3)]);
    await upload(store, "file-2", [filled(3)]);
    sql.exec(`UPDATE part SET data = (SELECT data FROM part WHERE file = 'file-1') WHERE file = 'file-2'`);
    await expect(store.read("file-2", 0)).rejects.toThrow("was not sealed there");
  });
});

test("a file is there until it is over, and an hour after its last byte an upload is dead", async () => {
  await inStore(ROWS, async (store, sql) => {
    await upload(store, "file-1", [filled(3)], HOUR_MS);
    store.begin("file-2");
    await store.put("file-2", filled(3));
    vi.setSystemTime(START_MS + HOUR_MS - 1);
    store.expire(() => false);
    await store.clear();
    expect([store.file("file-1")?.expiresAtMs, count(sql, "part")]).toEqual([START_MS + HOUR_MS, 2]);
    vi.setSystemTime(START_MS + Math.max(HOUR_MS, UPLOAD_DEAD_MS));
    expect(store.file("file-1")).toBe(null);
    expect(store.list({ after: null, limit: 10, isAscending: false, purpose: null })?.items).toEqual([]);
    // What a batch is not done with stays.
    store.expire((id) => id === "file-1");
    await store.clear();
    expect(count(sql, "part")).toBe(1);
    store.expire(() => false);
    await store.clear();
    expect([count(sql, "file"), count(sql, "part")]).toEqual([0, 0]);
    expect(await store.put("file-2", filled(1))).toBe("unknown");
  });
});

test("a tenant has so many files, and not one more; deleting one makes room", async () => {
  await inStore(ROWS, (_, sql) => {
    sql.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       INSERT INTO file (id, state, purpose, bytes, parts, created_ms, touched_ms) SELECT 'f' || i, 'ready', '', 0, 0, 0, 0 FROM n`,
      FILES_MAX - 1,
    );
  });
  await inStore(ROWS, (store) => {
    expect([store.begin("last"), store.begin("more")]).toEqual(["ok", "files"]);
    store.forget("f1");
    expect(store.begin("more")).toBe("ok");
  });
});

test.each([
  ["a file", FILE_BYTES_MAX, FILE_BYTES_MAX],
  ["a tenant's files", TENANT_BYTES_MAX, FILE_BYTES_MAX],
])("%s may have so many bytes, and not one more", async (_, most) => {
  await inStore(ROWS, (_store, sql) => {
    const insert = `INSERT INTO file (id, state, purpose, bytes, parts, created_ms, touched_ms) VALUES (?, ?, '', ?, 0, ?, ?)`;
    const isFile = most === FILE_BYTES_MAX;
    sql.exec(insert, "full", isFile ? "writing" : "ready", most - 2, START_MS, START_MS);
    if (!isFile) sql.exec(insert, "next", "writing", 0, START_MS, START_MS);
  });
  await inStore(ROWS, async (store) => {
    const id = most === FILE_BYTES_MAX ? "full" : "next";
    expect(await store.put(id, filled(3))).toBe("bytes");
    expect(await store.put(id, filled(2))).toBe("ok");
    expect(await store.put(id, filled(1))).toBe("bytes");
  });
});

test("a tenant has so many open batches, and not one more", async () => {
  const files = filesOf({ TENANT_FILES }, "acme");
  await files?.call("begin", "file-1");
  await files?.call("put", { id: "file-1", bytes: filled(3) });
  await files?.call("finish", { id: "file-1", filename: "f", purpose: "batch", lifeMs: null });
  const make = async (at: number) =>
    files?.call("createBatch", {
      id: `batch_${at}`,
      endpoint: "/v1/chat/completions",
      inputFileId: "file-1",
      window: "24h",
      windowMs: 24 * HOUR_MS,
      metadata: null,
      outputLifeMs: null,
      identity: { keyId: "k", tenant: "acme", scopes: ["infer"] },
    });
  for (let at = 0; at < BATCHES_OPEN_MAX; at += 1) expect(await make(at)).toMatchObject({ status: "validating" });
  expect(await make(BATCHES_OPEN_MAX)).toBe("limited");
  expect(await files?.call("remove", "file-1")).toBe("used");
  expect(await files?.call("cancelBatch", "batch_0")).toMatchObject({ status: "cancelling" });
  expect(await files?.call("erase", null)).toEqual({ files: 1, batches: BATCHES_OPEN_MAX });
  expect([await files?.call("file", "file-1"), await files?.call("batch", "batch_1")]).toEqual([null, null]);
  // An object that was erased takes files as ever.
  expect(await files?.call("begin", "file-2")).toBe("ok");
});
