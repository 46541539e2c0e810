/**
 * Decides, at the edge, whether an attempt that still waits for its answer is to leave its endpoint.
 *
 * Model. Every answer of a shard names its endpoints that became down or ejected (`shard-leave.ts`), and leases that
 * are to be put back (`shard-put-back.ts`); an attempt that was sent before looks here now and then, and is repeated
 * elsewhere, or in line. An isolate that has not heard of the shard for LEAVE_LOOK_MS asks with an empty report, one at
 * a time, whatever the number of those who wait. Rejected: a call of each attempt, which would cost most when all wait.
 */
import { KEYS_MAX } from "./lease-cache.ts";
import type { HeldLease, LeaseCache } from "./lease-cache.ts";
import type { ReportReply } from "../shard-messages.ts";
import type { PoisonTold } from "../shard/poison.ts";
import { parseShardName } from "../shard-name.ts";

/**
 * How often an attempt that waits looks, and how old the shard's last word may be, ms: a node's end is known in a
 * second.
 */
export const LEAVE_LOOK_MS = 500;

export function noteHeard(
  leaseCache: LeaseCache,
  shard: string,
  { leave = [], putBack = [], poison = [] }: ReportReply = {},
  now: number,
): void {
  const { heard } = leaseCache;
  if (!heard.has(shard) && heard.size >= KEYS_MAX) {
    const oldest = heard.keys().next();
    if (oldest.done !== true) heard.delete(oldest.value);
  }
  heard.set(shard, { atMs: now, leave, putBack, poison, askedAtMs: Number.NEGATIVE_INFINITY });
}

const NOTHING_HEARD = { atMs: Number.NEGATIVE_INFINITY, leave: [], putBack: [], poison: [] };

/** `ask`: the shard is to be asked, with an empty report; nobody else does for LEAVE_LOOK_MS. */
export function leaveStep(
  leaseCache: LeaseCache,
  { shard, leaseId, grant }: HeldLease,
  sentAtMs: number,
  now: number,
): "stay" | "leave" | "put_back" | "ask" {
  const known = leaseCache.heard.get(shard);
  // What was said before it was sent there was known to whoever sent it: it may be the endpoint's trial.
  if (known !== undefined && known.atMs > sentAtMs && known.leave.includes(grant.endpointId)) return "leave";
  if (known?.putBack.includes(leaseId) === true) return "put_back";
  if (known !== undefined && now - Math.max(known.atMs, known.askedAtMs) < LEAVE_LOOK_MS) return "stay";
  if (known === undefined) noteHeard(leaseCache, shard, {}, Number.NEGATIVE_INFINITY);
  leaseCache.heard.set(shard, { ...(leaseCache.heard.get(shard) ?? NOTHING_HEARD), askedAtMs: now });
  return "ask";
}

/** What a shard said of such requests is believed for so long, ms: whoever sends any asks one of the pool's sooner. */
export const POISON_HEARD_MS = 60_000;

/**
 * Requests of the pool that end endpoints: refused for `forMs` from now on, or to be looked out for. The last word counts,
 * whichever shard's it is: they tell each other, and an older word of another one may have been taken back.
 */
export function poisonHeard({ heard }: LeaseCache, pool: string, now: number): readonly PoisonTold[] {
  // Most of the time no shard says anything.
  if (![...heard.values()].some(({ poison: told }) => told.length > 0)) return NOTHING_HEARD.poison;
  let last = { atMs: now - POISON_HEARD_MS, poison: NOTHING_HEARD.poison as readonly PoisonTold[] };
  for (const [shard, word] of heard) if (word.atMs > last.atMs && parseShardName(shard)?.pool === pool) last = word;
  const { poison, atMs } = last;
  return poison.length === 0
    ? poison
    : poison.map(({ request, forMs }) => ({ request, forMs: Math.max(0, forMs - (now - atMs)) }));
}
