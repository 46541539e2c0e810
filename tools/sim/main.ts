/**
 * `npm run sim`: every policy on the same simulated worlds, as a table, a plot and JSON; or the production core without
 * each of its parts (`--ablation`). docs/simulator.md explains it.
 */
import { writeFileSync } from "node:fs";
import { namedFault } from "./fault-windows.ts";
import { policyRouter } from "./policy-router.ts";
import type { RouterEntry } from "./policies/registry.ts";
import { without } from "./report/ablation/ablation.ts";
import { production } from "./production/router.ts";
import { ablationJson, ablationTable, WHOLE } from "./report/ablation-table.ts";
import { ABLATION_RUN, listParts, listRouters, readArgs, USAGE, type SimArgs } from "./report/args.ts";
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
  const trace = args.value.trace === null ? null : loadTrace(args.value.trace);
  if (trace !== null && !trace.ok) return refuse(trace.error);
  const untraced = scenarios.find(({ arrivals }) => arrivals.kind === "trace");
  if (untraced !== undefined && trace === null) return refuse(`scenario ${untraced.name} needs --trace FILE`);
  const isAblation = args.value.without !== null;
  const routers = await routersOf(args.value);
  const plans = scenarios.flatMap((scenario) => plansOf(args.value, scenario, routers, trace?.value ?? null));
  const results = await runAll(plans, isAblation ? ablationTable : tableOf);
  if (args.value.svg !== null) writeFileSync(args.value.svg, svgOf(results));
  if (args.value.json !== null) writeFileSync(args.value.json, (isAblation ? ablationJson : jsonOf)(results));
  return 0;
}

async function routersOf({ without: parts, routers, staleMs }: SimArgs): Promise<readonly RouterEntry[]> {
  if (parts === null) {
    return routers.map((entry) =>
      staleMs > 0 && entry.policy !== null ? { ...entry, factory: policyRouter(entry.policy, { staleMs }) } : entry,
    );
  }
  const entry = { about: "", policy: null } as const;
  const variants = parts.map(async ({ name }) => ({ ...entry, name, factory: await without(name) }));
  return [{ ...entry, name: WHOLE, factory: production() }, ...(await Promise.all(variants))];
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
