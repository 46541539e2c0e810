/**
 * What the lease client of an isolate needs of the platform it runs on, and which decisions it calls.
 *
 * Model. Time, chance, the shards by name, and somebody who keeps work alive that nobody awaits, as values: a Worker fills
 * them from its request's context, a Durable Object from its own, the simulator from its virtual clock. Rejected: passing
 * a request's context and environment, which nothing but workerd has, and which a job's attempts had to pretend to have.
 */
import type { Rng } from "../../lib/rng.ts";
import {
  beginLease,
  onAwaited,
  onCallFailed,
  onLateReply,
  onRefilled,
  onReply,
  onSilence,
} from "../core/lease-client/edge-lease.ts";
import { restoreReport, settleHeldLease, takeReport, touch } from "../core/lease-client/lease-cache.ts";
import type { LeaseCache } from "../core/lease-client/lease-cache.ts";
import { leaveStep, noteHeard } from "../core/lease-client/lease-cache-leave.ts";
import { noteBegun } from "../core/lease-client/lease-cache-line.ts";
import type { AcquireReply, AcquireRequest, AwaitOutcome, Report, ReportReply } from "../core/shard-messages.ts";
import type { Clock } from "./clock.ts";

/** A shard, as far as a lease goes. Calls reject when it cannot be reached; what it has to say it answers. */
export type LeasingShard = {
  acquire(request: AcquireRequest): Promise<AcquireReply>;
  awaitGrant(leaseId: string): Promise<AwaitOutcome>;
  /** Of an older shard nothing comes back. */
  report(report: Report): Promise<ReportReply | undefined>;
};

export type LeasePorts = {
  readonly clock: Clock;
  readonly rng: Rng;
  /** Keeps work alive that nobody awaits. */
  readonly spawn: (work: Promise<unknown>) => void;
  /** The shard of this name, wherever it lives. */
  readonly shardOf: (name: string) => LeasingShard;
};

/** What an isolate remembers between requests. */
export type LeaseMemory = {
  readonly leaseCache: LeaseCache;
  /** A flush of the outboxes is under way or due until this instant. */
  flushUntilMs: number;
};

/** The calls into the core that change the memory: the simulator wraps them, to look on and to plant mistakes. */
export const LEASE_CALLS = {
  beginLease,
  leaveStep,
  noteBegun,
  noteHeard,
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

export type LeaseCalls = { readonly [Name in keyof typeof LEASE_CALLS]: (typeof LEASE_CALLS)[Name] };
