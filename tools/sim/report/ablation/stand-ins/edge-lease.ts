/**
 * Stands in for `routing/core/lease-client/edge-lease.ts`: a named region is asked before anything is
 * sent there, or none is avoided.
 */
import {
  beginLease as begin,
  onAwaited as awaited,
  onReply as replied,
} from "../../../../../src/routing/core/lease-client/edge-lease.ts";
import type { AcquireOutcome } from "../../../../../src/routing/core/shard-messages.ts";
import { withoutOf } from "../without.ts";

export {
  homeRegion,
  onCallFailed,
  onLateReply,
  onRefilled,
  onSilence,
} from "../../../../../src/routing/core/lease-client/edge-lease.ts";

const name = withoutOf(import.meta.url);

export const beginLease: typeof begin = (leaseCache, leaseRequest, now) =>
  begin(leaseCache, name === "avoid-region" ? { ...leaseRequest, avoidRegion: null } : leaseRequest, now);

export const onReply: typeof replied = (leaseCache, leaseRequest, asking, reply, at) =>
  replied(leaseCache, leaseRequest, asking, { ...reply, outcome: asked(reply.outcome) }, at);

export const onAwaited: typeof awaited = (leaseCache, leaseRequest, asking, outcome, at) =>
  awaited(leaseCache, leaseRequest, asking, outcome === null ? null : asked(outcome), at);

function asked<Outcome extends AcquireOutcome>(outcome: Outcome): Outcome {
  if (name !== "commit" || outcome.kind !== "spill") return outcome;
  const { commit: _, ...rest } = outcome;
  return rest as Outcome;
}
