/**
 * A tenant's files: rows that say what there is, and their bytes in parts, in the bucket JOB_BLOBS where one is bound,
 * else in rows of their own.
 *
 * Model. A file is `writing` until it is whole, and nobody sees it before; `ready`; or `gone`, which is seen by nobody
 * and waits for its parts to be deleted. Each part has a row, also where its bytes lie in the bucket: so what is to be
 * deleted is known, whatever a crash left. A part is sealed under the key of the jobs where one is set, and its row says
 * so. docs/decisions/0040 has why not workerd's disk service.
 */
import type { Sealer, Stored } from "../../jobs/object/sealer.ts";
import {
  BATCH_FILE_LIFE_MS,
  DELETED_AT_ONCE_MAX,
  FILE_BYTES_MAX,
  FILES_MAX,
  TENANT_BYTES_MAX,
  UPLOAD_DEAD_MS,
} from "../core/bounds.ts";
import type { FileRecord, Page } from "../core/file.ts";
import type { FilesCalls, FilesFull, Listed } from "../calls.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS file (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
    purpose TEXT NOT NULL, bytes INTEGER NOT NULL, parts INTEGER NOT NULL, created_ms INTEGER NOT NULL,
    touched_ms INTEGER NOT NULL, expires_ms INTEGER, name);
  CREATE TABLE IF NOT EXISTS part (file TEXT NOT NULL, part INTEGER NOT NULL, sealed INTEGER NOT NULL, data BLOB,
    PRIMARY KEY (file, part));`;

type FileRow = {
  seq: number;
  id: string;
  state: "writing" | "ready" | "gone";
  purpose: FileRecord["purpose"];
  bytes: number;
  parts: number;
  created_ms: number;
  expires_ms: number | null;
  name: Stored | null;
};

export type FileStoreParts = {
  readonly storage: DurableObjectStorage;
  readonly bucket: R2Bucket | null;
  /** Begins the names of its objects in the bucket. */
  readonly prefix: string;
  readonly sealer: Sealer;
};

export class FileStore {
  readonly #parts: FileStoreParts;
  readonly #sql: SqlStorage;
  /** Of all files that are not gone. */
  #bytes = 0;

  constructor(parts: FileStoreParts) {
    this.#parts = parts;
    this.#sql = parts.storage.sql;
    this.prepare();
  }

  /** Anew where all was deleted. */
  prepare(): void {
    this.#sql.exec(SCHEMA);
    const sum = `SELECT COALESCE(SUM(bytes), 0) AS sum FROM file WHERE state <> 'gone'`;
    this.#bytes = this.#sql.exec<{ sum: number }>(sum).one().sum;
  }

  /** An upload, or the answers of a batch; `isOurs`: what a batch writes is not refused. */
  begin(id: string, isOurs = false): "ok" | FilesFull {
    const sum = `SELECT COUNT(*) AS files FROM file WHERE state <> 'gone'`;
    if (!isOurs && this.#sql.exec<{ files: number }>(sum).one().files >= FILES_MAX) return "files";
    if (!isOurs && this.#bytes >= TENANT_BYTES_MAX) return "bytes";
    const now = Date.now();
    this.#sql.exec(
      `INSERT OR IGNORE INTO file (id, state, purpose, bytes, parts, created_ms, touched_ms) VALUES (?, 'writing', '', 0, 0, ?, ?)`,
      id,
      now,
      now,
    );
    return "ok";
  }

  /** The next part. Of an upload each but the last has `FILE_PART_BYTES`. */
  async put(id: string, bytes: Uint8Array): Promise<"ok" | "unknown" | FilesFull> {
    const row = this.#row(id);
    if (row?.state !== "writing") return "unknown";
    if (row.bytes + bytes.byteLength > FILE_BYTES_MAX) return "bytes";
    if (this.#bytes + bytes.byteLength > TENANT_BYTES_MAX) return "bytes";
    await this.write(id, row.parts, bytes);
    // It may have been given up while the bucket was waited for.
    if (this.#row(id)?.state !== "writing") return "unknown";
    this.grown(id, 1, bytes.byteLength);
    return "ok";
  }

  /** One part, which is the file's when it is `grown`. */
  async write(id: string, part: number, bytes: Uint8Array): Promise<void> {
    const { bucket, sealer } = this.#parts;
    const isSealed = sealer.marks.length > 0;
    const stored = isSealed ? sealer.sealBytes(bytes, ["part", id, part]) : bytes;
    const insert = `INSERT OR REPLACE INTO part (file, part, sealed, data) VALUES (?, ?, ?, ?)`;
    // Before its bytes: what is in the bucket has a row, whatever happens.
    this.#sql.exec(insert, id, part, Number(isSealed), bucket === null ? (stored.slice().buffer as ArrayBuffer) : null);
    if (bucket !== null) await bucket.put(this.#key(id, part), stored);
  }

  /** That many parts, and bytes, more are the file's. */
  grown(id: string, parts: number, bytes: number): void {
    this.#bytes += bytes;
    const sql = `UPDATE file SET parts = parts + ?, bytes = bytes + ?, touched_ms = ? WHERE id = ?`;
    this.#sql.exec(sql, parts, bytes, Date.now(), id);
  }

  finish({ id, filename, purpose, lifeMs }: Parameters<FilesCalls["finish"]>[0]): FileRecord | "unknown" {
    const row = this.#row(id);
    if (row?.state !== "writing") return row?.state === "ready" ? this.#recordOf(row) : "unknown";
    const ofPurpose = purpose === "batch" || purpose === "batch_output" ? BATCH_FILE_LIFE_MS : null;
    const life = lifeMs ?? ofPurpose;
    const now = Date.now();
    this.#sql.exec(
      `UPDATE file SET state = 'ready', purpose = ?, created_ms = ?, expires_ms = ?, name = ? WHERE id = ?`,
      purpose,
      now,
      life === null ? null : now + life,
      this.#parts.sealer.seal(filename, ["name", id]),
      id,
    );
    return this.file(id) ?? "unknown";
  }

  file(id: string): FileRecord | null {
    const row = this.#row(id);
    return row?.state === "ready" && !isOver(row) ? this.#recordOf(row) : null;
  }

  /** How much of a file there is, also of one that is being written. */
  written(id: string): { readonly parts: number; readonly bytes: number } | null {
    return this.#row(id);
  }

  list({ after, limit, isAscending, purpose }: Page & { readonly purpose: string | null }): Listed<FileRecord> | null {
    const from = after === null ? null : this.#row(after);
    if (after !== null && from === null) return null;
    const rows = this.#sql
      .exec<FileRow>(
        `SELECT * FROM file WHERE state = 'ready' AND (expires_ms IS NULL OR expires_ms > ?) AND (? IS NULL OR purpose = ?)
           AND (? IS NULL OR seq ${isAscending ? ">" : "<"} ?) ORDER BY seq ${isAscending ? "ASC" : "DESC"} LIMIT ?`,
        Date.now(),
        purpose,
        purpose,
        from?.seq ?? null,
        from?.seq ?? null,
        limit + 1,
      )
      .toArray();
    return { items: rows.slice(0, limit).map((row) => this.#recordOf(row)), hasMore: rows.length > limit };
  }

  /** Null: there is no such part any more. */
  async read(id: string, part: number): Promise<Uint8Array | null> {
    const [row] = this.#sql
      .exec<{ sealed: number; data: ArrayBuffer | null }>(
        `SELECT sealed, data FROM part WHERE file = ? AND part = ?`,
        id,
        part,
      )
      .toArray();
    if (row === undefined) return null;
    const bytes = row.data === null ? await this.#fetched(id, part) : new Uint8Array(row.data);
    if (bytes === null || row.sealed === 0) return bytes;
    return this.#parts.sealer.openBytes(bytes, ["part", id, part]);
  }

  /** Nobody sees it from now on; its bytes go soon. */
  forget(id: string): "ok" | "unknown" {
    const row = this.#row(id);
    if (row === null || row.state === "gone") return "unknown";
    this.#bytes -= row.bytes;
    this.#sql.exec(`UPDATE file SET state = 'gone', name = NULL WHERE id = ?`, id);
    return "ok";
  }

  /** What is over, and what an upload left that came to no end, is gone. `isUsed`: a batch is not done with it. */
  expire(isUsed: (id: string) => boolean): void {
    const now = Date.now();
    const over = `SELECT id FROM file WHERE (state = 'ready' AND expires_ms <= ?) OR (state = 'writing' AND touched_ms <= ?)`;
    for (const { id } of this.#sql.exec<{ id: string }>(over, now, now - UPLOAD_DEAD_MS).toArray()) {
      if (!isUsed(id)) this.forget(id);
    }
  }

  /** Deletes the parts of what is gone; what the bucket refuses stays for the next time. */
  async clear(): Promise<void> {
    const ids = this.#sql.exec<{ id: string }>(`SELECT id FROM file WHERE state = 'gone'`).toArray();
    for (const { id } of ids) await this.#clearOne(id);
  }

  /** When a file is over next; null: none will be. */
  get nextMs(): number | null {
    const sql = `SELECT MIN(expires_ms) AS next FROM file WHERE state = 'ready' AND expires_ms IS NOT NULL`;
    const { next } = this.#sql.exec<{ next: number | null }>(sql).one();
    const [open] = this.#sql.exec(`SELECT 1 FROM file WHERE state <> 'ready' LIMIT 1`).toArray();
    const soon = open === undefined ? null : Date.now() + UPLOAD_DEAD_MS;
    return next === null || soon === null ? (next ?? soon) : Math.min(next, soon);
  }

  /** How many files there were. Whoever erases deletes all rows after it. */
  async eraseBucket(): Promise<number> {
    const { files } = this.#sql
      .exec<{ files: number }>(`SELECT COUNT(*) AS files FROM file WHERE state = 'ready'`)
      .one();
    this.#sql.exec(`UPDATE file SET state = 'gone', name = NULL`);
    this.#bytes = 0;
    await this.clear();
    const [left] = this.#sql.exec(`SELECT 1 FROM part LIMIT 1`).toArray();
    if (left !== undefined) throw new Error("parts of files could not be deleted from the bucket");
    return files;
  }

  async #clearOne(id: string): Promise<void> {
    const { bucket } = this.#parts;
    for (;;) {
      const rows = this.#sql
        .exec<{ part: number; here: number }>(
          `SELECT part, data IS NOT NULL AS here FROM part WHERE file = ? ORDER BY part LIMIT ?`,
          id,
          DELETED_AT_ONCE_MAX,
        )
        .toArray();
      const last = rows.at(-1);
      if (last === undefined) break;
      const apart = rows.filter(({ here }) => here === 0).map(({ part }) => this.#key(id, part));
      if (apart.length > 0) {
        if (bucket === null) return;
        try {
          await bucket.delete(apart);
        } catch (error) {
          console.error("parts of a file could not be deleted", id, error);
          return;
        }
      }
      this.#sql.exec(`DELETE FROM part WHERE file = ? AND part <= ?`, id, last.part);
    }
    this.#sql.exec(`DELETE FROM file WHERE id = ? AND state = 'gone'`, id);
  }

  async #fetched(id: string, part: number): Promise<Uint8Array | null> {
    const object = await this.#parts.bucket?.get(this.#key(id, part));
    return object === null || object === undefined ? null : object.bytes();
  }

  #key(id: string, part: number): string {
    return `files/${this.#parts.prefix}/${id}/${part}`;
  }

  #row(id: string): FileRow | null {
    return this.#sql.exec<FileRow>(`SELECT * FROM file WHERE id = ?`, id).toArray()[0] ?? null;
  }

  #recordOf({
    id,
    purpose,
    bytes,
    parts,
    created_ms: createdAtMs,
    expires_ms: expiresAtMs,
    name,
  }: FileRow): FileRecord {
    const filename = name === null ? "" : this.#parts.sealer.open(name, ["name", id]);
    return { id, filename, purpose, bytes, parts, createdAtMs, expiresAtMs };
  }
}

const isOver = ({ expires_ms: expiresMs }: FileRow): boolean => expiresMs !== null && expiresMs <= Date.now();
