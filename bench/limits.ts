/**
 * `npm run bench:limits`: what a tenant's limits cost in CPU, in one run on this machine.
 *
 * Model. One bundle three times on raw workerd: without limits, with every kind of limit and slack in all of them, and
 * once more without, which shows how far the same thing is from itself here. Rounds alternate as in `rounds.ts`; ratios
 * are taken within a round. The objects run in the same process, so what the ledger does is in it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildWorker } from "../tools/cli/build.ts";
import { startMockEndpoint, startRouter, untilReady } from "./contenders.ts";
import type { Contender } from "./contenders.ts";
import { chooseCores, machineLine, pin } from "./cpu.ts";
import { runPhase } from "./rounds.ts";
import type { Phase, PhaseResult, Window } from "./rounds.ts";
import { median, percentile } from "./stats.ts";

const usage = `npm run bench:limits -- [options]
  --rounds <n>     rounds of each load (default 12; 1 to 1000)
  --seconds <n>    length of one contender's window in a round (default 1; 0.1 to 60)
  --bundle <file>  measure this Worker bundle instead of a fresh build of the sources
  --help           this text`;

/** Each kind, and far from all of them: near a limit each request asks, which is another price. */
const ALL = {
  requestsPerMinute: 1e9,
  tokensPerMinute: 1e12,
  concurrency: 1e6,
  tokensPerDay: 1e12,
  tokensPerMonth: 1e12,
  spendPerDay: 1e9,
  spendPerMonth: 1e9,
  maxTokensMax: 4_096,
};
const LIMITS = {
  tenants: { bench: { limits: ALL } },
  prices: { inputPerMTok: 1, cachedInputPerMTok: 0.5, outputPerMTok: 10 },
};
/** What the project wants to keep to. */
const AIM = 1.05;

const PHASES: readonly Omit<Phase, "rounds" | "windowMs">[] = [
  { name: "JSON, 16 connections", connections: 16, pace: null },
  { name: "JSON, 1 connection", connections: 1, pace: null },
  { name: "streams of 20 events, 16 at once", connections: 16, pace: { chunks: 20, intervalMs: 10 } },
];

const cpuUsEach = ({ cpuMs, latenciesMs }: Window): number => ((cpuMs ?? Number.NaN) * 1_000) / latenciesMs.length;

function report({ name }: Phase, { rounds, droppedRounds, failures }: PhaseResult): void {
  if (failures.length > 0) throw new Error(`${name}: ${failures.length} failed, the first: ${failures[0]}`);
  const each = rounds.map((round) => round.map(cpuUsEach));
  const ratio = (over: number): string => {
    const values = each.map((round) => (round[over] ?? Number.NaN) / (round[0] ?? Number.NaN));
    const [low, high] = [percentile(values, 0.25), percentile(values, 0.75)];
    return `${median(values).toFixed(3)} (quartiles ${low.toFixed(3)} to ${high.toFixed(3)})`;
  };
  const [none, limited] = [0, 1].map((at) => median(each.map((round) => round[at] ?? Number.NaN)).toFixed(0));
  console.log(`${name}: ${none} µs a request without limits, ${limited} µs with; ${rounds.length} rounds count`);
  console.log(`  with limits ${ratio(1)}, the same again ${ratio(2)}; ${droppedRounds} rounds were disturbed`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "12" },
      seconds: { type: "string", default: "1" },
      bundle: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(usage);
  const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
  if (!(Number.isInteger(rounds) && rounds >= 1 && rounds <= 1_000)) throw new Error("--rounds takes 1 to 1000");
  if (!(seconds >= 0.1 && seconds <= 60)) throw new Error("--seconds takes 0.1 to 60");
  const dir = mkdtempSync(join(tmpdir(), "warmpath-bench-"));
  const cores = chooseCores();
  if (cores !== null) pin(process.pid, cores.load);
  const endpoint = await startMockEndpoint();
  const contenders: Contender[] = [];
  try {
    const bundlePath = values.bundle === undefined ? join(dir, "worker.js") : resolve(values.bundle);
    if (values.bundle === undefined) await buildWorker({ outfile: bundlePath });
    for (const [name, limits] of [["none"], ["limits", LIMITS], ["none again"]] as const)
      contenders.push(await startRouter(endpoint.url, cores, { bundlePath, name, ...(limits && { limits }) }));
    for (const contender of contenders) await untilReady(contender);
    console.log(`${machineLine("as installed")}\nThe aim: a ratio of ${AIM} at most.`);
    const setting = { contenders, endpointPid: endpoint.pid, cores };
    for (const phase of PHASES) {
      await runPhase(setting, { ...phase, rounds: 1, windowMs: 1_000 });
      const whole = { ...phase, rounds, windowMs: seconds * 1_000 };
      report(whole, await runPhase(setting, whole));
    }
  } finally {
    for (const { workerd } of contenders) await workerd.kill();
    endpoint.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
