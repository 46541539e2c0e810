/**
 * `npm run sim`: every policy on the same simulated worlds, as a table, a plot and JSON; or the production core without
 * each of its parts (`--ablation`); or the documented tables (`--tables`). docs/explanation/simulator.md explains it.
 */
import { writeFileSync } from "node:fs";
import { invariant } from "../../src/lib/invariant.ts";
import { ok } from "../../src/lib/result.ts";
import { namedFault } from "./fault-windows.ts";
import type { RouterEntry } from "./policies/registry.ts";
import { ablationJson, ablationTable } from "./report/ablation-table.ts";
import { ABLATION_RUN, listParts, listRouters, readArgs, USAGE, type SimArgs } from "./report/args.ts";
import { partsOf, routersOf, type Cell } from "./report/cells.ts";
import { loadScenario, loadTrace } from "./report/files.ts";
import { jsonOf } from "./report/json.ts";
import { createProgress } from "./report/progress.ts";
import { soak } from "./report/soak.ts";
import { svgOf } from "./report/svg.ts";
import { tableOf } from "./report/table.ts";
import { cellsOf, tableText, type Table, type TableRun } from "./report/tables.ts";
import { inThreads } from "./report/threads.ts";
import { simulate, type ScenarioResult, type SimulateOptions } from "./run.ts";
import type { Scenario } from "./scenario.ts";
import type { TraceRow } from "./trace.ts";

/** Exit codes as in sysexits: bad input is the caller's, not ours. */
const EXIT_USAGE = 64;

async function main(argv: readonly string[]): Promise<number> {
  const args = readArgs(argv);
  if (!args.ok) return refuse(args.error);
  if (args.value.help) {
    console.log(`${USAGE}\n\nPolicies:\n${listRouters()}\n\nParts of the core:\n${listParts()}`);
    return 0;
  }
  const scenarios: Scenario[] = [];
  for (const name of args.value.scenarios) {
    const scenario = loadScenario(name);
    if (!scenario.ok) return refuse(scenario.error);
    scenarios.push(scenario.value);
  }
  if (args.value.tables !== null) return makeTables({ ...args.value, traces: args.value.trace }, args.value.tables);
  const traces: (readonly TraceRow[] | null)[] = [];
  for (const { arrivals, name } of scenarios) {
    if (arrivals.kind === "trace" && args.value.trace === null) return refuse(`scenario ${name} needs --trace FILE`);
    const isTraced = arrivals.kind === "trace" && args.value.trace !== null;
    const trace = isTraced ? loadTrace(args.value.trace, arrivals.file) : ok(null);
    if (!trace.ok) return refuse(trace.error);
    traces.push(trace.value);
  }
  const isAblation = args.value.without !== null;
  const { without: parts, routers: named, staleMs } = args.value;
  const names = (parts ?? named).map(({ name }) => name);
  const routers = parts === null ? routersOf(names, staleMs) : await partsOf(names);
  const plans = scenarios.flatMap((scenario, at) => plansOf(args.value, scenario, routers, traces[at] ?? null));
  const results = await runAll(plans, isAblation ? ablationTable : tableOf);
  if (args.value.svg !== null) writeFileSync(args.value.svg, svgOf(results));
  if (args.value.json !== null) writeFileSync(args.value.json, (isAblation ? ablationJson : jsonOf)(results));
  return 0;
}

/** Cells of all tables go to threads together; a table is printed when all of it is there. */
async function makeTables(run: TableRun, tables: readonly Table[]): Promise<number> {
  const known = (name: string): Scenario => {
    const scenario = loadScenario(name);
    invariant(scenario.ok, `${name} comes with the project`);
    return scenario.value;
  };
  const cells = tables.map((table) => cellsOf(table, run, known));
  const startedMs = performance.now();
  const progress = createProgress(cells.flat().length, process.stderr, () => performance.now());
  const worker = new URL("./report/tables-worker.ts", import.meta.url);
  const results = await inThreads<Cell, ScenarioResult>(worker, cells.flat(), () => progress.step("tables"));
  progress.finish();
  let at = 0;
  for (const [index, table] of tables.entries()) {
    const count = cells[index]?.length ?? 0;
    console.log(tableText(table, results.slice(at, at + count)));
    at += count;
  }
  console.error(`${((performance.now() - startedMs) / 60_000).toFixed(1)} minutes`);
  return 0;
}

type Plan = Omit<SimulateOptions, "onRun">;

/** One for each load. */
function plansOf(
  args: SimArgs,
  given: Scenario,
  routers: readonly RouterEntry[],
  trace: readonly TraceRow[] | null,
): readonly Plan[] {
  const scenario = { ...given, faults: [...given.faults, ...args.faults.map((name) => namedFault(name, given))] };
  const usual = args.without === null ? given.requests : Math.min(given.requests, ABLATION_RUN.requestsMax);
  const requests = args.requests ?? usual;
  const traced = given.arrivals.kind === "trace" && trace !== null;
  return (args.loads ?? given.loads).map((load) => ({
    scenario,
    load,
    routers,
    seed: args.seed ?? given.seed,
    seeds: args.seeds ?? given.seeds,
    requests: traced ? Math.min(requests, trace.length) : requests,
    trace,
  }));
}

async function runAll(
  plans: readonly Plan[],
  tableOfOne: (result: ScenarioResult) => string,
): Promise<ScenarioResult[]> {
  const total = plans.reduce((sum, { routers, seeds }) => sum + routers.length * seeds, 0);
  const progress = createProgress(total, process.stderr, () => performance.now());
  const results: ScenarioResult[] = [];
  for (const plan of plans) {
    const what = `${plan.scenario.name} at ${plan.load}`;
    const result = await simulate({ ...plan, onRun: (router) => progress.step(`${what}: ${router}`) });
    results.push(result);
    progress.finish();
    console.log(tableOfOne(result));
  }
  return results;
}

function refuse(message: string): number {
  console.error(`${message}\n\nnpm run sim -- --help lists the options.`);
  return EXIT_USAGE;
}

const argv = process.argv.slice(2);
process.exitCode = await (argv.some((one) => one.startsWith("--soak")) ? soak(argv) : main(argv));
