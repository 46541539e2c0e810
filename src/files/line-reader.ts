/**
 * Reads a file of lines from any place in it, one line at a time, over parts that are fetched one at a time.
 *
 * Model. A line ends at LF, or at CRLF, or with the file; a byte order mark at the file's head is no part of the first. A
 * line beyond the bound is passed over, and said to be: its bytes are not held.
 */
import { joined } from "../lib/bytes.ts";

const [LF, CR] = [10, 13];
const MARK = Uint8Array.of(0xef, 0xbb, 0xbf);

export type LineSource = {
  readonly bytes: number;
  /** Of each part but the last. */
  readonly partBytes: number;
  /** Null: the file is gone. */
  part(index: number): Promise<Uint8Array | null>;
};

export type ReadLine = {
  /** Where the line after it begins. */
  readonly next: number;
  /** Without what ends it; null: it is longer than the bound. */
  readonly bytes: Uint8Array | null;
};

export class LineReader {
  readonly #source: LineSource;
  readonly #lineBytesMax: number;
  /** The part that was fetched last. */
  #held: { readonly index: number; readonly bytes: Uint8Array } | null = null;

  constructor(source: LineSource, lineBytesMax: number) {
    this.#source = source;
    this.#lineBytesMax = lineBytesMax;
  }

  /** The line that begins at `offset`; null: the file has ended there; `gone`: it is not there any more. */
  async lineAt(offset: number): Promise<ReadLine | null | "gone"> {
    if (offset >= this.#source.bytes) return null;
    const pieces: Uint8Array[] = [];
    let [length, at] = [0, offset];
    for (let isEnd = false; !isEnd && at < this.#source.bytes;) {
      const piece = await this.#bytesFrom(at);
      if (piece === null || piece.byteLength === 0) return "gone";
      const end = piece.indexOf(LF);
      isEnd = end !== -1;
      const taken = isEnd ? piece.subarray(0, end) : piece;
      length += taken.byteLength;
      at += taken.byteLength + (isEnd ? 1 : 0);
      // Room for what is taken off below.
      if (length <= this.#lineBytesMax + MARK.byteLength + 1) pieces.push(taken);
    }
    if (length > this.#lineBytesMax + MARK.byteLength + 1) return { next: at, bytes: null };
    const bytes = trimmed(joined(pieces), offset === 0);
    return { next: at, bytes: bytes.byteLength > this.#lineBytesMax ? null : bytes };
  }

  async #bytesFrom(offset: number): Promise<Uint8Array | null> {
    const index = Math.floor(offset / this.#source.partBytes);
    if (this.#held?.index !== index) {
      const bytes = await this.#source.part(index);
      if (bytes === null) return null;
      this.#held = { index, bytes };
    }
    return this.#held.bytes.subarray(offset - index * this.#source.partBytes);
  }
}

function trimmed(line: Uint8Array, isFirst: boolean): Uint8Array {
  const hasMark = isFirst && MARK.every((byte, at) => line[at] === byte);
  const from = hasMark ? MARK.byteLength : 0;
  return line.subarray(from, line.at(-1) === CR ? Math.max(from, line.byteLength - 1) : line.byteLength);
}
