/**
 * Decides which pool of a split serves a key: its share of all keys is its share of the weights, and a key stays where it is.
 *
 * Model. Weighted rendezvous: each pool draws a number from the key's and its own hash, `-ln(u) / weight`, and the least
 * wins. So every isolate decides alike and remembers nothing, the shares are exact but for the noise of the draw, and a
 * change of weights moves only the keys that the pools with more weight have won: from 95:5 to 90:10 about 5.3 of 100.
 * Source: docs/reference/sources.md, Traffic between pools.
 * Rejected: intervals of one hash, where the pools behind the changed one move as well; a counter, which no two isolates
 * share and which breaks conversations.
 */
import { keyedHash } from "../../lib/keyed-hash.ts";
import type { HashKey } from "../../lib/keyed-hash.ts";

export type Side = { readonly poolId: string; readonly weight: number };

/** 13 hex digits are 52 bits: as many as a fraction holds. */
const DIGITS = 13;
const RANGE = 2 ** (DIGITS * 4);

/** Null: no pool has a weight. */
export function sideOf<One extends Side>(sides: readonly One[], key: string, secret: HashKey): One | null {
  let best: One | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const side of sides) {
    if (side.weight <= 0) continue;
    const drawn = Number.parseInt(keyedHash(secret, `x ${side.poolId} ${key}`).slice(0, DIGITS), 16);
    // Never 0 nor 1: neither has a logarithm that can be compared.
    const score = -Math.log((drawn + 0.5) / RANGE) / side.weight;
    if (score >= least) continue;
    least = score;
    best = side;
  }
  return best;
}

/** Its share of all keys, 0 to 1. */
export function shareOf(sides: readonly Side[], poolId: string): number {
  const all = sides.reduce((sum, { weight }) => sum + weight, 0);
  const own = sides.find((side) => side.poolId === poolId)?.weight ?? 0;
  return all === 0 ? 0 : own / all;
}
