/**
 * `npm run bench:decision`: CPU time of one routing decision, in Node, for pools of 1 to 64 endpoints in three regions.
 *
 * Model. Contenders take turns, a batch each. *Decision* is what a shard does for one request: `acquire` (apply what
 * the call carries, which is the settlement of the oldest attempt, route over its own endpoints and its peers' digests,
 * grant the lease), called as the Durable Object calls it, with no credits, so that every request asks. *Route* is the
 * pure choice alone, on views that are there already. *Plan* is what comes on top while everything is full and PLAN_MAX
 * requests wait: at each event they are planned again. The floor is the least that a balancer does: the smallest of one
 * number per endpoint, counted up and down. The shard's state is learned (`decision-traffic.ts`). CPU is the process's
 * own (garbage collection and compiler included), the median over batches; what a call costs beside that (structured
 * clones, the event loop) is in `overhead.ts`.
 * Rejected: wall time, which on a shared machine is mostly the others'; and one long batch, which keeps their bad
 * moments.
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { invariant } from "../src/lib/invariant.ts";
import { seededRng } from "../src/lib/rng.ts";
import { PLAN_MAX, planHeld } from "../src/routing/core/cost/plan.ts";
import type { Place } from "../src/routing/core/pool.ts";
import { pick } from "../src/routing/core/cost/route.ts";
import type { RouteRequest } from "../src/routing/core/cost/route.ts";
import { createTraffic, LIVE } from "./decision-traffic.ts";
import { median, percentile } from "./stats.ts";

/** Endpoints of the pools that are measured. */
export const SIZES = [1, 8, 32, 64] as const;

/** CPU per whole decision that the project wants to stay below at AIM_ENDPOINTS, microseconds. */
export const AIM_US = 20;
const AIM_ENDPOINTS = 32;

const usage = `npm run bench:decision -- [options]
  --batches <n>   batches per contender and pool (default 21; 1 to 1000)
  --json <file>   also write the figures there
  --help          this text`;

/** CPU time of one batch, ms: a thousand times what the kernel's clock resolves. */
const BATCH_MS = 40;
/** CPU time of each contender before anything is measured, ms: by then the compiler has seen all of it. */
const WARM_UP_MS = 400;

/** What a contender does once. */
type Step = () => unknown;

/** In the order of a round. */
const NAMES = ["floor", "route", "decision", "plan"] as const;

export type Contenders = Readonly<Record<(typeof NAMES)[number], Step>>;

/** In flight of an endpoint that is full, as a multiple of its slots: then nothing that is held may leave yet. */
const FULL_TIMES = 20;

export function contendersFor(endpoints: number): Contenders {
  const rng = seededRng(endpoints);
  const { decide, views, clients } = createTraffic(endpoints, rng);
  const seen = views();
  const requests = clients.map(({ key, place }) => requestOf(key, place));
  const full = seen.map((view) => ({ ...view, inFlight: FULL_TIMES * view.capacity }));
  const held = Array.from({ length: PLAN_MAX }, (_, index) => {
    const { key, place } = clients[index % clients.length] ?? clients[0];
    return { id: String(index), request: requestOf(key, place), onlyRegion: null };
  });
  let turn = 0;
  return {
    floor: leastOutstanding(endpoints),
    route: () => {
      turn = (turn + 1) % requests.length;
      const request = requests[turn];
      return request === undefined ? null : pick(seen, request, rng);
    },
    decision: () => {
      const { kind } = decide();
      invariant(kind === "granted", `half of the slots are free, and the shard answers ${kind}`);
    },
    plan: () => planHeld(held, full, rng),
  };
}

const requestOf = (clientKey: string, place: Place): RouteRequest => ({
  client: place,
  clientKey,
  inputTokens: 1_000,
  excluded: [],
  exact: true,
});

/** The floor. */
function leastOutstanding(endpoints: number): Step {
  const outstanding = Array.from({ length: endpoints }, () => LIVE);
  const running = Array.from({ length: LIVE * endpoints }, (_, index) => index % endpoints);
  let oldest = 0;
  return () => {
    let best = 0;
    for (let at = 1; at < endpoints; at += 1) if ((outstanding[at] ?? 0) < (outstanding[best] ?? 0)) best = at;
    const ended = running[oldest] ?? 0;
    outstanding[best] = (outstanding[best] ?? 0) + 1;
    outstanding[ended] = (outstanding[ended] ?? 0) - 1;
    running[oldest] = best;
    oldest = (oldest + 1) % running.length;
    return best;
  };
}

function cpuUs(step: Step, times: number): number {
  const before = process.cpuUsage();
  for (let time = 0; time < times; time += 1) step();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** Times that take about BATCH_MS once everything is compiled. */
function warmedUp(step: Step): number {
  let times = 1;
  let spentUs = 0;
  for (;;) {
    const tookUs = cpuUs(step, times);
    spentUs += tookUs;
    if (tookUs < (BATCH_MS * 1_000) / 2) times *= 2;
    else if (spentUs >= WARM_UP_MS * 1_000) return Math.max(1, Math.round((times * BATCH_MS * 1_000) / tookUs));
  }
}

/** Over the batches, microseconds. */
export type Figures = { readonly medianUs: number; readonly p90Us: number };
export type Row = {
  readonly endpoints: number;
  /** Of one call. */
  readonly us: Readonly<Record<keyof Contenders, Figures>>;
  /** Medians over the floor's. */
  readonly ratio: Readonly<Record<keyof Contenders, number>>;
};

function measure(endpoints: number, batches: number): Row {
  const contenders = contendersFor(endpoints);
  const turns = NAMES.map((name) => {
    const step = contenders[name];
    return { name, step, times: warmedUp(step), us: [] as number[] };
  });
  for (let batch = 0; batch < batches; batch += 1) {
    for (const { step, times, us } of turns) us.push(cpuUs(step, times) / times);
  }
  const figures = turns.map(({ name, us }) => [name, { medianUs: median(us), p90Us: percentile(us, 0.9) }] as const);
  const us = Object.fromEntries(figures) as Record<keyof Contenders, Figures>;
  const ratios = figures.map(([name, { medianUs }]) => [name, medianUs / us.floor.medianUs] as const);
  return { endpoints, us, ratio: Object.fromEntries(ratios) as Record<keyof Contenders, number> };
}

function tableOf(rows: readonly Row[]): string {
  const cells = rows.map(({ endpoints, us, ratio }) => [
    String(endpoints),
    us.floor.medianUs.toFixed(3),
    us.route.medianUs.toFixed(2),
    us.decision.medianUs.toFixed(1),
    us.decision.p90Us.toFixed(1),
    ratio.route.toFixed(0),
    ratio.decision.toFixed(0),
    us.plan.medianUs.toFixed(0),
  ]);
  const names = ["endpoints", "floor us", "route us", "decision us", "its p90", "route / floor", "decision / floor"];
  const head = [...names, `plan of ${PLAN_MAX} us`];
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padStart(head[column]?.length ?? 0)).join("  ");
  return [head, ...cells].map(line).join("\n");
}

function main(args: readonly string[]): number {
  const { values } = parseArgs({
    args: [...args],
    options: { batches: { type: "string" }, json: { type: "string" }, help: { type: "boolean", default: false } },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const batches = Number(values.batches ?? "21");
  if (!Number.isInteger(batches) || batches < 1 || batches > 1_000) {
    throw new Error("--batches takes a whole number from 1 to 1000");
  }
  const machine = `${cpus()[0]?.model.trim() ?? "unknown CPU"}, ${cpus().length} cores; node ${process.versions.node}`;
  console.log(`Machine: ${machine}\nCPU time of one call, median of ${batches} batches of ${BATCH_MS} ms\n`);
  const rows = SIZES.map((endpoints) => measure(endpoints, batches));
  console.log(tableOf(rows));
  const aimed = rows.find(({ endpoints }) => endpoints === AIM_ENDPOINTS)?.us.decision.medianUs ?? Number.NaN;
  const verdict = aimed < AIM_US ? "kept" : "missed";
  console.log(`\nAim: below ${AIM_US} us with ${AIM_ENDPOINTS} endpoints: ${verdict}, ${aimed.toFixed(1)} us`);
  if (values.json !== undefined) {
    const report = { machine, batches, batchMs: BATCH_MS, aimUs: AIM_US, aimEndpoints: AIM_ENDPOINTS, rows };
    writeFileSync(resolve(values.json), `${JSON.stringify(report, null, 2)}\n`);
  }
  return 0;
}

if (import.meta.main) {
  try {
    process.exitCode = main(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
