/** Sets by key, without empty ones: what is counted in a shard is the size of one of these. */
import { invariant } from "../../../lib/invariant.ts";

export function addTo<Key, One>(index: Map<Key, Set<One>>, key: Key, one: One): void {
  const all = index.get(key);
  if (all === undefined) index.set(key, new Set([one]));
  else all.add(one);
}

export function removeFrom<Key, One>(index: Map<Key, Set<One>>, key: Key, one: One): void {
  const all = index.get(key);
  invariant(all !== undefined && all.delete(one), "an indexed lease is in its index");
  if (all.size === 0) index.delete(key);
}
