/**
 * The chunks of one attempt: in memory while it runs, on disk at its end or when memory is full.
 *
 * A chunk's number is made of the attempt's token and its place, so it rises over attempts without a counter to keep.
 * Chunks of an attempt that is run anew are void, so a crash may lose those of a pushed attempt: it is run anew. A
 * pulling GPU worker goes on over a restart of the object, so what it sends is written at once (`save`).
 */
import type { JobChunk } from "../core/messages.ts";
import { CHUNK_ROW_BYTES, CHUNKS_BYTES_MAX, CHUNKS_PER_ATTEMPT } from "./bounds.ts";
import type { JobStore } from "./job-store.ts";

export class ChunkLog {
  readonly #store: JobStore;
  readonly #jobId: string;
  #unsaved: string[] = [];
  #unsavedLength = 0;
  #totalLength = 0;
  #nextSeq: number;

  constructor(store: JobStore, jobId: string, token: number) {
    this.#store = store;
    this.#jobId = jobId;
    this.#nextSeq = token * CHUNKS_PER_ATTEMPT;
    const last = store.lastChunk(jobId);
    if (last !== null && last >= this.#nextSeq) this.#nextSeq = last + 1;
  }

  /** Characters of all that came. */
  get length(): number {
    return this.#totalLength;
  }

  /** False: there is no room for more. */
  add(data: string): boolean {
    this.#totalLength += data.length;
    if (this.#totalLength > CHUNKS_BYTES_MAX || (this.#nextSeq + 1) % CHUNKS_PER_ATTEMPT === 0) return false;
    if (this.#unsavedLength + data.length > CHUNK_ROW_BYTES) this.save();
    this.#unsaved.push(data);
    this.#unsavedLength += data.length;
    this.#nextSeq += 1;
    return true;
  }

  save(): void {
    if (this.#unsaved.length === 0) return;
    this.#store.saveChunks(this.#jobId, this.#nextSeq - this.#unsaved.length, this.#unsaved);
    this.#unsaved = [];
    this.#unsavedLength = 0;
  }

  clear(): void {
    this.#unsaved = [];
    this.#unsavedLength = 0;
  }

  /** What is not on disk, at or after `fromSeq`. */
  unsaved(fromSeq: number): JobChunk[] {
    const base = this.#nextSeq - this.#unsaved.length;
    return this.#unsaved.map((data, at) => ({ seq: base + at, data })).filter(({ seq }) => seq >= fromSeq);
  }
}
