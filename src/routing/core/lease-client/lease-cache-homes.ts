/**
 * Decides whether a request with a session or prefix key may spend a credit, from where this isolate last saw the key.
 *
 * Model. A credit is for one endpoint, chosen before the request was known. A request without a key spends any. One whose
 * key was answered for this isolate before spends a credit for that same endpoint, and asks the shard otherwise: the shard
 * weighs the cached prompt against everything else. An unknown session asks, because another isolate may have served it;
 * an unknown prefix spends any, because most of them are new. Keys come only with prompts long enough that the discount
 * can outweigh a call to the shard, so credits keep serving all others. Rejected: asking for every keyed request, which
 * makes credits useless in a pool whose prompts all begin alike.
 */
import type { AffinityKey, AffinityMatch } from "../shard/affinity.ts";
import type { Settlement } from "../shard-messages.ts";

/** Where a key's last request was answered. */
export type Home = { readonly endpointId: string; readonly workerId: string | null; readonly tokens: number };

/** By key; the one used last comes last. Written in place. */
export type Homes = Map<string, Home>;

/** Keys remembered per isolate: at about 150 bytes each they take 600 kB of its 128 MB. */
export const HOMES_MAX = 4_096;

export type CreditRule =
  /** Any credit will do. */
  | { readonly kind: "any" }
  /** Only one for the key's home. */
  | { readonly kind: "home"; readonly home: Home }
  /** Ask the shard. */
  | { readonly kind: "none" };

export function creditRule(homes: Homes, affinity: AffinityKey | null | undefined): CreditRule {
  if (affinity === null || affinity === undefined) return ANY;
  const home = homes.get(affinity.key);
  if (home !== undefined) return { kind: "home", home };
  return affinity.kind === "prefix" ? ANY : NONE;
}

const ANY: CreditRule = { kind: "any" };
const NONE: CreditRule = { kind: "none" };

/** What this isolate knows of a key's cached prompt, for a decision without the shard; null: nothing. */
export function homeMatch(homes: Homes, affinity: AffinityKey | null | undefined): AffinityMatch | null {
  const home = affinity === null || affinity === undefined ? undefined : homes.get(affinity.key);
  return home === undefined ? null : { heat: 1, tokensByEndpoint: new Map([[home.endpointId, home.tokens]]) };
}

/** An attempt under a key has ended: where it was answered is its home, and where it failed no longer is. */
export function noteHome(homes: Homes, { affinity, endpointId, workerId = null, outcome }: Settlement): void {
  if (affinity === null || affinity === undefined || outcome === "unused") return;
  const isAnswered = outcome === "served" || outcome === "cancelled";
  if (!isAnswered) {
    if (homes.get(affinity.key)?.endpointId === endpointId) homes.delete(affinity.key);
    return;
  }
  homes.delete(affinity.key);
  homes.set(affinity.key, { endpointId, workerId, tokens: affinity.tokens });
  if (homes.size <= HOMES_MAX) return;
  const oldest = homes.keys().next();
  if (oldest.done !== true) homes.delete(oldest.value);
}
