/** Decides what a held lease's settlement says: what its attempt has seen, and what the lease knows by itself. */
import type { AttemptEnd, Settlement } from "../shard-messages.ts";
import type { HeldLease } from "./lease-cache.ts";

export function settlementOf(
  { leaseId, grant, workerId, cachedTokens, askedWith, suspect }: HeldLease,
  end: AttemptEnd,
): Settlement {
  const { endpointId, epoch, inFlightAtGrant } = grant;
  const of = suspect === undefined ? {} : { suspect };
  return { leaseId, endpointId, epoch, inFlightAtGrant, workerId, cachedTokens, ...askedWith, ...end, ...of };
}
