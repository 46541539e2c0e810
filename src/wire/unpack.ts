/**
 * Unpacks a compressed body within a bound.
 *
 * Model. The platform's decompressor makes all output of a piece of input before anybody reads it: 512 KB of zeros,
 * written at once, fill half a gigabyte of memory. So it gets its input in small pieces, and the next only when the
 * output of the one before has been taken; a piece makes about a thousand times its size at most.
 * Rejected: a bound on the ratio, which refuses honest repetitions and bounds nothing that the size does not; brotli
 * and zstd, which the platform's streams do not have.
 */
import { bufferOf, joined } from "../lib/bytes.ts";
import { err, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { readPieces } from "./read-body.ts";

/** Makes 8 MiB of output at most: deflate packs no more than 1,032 bytes into one. */
const PIECE_BYTES = 8_192;

export async function unpack(
  packed: ArrayBuffer,
  coding: Coding,
  bytesMax: number,
): Promise<Result<ArrayBuffer, "too_large" | "broken_coding">> {
  const { readable, writable } = new DecompressionStream(coding);
  const reader = readable.getReader();
  const writer = writable.getWriter();
  let pieces: readonly Uint8Array[] = [];
  let total = 0;
  const isTooLarge = (): boolean => total > bytesMax;
  const take = async (): Promise<void> => {
    ({ pieces } = await readPieces(reader, bytesMax, (now) => (total = now)));
    // Which fails the writer too: it would wait for a reader.
    if (isTooLarge()) await reader.cancel();
  };
  const feed = async (): Promise<void> => {
    for (let at = 0; at < packed.byteLength; at += PIECE_BYTES) {
      if (isTooLarge()) return;
      await writer.write(new Uint8Array(packed.slice(at, at + PIECE_BYTES)));
      await untilTaken(() => total);
    }
    if (!isTooLarge()) await writer.close();
  };
  let isBroken = false;
  try {
    await Promise.all([take(), feed()]);
  } catch {
    isBroken = true;
    // One of the two has failed; the other must not wait for it.
    await Promise.allSettled([reader.cancel(), writer.abort()]);
  }
  if (isTooLarge()) return err("too_large");
  return isBroken ? err("broken_coding") : ok(bufferOf(joined(pieces)));
}

/** Resolves once a turn of the event loop has brought nothing more. */
async function untilTaken(total: () => number): Promise<void> {
  for (let seen = -1; seen !== total();) {
    seen = total();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

/** The ways to compress a body that the platform can undo. */
export type Coding = "gzip" | "deflate";
