/**
 * The Worker with shards that can be made unreachable, for tests on raw workerd. Everything else is the Worker's own.
 *
 * `SHARD_FAULT` says how: every call throws, or none is answered. `SHARD_BROKEN` "1" breaks shards from the start; the
 * development route that restarts a shard breaks it, or repairs it, from then on.
 */
import type { ViewSet } from "../../src/routing/core/endpoint/endpoint-view.ts";
import type { ExplainRequest, Explanation } from "../../src/routing/core/cost/explain.ts";
import type {
  AcquireReply,
  AcquireRequest,
  AwaitOutcome,
  Report,
  ReportReply,
} from "../../src/routing/core/shard-messages.ts";
import { PoolShard as SoundShard } from "../../src/routing/object/pool-shard.ts";
import type { Drained, ShardStatus } from "../../src/wire/shard-status.ts";

// oxlint-disable-next-line import/no-default-export -- workerd takes the Worker's handler from the entry's default export
export { default } from "../../src/worker.ts";
// oxlint-disable-next-line -- every other object is as it ships; the class below stands in for one of them
export * from "../../src/worker.ts";

/** Longer than any test; a promise that nothing can resolve would be noticed by the runtime and rejected. */
const HANG_MS = 120_000;

type FaultEnv = { readonly SHARD_FAULT?: string; readonly SHARD_BROKEN?: string };

export class PoolShard extends SoundShard {
  #isBroken = (this.env as FaultEnv).SHARD_BROKEN === "1";

  override restart(): void {
    this.#isBroken = !this.#isBroken;
  }

  override acquire(request: AcquireRequest): AcquireReply {
    return this.#isBroken ? this.#fail() : super.acquire(request);
  }

  override async awaitGrant(leaseId: string): Promise<AwaitOutcome> {
    return this.#isBroken ? this.#fail() : super.awaitGrant(leaseId);
  }

  override report(report: Report): ReportReply {
    return this.#isBroken ? this.#fail() : super.report(report);
  }

  override exchange(digest: ViewSet): ViewSet | null {
    return this.#isBroken ? this.#fail() : super.exchange(digest);
  }

  override async status(probe: boolean): Promise<ShardStatus | null> {
    return this.#isBroken ? this.#fail() : super.status(probe);
  }

  override async explain(request: ExplainRequest): Promise<Explanation | null> {
    return this.#isBroken ? this.#fail() : super.explain(request);
  }

  override drain(endpointId: string, drained: boolean): Drained | null {
    return this.#isBroken ? this.#fail() : super.drain(endpointId, drained);
  }

  /** Over RPC a promise in place of a value is only a later answer. */
  #fail(): never {
    if ((this.env as FaultEnv).SHARD_FAULT === "throw") throw new Error("this shard is broken on purpose");
    return scheduler.wait(HANG_MS) as never;
  }
}
