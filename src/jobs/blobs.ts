/**
 * Inputs and outputs that do not fit a row: in R2 where the binding JOB_BLOBS is, nowhere otherwise. Keys begin with the
 * queue's name and the job's id, so that a lifecycle rule of the bucket can clear what a crash left behind.
 */
import type { StoredValue } from "../core/jobs/job.ts";
import { BLOB_BYTES_MAX, OUTPUT_ROW_BYTES_MAX, utf8Bytes } from "./bounds.ts";

export class Blobs {
  readonly #bucket: R2Bucket | null;
  readonly #prefix: string;

  constructor(bucket: R2Bucket | null, queueName: string) {
    this.#bucket = bucket;
    this.#prefix = queueName;
  }

  /** Most bytes of one value, with the row's own limit where there is no bucket. */
  bytesMax(rowBytesMax: number): number {
    return this.#bucket === null ? rowBytesMax : BLOB_BYTES_MAX;
  }

  inputKey(jobId: string): string {
    return `${this.#prefix}/${jobId}/input`;
  }

  async put(key: string, text: string): Promise<void> {
    await this.#bucket?.put(key, text);
  }

  async get(key: string): Promise<string | null> {
    const found = (await this.#bucket?.get(key)) ?? null;
    return found === null ? null : found.text();
  }

  /** Never rejects: what stays behind is the lifecycle rule's. */
  async delete(keys: readonly string[]): Promise<void> {
    if (this.#bucket === null || keys.length === 0) return;
    try {
      await this.#bucket.delete([...keys]);
    } catch (error) {
      console.error("blobs that could not be deleted", keys, error);
    }
  }

  /** Keeps an output: inline, in R2, or null when it fits neither. */
  async store(jobId: string, token: number, json: string): Promise<StoredValue | null> {
    const bytes = utf8Bytes(json);
    if (bytes <= OUTPUT_ROW_BYTES_MAX) return { kind: "inline", json };
    if (this.#bucket === null || bytes > BLOB_BYTES_MAX) return null;
    const key = `${this.#prefix}/${jobId}/output-${token}`;
    await this.#bucket.put(key, json);
    return { kind: "object", key, bytes };
  }

  async load(value: StoredValue | null): Promise<string | null> {
    if (value === null) return null;
    return value.kind === "inline" ? value.json : this.get(value.key);
  }
}
