/**
 * `npm run bench:jobs`: how long a job waits that need not wait.
 *
 * Model. Raw workerd with the built sources, an endpoint that is warm, and the client, on one machine; the client and
 * the endpoint are one process and share a clock, so a delay is measured and not inferred. Three exercises: ten jobs
 * back to back (the one whose numbers Prefect users publish: each begins after the one before it has ended), an open
 * loop at 1, 10 and 100 jobs/s, and an endpoint with one slot and a queue before it, where what counts is the time
 * from the end of one job to the start of the next. Numbers of the field: facts on Prefect 3, `serve` and a process
 * worker at a poll interval of 1 s.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildWorker } from "../tools/cli/build.ts";
import { startWorkerd } from "../tools/cli/workerd.ts";
import type { Workerd } from "../tools/cli/workerd.ts";
import { formatKey, keyHmac, toHex } from "../src/wire/api-keys.ts";
import { startJobsEndpoint } from "./jobs-endpoint.ts";
import type { JobsEndpoint } from "./jobs-endpoint.ts";
import { percentile } from "./stats.ts";

const usage = `npm run bench:jobs -- [options]
  --quick         1 s at each rate instead of 5 (10 at one job/s)
  --json <file>   also write the figures there
  --help          this text`;

/** A job's own time at the endpoint, ms: short, so that the queue is what is measured. */
const RUN_MS = 20;
/** With a slot to hand over, long enough that the queue is never empty. */
const SLOT_RUN_MS = 50;
const BACK_TO_BACK = 10;
const HAND_OVERS = 60;
const RATES = [1, 10, 100] as const;
/** Past it something is wrong, ms. */
const LIMIT_MS = 60_000;

type Stage = { readonly workerd: Workerd; readonly key: string; readonly endpoint: JobsEndpoint };

export type JobsReport = {
  readonly backToBack: { minMs: number; avgMs: number; p95Ms: number; maxMs: number };
  readonly rates: readonly { readonly perSecond: number; readonly startMsP95: number }[];
  readonly slotHandoverMsP95: number;
};

async function openStage(bundlePath: string, slots: number, runMs: number): Promise<Stage> {
  const endpoint = await startJobsEndpoint(() => runMs);
  const pepper = randomBytes(24).toString("base64");
  const key = formatKey("bench", randomBytes(32));
  const here = { id: "one", region: "here", backend: "openai", url: endpoint.url, concurrencyPerWorker: slots };
  const config = {
    regions: { here: { lat: 50.1, lon: 8.7, hint: "weur" } },
    keys: [{ id: "bench", tenant: "bench", hmac: toHex(await keyHmac(key, pepper)) }],
    pools: { bench: { endpoints: [{ ...here, queuesExcess: false }] } },
  };
  const bindings = { WARMPATH_CONFIG: JSON.stringify(config), WARMPATH_KEY_PEPPER: pepper };
  const workerd = await startWorkerd({ bundlePath, bindings });
  const stage = { workerd, key, endpoint };
  // The first job finds a cold isolate and an endpoint that nobody has looked at.
  for (let warmUp = 1; warmUp <= 3; warmUp++) {
    await submit(stage);
    await within(endpoint.ended(warmUp), "the first jobs");
  }
  endpoint.clear();
  return stage;
}

async function closeStage({ workerd, endpoint }: Stage): Promise<void> {
  await workerd.kill();
  endpoint.close();
}

/** The job's id, and when its submission was sent. */
async function submit({ workerd, key }: Stage): Promise<{ readonly jobId: string; readonly atMs: number }> {
  const atMs = performance.now();
  const response = await fetch(`${workerd.url}/v2/bench/run`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: '{"input":{"prompt":"x"}}',
  });
  if (response.status !== 200) throw new Error(`run answers ${response.status}: ${await response.text()}`);
  return { jobId: ((await response.json()) as { id: string }).id, atMs };
}

async function within(event: Promise<void>, what: string): Promise<void> {
  const timer = Promise.withResolvers<never>();
  const timeout = setTimeout(() => timer.reject(new Error(`${what} did not end in ${LIMIT_MS} ms`)), LIMIT_MS);
  try {
    await Promise.race([event, timer.promise]);
  } finally {
    clearTimeout(timeout);
  }
}

type Submitted = Awaited<ReturnType<typeof submit>>;

/** ms from submission to start, of each. Throws when one did not run, or ran twice. */
function delays(submitted: readonly Submitted[], { runs }: JobsEndpoint): number[] {
  if (runs.length !== submitted.length) throw new Error(`${submitted.length} jobs, ${runs.length} runs`);
  const startOf = new Map(runs.map(({ jobId, startMs }) => [jobId, startMs]));
  return submitted.map(({ jobId, atMs }) => {
    const startMs = startOf.get(jobId);
    if (startMs === undefined) throw new Error(`${jobId} did not run`);
    return startMs - atMs;
  });
}

async function backToBack(stage: Stage): Promise<JobsReport["backToBack"]> {
  const submitted: Submitted[] = [];
  for (let count = 1; count <= BACK_TO_BACK; count++) {
    submitted.push(await submit(stage));
    await within(stage.endpoint.ended(count), `job ${count}`);
  }
  const waits = delays(submitted, stage.endpoint);
  stage.endpoint.clear();
  const sum = waits.reduce((total, wait) => total + wait, 0);
  return {
    minMs: Math.min(...waits),
    avgMs: sum / waits.length,
    p95Ms: percentile(waits, 0.95),
    maxMs: Math.max(...waits),
  };
}

/** Submits on a clock of its own, whatever becomes of the jobs before. */
async function atRate(stage: Stage, perSecond: number, seconds: number): Promise<number> {
  const count = perSecond * seconds;
  const startMs = performance.now();
  const submitting: Promise<Submitted>[] = [];
  for (let index = 0; index < count; index++) {
    const dueMs = startMs + (index * 1_000) / perSecond - performance.now();
    if (dueMs > 0) await new Promise((wake) => setTimeout(wake, dueMs));
    submitting.push(submit(stage));
  }
  const submitted = await Promise.all(submitting);
  await within(stage.endpoint.ended(count), `${count} jobs`);
  const p95 = percentile(delays(submitted, stage.endpoint), 0.95);
  stage.endpoint.clear();
  return p95;
}

/** ms from the end of one job to the start of the next, at an endpoint with one slot. */
async function handOver(stage: Stage): Promise<number> {
  await Promise.all(Array.from({ length: HAND_OVERS }, async () => submit(stage)));
  await within(stage.endpoint.ended(HAND_OVERS), `${HAND_OVERS} jobs in one slot`);
  const { runs } = stage.endpoint;
  const gaps = runs.slice(1).map(({ startMs }, index) => startMs - (runs[index]?.endMs ?? Number.NaN));
  const overlap = gaps.find((gap) => gap < 0);
  if (overlap !== undefined) throw new Error("two jobs were in one slot");
  return percentile(gaps, 0.95);
}

async function measure(bundlePath: string, quick: boolean): Promise<JobsReport> {
  const wide = await openStage(bundlePath, 256, RUN_MS);
  const rates: { perSecond: number; startMsP95: number }[] = [];
  let first: JobsReport["backToBack"];
  try {
    first = await backToBack(wide);
    for (const perSecond of RATES) {
      const seconds = quick ? 1 : perSecond === 1 ? 10 : 5;
      rates.push({ perSecond, startMsP95: await atRate(wide, perSecond, seconds) });
    }
  } finally {
    await closeStage(wide);
  }
  const narrow = await openStage(bundlePath, 1, SLOT_RUN_MS);
  try {
    return { backToBack: first, rates, slotHandoverMsP95: await handOver(narrow) };
  } finally {
    await closeStage(narrow);
  }
}

function reportText({ backToBack: ten, rates, slotHandoverMsP95 }: JobsReport): string {
  const row = (name: string, ...values: readonly string[]): string =>
    name.padEnd(34) + values.map((value) => value.padStart(11)).join("");
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  return [
    row("ten jobs, back to back", "min", "avg", "p95", "max"),
    row("  Warmpath, submit to start", ms(ten.minMs), ms(ten.avgMs), ms(ten.p95Ms), ms(ten.maxMs)),
    row("  Prefect serve (published)", "1634 ms", "2272 ms", "", "2944 ms"),
    row("  Prefect worker (published)", "2419 ms", "3248 ms", "", "4946 ms"),
    "",
    row("open loop, submit to start", "p95"),
    ...rates.map(({ perSecond, startMsP95 }) => row(`  ${perSecond} jobs/s`, ms(startMsP95))),
    "",
    row("one slot, end to next start", "p95"),
    row("  Warmpath", ms(slotHandoverMsP95)),
    row("  Prefect, at a concurrency limit", "30 s"),
  ].join("\n");
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const buildDir = mkdtempSync(join(tmpdir(), "warmpath-bench-"));
  try {
    const bundlePath = join(buildDir, "worker.js");
    await buildWorker({ outfile: bundlePath });
    const report = await measure(bundlePath, values.quick);
    console.log(reportText(report));
    if (values.json !== undefined) writeFileSync(resolve(values.json), `${JSON.stringify(report, null, 2)}\n`);
  } finally {
    rmSync(buildDir, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
