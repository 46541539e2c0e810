/**
 * Jobs under kill -9: `npm run test:chaos:jobs` (`-- --help`).
 * Prints one line and the command that plays it again; exits 1 with what broke.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildWorker } from "../../tools/cli/build.ts";
import { runJobsChaos } from "./jobs-chaos.ts";

const USAGE = `npm run test:chaos:jobs -- [options]
  --jobs <n>     jobs that are submitted (default 1000)
  --kills <n>    SIGKILLs of workerd on the way (default 12)
  --seed <n>     plays a run again (default: another one each time)
  --workers <n>  GPU workers that pull (default 2)
  --dead <n>     of them, those that die with a job (default 1)
  --help         this text`;

const { values: given } = parseArgs({
  options: {
    jobs: { type: "string", default: "1000" },
    kills: { type: "string", default: "12" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    workers: { type: "string", default: "2" },
    /** GPU workers that die with a job: its lease takes 30 s to end. */
    dead: { type: "string", default: "1" },
    help: { type: "boolean", default: false },
  },
});
const { help, ...values } = given;
if (help) {
  console.log(USAGE);
  process.exit(0);
}
/** What a dead worker's lease takes, and a kill each; the rest is a slow machine's, ms. */
const LEASE_MS = 30_000;
const PER_KILL_MS = 1_500;
const PER_JOB_MS = 40;

const bad = Object.entries(values).find(([, value]) => !/^\d{1,6}$/.test(value));
if (bad !== undefined) {
  console.error(`--${bad[0]} must be a whole number, found ${bad[1]}`);
  process.exit(2);
}
const [jobs, kills, seed, workers, dead] = [values.jobs, values.kills, values.seed, values.workers, values.dead].map(
  Number,
) as [number, number, number, number, number];
const limitMs = 2 * LEASE_MS + kills * PER_KILL_MS + jobs * PER_JOB_MS;
const replay = `npm run test:chaos:jobs -- --jobs ${jobs} --kills ${kills} --seed ${seed} --workers ${workers} --dead ${dead}`;
const buildDir = mkdtempSync(join(tmpdir(), "warmpath-chaos-"));
try {
  const bundlePath = join(buildDir, "worker.js");
  await buildWorker({ outfile: bundlePath });
  const report = await runJobsChaos({
    jobs,
    kills,
    seed,
    workers,
    deadWorkers: workers === 0 ? 0 : dead,
    concurrency: 50,
    bundlePath,
    limitMs,
  });
  const ends = [...report.statuses].map(([status, count]) => `${count} ${status}`).join(", ");
  const line = `${report.kills} kills, ${report.dispatched} attempts pushed and ${report.pulled} pulled, ${report.repeated} submissions repeated, ${report.webhooks} webhooks, ${(report.tookMs / 1_000).toFixed(1)} s`;
  console.log(`seed ${seed}: ${ends}; ${line}`);
  for (const violation of report.violations) console.error(`VIOLATION ${violation}`);
  if (report.violations.length > 0) {
    console.error(`play it again: ${replay}`);
    process.exitCode = 1;
  }
} finally {
  rmSync(buildDir, { recursive: true, force: true });
}
