/**
 * `npm run bench:flow`: the workload of prompt-flow's published benchmark on raw workerd with the built bundle. Three
 * external rails of 250 ms in parallel, a model that takes 1 s, users that think 1 to 2 s between two questions.
 *
 * Model. The check service and the model are one process, workerd another, the users this one. The counters of the
 * mocks prove that every question had its three checks and its one call. With `--ceiling` the same users first ask a
 * mock that answers after 1.25 s by itself (1 s where that is the floor): what is missing there, no router lost.
 * Rejected: Locust itself, which in the published run had no core left to ask faster, as the article says; and an open
 * loop, whose figures have nothing published to stand beside.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildWorker } from "../tools/cli/build.ts";
import { coresBusyMs, cpuMsBetween, machineLine, readCpu } from "./cpu.ts";
import { runUsers } from "./flow-load.ts";
import type { LoadResult } from "./flow-load.ts";
import type { MockCounts } from "./flow-mocks.ts";
import { figuresOf, tableOf, usersText } from "./flow-report.ts";
import type { Figures } from "./flow-report.ts";
import { startFlow, startMocks } from "./flow-stage.ts";
import type { Mocks } from "./flow-stage.ts";
import { barePath, CHECKS, floorMs, isScoreAnswer, OVERLAPS, SCORE_PATH } from "./flow-workload.ts";
import { scoreRequest } from "./flow-workload.ts";
import type { Overlap, Users } from "./flow-workload.ts";

const usage = `npm run bench:flow -- [options]
  --users <n>        users at once (default 100; 1 to 10000)
  --ramp <n>         users that begin per second (default 50; 0.1 to 10000)
  --seconds <n>      length of the run, its ramp included (default 20; 2 to 3600)
  --overlap <mode>   acquire (default): the model after the checks; dispatch: beside them, its answer withheld
  --no-checks        without the external rails: what everything else costs
  --ceiling          the same users on a mock alone first, for the limits of the load generator
  --bundle <file>    measure this Worker bundle instead of a fresh build of the sources
  --json <file>      also write the figures there
  --help             this text
The published runs: --users 1000 --ramp 10 --seconds 300, and --users 500 --ramp 50 --seconds 60`;

export type Options = {
  readonly users: Users;
  readonly overlap: Overlap;
  readonly hasChecks: boolean;
  readonly ceiling: boolean;
  readonly bundlePath: string | null;
  readonly jsonPath: string | null;
};

/** Throws an Error with one line for a person; null when help was asked for. */
export function readOptions(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      users: { type: "string", default: "100" },
      ramp: { type: "string", default: "50" },
      seconds: { type: "string", default: "20" },
      overlap: { type: "string", default: "acquire" },
      "no-checks": { type: "boolean", default: false },
      ceiling: { type: "boolean", default: false },
      bundle: { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const overlap = OVERLAPS.find((mode) => mode === values.overlap);
  if (overlap === undefined) throw new Error(`--overlap takes ${OVERLAPS.join(" or ")}`);
  return {
    users: {
      users: within("users", values.users, { min: 1, max: 10_000, whole: true }),
      rampPerSecond: within("ramp", values.ramp, { min: 0.1, max: 10_000, whole: false }),
      windowMs: within("seconds", values.seconds, { min: 2, max: 3_600, whole: false }) * 1_000,
    },
    overlap,
    hasChecks: !values["no-checks"],
    ceiling: values.ceiling,
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

/** CPU time over the run's, as a share of one core; null where the platform does not tell. */
type Cores = {
  readonly router: number | null;
  readonly mocks: number | null;
  readonly users: number | null;
  /** Whatever else the machine did: above a few hundredths the latencies are not the router's alone. */
  readonly others: number | null;
};

type Run = { readonly load: LoadResult; readonly counts: MockCounts; readonly cores: Cores };

type Target = { readonly port: number; readonly request: Buffer; readonly routerPid: number | null };

async function measure({ users }: Options, mocks: Mocks, target: Target): Promise<Run> {
  const { port, request, routerPid } = target;
  const read = () => ({
    router: routerPid === null ? null : readCpu(routerPid),
    mocks: readCpu(mocks.pid),
    users: readCpu(process.pid),
    busyMs: coresBusyMs(cpus().map((_, core) => core)),
    atMs: performance.now(),
  });
  await mocks.take();
  const before = read();
  const load = await runUsers({
    users,
    client: { port, request, isGood: isScoreAnswer },
    rng: Math.random,
    onProgress: (elapsedMs, { latenciesMs, failures }) =>
      console.error(`  ${(elapsedMs / 1_000).toFixed(0)} s: ${latenciesMs.length} answers, ${failures} failures`),
  });
  const after = read();
  const share = (ms: number | null): number | null =>
    ms === null ? null : Number((ms / (after.atMs - before.atMs)).toFixed(3));
  const [router, mock, user] = (["router", "mocks", "users"] as const).map((name) =>
    cpuMsBetween(before[name], after[name]),
  );
  const oursMs = (router ?? 0) + (mock ?? 0) + (user ?? 0);
  const others = before.busyMs === null || after.busyMs === null ? null : after.busyMs - before.busyMs - oursMs;
  const cores = {
    router: share(router ?? null),
    mocks: share(mock ?? null),
    users: share(user ?? null),
    others: share(others === null ? null : Math.max(0, others)),
  };
  return { load, counts: await mocks.take(), cores };
}

/** Which mock did not answer once per question; empty when a failed question explains any difference. */
export function countProblems(load: LoadResult, counts: MockCounts, paths: readonly string[]): readonly string[] {
  if (load.failures + load.lateFailures > 0) return [];
  return paths.flatMap((path) => {
    const answers = counts.answers[path] ?? 0;
    return answers === load.asked ? [] : [`${path} answered ${answers} times for ${load.asked} questions`];
  });
}

async function main(options: Options): Promise<number> {
  const buildDir = mkdtempSync(join(tmpdir(), "warmpath-bench-"));
  const mocks = await startMocks();
  try {
    const fresh = join(buildDir, "worker.js");
    if (options.bundlePath === null) await buildWorker({ outfile: fresh });
    const machine = machineLine(workerdVersion());
    console.log(`Machine: ${machine}\nLoad: ${usersText(options.users)}; a user thinks 1 to 2 s between two questions`);
    const bare = options.ceiling ? await measureBare(options, mocks) : null;
    const run = await measureRouter(options, mocks, options.bundlePath ?? fresh);
    return report(options, { machine, bare, run });
  } finally {
    mocks.close();
    rmSync(buildDir, { recursive: true, force: true });
  }
}

async function measureBare(options: Options, mocks: Mocks): Promise<Run> {
  const leastMs = floorMs(options.overlap, options.hasChecks);
  console.log(`The users and a mock of ${leastMs} ms alone:`);
  const run = await measure(options, mocks, {
    port: mocks.port,
    request: scoreRequest(barePath(leastMs)),
    routerPid: null,
  });
  console.log(`  ${coresText(run.cores)}`);
  return run;
}

async function measureRouter(options: Options, mocks: Mocks, bundlePath: string): Promise<Run> {
  const { overlap, hasChecks } = options;
  console.log(`The router, ${nameOf(options)}:`);
  const { workerd, request } = await startFlow(bundlePath, {
    mocksUrl: `http://127.0.0.1:${mocks.port}`,
    overlap,
    hasChecks,
  });
  try {
    const run = await measure(options, mocks, { port: workerd.port, request, routerPid: workerd.pid });
    console.log(`  ${coresText(run.cores)}`);
    return run;
  } finally {
    await workerd.kill();
  }
}

const nameOf = ({ overlap, hasChecks }: Options): string => (hasChecks ? `overlap ${overlap}` : "no external rails");

const coresText = (cores: Cores): string =>
  `share of a core: ${Object.entries(cores)
    .flatMap(([name, share]) => (share === null ? [] : [`${name} ${share.toFixed(2)}`]))
    .join(", ")}`;

type Measured = { readonly machine: string; readonly bare: Run | null; readonly run: Run };

function report(options: Options, { machine, bare, run }: Measured): number {
  const { users, overlap, hasChecks, jsonPath } = options;
  const leastMs = floorMs(overlap, hasChecks);
  const figures = figuresOf(run.load, users);
  const bareFigures = bare === null ? null : figuresOf(bare.load, users);
  const paths = [SCORE_PATH, ...(hasChecks ? CHECKS.map((name) => `/${name}`) : [])];
  const problems = [
    ...countProblems(run.load, run.counts, paths),
    ...(bare === null ? [] : countProblems(bare.load, bare.counts, [barePath(leastMs)])),
  ];
  console.log(
    `\n${tableOf({ users, floorMs: leastMs, name: `router, ${nameOf(options)}`, figures, bare: bareFigures })}\n`,
  );
  const { lateMsP50, lateMsP99 } = run.counts;
  console.log(`Over the floor of ${leastMs} ms: ${overText(figures, leastMs)}.`);
  console.log(`Of that the mocks' timers: p50 ${msText(lateMsP50)}, p99 ${msText(lateMsP99)} at each call.`);
  for (const problem of [...run.load.problems, ...problems]) console.error(`PROBLEM: ${problem}`);
  if (problems.length === 0 && figures.failures === 0) {
    console.log(`Every question had ${hasChecks ? "its three checks and " : ""}one call of the model: counted there.`);
  }
  const { blindChecks } = run.counts;
  if (blindChecks > 0) console.log(`NOTE: ${blindChecks} checks were not given the question's text.`);
  if (jsonPath !== null) {
    const setting = { users: users.users, rampPerSecond: users.rampPerSecond, seconds: users.windowMs / 1_000 };
    const more = {
      overlap,
      hasChecks,
      floorMs: leastMs,
      asked: run.load.asked,
      mocks: run.counts,
      cores: run.cores,
    };
    const json = {
      ...figures,
      ...setting,
      ...more,
      bare: bare === null ? null : { ...bareFigures, cores: bare.cores },
      problems,
      machine,
    };
    writeFileSync(jsonPath, `${JSON.stringify(json, null, 2)}\n`);
  }
  return problems.length === 0 ? 0 : 1;
}

function overText({ p50Ms, p99Ms }: Figures, leastMs: number): string {
  const over = (value: number | null): string => msText(value === null ? null : value - leastMs);
  return `p50 ${over(p50Ms)}, p99 ${over(p99Ms)}`;
}

const msText = (value: number | null): string => (value === null ? "-" : `${value.toFixed(1)} ms`);

function workerdVersion(): string {
  const path = createRequire(import.meta.url).resolve("workerd/package.json");
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}

if (import.meta.main) {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options === null) console.log(usage);
    else process.exitCode = await main(options);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
