/**
 * `npm run bench:overhead`: what the full path costs above a bare pass-through Worker, in one run on this machine.
 *
 * Model. Both run on raw workerd (never `wrangler dev`, whose proxy hides everything) against the same mock endpoint,
 * alone on one core; the mock and the load generator share another. Absolute figures move with the machine, the ratios
 * to the floor hold within about a tenth. See `rounds.ts` for how rounds alternate.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildWorker } from "../tools/cli/build.ts";
import { startFloor, startMockEndpoint, startRouter, untilReady } from "./contenders.ts";
import { chooseCores, machineLine, pin } from "./cpu.ts";
import type { Cores } from "./cpu.ts";
import { jsonResult, reportText, streamResult } from "./report.ts";
import type { Report } from "./report.ts";
import { runPhase } from "./rounds.ts";
import type { Phase, PhaseResult, Setting } from "./rounds.ts";

const usage = `npm run bench:overhead -- [options]
  --connections <n>  connections of the JSON load (default 16; 1 to 1000)
  --rounds <n>       rounds of the JSON load (default 8; 1 to 1000); streams take about half as many
  --seconds <n>      length of one contender's window in a round (default 1; 0.1 to 60)
  --quick            4 rounds of 0.6 s: 15 s of load and about a minute in all, for a first look
  --bundle <file>    measure this Worker bundle instead of a fresh build of the sources
  --json <file>      also write the figures there
  --help             this text`;

/** Failed requests shown; the first ones tell the cause. */
const FAILURES_SHOWN_MAX = 5;

type Options = {
  readonly connections: number;
  readonly rounds: number;
  readonly windowMs: number;
  readonly bundlePath: string | null;
  readonly jsonPath: string | null;
};

/** Throws an Error with one line for a person; null when help was asked for. */
function readOptions(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      connections: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      quick: { type: "boolean", default: false },
      bundle: { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const rounds = values.rounds ?? (values.quick ? "4" : "8");
  const seconds = values.seconds ?? (values.quick ? "0.6" : "1");
  return {
    connections: within("connections", values.connections ?? "16", { min: 1, max: 1_000, whole: true }),
    rounds: within("rounds", rounds, { min: 1, max: 1_000, whole: true }),
    windowMs: within("seconds", seconds, { min: 0.1, max: 60, whole: false }) * 1_000,
    bundlePath: values.bundle === undefined ? null : resolve(values.bundle),
    jsonPath: values.json === undefined ? null : resolve(values.json),
  };
}

type Range = { readonly min: number; readonly max: number; readonly whole: boolean };

function within(name: string, text: string, { min, max, whole }: Range): number {
  const value = Number(text);
  const good = text.trim() !== "" && value >= min && value <= max && (!whole || Number.isInteger(value));
  if (!good) throw new Error(`--${name} takes ${whole ? "a whole number" : "a number"} from ${min} to ${max}`);
  return value;
}

/** TTFT of a stream alone and among others, then many streams with as many events as a short answer has. */
function phasesOf({ connections, rounds, windowMs }: Options): { json: Phase; streams: readonly Phase[] } {
  const few = Math.ceil(rounds * 0.4);
  const stream = (at: number, chunks: number, intervalMs: number): Phase => ({
    name: `${at} streams`,
    connections: at,
    pace: { chunks, intervalMs },
    rounds: few,
    windowMs,
  });
  return {
    json: { name: "JSON", connections, pace: null, rounds, windowMs },
    streams: [stream(1, 5, 2), stream(16, 20, 10), stream(50, 20, 10)],
  };
}

async function measureAll(options: Options, bundlePath: string): Promise<Report | readonly string[]> {
  const cores = pinSelf();
  const endpoint = await startMockEndpoint();
  const started = [];
  try {
    started.push(await startFloor(endpoint.url, cores));
    started.push(await startRouter(endpoint.url, cores, { bundlePath, name: "full" }));
    for (const contender of started) await untilReady(contender);
    const setting: Setting = { contenders: started, endpointPid: endpoint.pid, cores };
    const machine = machineLine(workerdVersion());
    const pinning =
      cores === null
        ? "nothing is pinned (no taskset, or one core only): expect more noise"
        : `each workerd on core ${cores.gateway}; mock endpoint and load generator on core ${cores.load}`;
    console.log(`Machine: ${machine}\nPinning: ${pinning}`);
    console.log(
      "Floor: a Worker that is `fetch(upstream, request)`. Full: the built bundle, one key, default rails.\n",
    );
    return await runPhases(setting, options, { machine, pinning });
  } finally {
    for (const { workerd } of started) await workerd.kill();
    endpoint.close();
  }
}

async function runPhases(
  setting: Setting,
  options: Options,
  where: { readonly machine: string; readonly pinning: string },
): Promise<Report | readonly string[]> {
  const phases = phasesOf(options);
  const warmUp: Phase = { ...phases.json, name: "warm-up", rounds: 1, windowMs: Math.max(1_000, options.windowMs) };
  const results: PhaseResult[] = [];
  for (const phase of [warmUp, phases.json, ...phases.streams]) {
    const result = await runPhase(setting, phase);
    if (result.failures.length > 0) return result.failures;
    results.push(result);
  }
  const [, json, ...streamed] = results;
  if (json === undefined) return ["nothing was measured"];
  const streams = phases.streams.flatMap((phase, index) => {
    const result = streamed[index];
    return result === undefined ? [] : [streamResult(phase, result)];
  });
  return {
    ...jsonResult(json),
    ttftAddedMs: streams[0]?.ttftAddedMs ?? { p50: Number.NaN, p99: Number.NaN },
    streams,
    connections: options.connections,
    rounds: options.rounds,
    droppedRounds: json.droppedRounds,
    ...where,
  };
}

/** Before anything is started, so that the mock endpoint inherits the core. */
function pinSelf(): Cores | null {
  const cores = chooseCores();
  try {
    if (cores !== null) pin(process.pid, cores.load);
    return cores;
  } catch {
    // A sandbox may allow to look but not to set.
    return null;
  }
}

function workerdVersion(): string {
  const path = createRequire(import.meta.url).resolve("workerd/package.json");
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}

async function main(options: Options): Promise<number> {
  const buildDir = mkdtempSync(join(tmpdir(), "warmpath-bench-"));
  try {
    const fresh = join(buildDir, "worker.js");
    if (options.bundlePath === null) await buildWorker({ outfile: fresh });
    const result = await measureAll(options, options.bundlePath ?? fresh);
    if (!("streams" in result)) {
      console.error(`${result.length} requests failed, so the figures mean nothing:`);
      for (const failure of result.slice(0, FAILURES_SHOWN_MAX)) console.error(`  ${failure}`);
      return 1;
    }
    console.log(reportText(result));
    if (options.jsonPath !== null) writeFileSync(options.jsonPath, `${JSON.stringify(result, null, 2)}\n`);
    return 0;
  } finally {
    rmSync(buildDir, { recursive: true, force: true });
  }
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === null) console.log(usage);
  else process.exitCode = await main(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
