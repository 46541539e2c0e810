/** How long a request waited for its leases, all together. Written in place by the lease client (`host/lease-client.ts`). */
export type LeaseWaits = {
  /** The shard nearest to the client; null: no lease was asked for. */
  home: string | null;
  /** From asking to having one, or none, ms. */
  leaseMs: number;
  /** Of that, in a shard's line, ms. */
  queueMs: number;
};

/** Of whoever wants to know. */
export type Waited = { readonly waits?: LeaseWaits };
