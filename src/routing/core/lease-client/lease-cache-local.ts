/** Decides what an isolate adds to a picture of the fleet that does not know its own leases yet. */
import { LOCAL_EPOCH } from "../shard-messages.ts";
import type { LeaseCache } from "./lease-cache.ts";

/** Live leases of `endpointId` that this isolate gave itself. */
export function heldLocally(leaseCache: LeaseCache, endpointId: string): number {
  let count = 0;
  for (const { grant } of leaseCache.heldLeases.values()) {
    if (grant.endpointId === endpointId && grant.epoch === LOCAL_EPOCH) count += 1;
  }
  return count;
}
