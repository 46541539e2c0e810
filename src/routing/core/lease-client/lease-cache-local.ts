/** Decides what an isolate does without a shard's word: the leases that it gives itself, and how it counts them. */
import type { PoolSpec } from "../pool.ts";
import { LOCAL_EPOCH } from "../shard-messages.ts";
import type { Grant, SpillCommit } from "../shard-messages.ts";
import { nextLeaseId } from "./lease-cache.ts";
import type { LeaseCache } from "./lease-cache.ts";

/** A grant that no shard gave: its owner adopts the lease when it is told. */
export function ownGrant(
  leaseCache: LeaseCache,
  pool: PoolSpec,
  { inFlight, ...at }: SpillCommit & Pick<Grant, "region" | "reason">,
): Grant {
  const life = { ttlMs: pool.leaseTtlMs, capMs: pool.leaseCapMs, credits: 0, creditLifeMs: 0 };
  return { ...at, ...life, leaseId: nextLeaseId(leaseCache), epoch: LOCAL_EPOCH, inFlightAtGrant: inFlight };
}

/** Live leases of `endpointId` that this isolate gave itself. */
export function heldLocally(leaseCache: LeaseCache, endpointId: string): number {
  let count = 0;
  for (const { grant } of leaseCache.heldLeases.values()) {
    if (grant.endpointId === endpointId && grant.epoch === LOCAL_EPOCH) count += 1;
  }
  return count;
}
