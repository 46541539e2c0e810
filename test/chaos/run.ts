/**
 * The chaos run as a command: `npm run test:chaos` (`-- --help`).
 * Prints what happened; exits 1, with the command that plays it again, when a promise was broken.
 */
import { parseArgs } from "node:util";
import { buildWorker } from "../../tools/cli/build.ts";
import { runChaos } from "./chaos.ts";
import type { ChaosOptions, ChaosReport } from "./chaos.ts";

const USAGE = `npm run test:chaos -- [options]
  --requests <n>     requests that are sent (default 10000)
  --seed <n>         plays a run again (default: another one each time)
  --concurrency <n>  requests at once (default 50)
  --crashes <n>      shards that are taken down on the way (default 4)
  --help             this text`;

/** A text: what is wrong with them; null: help was asked for. */
function readOptions(): ChaosOptions | string | null {
  try {
    const { values } = parseArgs({
      options: {
        requests: { type: "string", default: "10000" },
        seed: { type: "string", default: String(Date.now() % 1_000_000) },
        concurrency: { type: "string", default: "50" },
        crashes: { type: "string", default: "4" },
        help: { type: "boolean", default: false },
      },
    });
    const { help, ...numbers } = values;
    if (help) return null;
    for (const [name, value] of Object.entries(numbers)) {
      if (!/^\d{1,7}$/.test(value)) return `--${name} must be a whole number, found ${value}`;
    }
    const { requests, seed, concurrency, crashes } = numbers;
    return {
      requests: Number(requests),
      seed: Number(seed),
      concurrency: Math.max(1, Number(concurrency)),
      crashes: Number(crashes),
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function print(title: string, counts: ReadonlyMap<string, number>): void {
  console.log(title);
  for (const [name, times] of [...counts].sort(([, left], [, right]) => right - left)) {
    console.log(`  ${String(times).padStart(7)}  ${name}`);
  }
}

function printReport(report: ChaosReport): void {
  print("outcomes", report.outcomes);
  print("disturbances", report.disturbances);
  const seconds = (report.tookMs / 1_000).toFixed(1);
  console.log(
    `${report.dispatched} attempts, ${seconds} s; leases at zero ${report.drainMs} ms after the last attempt`,
  );
}

const options = readOptions();
if (options === null) console.log(USAGE);
else if (typeof options === "string") {
  console.error(`${options}\n${USAGE}`);
  process.exitCode = 2;
} else {
  await buildWorker();
  const { requests, seed, concurrency, crashes } = options;
  const replay = `npm run test:chaos -- --requests ${requests} --seed ${seed} --concurrency ${concurrency} --crashes ${crashes}`;
  console.log(replay);
  const report = await runChaos(options);
  printReport(report);
  for (const violation of report.violations) console.error(`VIOLATION ${violation}`);
  if (report.violations.length > 0) {
    console.error(`play it again: ${replay}`);
    process.exitCode = 1;
  } else console.log("every request had exactly one outcome, and no lease is left");
}
