/**
 * How the weights of the injection model are kept in a source file: base64 of pairs of bytes, how many features without
 * a weight lie before one that has one, and its weight, signed. Nine in ten features have none.
 * Rejected: a bit for each feature, which costs more from one in eight features without a weight on.
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

/** A gap of so many features and more is written in several bytes; this one has no weight behind it. */
const GAP_MAX = 255;

export function unpackWeights(base64: string): Int8Array {
  const bytes = decodeBase64(base64, base64.length);
  const weights = new Int8Array(FEATURES);
  let feature = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const gap = bytes[at] ?? 0;
    feature += gap;
    if (gap === GAP_MAX) continue;
    at += 1;
    weights[feature] = bytes[at] ?? 0;
    feature += 1;
  }
  return weights;
}

/** What `unpackWeights` reads. */
export function packedBytes(weights: Int8Array): Uint8Array {
  const bytes: number[] = [];
  let gap = 0;
  for (const weight of weights) {
    if (weight === 0) {
      gap += 1;
      continue;
    }
    for (; gap >= GAP_MAX; gap -= GAP_MAX) bytes.push(GAP_MAX);
    bytes.push(gap, weight & 255);
    gap = 0;
  }
  return Uint8Array.from(bytes);
}
