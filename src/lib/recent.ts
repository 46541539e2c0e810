/**
 * A map that remembers so many keys, and forgets the one that was used longest ago.
 *
 * Model. The order of the map is that of the last uses, from half of its room on. Below that nobody is about to be
 * forgotten, and to keep the order costs more than all else that is done with a key: each move uses up an entry of the
 * map's table, and a small table is then made anew every few calls.
 */
export function remember<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, most: number): void {
  if (2 * map.size >= most) map.delete(key);
  map.set(key, value);
  if (map.size <= most) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}
