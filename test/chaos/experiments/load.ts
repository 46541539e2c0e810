/** One tenant's flood beside another, and half of the capacity for hours. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ENGINE_PRESETS } from "../../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../../support/fleet.ts";
import { ask, leasesGone, watchFloor } from "../client.ts";
import type { Answered } from "../client.ts";
import { inParallel, judge, quantile, tally } from "../experiment.ts";
import type { Experiment } from "../experiment.ts";
import { growthOf, slopeOf } from "../growth.ts";
import type { Growth } from "../growth.ts";

/** R27 */
export const flood: Experiment = {
  id: "R27",
  what: "one tenant floods a pool, another asks as before",
  threshold: "the other's p95 at most 1.5 × of alone, beyond what /livez takes longer; none of its requests refused",
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
      const calm = watchFloor(fleet);
      const alone = await quiet(short ? 15 : 60);
      const calmMs = await calm.ends(0.95);
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
      const busy = watchFloor(fleet);
      const beside = await quiet(short ? 15 : 60);
      // What two cores take longer for anything at all while 33 clients are at work.
      const floorMs = Math.max(0, (await busy.ends(0.95)) - calmMs);
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
      within(during, 1.5 * before, "the quiet tenant's p95", floorMs);
      await leasesGone(fleet);
      return finding(
        `quiet p95 ${before.toFixed(0)} → ${during.toFixed(0)} ms (${(during / before).toFixed(2)} ×; /livez +${floorMs.toFixed(0)} ms) beside ${loud.length} of the flood (${tally(loud.map(({ name }) => name))})`,
      );
    } finally {
      await fleet.close();
    }
  },
};

/** Beyond these a slope means something, minutes. */
const WARM_UP_SHARE = 0.2;

/** SQLite writes its log into the database at 1,000 pages of 4 KB, MB; what is open then may double it. */
const LOG_MB_MAX = 8;

/** Growth of any kind that is none, MB an hour. */
const SLOPE_MAX = 1;

/** R28: `--minutes` says how long; the promise of the issue is two hours. */
export const soak = (minutes: number): Experiment => ({
  id: "R28",
  what: `half of the capacity for ${minutes} minutes`,
  threshold:
    "in-flight 0 at the end; heap, resident memory and databases each grow by less than 1 MB an hour after the warm-up; no log of a database beyond 8 MB",
  async run({ short }) {
    const lastsMs = short ? 3_000 : minutes * 60_000;
    const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 10, maxNumSeqs: 8 };
    const stateDir = mkdtempSync(join(tmpdir(), "warmpath-soak-"));
    const fleet = await startFleet({
      endpoints: [
        { id: "us-a", region: "us-east", simulator: { engine } },
        { id: "eu-a", region: "eu-west", simulator: { engine } },
      ],
      stateDir,
      inspect: true,
    });
    const { must, should, finding } = judge();
    try {
      const startedAt = performance.now();
      const elapsed = (): number => performance.now() - startedAt;
      const samples: Growth[] = [];
      const names = new Map<string, number>();
      const watching = (async () => {
        while (elapsed() < lastsMs) {
          samples.push(await growthOf(fleet.router, stateDir, elapsed() / 3_600_000));
          await sleep(Math.min(15_000, lastsMs / 10));
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
      const warm = samples.slice(Math.floor(samples.length * WARM_UP_SHARE));
      const logMb = Math.max(...warm.map((sample) => sample.logMb));
      must(logMb <= LOG_MB_MAX, `the log of a database is ${logMb.toFixed(1)} MB`);
      const told = (["heapMb", "residentMb", "databasesMb"] as const).map((kind) => {
        const slope = slopeOf(warm, (sample) => sample[kind]);
        should(short || slope < SLOPE_MAX, `${kind} grows by ${slope.toFixed(2)} MB an hour`);
        const ends = [samples.at(0), samples.at(-1)].map((sample) => sample?.[kind].toFixed(1));
        return `${kind} ${ends.join(" → ")}${short ? "" : ` (${slope.toFixed(2)} MB/h)`}`;
      });
      return finding(
        `${total} requests, in-flight 0 after ${Math.round(idleMs)} ms; ${told.join(", ")}; logs ${logMb.toFixed(1)} MB`,
      );
    } finally {
      await fleet.close();
      rmSync(stateDir, { recursive: true, force: true });
    }
  },
});
