/**
 * Decides what an isolate remembers of sessions and prefixes: where their last requests were answered, for the time when no
 * shard can be asked.
 *
 * Model. Whoever has a key asks the shard, which weighs the cached prompt against everything else: keys come only with
 * prompts long enough for that (`ASK_TOKENS`). While no shard answers, the isolate decides by what it saw itself.
 * Rejected: credits for a key's home, which spare the call and leave the line of prompts unknown to their shard.
 */
import type { AffinityKey, AffinityMatch } from "../shard/affinity.ts";
import type { Settlement } from "../shard-messages.ts";

/** Where a key's last request was answered. */
type Home = { readonly endpointId: string; readonly workerId: string | null; readonly tokens: number };

/** By key; the one used last comes last. Written in place. */
export type Homes = Map<string, Home>;

/** Keys remembered per isolate: at about 150 bytes each they take 600 kB of its 128 MB. */
export const HOMES_MAX = 4_096;

/** What this isolate knows of a key's cached prompt, for a decision without the shard; null: nothing. */
export function homeMatch(homes: Homes, affinity: AffinityKey | null | undefined): AffinityMatch | null {
  const home = affinity === null || affinity === undefined ? undefined : homes.get(affinity.key);
  return home === undefined ? null : { heat: 1, tokensByEndpoint: new Map([[home.endpointId, home.tokens]]) };
}

/** An attempt under a key has ended: where it was answered is its home, and where it failed no longer is. */
export function noteHome(homes: Homes, settlement: Settlement): void {
  const { affinity, endpointId, workerId = null, outcome, answer } = settlement;
  if (answer !== undefined) setHome(homes, answer.key, { endpointId, workerId, tokens: answer.tokens });
  if (affinity === null || affinity === undefined || outcome === "unused") return;
  const isAnswered = outcome === "served" || outcome === "cancelled";
  if (!isAnswered) {
    if (homes.get(affinity.key)?.endpointId === endpointId) homes.delete(affinity.key);
    return;
  }
  setHome(homes, affinity.key, { endpointId, workerId, tokens: affinity.tokens });
}

function setHome(homes: Homes, key: string, home: Home): void {
  homes.delete(key);
  homes.set(key, home);
  if (homes.size <= HOMES_MAX) return;
  const oldest = homes.keys().next();
  if (oldest.done !== true) homes.delete(oldest.value);
}
