/** Reads of a job's chunks: from disk, then from memory, then a wait for the next one. */
import { isTerminal } from "../core/jobs/job.ts";
import { DRAIN_SEQ } from "../core/jobs/messages.ts";
import type { JobChunk, StreamPage } from "../core/jobs/messages.ts";
import { CURSORS_MAX, PAGE_BYTES_MAX } from "./bounds.ts";
import type { JobRow } from "./job-store.ts";
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
        const page = this.#page(row, drains ? (this.#cursors.get(jobId) ?? 0) : fromSeq);
        if (page.chunks.length > 0 || page.isEnd || patience.over) {
          if (drains) this.#move(jobId, page.nextSeq);
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
    const nextSeq = (chunks.at(-1)?.seq ?? fromSeq - 1) + 1;
    return { status: job.state, chunks, nextSeq, isEnd: isWhole && isTerminal(job.state) };
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

  #move(jobId: string, nextSeq: number): void {
    const oldest = this.#cursors.keys().next();
    if (this.#cursors.size >= CURSORS_MAX && oldest.done !== true) this.#cursors.delete(oldest.value);
    this.#cursors.set(jobId, nextSeq);
  }
}
