/**
 * What of a stream is on disk: its row, and its events in batches, each of which is one row. Beyond the bound of bytes the
 * oldest batches go; the newest stays whatever its length.
 */
import type { AnswerProtocol } from "../../dispatch/core/answer-protocol.ts";
import { joined } from "../../lib/bytes.ts";

export type StreamRow = {
  readonly name: string;
  readonly owner: string;
  readonly protocol: AnswerProtocol | null;
  readonly isOver: boolean;
  /** It was running, and nobody reads it any more. Not stored. */
  readonly isLost?: boolean;
};

const ROW = "stream";
const BATCH = "batch:";

/** Batches that are read at once: a few MB. */
const BATCHES_READ = 64;

type Batch = { readonly key: string; readonly bytes: number };

export class StreamDisk {
  readonly #storage: DurableObjectStorage;
  #batches: Batch[] = [];
  #bytes = 0;
  #next = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  async begin(row: StreamRow, forgetAtMs: number): Promise<void> {
    await Promise.all([this.#storage.put(ROW, row), this.#storage.setAlarm(forgetAtMs)]);
  }

  async end(row: StreamRow, forgetAtMs: number): Promise<void> {
    await Promise.all([this.#storage.put(ROW, row), this.#storage.setAlarm(forgetAtMs)]);
  }

  async write(pieces: readonly Uint8Array[], bytesMax: number): Promise<void> {
    const bytes = joined(pieces);
    const key = BATCH + String(this.#next).padStart(9, "0");
    this.#next += 1;
    this.#batches.push({ key, bytes: bytes.byteLength });
    this.#bytes += bytes.byteLength;
    const gone: string[] = [];
    while (this.#bytes > bytesMax && this.#batches.length > 1) {
      const oldest = this.#batches.shift();
      this.#bytes -= oldest?.bytes ?? 0;
      gone.push(oldest?.key ?? "");
    }
    await Promise.all([this.#storage.put(key, bytes), ...(gone.length === 0 ? [] : [this.#storage.delete(gone)])]);
  }

  /** Null: there is none. */
  async read(): Promise<{ readonly row: StreamRow; readonly text: string } | null> {
    const row = await this.#storage.get<StreamRow>(ROW);
    if (row === undefined) return null;
    const decoder = new TextDecoder();
    let text = "";
    for (let startAfter = BATCH; ;) {
      const found = await this.#storage.list<Uint8Array>({ prefix: BATCH, startAfter, limit: BATCHES_READ });
      for (const [key, bytes] of found) {
        text += decoder.decode(bytes, { stream: true });
        startAfter = key;
      }
      if (found.size < BATCHES_READ) return { row, text };
    }
  }

  async forget(): Promise<void> {
    this.#batches = [];
    await this.#storage.deleteAlarm();
    await this.#storage.deleteAll();
  }
}
