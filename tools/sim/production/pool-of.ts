/**
 * The pool that a scenario is for the core: regions with places, endpoints with what their operator would write.
 *
 * Model. An operator knows the slots of an endpoint that has slots: that is how it is set up. How fast an engine reads
 * and how many sequences it can carry is an estimate: each is off by a factor of its own, drawn by seed.
 * Rejected: the true figures, with which a core that never learned anything would look as good as one that does.
 */
import type { EndpointSpec, Place, PoolSpec } from "../../../src/routing/core/pool.ts";
import { stream } from "../chance.ts";
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

/** An estimate is off by at most this factor, up or down. */
export const ESTIMATE_FACTOR_MAX = 1.3;

export function poolOf({ scenario, workload, seed }: World, options: ProductionOptions): ScenarioPool {
  const errors = stream(seed, "estimates");
  const estimate = (value: number): number => value * ESTIMATE_FACTOR_MAX ** (2 * errors() - 1);
  const places = scenario.regions.map(({ lon }, index): Place => ({ lat: 40 - LAT_STEP * index, lon }));
  const endpoints = scenario.endpoints.map((endpoint, index): EndpointSpec => {
    // One that starts cold or may go cold keeps no GPU worker.
    const isElastic = endpoint.startsCold || endpoint.idleMs !== null;
    const slots = scenario.engine.kind === "slots" ? endpoint.slots : Math.max(1, Math.round(estimate(endpoint.slots)));
    return {
      id: endpoint.id,
      region: scenario.regions[endpoint.region]?.name ?? "",
      place: places[endpoint.region] ?? { lat: 0, lon: 0 },
      workersMin: isElastic ? 0 : 1,
      workersMax: 1,
      concurrencyPerWorker: slots,
      scalerValue: slots,
      idleTimeoutMs: endpoint.idleMs ?? NEVER_MS,
      queuesExcess: true,
      coldStartMs: endpoint.coldStartMs,
      prefillTokensPerMs: estimate(workload.capacities[index]?.prefillTokensPerMs ?? 1),
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
