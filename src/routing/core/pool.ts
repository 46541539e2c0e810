/**
 * What the core knows of a pool: plain, resolved configuration. Parsing and defaults belong to `src/config/config.ts`;
 * everything here is trusted.
 */
export type Place = {
  /** Degrees, -90..90. */
  readonly lat: number;
  /** Degrees, -180..180. */
  readonly lon: number;
};

export type EndpointSpec = {
  readonly id: string;
  /** Region id; the endpoint belongs to that region's shard and to no other. */
  readonly region: string;
  readonly place: Place;
  readonly workersMin: number;
  readonly workersMax: number;
  /** Requests one warm GPU worker serves at once, 1..4096; null: learned (`learned-limit.ts`). */
  readonly concurrencyPerWorker: number | null;
  /** The platform's scaler keeps `ceil((queued + in flight) / scalerValue)` GPU workers, >= 1. */
  readonly scalerValue: number;
  /** Idle time after which the platform may have stopped the last GPU worker beyond `workersMin`, ms. */
  readonly idleTimeoutMs: number;
  /** Does the endpoint queue requests beyond its capacity (an inference engine does, a bare load balancer refuses). */
  readonly queuesExcess: boolean;
  /** Prior for the time from the first need to a warm GPU worker, ms; learned afterwards. */
  readonly coldStartMs: number;
  /** Prior for prompt processing speed, tokens per ms; learned afterwards. */
  readonly prefillTokensPerMs: number;
};

export type PoolSpec = {
  readonly id: string;
  readonly endpoints: readonly EndpointSpec[];
  /** Life of a lease without a renewal, ms. */
  readonly leaseTtlMs: number;
  /** Absolute life of a lease, renewals included, ms: nothing runs longer than this. */
  readonly leaseCapMs: number;
  /** Requests that may wait in one shard for a slot. */
  readonly queueDepthMax: number;
  /** Longest wait for a slot before the request is shed, ms. */
  readonly queueWaitMsMax: number;
  /** Longest cold start that a request may be made to wait for, ms; beyond it the client is told when to come back. */
  readonly coldWaitMsMax: number;
  /** A stream is hedged no sooner than this after its dispatch, ms; null or absent: never. */
  readonly hedgeAfterMsMin?: number | null;
};
