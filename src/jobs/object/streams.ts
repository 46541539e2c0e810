/**
 * Reads of a job's chunks: from disk, then from memory, then a wait for the next one.
 *
 * An attempt that is repeated begins its chunks anew. A reader with a cursor of its own is told (`reset`). One that
 * drains, in Runpod's form, has no word for it: what it was given binds the job to that attempt (`shown`), so that what
 * it reads in all is one attempt's. Where it goes on is on disk: after a restart it would else read everything again.
 */
import { isTerminal } from "../core/job.ts";
import { DRAIN_SEQ } from "../core/messages.ts";
import type { JobChunk, StreamPage } from "../core/messages.ts";
import { isStorageFull } from "../core/storage-full.ts";
import { mayStore } from "./full-mark.ts";
import { CHUNKS_PER_ATTEMPT, CURSORS_MAX, PAGE_BYTES_MAX } from "./bounds.ts";
import type { JobRow } from "./job-row.ts";
import type { Ledger } from "./ledger.ts";
import { Patience } from "./waiters.ts";
import type { Waiters } from "./waiters.ts";

/** Rows of chunks looked at for one page: more than fill it. */
const CHUNK_ROWS_MAX = 64;

export class Streams {
  readonly #ledger: Ledger;
  readonly #waiters: Waiters;
  /** Where reads that drain go on. */
  readonly #cursors = new Map<string, number>();

  constructor(ledger: Ledger, waiters: Waiters) {
    this.#ledger = ledger;
    this.#waiters = waiters;
  }

  async read(
    find: () => JobRow | null,
    jobId: string,
    { fromSeq, waitMs }: { readonly fromSeq: number; readonly waitMs: number },
  ): Promise<StreamPage | null> {
    const drains = fromSeq === DRAIN_SEQ;
    const patience = new Patience(waitMs);
    try {
      for (;;) {
        const row = find();
        if (row === null) return null;
        const page = this.#page(row, drains ? this.#cursor(jobId) : fromSeq);
        const isNews = page.chunks.length > 0 || page.isEnd || (page.reset !== undefined && !drains);
        if (isNews || patience.over) {
          if (drains && page.chunks.length > 0) this.#drained(row, page.nextSeq);
          return page;
        }
        await this.#waiters.until(`job:${jobId}`, patience);
      }
    } finally {
      patience.end();
    }
  }

  forget(jobId: string): void {
    this.#cursors.delete(jobId);
  }

  #page({ job }: JobRow, fromSeq: number): StreamPage {
    const chunks: JobChunk[] = [];
    let length = 0;
    let isWhole = true;
    for (const chunk of this.#chunks(job.id, fromSeq)) {
      if (chunks.length > 0 && length + chunk.data.length > PAGE_BYTES_MAX) {
        isWhole = false;
        break;
      }
      chunks.push(chunk);
      length += chunk.data.length;
    }
    const isWaiting = job.state === "queued" || job.state === "retrying";
    const firstSeq = (job.token + (isWaiting ? 1 : 0)) * CHUNKS_PER_ATTEMPT;
    const isReset = fromSeq > 0 && fromSeq < firstSeq;
    const nextSeq = (chunks.at(-1)?.seq ?? Math.max(fromSeq, isReset ? firstSeq : 0) - 1) + 1;
    const reset = isReset ? { reset: { attempt: job.attempts + (isWaiting ? 1 : 0), firstSeq } } : {};
    return { status: job.state, chunks, nextSeq, isEnd: isWhole && isTerminal(job.state), ...reset };
  }

  #cursor(jobId: string): number {
    return this.#cursors.get(jobId) ?? this.#ledger.store.cursor(jobId) ?? 0;
  }

  *#chunks(jobId: string, fromSeq: number): Generator<JobChunk> {
    let from = fromSeq;
    for (;;) {
      const rows = this.#ledger.store.readChunks(jobId, from, CHUNK_ROWS_MAX);
      for (const { seq, data } of rows) {
        for (const [at, text] of (JSON.parse(data) as readonly string[]).entries()) {
          if (seq + at < from) continue;
          yield { seq: seq + at, data: text };
          from = seq + at + 1;
        }
      }
      if (rows.length < CHUNK_ROWS_MAX) break;
    }
    yield* this.#ledger.running.get(jobId)?.chunks.unsaved(from) ?? [];
  }

  #drained({ job }: JobRow, nextSeq: number): void {
    this.#move(job.id, nextSeq);
    if (!mayStore(Date.now())) return;
    try {
      this.#ledger.store.saveCursor(job.id, nextSeq);
      if (job.lease !== null) this.#ledger.applyTo(job.id, [{ kind: "shown", token: job.lease.token }]);
    } catch (error) {
      // What is stored can be read, also where nothing more can be.
      if (!isStorageFull(error)) throw error;
    }
  }

  #move(jobId: string, nextSeq: number): void {
    const oldest = this.#cursors.keys().next();
    if (this.#cursors.size >= CURSORS_MAX && oldest.done !== true) this.#cursors.delete(oldest.value);
    this.#cursors.set(jobId, nextSeq);
  }
}
