/** Bytes that came in pieces. */

/** One piece is itself, not a copy. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  if (only !== undefined && pieces.length === 1) return only;
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}

/** The bytes as a buffer of their own: no copy where they fill theirs. */
export function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBuffer {
  const isAll = byteOffset === 0 && byteLength === buffer.byteLength;
  return (isAll ? buffer : buffer.slice(byteOffset, byteOffset + byteLength)) as ArrayBuffer;
}
