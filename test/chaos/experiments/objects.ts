/** Durable Objects that restart with requests in flight, or that throw at every call. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ENGINE_PRESETS } from "../../../backends/gpu-engine/engine-presets.ts";
import { buildWorker } from "../../../tools/cli/build.ts";
import { startFleet } from "../../support/fleet.ts";
import type { Fleet, FleetPlan } from "../../support/fleet.ts";
import { ask, leasesGone, reached } from "../client.ts";
import { inParallel, judge, tally } from "../experiment.ts";
import type { Experiment } from "../experiment.ts";

const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 2 };
const endpoints: FleetPlan["endpoints"] = [
  { id: "us-a", region: "us-east", simulator: { engine } },
  { id: "eu-a", region: "eu-west", simulator: { engine } },
];

const restart = (fleet: Fleet): Promise<Response> =>
  fleet.call("/admin/shards/main/us-east/restart", { method: "POST" });

/** R4 */
export const evictions: Experiment = {
  id: "R4",
  what: "the shard is evicted again and again with 20 requests in flight",
  threshold: "no request fails because of it, in-flight 0 at the end",
  async run({ short }) {
    const rounds = short ? 10 : 100;
    const fleet = await startFleet({ endpoints, pool: { leaseTtlMs: 3_000, patienceMs: 2_000 } });
    const { must, within, finding } = judge();
    try {
      const names: string[] = [];
      for (let round = 0; round < rounds; round++) {
        const running = inParallel(20, 20, () => ask(fleet, { maxTokens: 20 }));
        await restart(fleet);
        names.push(...(await running).map(({ name }) => name));
      }
      const idleMs = await leasesGone(fleet);
      must(
        names.every((name) => name === "ok"),
        tally(names),
      );
      within(idleMs, 3_500, "in-flight back to 0, one lease lifetime");
      return finding(`${rounds} evictions: ${tally(names)}; in-flight 0 after ${Math.round(idleMs)} ms`);
    } finally {
      await fleet.close();
    }
  },
};

/** R5: the Worker over shards that can be broken and repaired while it runs. */
export const brokenShards: Experiment = {
  id: "R5",
  what: "every shard throws at every call for a while",
  threshold: "99.9 % are still routed, one call to each shard a request at most, recovered within 5 s",
  async run({ short }) {
    const count = short ? 100 : 2_000;
    const dir = mkdtempSync(join(tmpdir(), "warmpath-broken-"));
    const bundlePath = join(dir, "worker.js");
    await buildWorker({ entry: join(import.meta.dirname, "../../objects/broken-shard.ts"), outfile: bundlePath });
    const fleet = await startFleet({
      endpoints,
      bundlePath,
      bindings: { SHARD_FAULT: "throw", SHARD_BROKEN: "0" },
      pool: { patienceMs: 50 },
    });
    const { must, within, finding } = judge();
    try {
      await inParallel(20, 5, () => ask(fleet));
      await restart(fleet);
      await fleet.call("/admin/shards/main/eu-west/restart", { method: "POST" });
      const answers = await inParallel(count, 10, () => ask(fleet));
      const ok = answers.filter(({ name }) => name === "ok").length;
      must(ok / count >= 0.999, tally(answers.map(({ name }) => name)));
      must(reached(fleet) <= count * 1.01 + 20, `${reached(fleet)} attempts for ${count} requests`);
      await restart(fleet);
      await fleet.call("/admin/shards/main/eu-west/restart", { method: "POST" });
      const startedAt = performance.now();
      const reason = async () => (await fleet.chat({ maxTokens: 1 })).headers.get("x-warmpath-reason");
      await fleet.until(reason, (why) => why === "nearest_warm", 30_000);
      const backMs = performance.now() - startedAt;
      within(backMs, 5_000, "the shards decide again");
      return finding(
        `${tally(answers.map(({ name }) => name))} without a shard; shards decide again after ${Math.round(backMs)} ms`,
      );
    } finally {
      await fleet.close();
      rmSync(dir, { recursive: true, force: true });
    }
  },
};
