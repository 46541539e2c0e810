/**
 * Reads a body within a bound: nobody's answer, and nobody's request, may fill the isolate's memory.
 *
 * Model. One loop, which ends with the body or with the piece that goes beyond the bound. What becomes of the rest is
 * whoever's who asked: most give it up (`readWhole`, `readStart`), the reader of a request takes it in so that the
 * client hears of it, the relay passes it on.
 */
import { joined } from "../lib/bytes.ts";

export type Pieces = {
  readonly pieces: readonly Uint8Array[];
  /** False: they are more than the bound, and the body goes on. */
  readonly isWhole: boolean;
};

/** `onTotal` is told the bytes so far with each piece. Rejects when the body breaks off. */
export async function readPieces(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  bytesMax: number,
  onTotal?: (total: number) => void,
): Promise<Pieces> {
  const pieces: Uint8Array[] = [];
  let total = 0;
  while (total <= bytesMax) {
    const { done, value } = await reader.read();
    if (done) return { pieces, isWhole: true };
    pieces.push(value);
    total += value.byteLength;
    onTotal?.(total);
  }
  return { pieces, isWhole: false };
}

/** Null: it is longer than the bound, and the rest is not read. Rejects when it breaks off. */
export async function readWhole(body: ReadableStream<Uint8Array> | null, bytesMax: number): Promise<Uint8Array | null> {
  const { pieces, isWhole } = await readOrCancel(body, bytesMax);
  return isWhole ? joined(pieces) : null;
}

/** `bytesMax` bytes at most, and the rest is not read. Rejects when it breaks off before that. */
export async function readStart(body: ReadableStream<Uint8Array> | null, bytesMax: number): Promise<Uint8Array> {
  // With the last of them there is enough: nobody waits for one more.
  const { pieces } = await readOrCancel(body, bytesMax - 1);
  return joined(pieces).subarray(0, bytesMax);
}

async function readOrCancel(body: ReadableStream<Uint8Array> | null, bytesMax: number): Promise<Pieces> {
  if (body === null) return { pieces: [], isWhole: true };
  const reader = body.getReader();
  const read = await readPieces(reader, bytesMax);
  if (!read.isWhole) await reader.cancel();
  return read;
}
