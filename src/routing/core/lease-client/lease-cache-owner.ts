/**
 * Decides what a shard is told of a lease that it did not grant for its request: whose it is, once it is in somebody's
 * hands.
 */
import type { Sender } from "../shard/fair-shares.ts";
import type { Priority } from "../shard/priority.ts";
import type { Grant, LeaseConfirmation, Owner } from "../shard-messages.ts";

type Owned = { of?: Owner };

type Confirmed = Owned & {
  readonly leaseId: string;
  readonly grant: Grant;
  readonly capAtMs: number;
  readonly workerId: string | null;
};

/** A credit, or a lease that the edge gave itself, is this request's. */
export function noteOwner(
  held: Owned,
  { sender, priority }: { readonly sender?: Sender; readonly priority?: Priority },
): void {
  if (sender !== undefined) held.of = { sender, ...(priority === undefined ? {} : { priority }) };
}

export const ownerOf = ({ of }: Owned): Owned => (of === undefined ? {} : { of });

export function confirmationOf(held: Confirmed, now: number): LeaseConfirmation {
  const { leaseId, grant, capAtMs, workerId } = held;
  const { endpointId, epoch } = grant;
  return { leaseId, endpointId, epoch, capLeftMs: capAtMs - now, workerId, ...ownerOf(held) };
}
