/** What a shard knows; the files beside it change it. */
import type { AffinityTable } from "./affinity.ts";
import type { Budgets } from "./budget.ts";
import type { EndpointView, ViewSet } from "../endpoint/endpoint-view.ts";
import type { EndpointState } from "../endpoint/endpoint-state.ts";
import type { FairShares } from "./fair-shares.ts";
import type { FadingCount } from "../../../lib/fading-count.ts";
import type { LeaseTable } from "./leases.ts";
import type { PoolSpec } from "../pool.ts";
import type { AcquireRequest } from "../shard-messages.ts";
import type { AwaitOutcome } from "../shard-messages.ts";
import type { ShardNews } from "./news.ts";
import type { PoisonBook } from "./poison.ts";
import type { DebtsBy } from "./tenant-debts.ts";

export type Peer = {
  readonly set: ViewSet;
  /** The same, by endpoint. */
  readonly views: ReadonlyMap<string, EndpointView>;
  readonly atMs: number;
  /** What was sent its way since, by endpoint: it is there by now, but not in its digest. Written in place. */
  readonly sentSince: Map<string, SentSince>;
};

export type SentSince = {
  requests: number;
  /** Prompt tokens to be read, and tokens of KV memory. */
  work: number;
  kv: number;
};

export type Waiter = {
  readonly request: AcquireRequest;
  /** When it first had to wait, here or where it came from. */
  readonly sinceMs: number;
  readonly giveUpAtMs: number;
  /** Expected wait when it was last planned, ms. */
  etaMs: number;
  /** Tokens that its sender is charged when it goes. */
  readonly service: number;
};

export type ShardState = {
  readonly pool: PoolSpec;
  readonly region: string;
  readonly endpoints: ReadonlyMap<string, EndpointState>;
  readonly leases: LeaseTable;
  /** What pays for retries and hedges. */
  readonly budgets: Budgets;
  /** For whom they paid. */
  readonly debts: DebtsBy;
  /** Who has which session or prefix in its cache. */
  readonly affinity: AffinityTable;
  /** Requests that came lately, with DEMAND_TAU_MS. */
  demand: FadingCount;
  /** When the scaler last looked. */
  scaledAtMs: number;
  readonly peers: Map<string, Peer>;
  /** In order of arrival. */
  readonly queue: Map<string, Waiter>;
  /** Who had how much service lately. */
  readonly shares: FairShares;
  /** Held requests that have gone since it began. */
  turns: number;
  /** Live leases whose attempts may be put back while they have no byte, by rank of their class. */
  readonly putBackable: Set<string>[];
  /** Requests that came lately, by rank of their class, with CLASS_TAU_MS. */
  readonly arrivals: FadingCount[];
  /** What became of queued requests, for a while; a grant is in here only while its lease lives. */
  readonly resolved: Map<string, { readonly outcome: AwaitOutcome; readonly forgetAtMs: number }>;
  /** Isolates that asked lately, with the instant of their last request. */
  readonly askers: Map<string, number>;
  lastTrafficMs: number;
  digestSentMs: number;
  /** Which requests end endpoints. */
  readonly poison: PoisonBook;
  /** What operators are to be told. */
  readonly news: ShardNews;
};
