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

/**
 * How often an attempt that waits looks, and how old the shard's last word may be, ms: a node's end is known in a
 * second.
 */
export const LEAVE_LOOK_MS = 500;

export function noteHeard(
  leaseCache: LeaseCache,
  shard: string,
  { leave = [], putBack = [] }: ReportReply = {},
  now: number,
): void {
  const { heard } = leaseCache;
  if (!heard.has(shard) && heard.size >= KEYS_MAX) {
    const oldest = heard.keys().next();
    if (oldest.done !== true) heard.delete(oldest.value);
  }
  heard.set(shard, { atMs: now, leave, putBack, askedAtMs: Number.NEGATIVE_INFINITY });
}

const NOTHING_HEARD = { atMs: Number.NEGATIVE_INFINITY, leave: [], putBack: [] };

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
  const { atMs, leave, putBack } = leaseCache.heard.get(shard) ?? NOTHING_HEARD;
  leaseCache.heard.set(shard, { atMs, leave, putBack, askedAtMs: now });
  return "ask";
}
