/**
 * Keeps a lease alive that waits for the rails outside the isolate (`acquire`): its shard takes back what nobody speaks of.
 */
import type { LeaseAnswer, LeaseClient } from "../routing/host/lease-client.ts";

/** The keeper of a lease looks no more often than this, ms. */
const KEEP_GAP_MS = 25;

export async function keepLease(
  leases: LeaseClient,
  leasing: Promise<LeaseAnswer>,
  until: Promise<unknown>,
): Promise<void> {
  const { clock } = leases.ports;
  let cancel = (): void => undefined;
  let isOver = false;
  const over = until.finally(() => {
    isOver = true;
    cancel();
  });
  const answer = await leasing;
  if (answer.kind !== "leased") return;
  const { heldLease } = answer;
  const keep = (): void => {
    if (isOver) return;
    leases.keep(heldLease);
    cancel = clock.after(Math.max(KEEP_GAP_MS, heldLease.confirmDueMs - clock.now()), keep);
  };
  keep();
  await over;
}
