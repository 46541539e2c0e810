/**
 * What the hosts tell whoever watches a run: the port of the checkers. The hosts behave the same with and without one.
 */
import type { Effect } from "../../../src/routing/core/shard/shard.ts";
import type { AcquireReply, AcquireRequest, Report } from "../../../src/routing/core/shard-messages.ts";
import type { HeldLease } from "../../../src/routing/core/lease-client/lease-cache.ts";
import type { RequestLife, SimAttempt } from "./requests.ts";
import type { SimShard } from "./sim-shard.ts";

/** `isNew`: this call decided the answer; a doubled message hears again what was decided before. */
export type Asked = { readonly request: AcquireRequest; readonly reply: AcquireReply; readonly isNew: boolean };

export type Watch = {
  /** A shard is about to apply what an edge has to tell. */
  carried(shard: SimShard, report: Report): void;
  /** A shard was called, or woke by itself, and is about to perform effects; `asked` when it was an acquire. */
  called(shard: SimShard, effects: readonly Effect[], asked: Asked | null): void;
  absorbed(shard: SimShard): void;
  /** Its probes found an endpoint up that was down. */
  cameBack(shard: SimShard, endpointId: string): void;
  evicting(shard: SimShard): void;
  /** An edge is about to ask a shard for a lease. */
  asks(life: RequestLife, request: AcquireRequest): void;
  /** An edge has a lease for a request. */
  leased(heldLease: HeldLease): void;
  /** An edge asks the shard that another one named, under this id and after its request has waited so long. */
  followed(leaseId: string, waitedMs: number): void;
  /** An attempt begins, and is not yet among those of its request. */
  dispatched(attempt: SimAttempt): void;
  /** The edge has ended a lease; `outcome` as it will tell the shard. */
  settled(heldLease: HeldLease, outcome: string): void;
  /** Nobody told in time what became of a request that was queued under this id. */
  unanswered(leaseId: string): void;
  /** The router gave the request its outcome. */
  closed(request: number): void;
};
