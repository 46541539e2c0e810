/** What operators are shown of a shard. */
import type { Explanation } from "../routing/core/cost/explain.ts";
import type { ShownFailure } from "./news-line.ts";
import type { ByPriority } from "../routing/core/shard/priority.ts";
import type { ShownSuspect } from "../routing/core/shard/poison.ts";
import type { EndpointView } from "../routing/core/endpoint/endpoint-view.ts";

/** What `/admin/fleet` and `/readyz?verbose` show of a shard. */
export type ShardStatus = {
  readonly pool: string;
  readonly region: string;
  readonly epoch: number;
  readonly liveLeases: number;
  readonly queued: number;
  /** The same by class; absent: an older shard's. */
  readonly queuedBy?: ByPriority;
  /** Tokens for second attempts, of each kind, that are left for the tenant that owes most; absent: an older shard's. */
  readonly budgets?: { readonly retry: number; readonly hedge: number };
  readonly endpoints: readonly ShownEndpoint[];
  /** Requests under which endpoints ended; absent: an older shard's. */
  readonly poison?: readonly ShownSuspect[];
  /** Endpoints that an operator has taken out of traffic. */
  readonly drained: readonly string[];
};

/** What an operator is told of an endpoint that was drained, or put back. */
export type Drained = { readonly drained: boolean; readonly endpoint: EndpointView };

/** What is known of an endpoint, and what failed there last; null: nothing since this object has started. */
export type ShownEndpoint = EndpointView & { readonly lastFailure: ShownFailure | null };

/** The decision that a request would meet now, with what failed last at the shard's own endpoints. */
export type ShardExplanation = Explanation & { readonly lastFailures?: Readonly<Record<string, ShownFailure>> };
