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
import type { Sealer } from "./sealer.ts";
import { BLOB_BYTES_MAX, BLOB_PART_BYTES, OUTPUT_ROW_BYTES_MAX, utf8Bytes } from "./bounds.ts";

/** No name that is not sealed ends so. */
const SEALED = ".sealed";

export class Blobs {
  readonly #bucket: R2Bucket | null;
  readonly #sql: SqlStorage;
  readonly #prefix: string;
  readonly #sealer: Sealer;
  /** Behind the names of what is sealed. */
  readonly #mark: "" | typeof SEALED;

  constructor(bucket: R2Bucket | null, sql: SqlStorage, queueName: string, sealer: Sealer) {
    this.#bucket = bucket;
    this.#sql = sql;
    this.#prefix = queueName;
    this.#sealer = sealer;
    this.#mark = sealer.marks.length === 0 ? "" : SEALED;
  }

  inputKey(jobId: string): string {
    return `${this.#prefix}/${jobId}/input${this.#mark}`;
  }

  /** Under a name of this object. Rows are written in this turn; `text` has at most `BLOB_BYTES_MAX`. */
  async put(key: string, text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    if (this.#bucket !== null) {
      await this.#bucket.put(key, this.#sealed(bytes, key, 0));
      return;
    }
    for (let part = 0; part * BLOB_PART_BYTES < bytes.byteLength; part++) {
      const data = this.#sealed(bytes.slice(part * BLOB_PART_BYTES, (part + 1) * BLOB_PART_BYTES), key, part);
      this.#sql.exec(
        `INSERT OR REPLACE INTO blob (key, part, data) VALUES (?, ?, ?)`,
        key,
        part,
        data.buffer as ArrayBuffer,
      );
    }
  }

  /** A bucket may have been bound, or taken away, since: rows are looked at first. */
  async get(key: string): Promise<string | null> {
    const rows = this.#sql.exec<{ part: number; data: ArrayBuffer }>(
      `SELECT part, data FROM blob WHERE key = ? ORDER BY part`,
      key,
    );
    const decoder = new TextDecoder();
    let text = "";
    let isFound = false;
    for (const { part, data } of rows) {
      isFound = true;
      text += decoder.decode(this.#opened(new Uint8Array(data), key, part), { stream: true });
    }
    if (isFound) return text + decoder.decode();
    const object = (await this.#bucket?.get(key)) ?? null;
    return object === null ? null : new TextDecoder().decode(this.#opened(await object.bytes(), key, 0));
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
    const input = `${this.#prefix}/${id}/input`;
    return this.forget(id, [...keys, input, input + SEALED]);
  }

  /** Keeps an output: inline, apart, or null when it is larger than `BLOB_BYTES_MAX`. */
  async store(jobId: string, token: number, json: string): Promise<StoredValue | null> {
    const bytes = utf8Bytes(json);
    if (bytes <= OUTPUT_ROW_BYTES_MAX) return { kind: "inline", json };
    if (bytes > BLOB_BYTES_MAX) return null;
    const key = `${this.#prefix}/${jobId}/output-${token}${this.#mark}`;
    await this.put(key, json);
    return { kind: "object", key, bytes };
  }

  #sealed(bytes: Uint8Array, key: string, part: number): Uint8Array {
    return key.endsWith(SEALED) ? this.#sealer.sealBytes(bytes, ["blob", key, part]) : bytes;
  }

  #opened(bytes: Uint8Array, key: string, part: number): Uint8Array {
    return key.endsWith(SEALED) ? this.#sealer.openBytes(bytes, ["blob", key, part]) : bytes;
  }

  async load(value: StoredValue | null): Promise<string | null> {
    if (value === null) return null;
    return value.kind === "inline" ? value.json : this.get(value.key);
  }
}
