/**
 * What the shell of a shard needs of the platform it runs on, and which decisions it calls.
 *
 * Model. Everything that a Durable Object does for a shard, as values: time, chance, storage, messages. The object
 * fills them from its context, the simulator from its virtual clock. Rejected: passing the object's context and
 * environment, which nothing but workerd has.
 */
import type { Rng } from "../../lib/rng.ts";
import { inheritInFlight } from "../core/endpoint/endpoint.ts";
import type { ProbeResult } from "../core/endpoint/endpoint.ts";
import type { EndpointView, ViewSet } from "../core/endpoint/endpoint-view.ts";
import type { PoolSpec } from "../core/pool.ts";
import type { NewsLine } from "../core/shard/news.ts";
import type { ShownSuspect, SuspectKept } from "../core/shard/poison.ts";
import type { ByPriority } from "../core/shard/priority.ts";
import { absorbDigest, createShard, makeDigest } from "../core/shard/shard.ts";
import { acquire } from "../core/shard/shard-acquire.ts";
import { applyProbe } from "../core/shard/shard-observe.ts";
import { applyReport, sweep } from "../core/shard/shard-settle.ts";
import type { Clock } from "./clock.ts";

/** What was in flight at an endpoint when it was last kept. */
export type Checkpoint = { readonly endpointId: string; readonly inFlight: number; readonly savedAtMs: number };

export type ShardPorts = {
  readonly clock: Clock;
  readonly rng: Rng;
  /** Keeps work alive that nobody awaits. */
  readonly spawn: (work: Promise<unknown>) => void;
  /** Asks for one call of `alarm` at `atMs`, in place of any asked for before; it outlives the memory. */
  readonly setAlarm: (atMs: number) => void;
  /** Calls the same pool's shard of another region; rejects where it is away. */
  readonly exchange: (region: string, digest: ViewSet) => Promise<ViewSet | null>;
  /** Looks at an endpoint, within PROBE_TIMEOUT_MS. Null: it cannot be looked at. */
  readonly probe: (endpointId: string) => Promise<ProbeResult | null>;
  readonly wake: (endpointId: string) => Promise<void>;
  readonly store: {
    readonly saveCheckpoint: (checkpoints: readonly Checkpoint[]) => void;
    /** Null: it is not drained. */
    readonly saveDrained: (endpointId: string, drainedAtMs: number | null) => void;
    /** Null: it is not down. */
    readonly saveDown: (endpointId: string, downAtMs: number | null) => void;
    /** In place of all that were kept before. */
    readonly saveSuspects: (suspects: readonly SuspectKept[]) => void;
  };
  readonly tell: (lines: readonly NewsLine[]) => Promise<void>;
};

/** What people are shown of a shard, but for what failed. */
export type ShardSummary = {
  readonly pool: string;
  readonly region: string;
  readonly epoch: number;
  readonly liveLeases: number;
  readonly queued: number;
  readonly queuedBy: ByPriority;
  /** Tokens for second attempts, of each kind, that are left for the tenant that owes most. */
  readonly budgets: { readonly retry: number; readonly hedge: number };
  readonly views: readonly EndpointView[];
  /** Requests under which endpoints ended. */
  readonly poison: readonly ShownSuspect[];
  /** Endpoints that an operator has taken out of traffic. */
  readonly drained: readonly string[];
};

/** What an earlier incarnation left. */
export type Kept = {
  /** Of this incarnation, higher than any before. */
  readonly epoch: number;
  readonly down: readonly string[];
  readonly drained: readonly string[];
  readonly checkpoints: readonly Checkpoint[];
  /** Requests under which endpoints ended. */
  readonly suspects: readonly SuspectKept[];
};

/** Whose shard it is. */
export type ShardSetup = { readonly pool: PoolSpec; readonly region: string; readonly kept: Kept };

/** The calls into the core that change its state: the simulator wraps them, to look on and to plant mistakes. */
export const SHARD_CALLS = {
  absorbDigest,
  acquire,
  applyReport,
  applyProbe,
  createShard,
  inheritInFlight,
  makeDigest,
  sweep,
} as const;

export type ShardCalls = { readonly [Name in keyof typeof SHARD_CALLS]: (typeof SHARD_CALLS)[Name] };
