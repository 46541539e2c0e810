/**
 * How the weights of the injection model are kept in a source file: base64 of one bit for each feature, set
 * where it has a weight, and then one signed byte for each bit that is set. Most features have none, so
 * this is half of the plain table.
 */
import { decodeBase64 } from "../../core/text/base64.ts";
import { FEATURES } from "./injection-scan.ts";

export type PackedWeights = {
  readonly base64: string;
  /** Log odds of one unit of a weight. */
  readonly scale: number;
  /** Log odds of a window without features. */
  readonly bias: number;
};

export function unpackWeights(base64: string): Int8Array {
  const bytes = decodeBase64(base64, base64.length);
  const weights = new Int8Array(FEATURES);
  let next = FEATURES >> 3;
  for (let feature = 0; feature < FEATURES; feature += 1) {
    if ((((bytes[feature >> 3] ?? 0) >> (feature & 7)) & 1) === 0) continue;
    weights[feature] = bytes[next] ?? 0;
    next += 1;
  }
  return weights;
}

/** What `unpackWeights` reads. */
export function packedBytes(weights: Int8Array): Uint8Array {
  const bits = new Uint8Array(FEATURES >> 3);
  for (const [feature, weight] of weights.entries()) {
    if (weight !== 0) bits[feature >> 3] = (bits[feature >> 3] ?? 0) | (1 << (feature & 7));
  }
  return Uint8Array.from([...bits, ...Uint8Array.from(weights.filter((weight) => weight !== 0))]);
}
