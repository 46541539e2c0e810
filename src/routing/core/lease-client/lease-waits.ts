/** How long a request waited for its leases, all together. Written in place by the lease client (`host/lease-client.ts`). */
import type { AcquireRequest } from "../shard-messages.ts";

export type LeaseWaits = {
  /** The shard nearest to the client; null: no lease was asked for. */
  home: string | null;
  /** From asking to having one, or none, ms. */
  leaseMs: number;
  /** Of that, in a shard's line, ms. */
  queueMs: number;
};

/** What a request may say of itself beside what it needs. `waits`: of whoever wants to know. */
export type AskedBeside = Pick<AcquireRequest, "mayPutBack" | "stream"> & { readonly waits?: LeaseWaits };
