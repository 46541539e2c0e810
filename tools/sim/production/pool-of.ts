/**
 * The pool that a scenario is for the core: regions with places, endpoints with what their operator would write.
 */
import type { EndpointSpec, Place, PoolSpec } from "../../../src/routing/core/pool.ts";
import type { World } from "../world.ts";
import type { ProductionOptions } from "./options.ts";

const POOL_ID = "sim";

/** Degrees between two regions of equal longitude: places must differ, and distances are only a prior. */
const LAT_STEP = 0.5;

export type ScenarioPool = {
  readonly spec: PoolSpec;
  /** By region. */
  readonly places: readonly Place[];
  /** Index of the endpoint by its id. */
  readonly indexOf: ReadonlyMap<string, number>;
  /** Index of the region by its name. */
  readonly regionOf: ReadonlyMap<string, number>;
};

export function poolOf({ scenario, workload }: World, options: ProductionOptions): ScenarioPool {
  const places = scenario.regions.map(({ lon }, index): Place => ({ lat: 40 - LAT_STEP * index, lon }));
  const endpoints = scenario.endpoints.map((endpoint, index): EndpointSpec => {
    // One that starts cold or may go cold keeps no GPU worker.
    const isElastic = endpoint.startsCold || endpoint.idleMs !== null;
    return {
      id: endpoint.id,
      region: scenario.regions[endpoint.region]?.name ?? "",
      place: places[endpoint.region] ?? { lat: 0, lon: 0 },
      workersMin: isElastic ? 0 : 1,
      workersMax: 1,
      concurrencyPerWorker: endpoint.slots,
      scalerValue: endpoint.slots,
      idleTimeoutMs: endpoint.idleMs ?? NEVER_MS,
      queuesExcess: true,
      coldStartMs: endpoint.coldStartMs,
      prefillTokensPerMs: workload.capacities[index]?.prefillTokensPerMs ?? 1,
    };
  });
  const { leaseTtlMs, executionTimeoutMs, queueDepthMax, queueWaitMsMax, coldWaitMsMax, hedgeAfterMsMin } = options;
  const spec: PoolSpec = {
    id: POOL_ID,
    endpoints,
    leaseTtlMs,
    leaseCapMs: executionTimeoutMs + leaseTtlMs,
    queueDepthMax,
    queueWaitMsMax,
    coldWaitMsMax,
    hedgeAfterMsMin,
  };
  return {
    spec,
    places,
    indexOf: new Map(scenario.endpoints.map(({ id }, index) => [id, index])),
    regionOf: new Map(scenario.regions.map(({ name }, index) => [name, index])),
  };
}

/** An idle time-out that no run reaches, ms. */
const NEVER_MS = 86_400_000;
