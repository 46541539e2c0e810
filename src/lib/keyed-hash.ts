/**
 * Decides the keyed hash of a short text: SipHash-2-4, 64 bits, over the text's UTF-16 code units in little-endian
 * order.
 *
 * Model. For names that must be equal for equal texts and not be computable without the key, inside one decision of a
 * few µs: 1,024 characters take 3 to 4 µs. 64-bit words are pairs of 32-bit halves, which engines keep in registers.
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), with its test vectors.
 * Rejected: HMAC-SHA-256 through the platform, which is asynchronous and takes longer than the routing decision;
 * BigInt, which is fifty times slower. For credentials it is too short: those are HMACs (`api-keys.ts`).
 */

/** 128 bits: low and high half of the first, then of the second word. */
export type HashKey = readonly [number, number, number, number];

const COMPRESSION_ROUNDS = 2;
const FINAL_ROUNDS = 4;
const WORD_MAX = 0xffff_ffff;

/** 16 hex digits. One function, so that the state stays in local variables. */
export function keyedHash([k0Low, k0High, k1Low, k1High]: HashKey, text: string): string {
  let v0Low = k0Low ^ 0x70736575;
  let v0High = k0High ^ 0x736f6d65;
  let v1Low = k1Low ^ 0x6e646f6d;
  let v1High = k1High ^ 0x646f7261;
  let v2Low = k0Low ^ 0x6e657261;
  let v2High = k0High ^ 0x6c796765;
  let v3Low = k1Low ^ 0x79746573;
  let v3High = k1High ^ 0x74656462;
  // Four code units are a word; the last word has what is left of the text, and its bytes modulo 256 in the highest
  // byte.
  const words = Math.floor(text.length / 4) + 1;
  for (let word = 0; word <= words; word += 1) {
    const isFinal = word === words;
    const at = word * 4;
    let mLow = 0;
    let mHigh = 0;
    if (at + 4 <= text.length) {
      mLow = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16);
      mHigh = text.charCodeAt(at + 2) | (text.charCodeAt(at + 3) << 16);
    } else if (!isFinal) {
      // Beyond the end charCodeAt is NaN, which counts as 0 in a shift and in an or.
      mLow = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16);
      mHigh = text.charCodeAt(at + 2) | (((text.length * 2) & 0xff) << 24);
    }
    if (isFinal) v2Low ^= 0xff;
    v3Low ^= mLow;
    v3High ^= mHigh;
    for (let round = isFinal ? FINAL_ROUNDS : COMPRESSION_ROUNDS; round > 0; round -= 1) {
      let sum = (v0Low >>> 0) + (v1Low >>> 0);
      v0High = (v0High + v1High + (sum > WORD_MAX ? 1 : 0)) | 0;
      v0Low = sum | 0;
      let low = ((v1Low << 13) | (v1High >>> 19)) ^ v0Low;
      v1High = ((v1High << 13) | (v1Low >>> 19)) ^ v0High;
      v1Low = low;
      low = v0High;
      v0High = v0Low;
      v0Low = low;
      sum = (v2Low >>> 0) + (v3Low >>> 0);
      v2High = (v2High + v3High + (sum > WORD_MAX ? 1 : 0)) | 0;
      v2Low = sum | 0;
      low = ((v3Low << 16) | (v3High >>> 16)) ^ v2Low;
      v3High = ((v3High << 16) | (v3Low >>> 16)) ^ v2High;
      v3Low = low;
      sum = (v0Low >>> 0) + (v3Low >>> 0);
      v0High = (v0High + v3High + (sum > WORD_MAX ? 1 : 0)) | 0;
      v0Low = sum | 0;
      low = ((v3Low << 21) | (v3High >>> 11)) ^ v0Low;
      v3High = ((v3High << 21) | (v3Low >>> 11)) ^ v0High;
      v3Low = low;
      sum = (v2Low >>> 0) + (v1Low >>> 0);
      v2High = (v2High + v1High + (sum > WORD_MAX ? 1 : 0)) | 0;
      v2Low = sum | 0;
      low = ((v1Low << 17) | (v1High >>> 15)) ^ v2Low;
      v1High = ((v1High << 17) | (v1Low >>> 15)) ^ v2High;
      v1Low = low;
      low = v2High;
      v2High = v2Low;
      v2Low = low;
    }
    v0Low ^= mLow;
    v0High ^= mHigh;
  }
  return hex(v0High ^ v1High ^ v2High ^ v3High) + hex(v0Low ^ v1Low ^ v2Low ^ v3Low);
}

const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");

/** Domains under which `hashKeyOf` hashes a secret: any two fixed, different keys do. */
const DERIVATIONS: readonly [HashKey, HashKey] = [
  [1, 0, 0, 0],
  [2, 0, 0, 0],
];

/** A hash key from a secret with at least 128 bits of entropy; every isolate of a deployment derives the same. */
export function hashKeyOf(secret: string): HashKey {
  const [first, second] = DERIVATIONS.map((key) => keyedHash(key, secret));
  const half = (hash: string | undefined, at: number): number =>
    Number.parseInt((hash ?? "").slice(at, at + 8), 16) | 0;
  return [half(first, 0), half(first, 8), half(second, 0), half(second, 8)];
}
