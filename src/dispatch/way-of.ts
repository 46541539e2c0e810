/** Where a lease leads: the one place at which a lease that cannot be used goes home. */
import type { HeldLease } from "../routing/core/lease-client/lease-cache.ts";
import type { LeaseAnswer, LeaseClient } from "../routing/host/lease-client.ts";

/**
 * What `to` knows of the lease's endpoint; null: nothing can be sent under it, and it has gone home. A shard of another
 * version may name an endpoint that this version does not know, and a client may have left meanwhile.
 */
export function wayOf<Way>(
  leases: LeaseClient,
  heldLease: HeldLease,
  to: (endpointId: string) => Way | null,
  clientGone: AbortSignal | null,
): Way | null {
  const way = clientGone?.aborted === true ? null : to(heldLease.grant.endpointId);
  if (way === null) leases.giveBack(heldLease);
  return way;
}

/** Gives a lease back that was asked for, and is not needed. */
export function giveBack(leases: LeaseClient, leasing: Promise<LeaseAnswer>): void {
  leases.ports.spawn(
    leasing.then((answer) => {
      if (answer.kind === "leased") leases.giveBack(answer.heldLease);
    }),
  );
}
