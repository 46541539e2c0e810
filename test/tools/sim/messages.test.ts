/** How much edges and shards have to say to each other. */
import { expect, test } from "vitest";
import { metricsOf } from "../../../tools/sim/metrics.ts";
import { CORE } from "../../../tools/sim/production/core-calls.ts";
import { PATIENT_QUEUE } from "../../../tools/sim/production/options.ts";
import { ProductionRouter } from "../../../tools/sim/production/router.ts";
import { loadScenario } from "../../../tools/sim/report/files.ts";
import { createWorkload } from "../../../tools/sim/workload.ts";
import { World } from "../../../tools/sim/world.ts";

/** A thousand requests a second; most ask the shard and tell their first token and their end. */
async function rush(edgesPerRegion: number) {
  const scenario = loadScenario("rush");
  if (!scenario.ok) throw new Error(scenario.error);
  const workload = createWorkload(scenario.value, { load: 0.7, seed: 1, count: 3_000, trace: null });
  const world = new World({ scenario: scenario.value, workload, seed: 1 });
  const options = { ...PATIENT_QUEUE, edgesPerRegion };
  await world.run((its) => new ProductionRouter(its, { options, core: CORE, watch: null }));
  return metricsOf(world);
}

test.each([1, 2, 25])(
  "at 1,000 requests/s %i isolates a region make at most two calls to shards a request",
  async (n) => {
    const { messages, served } = await rush(n);
    expect(served).toBe(3_000);
    expect(messages).toBeGreaterThan(1);
    expect(messages).toBeLessThanOrEqual(2);
  },
);
