/**
 * `npm run sim`: every policy on the same simulated worlds, as a table, a plot and JSON. docs/simulator.md explains it.
 */
import { writeFileSync } from "node:fs";
import { namedFault } from "./fault-windows.ts";
import { policyRouter } from "./policy-router.ts";
import { listRouters, readArgs, USAGE, type SimArgs } from "./report/args.ts";
import { loadScenario, loadTrace } from "./report/files.ts";
import { jsonOf } from "./report/json.ts";
import { createProgress } from "./report/progress.ts";
import { soak } from "./report/soak.ts";
import { svgOf } from "./report/svg.ts";
import { tableOf } from "./report/table.ts";
import { simulate, type ScenarioResult, type SimulateOptions } from "./run.ts";
import type { Scenario } from "./scenario.ts";
import type { TraceRow } from "./trace.ts";

/** Exit codes as in sysexits: bad input is the caller's, not ours. */
const EXIT_USAGE = 64;

function main(argv: readonly string[]): number {
  const args = readArgs(argv);
  if (!args.ok) return refuse(args.error);
  if (args.value.help) {
    console.log(`${USAGE}\n\nPolicies:\n${listRouters()}`);
    return 0;
  }
  const scenarios: Scenario[] = [];
  for (const name of args.value.scenarios) {
    const scenario = loadScenario(name);
    if (!scenario.ok) return refuse(scenario.error);
    scenarios.push(scenario.value);
  }
  const trace = args.value.trace === null ? null : loadTrace(args.value.trace);
  if (trace !== null && !trace.ok) return refuse(trace.error);
  const untraced = scenarios.find(({ arrivals }) => arrivals.kind === "trace");
  if (untraced !== undefined && trace === null) return refuse(`scenario ${untraced.name} needs --trace FILE`);
  const results = runAll(args.value, scenarios, trace?.value ?? null);
  if (args.value.svg !== null) writeFileSync(args.value.svg, svgOf(results));
  if (args.value.json !== null) writeFileSync(args.value.json, jsonOf(results));
  return 0;
}

function runAll(args: SimArgs, scenarios: readonly Scenario[], trace: readonly TraceRow[] | null): ScenarioResult[] {
  const plans = scenarios.flatMap((given): readonly Omit<SimulateOptions, "onRun">[] => {
    const scenario = { ...given, faults: [...given.faults, ...args.faults.map((name) => namedFault(name, given))] };
    const routers = args.routers.map((entry) =>
      args.staleMs > 0 && entry.policy !== null
        ? { ...entry, factory: policyRouter(entry.policy, { staleMs: args.staleMs }) }
        : entry,
    );
    const requests = args.requests ?? scenario.requests;
    const traced = scenario.arrivals.kind === "trace" && trace !== null;
    return (args.loads ?? scenario.loads).map((load) => ({
      scenario,
      load,
      routers,
      seed: args.seed ?? scenario.seed,
      seeds: args.seeds ?? scenario.seeds,
      requests: traced ? Math.min(requests, trace.length) : requests,
      trace,
    }));
  });
  const total = plans.reduce((sum, { routers, seeds }) => sum + routers.length * seeds, 0);
  const progress = createProgress(total, process.stderr, () => performance.now());
  const results: ScenarioResult[] = [];
  for (const plan of plans) {
    const what = `${plan.scenario.name} at ${plan.load}`;
    const result = simulate({ ...plan, onRun: (router) => progress.step(`${what}: ${router}`) });
    results.push(result);
    progress.finish();
    console.log(tableOf(result));
  }
  return results;
}

function refuse(message: string): number {
  console.error(`${message}\n\nnpm run sim -- --help lists the options.`);
  return EXIT_USAGE;
}

const argv = process.argv.slice(2);
process.exitCode = argv.some((one) => one.startsWith("--soak")) ? await soak(argv) : main(argv);
