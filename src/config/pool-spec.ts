/**
 * Decides what the core sees of a pool: the part of `Config` that routing and leases need, places filled in.
 *
 * Model: a projection; nothing is invented here but the absolute life of a lease. Rejected: handing `Config` to the
 * core, which would then know URLs and secrets' names.
 */
import { invariant } from "../lib/invariant.ts";
import type { EndpointSpec, PoolSpec } from "../routing/core/pool.ts";
import type { Config, EndpointConfig, PoolConfig } from "./config.ts";

/** `poolId` must be a pool of `config`: what a client asked for is looked up in `config.pools` first. */
export function poolSpec(config: Config, poolId: string): PoolSpec {
  const pool = config.pools.get(poolId);
  invariant(pool !== undefined, "poolSpec is asked for declared pools only");
  return {
    id: pool.id,
    endpoints: pool.endpoints.map((endpoint) => endpointSpec(config, endpoint)),
    leaseTtlMs: pool.leaseTtlMs,
    leaseCapMs: leaseCapMs(pool),
    queueDepthMax: pool.queueDepthMax,
    queueWaitMsMax: pool.queueWaitMsMax,
    coldWaitMsMax: pool.coldWaitMsMax,
    hedgeAfterMsMin: pool.hedge.enabled ? pool.hedge.afterMsMin : null,
  };
}

/**
 * The longest that an attempt may run, or wait for its first byte, and one more renewal for its settlement to arrive.
 */
function leaseCapMs({ endpoints, firstTokenTimeoutMs, leaseTtlMs }: PoolConfig): number {
  return Math.max(firstTokenTimeoutMs, ...endpoints.map(({ executionTimeoutMs }) => executionTimeoutMs)) + leaseTtlMs;
}

function endpointSpec(config: Config, endpoint: EndpointConfig): EndpointSpec {
  const region = config.regions.get(endpoint.region);
  invariant(region !== undefined, "a checked config declares the region of each endpoint");
  return {
    id: endpoint.id,
    region: endpoint.region,
    place: { lat: region.lat, lon: region.lon },
    workersMin: endpoint.workersMin,
    workersMax: endpoint.workersMax,
    concurrencyPerWorker: endpoint.concurrencyPerWorker,
    scalerValue: endpoint.scalerValue,
    idleTimeoutMs: endpoint.idleTimeoutMs,
    queuesExcess: endpoint.queuesExcess,
    coldStartMs: endpoint.coldStartMs,
    prefillTokensPerMs: endpoint.prefillTokensPerMs,
  };
}
