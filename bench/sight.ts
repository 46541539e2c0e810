/**
 * `npm run bench:sight`: what it costs a request to be told of, against the same bundle that tells of none, in one run.
 *
 * Model. Both are the built bundle on raw workerd with the same config; in one the part that makes records (`sight/tell.ts`),
 * and with it counts, reports and the log, does nothing. Rounds alternate as in `bench:overhead`. The feed runs in the same
 * process here, so its share is in it; on Cloudflare it is another machine's. Ratios within a round are steady, absolute
 * figures are the machine's.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildWorker } from "../tools/cli/build.ts";
import { startMockEndpoint, startRouter, untilReady } from "./contenders.ts";
import { chooseCores, pin } from "./cpu.ts";
import { runPhase } from "./rounds.ts";
import type { Window } from "./rounds.ts";
import { median, percentile } from "./stats.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "16" },
    seconds: { type: "string", default: "1" },
    connections: { type: "string", default: "16" },
  },
});

/** The part that exports the one function by which a request is told of, doing nothing. */
function silence(folder: string): void {
  const parts = readdirSync(folder).filter((name) => /^part-.*\.js$/.test(name));
  const telling = parts.filter((name) => /\bas tell\}/.test(readFileSync(join(folder, name), "utf8")));
  const [part, ...others] = telling;
  if (part === undefined || others.length > 0) throw new Error(`${telling.length} parts export tell`);
  writeFileSync(join(folder, part), "export function tell() {}\n");
}

const folder = mkdtempSync(join(tmpdir(), "warmpath-sight-"));
const [telling, silent] = [join(folder, "telling"), join(folder, "silent")];
await buildWorker({ outfile: join(telling, "worker.js") });
mkdirSync(silent);
for (const name of readdirSync(telling)) copyFileSync(join(telling, name), join(silent, name));
silence(silent);
const cores = chooseCores();
if (cores !== null) pin(process.pid, cores.load);
const endpoint = await startMockEndpoint();
const contenders = [
  await startRouter(endpoint.url, cores, { bundlePath: join(silent, "worker.js"), name: "silent" }),
  await startRouter(endpoint.url, cores, { bundlePath: join(telling, "worker.js"), name: "telling" }),
];
try {
  for (const contender of contenders) await untilReady(contender);
  const phase = { connections: Number(values.connections), pace: null, windowMs: Number(values.seconds) * 1_000 };
  const setting = { contenders, endpointPid: endpoint.pid, cores };
  await runPhase(setting, { ...phase, name: "warm-up", rounds: 2 });
  const { rounds, droppedRounds, failures } = await runPhase(setting, {
    ...phase,
    name: "JSON",
    rounds: Number(values.rounds),
  });
  if (failures.length > 0) throw new Error(failures.slice(0, 5).join("\n"));
  const usOf = ({ cpuMs, latenciesMs }: Window): number => ((cpuMs ?? Number.NaN) * 1_000) / latenciesMs.length;
  const pairs = rounds.flatMap(([off, on]) =>
    off === undefined || on === undefined ? [] : [[usOf(off), usOf(on)] as const],
  );
  const ratios = pairs.map(([off, on]) => on / off);
  const told = (all: readonly number[], digits: number) =>
    `${median(all).toFixed(digits)} (quartiles ${percentile(all, 0.25).toFixed(digits)} to ${percentile(all, 0.75).toFixed(digits)})`;
  console.log(
    `CPU a request, µs: silent ${told(
      pairs.map(([off]) => off),
      1,
    )}, telling ${told(
      pairs.map(([, on]) => on),
      1,
    )}`,
  );
  console.log(
    `Telling costs ${told(
      pairs.map(([off, on]) => on - off),
      1,
    )} µs; ${told(
      ratios.map((ratio) => (ratio - 1) * 100),
      1,
    )} %`,
  );
  const all = (at: 0 | 1): number => {
    const windows = rounds.flatMap((round) => round[at] ?? []);
    const cpuMs = windows.reduce((sum, window) => sum + (window.cpuMs ?? Number.NaN), 0);
    return (cpuMs * 1_000) / windows.reduce((sum, { latenciesMs }) => sum + latenciesMs.length, 0);
  };
  console.log(
    `All rounds together, µs: silent ${all(0).toFixed(1)}, telling ${all(1).toFixed(1)}; ${((all(1) / all(0) - 1) * 100).toFixed(1)} %`,
  );
  console.log(`${rounds.length} rounds count, ${droppedRounds} were disturbed`);
} finally {
  for (const { workerd } of contenders) await workerd.kill();
  endpoint.close();
  rmSync(folder, { recursive: true, force: true });
}
