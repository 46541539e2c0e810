/**
 * Inputs and outputs that do not fit a job's row: in R2 where the binding JOB_BLOBS is, else in rows of their own, cut
 * into parts. Keys begin with the queue's name and the job's id, so that all of a job goes at once, and a lifecycle
 * rule of the bucket can clear what a crash left behind.
 *
 * Parts lie in the object's own SQLite, so a self-hosted router has nothing more to run or to back up, and a deletion
 * is one with its job's. Rejected: workerd's disk service, which is a second store without transactions.
 */
import type { StoredValue } from "../core/job-state.ts";
import type { Job } from "../core/job.ts";
import { BLOB_BYTES_MAX, BLOB_PART_BYTES, OUTPUT_ROW_BYTES_MAX, utf8Bytes } from "./bounds.ts";

export class Blobs {
  readonly #bucket: R2Bucket | null;
  readonly #sql: SqlStorage;
  readonly #prefix: string;

  constructor(bucket: R2Bucket | null, sql: SqlStorage, queueName: string) {
    this.#bucket = bucket;
    this.#sql = sql;
    this.#prefix = queueName;
  }

  inputKey(jobId: string): string {
    return `${this.#prefix}/${jobId}/input`;
  }

  /** Rows are written in this turn; `text` has at most `BLOB_BYTES_MAX`. */
  async put(key: string, text: string): Promise<void> {
    if (this.#bucket !== null) {
      await this.#bucket.put(key, text);
      return;
    }
    const bytes = new TextEncoder().encode(text);
    for (let part = 0; part * BLOB_PART_BYTES < bytes.byteLength; part++) {
      const data = bytes.slice(part * BLOB_PART_BYTES, (part + 1) * BLOB_PART_BYTES);
      this.#sql.exec(`INSERT OR REPLACE INTO blob (key, part, data) VALUES (?, ?, ?)`, key, part, data.buffer);
    }
  }

  /** A bucket may have been bound, or taken away, since: rows are looked at first. */
  async get(key: string): Promise<string | null> {
    const rows = this.#sql.exec<{ data: ArrayBuffer }>(`SELECT data FROM blob WHERE key = ? ORDER BY part`, key);
    const decoder = new TextDecoder();
    let text = "";
    let isFound = false;
    for (const { data } of rows) {
      isFound = true;
      text += decoder.decode(data, { stream: true });
    }
    if (isFound) return text + decoder.decode();
    const object = (await this.#bucket?.get(key)) ?? null;
    return object === null ? null : object.text();
  }

  /** All that a job left, its `keys` in R2 among it. Never rejects: what stays behind there is the lifecycle rule's. */
  async forget(jobId: string, keys: readonly string[]): Promise<void> {
    // "0" is the character after "/".
    const of = `${this.#prefix}/${jobId}`;
    this.#sql.exec(`DELETE FROM blob WHERE key > ? AND key < ?`, `${of}/`, `${of}0`);
    if (this.#bucket === null || keys.length === 0) return;
    try {
      await this.#bucket.delete([...keys]);
    } catch (error) {
      console.error("blobs that could not be deleted", keys, error);
    }
  }

  /** All that this job left, wherever it lies. */
  async forgetJob({ id, output }: Job): Promise<void> {
    const keys = output?.kind === "object" ? [output.key] : [];
    return this.forget(id, [...keys, this.inputKey(id)]);
  }

  /** Keeps an output: inline, apart, or null when it is larger than `BLOB_BYTES_MAX`. */
  async store(jobId: string, token: number, json: string): Promise<StoredValue | null> {
    const bytes = utf8Bytes(json);
    if (bytes <= OUTPUT_ROW_BYTES_MAX) return { kind: "inline", json };
    if (bytes > BLOB_BYTES_MAX) return null;
    const key = `${this.#prefix}/${jobId}/output-${token}`;
    await this.put(key, json);
    return { kind: "object", key, bytes };
  }

  async load(value: StoredValue | null): Promise<string | null> {
    if (value === null) return null;
    return value.kind === "inline" ? value.json : this.get(value.key);
  }
}
