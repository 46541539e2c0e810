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
import { inheritInFlight } from "../../../src/routing/core/endpoint/endpoint.ts";
import { absorbDigest, createShard, makeDigest } from "../../../src/routing/core/shard/shard.ts";
import { acquire } from "../../../src/routing/core/shard/shard-acquire.ts";
import { applyProbe } from "../../../src/routing/core/shard/shard-observe.ts";
import { applyCarry, sweep } from "../../../src/routing/core/shard/shard-settle.ts";
import {
  createWallet,
  restoreCarry,
  settleHolding,
  takeCarry,
  touch,
} from "../../../src/routing/core/lease-client/wallet.ts";

export const CORE = {
  absorbDigest,
  acquire,
  applyCarry,
  applyProbe,
  beginLease,
  createShard,
  createWallet,
  inheritInFlight,
  makeDigest,
  onAwaited,
  onCallFailed,
  onLateReply,
  onRefilled,
  onReply,
  onSilence,
  restoreCarry,
  settleHolding,
  sweep,
  takeCarry,
  touch,
} as const;

export type CoreCalls = { readonly [Name in keyof typeof CORE]: (typeof CORE)[Name] };
