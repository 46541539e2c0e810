/**
 * `npm run chaos` (`-- --help`): every experiment of docs/reference/chaos.md, one after the other, as a table. Exits 1
 * when a promise was broken or a time was beyond its threshold.
 */
import { parseArgs } from "node:util";
import { buildWorker } from "../../tools/cli/build.ts";
import { experiments } from "./experiments.ts";
import type { Finding } from "./experiment.ts";

const USAGE = `npm run chaos -- [options]
  --only <ids>     experiments to run, such as R1,R22 (default: all)
  --short          each as small as in the tests
  --seed <n>       plays a run again (default: another one each time)
  --minutes <n>    how long R28 lasts (default 5)
  --list           what there is
  --help           this text`;

const { values: given } = parseArgs({
  options: {
    only: { type: "string" },
    short: { type: "boolean", default: false },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    minutes: { type: "string", default: "5" },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

function refuse(problem: string): never {
  console.error(`${problem}\n${USAGE}`);
  process.exit(2);
}

for (const name of ["seed", "minutes"] as const)
  if (!/^\d{1,6}$/.test(given[name])) refuse(`--${name} must be a whole number, found ${given[name]}`);
const all = experiments(Number(given.minutes));
const wanted = given.only?.toUpperCase().split(",") ?? null;
const unknown = wanted?.find((id) => all.every((experiment) => experiment.id !== id));
if (unknown !== undefined) refuse(`there is no experiment ${unknown}; there are ${all.map(({ id }) => id).join(", ")}`);
if (given.help) console.log(USAGE);
else if (given.list) for (const { id, what, threshold } of all) console.log(`${id.padEnd(4)} ${what}: ${threshold}`);
else await runAll();

async function runAll(): Promise<void> {
  await buildWorker();
  const seed = Number(given.seed);
  console.log(`seed ${seed}${given.short ? ", short" : ""}`);
  let failed = 0;
  for (const { id, what, threshold, run } of all) {
    if (wanted !== null && !wanted.includes(id)) continue;
    const startedAt = performance.now();
    const finding = await run({ short: given.short, seed }).catch((error: unknown): Finding => ({
      measured: "it did not come to its end",
      broken: [String(error)],
      late: [],
    }));
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    const isWell = finding.broken.length === 0 && finding.late.length === 0;
    if (!isWell) failed += 1;
    console.log(
      `${isWell ? "ok  " : "MISS"} ${id.padEnd(4)} ${what} (${seconds} s)\n          promise:  ${threshold}\n          measured: ${finding.measured}`,
    );
    for (const problem of [...finding.broken, ...finding.late]) console.log(`          MISS      ${problem}`);
  }
  if (failed > 0) {
    console.error(`${failed} missed; play it again with --seed ${seed}`);
    process.exitCode = 1;
  }
}
