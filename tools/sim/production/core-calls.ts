/**
 * Every call that the simulated shards and edges make into the core, as one object.
 *
 * Model. The shells that ship call the core through these tables, so that a planted bug (`sabotage.ts`) can wrap a call
 * from the outside, and neither they nor the core need a switch for tests. `CORE` is the core itself.
 */
import { createLeaseCache } from "../../../src/routing/core/lease-client/lease-cache.ts";
import { LEASE_CALLS } from "../../../src/routing/host/lease-ports.ts";
import { SHARD_CALLS } from "../../../src/routing/host/shard-ports.ts";

export const CORE = { ...SHARD_CALLS, ...LEASE_CALLS, createLeaseCache } as const;

export type CoreCalls = { readonly [Name in keyof typeof CORE]: (typeof CORE)[Name] };
