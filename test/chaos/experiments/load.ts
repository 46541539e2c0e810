/** One tenant's flood beside another, and half of the capacity for hours. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ENGINE_PRESETS } from "../../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../../support/fleet.ts";
import { ask, leasesGone } from "../client.ts";
import type { Answered } from "../client.ts";
import { inParallel, judge, quantile, tally } from "../experiment.ts";
import type { Experiment } from "../experiment.ts";

/** R27 */
export const flood: Experiment = {
  id: "R27",
  what: "one tenant floods a pool, another asks as before",
  threshold: "the other's p95 at most 1.5 × of alone, none of its requests refused",
  async run({ short }) {
    const slots = 4;
    const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 5, stepPerDecodingMs: 0, maxNumSeqs: slots };
    const fleet = await startFleet({
      endpoints: [
        {
          id: "us-a",
          region: "us-east",
          simulator: { engine },
          config: { concurrencyPerWorker: slots, queuesExcess: false },
        },
      ],
      pool: { queueDepthMax: 64, queueWaitMsMax: 5_000 },
      keys: [
        { id: "quiet", tenant: "quiet" },
        { id: "loud", tenant: "loud" },
      ],
    });
    const { must, within, finding } = judge();
    try {
      const quiet = (count: number) =>
        inParallel(count, 1, () => ask(fleet, { key: fleet.keyOf("quiet"), maxTokens: 20 }));
      const alone = await quiet(short ? 15 : 60);
      const over = new AbortController();
      const loud: Answered[] = [];
      const flooding = inParallel(32, 32, async () => {
        while (!over.signal.aborted) {
          const answer = await ask(fleet, { key: fleet.keyOf("loud"), maxTokens: 20 });
          loud.push(answer);
          // Who is refused comes again, as fast as a client may that reads nothing of the refusal.
          if (answer.status !== 200) await sleep(20);
        }
      });
      await fleet.until(
        async () => loud.length,
        (count) => count >= 32,
        30_000,
      );
      const beside = await quiet(short ? 15 : 60);
      over.abort();
      await flooding;
      const [before, during] = [alone, beside].map((all) =>
        quantile(
          all.map(({ tookMs }) => tookMs),
          0.95,
        ),
      ) as [number, number];
      must(
        beside.every(({ name }) => name === "ok"),
        `the quiet tenant saw ${tally(beside.map(({ name }) => name))}`,
      );
      within(during, 1.5 * before, "the quiet tenant's p95");
      await leasesGone(fleet);
      return finding(
        `quiet p95 ${before.toFixed(0)} → ${during.toFixed(0)} ms (${(during / before).toFixed(2)} ×) beside ${loud.length} of the flood (${tally(loud.map(({ name }) => name))})`,
      );
    } finally {
      await fleet.close();
    }
  },
};

/** Beyond these a slope means something, minutes. */
const WARM_UP_SHARE = 0.2;

/** R28: `--minutes` says how long; the promise of the issue is two hours. */
export const soak = (minutes: number): Experiment => ({
  id: "R28",
  what: `half of the capacity for ${minutes} minutes`,
  threshold: "in-flight 0 at the end, resident memory grows by less than 1 MB an hour after its warm-up",
  async run({ short }) {
    const lastsMs = short ? 3_000 : minutes * 60_000;
    const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 10, maxNumSeqs: 8 };
    const fleet = await startFleet({
      endpoints: [
        { id: "us-a", region: "us-east", simulator: { engine } },
        { id: "eu-a", region: "eu-west", simulator: { engine } },
      ],
    });
    const { must, within, finding } = judge();
    try {
      const startedAt = performance.now();
      const memory: { readonly atH: number; readonly mb: number }[] = [];
      const names = new Map<string, number>();
      const elapsed = (): number => performance.now() - startedAt;
      const watching = (async () => {
        while (elapsed() < lastsMs) {
          const kb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${fleet.router.pid}/status`, "utf8"))?.[1] ?? 0);
          memory.push({ atH: elapsed() / 3_600_000, mb: kb / 1_024 });
          await sleep(Math.min(5_000, lastsMs / 10));
        }
      })();
      await inParallel(8, 8, async (index) => {
        while (elapsed() < lastsMs) {
          const place = index % 2 === 0 ? "us-east" : "eu-west";
          const { name } = await ask(fleet, { place, stream: index % 4 < 2, maxTokens: 20 });
          names.set(name, (names.get(name) ?? 0) + 1);
        }
      });
      await watching;
      const idleMs = await leasesGone(fleet);
      const [kinds, total] = [[...names.keys()], [...names.values()].reduce((sum, count) => sum + count, 0)];
      must(
        kinds.every((name) => name === "ok"),
        JSON.stringify(Object.fromEntries(names)),
      );
      const slope = slopeOf(memory.slice(Math.floor(memory.length * WARM_UP_SHARE)));
      if (!short && slope >= 1) within(1, 0, `resident memory grows by ${slope.toFixed(2)} MB an hour`);
      return finding(
        `${total} requests, in-flight 0 after ${Math.round(idleMs)} ms, ${memory.at(0)?.mb.toFixed(0)} → ${memory.at(-1)?.mb.toFixed(0)} MB${short ? "" : `, ${slope.toFixed(2)} MB/h`}`,
      );
    } finally {
      await fleet.close();
    }
  },
});

/** Least squares, MB an hour. */
function slopeOf(points: readonly { readonly atH: number; readonly mb: number }[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const [x, y] = [mean(points.map(({ atH }) => atH)), mean(points.map(({ mb }) => mb))];
  const along = points.reduce((sum, { atH }) => sum + (atH - x) ** 2, 0);
  return along === 0 ? 0 : points.reduce((sum, { atH, mb }) => sum + (atH - x) * (mb - y), 0) / along;
}
