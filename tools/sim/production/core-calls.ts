/**
 * Every call that the simulated shards and edges make into the core, as one object.
 *
 * Model. The hosts call the core through this table, so that a planted bug (`sabotage.ts`) can wrap a call from the
 * outside, and the core needs no switch for tests. `CORE` is the core itself.
 */
import {
  beginLease,
  onAwaited,
  onCallFailed,
  onLateReply,
  onRefilled,
  onReply,
  onSilence,
} from "../../../src/routing/core/lease-client/edge-lease.ts";
import {
  createLeaseCache,
  restoreReport,
  settleHeldLease,
  takeReport,
  touch,
} from "../../../src/routing/core/lease-client/lease-cache.ts";
import { SHARD_CALLS } from "../../../src/routing/host/shard-ports.ts";

export const CORE = {
  ...SHARD_CALLS,
  beginLease,
  createLeaseCache,
  onAwaited,
  onCallFailed,
  onLateReply,
  onRefilled,
  onReply,
  onSilence,
  restoreReport,
  settleHeldLease,
  takeReport,
  touch,
} as const;

export type CoreCalls = { readonly [Name in keyof typeof CORE]: (typeof CORE)[Name] };
