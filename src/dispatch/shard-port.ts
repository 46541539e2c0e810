/** A pool's shards as dispatch sees them: by name, with what a request and an operator ask of one. */
import type { ExplainRequest } from "../routing/core/cost/explain.ts";
import type {
  AcquireReply,
  AcquireRequest,
  AwaitOutcome,
  Report,
  ReportReply,
} from "../routing/core/shard-messages.ts";
import type { LocationHint } from "../config/config.ts";
import type { Drained, ShardExplanation, ShardStatus } from "../wire/shard-status.ts";

/** Calls reject when the shard cannot be reached; what it has to say it answers. */
export type ShardCalls = {
  acquire(request: AcquireRequest): Promise<AcquireReply>;
  awaitGrant(leaseId: string): Promise<AwaitOutcome>;
  /** Of an older shard nothing comes back. */
  report(report: Report): Promise<ReportReply | undefined>;
  explain(request: ExplainRequest): Promise<ShardExplanation | null>;
  status(probe: boolean): Promise<ShardStatus | null>;
  drain(endpointId: string, drained: boolean): Promise<Drained | null>;
  pardon(request: string | null): Promise<number>;
  restart(): Promise<void>;
};

export type ShardNamespace = {
  /** The first call ever made decides where the shard lives, so every caller gives its region's hint. */
  getByName(name: string, options?: { readonly locationHint?: LocationHint }): ShardCalls;
};
