/**
 * The bytes of a form as its client sends them: each is scanned before anybody gets it.
 *
 * Model. Time is counted while the client is waited for, and not while an endpoint takes its time to read: the first is the
 * client's, the second is not. What is refused ends the source for good; the rest is then thrown away within bounds, because
 * a connection that is closed on unread bytes is reset, and the answer is lost with it.
 */
import { joined } from "../lib/bytes.ts";
import { drain } from "../wire/body.ts";
import { endScan, scan } from "../wire/form-scan.ts";
import type { FormScan } from "../wire/form-scan.ts";
import type { Refusal } from "../wire/refusal.ts";
import { BROKEN_OFF, brokenForm, tooLarge, tooSlow } from "./form-problems.ts";

/** Read at once. */
const PIECE_BYTES = 65_536;

export type FormBounds = { readonly bytesMax: number; readonly timeoutMs: number };

export class FormSource {
  readonly form: FormScan;
  readonly #reader: ReadableStreamBYOBReader;
  readonly #bounds: FormBounds;
  #waitedMs = 0;
  #isWaiting = false;
  #isOver = false;
  #spare: ArrayBuffer | null = null;
  /** All that came. */
  bytes = 0;
  problem: Refusal | null = null;

  constructor(body: ReadableStream<Uint8Array>, form: FormScan, bounds: FormBounds) {
    this.#reader = body.getReader({ mode: "byob" });
    this.form = form;
    this.#bounds = bounds;
  }

  get waitsForClient(): boolean {
    return this.#isWaiting;
  }

  /** The next piece; null: there is none, because the form is whole or has a `problem`. */
  async next(): Promise<Uint8Array | null> {
    if (this.#isOver) return null;
    const piece = await this.#read();
    if (piece !== null && this.problem === null) {
      this.bytes += piece.byteLength;
      if (this.bytes > this.#bounds.bytesMax) this.problem = tooLarge(this.#bounds.bytesMax);
    }
    if (this.problem === null) {
      const broken = piece === null ? endScan(this.form) : scan(this.form, piece);
      if (broken !== null) this.problem = brokenForm(broken);
    }
    this.#isOver = piece === null || this.problem !== null;
    return this.#isOver ? null : piece;
  }

  /** A piece that ends outside of every text: what of a text may not be sent is known when it has ended. */
  async nextWhole(): Promise<Uint8Array | null> {
    const pieces: Uint8Array[] = [];
    do {
      const piece = await this.next();
      if (piece === null) return this.problem === null && pieces.length > 0 ? joined(pieces) : null;
      pieces.push(piece);
    } while (this.form.open?.filename === null);
    return joined(pieces);
  }

  /** Nobody looks at it any more: what comes next is read into it, and leaves no garbage behind. */
  reuse({ buffer }: Uint8Array): void {
    if (buffer.byteLength === PIECE_BYTES) this.#spare = buffer as ArrayBuffer;
  }

  /** Throws away what the client still sends. */
  async drain(): Promise<void> {
    this.#isOver = true;
    const reader = this.#reader;
    await drain({ read: async () => reader.read(new Uint8Array(PIECE_BYTES)), cancel: async () => reader.cancel() });
  }

  async #read(): Promise<Uint8Array | null> {
    const { timeoutMs } = this.#bounds;
    const late = Promise.withResolvers<"late">();
    const startedAtMs = Date.now();
    const timer = setTimeout(() => late.resolve("late"), Math.max(0, timeoutMs - this.#waitedMs));
    this.#isWaiting = true;
    const into = new Uint8Array(this.#spare ?? new ArrayBuffer(PIECE_BYTES));
    this.#spare = null;
    try {
      const read = await Promise.race([this.#reader.read(into), late.promise]);
      if (read === "late") {
        this.problem = tooSlow(timeoutMs);
        return null;
      }
      return read.done || read.value === undefined ? null : read.value;
    } catch {
      this.problem = BROKEN_OFF;
      return null;
    } finally {
      this.#isWaiting = false;
      this.#waitedMs += Date.now() - startedAtMs;
      clearTimeout(timer);
    }
  }
}
