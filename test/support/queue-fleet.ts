/** A fleet whose one endpoint has a few slots and no line of its own: whoever finds them taken waits in the shard's. */
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "./fleet.ts";
import type { Fleet, FleetPlan } from "./fleet.ts";

export const SLOTS = 2;
/** One step takes 5 ms. */
export const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 5 };

export async function startQueueFleet(queueDepthMax: number, keys: FleetPlan["keys"] = []): Promise<Fleet> {
  const config = { concurrencyPerWorker: SLOTS, queuesExcess: false };
  return startFleet({
    keys,
    endpoints: [{ id: "us-a", region: "us-east", simulator: { engine }, config }],
    // Wide enough that nobody's patience ends before the test does.
    pool: { patienceMs: 10_000, queueDepthMax, queueWaitMsMax: 120_000 },
  });
}

/** What the shard says of its line; -1 while it says nothing. */
export async function lineOf(fleet: Fleet) {
  const [status] = (await fleet.shards()).map((report) => report.status);
  return { live: status?.liveLeases ?? -1, queued: status?.queued ?? -1, queuedBy: status?.queuedBy };
}
