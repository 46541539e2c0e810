/**
 * The command line of the simulator: options, defaults, bounds, and what is said when they are wrong.
 */
import { parseArgs } from "node:util";
import { err, ok, type Result } from "../../../src/lib/result.ts";
import { FAULT_NAMES, type FaultName } from "../fault-windows.ts";
import { ROUTERS, type RouterEntry } from "../policies/registry.ts";
import { PARTS, type Part } from "./ablation/ablation.ts";
import { TABLES, type Table } from "./tables.ts";
import { REQUESTS_MAX, SEED_MAX, SEEDS_MAX } from "./scenario-schema.ts";

export type SimArgs = {
  /** Names of shipped scenarios, or files. */
  readonly scenarios: readonly string[];
  readonly routers: readonly RouterEntry[];
  /** Null: the scenario's own. */
  readonly seeds: number | null;
  readonly seed: number | null;
  readonly requests: number | null;
  readonly loads: readonly number[] | null;
  readonly faults: readonly FaultName[];
  readonly trace: string | null;
  readonly staleMs: number;
  readonly svg: string | null;
  readonly json: string | null;
  /** Parts that the production core is run without, one at a time, in place of the policies; null: no ablation. */
  readonly without: readonly Part[] | null;
  /** The documented tables, instead of one run; null: none. */
  readonly tables: readonly Table[] | null;
  /** At their documented sizes. */
  readonly full: boolean;
  readonly help: boolean;
};

/** What runs without `--scenario`: the reference scenarios, small enough to end within a minute with every policy. */
export const DEFAULT_RUN = { scenarios: ["A", "B", "C", "D"], seeds: 2, requests: 20_000 } as const;

/** What an ablation runs without `--scenario`: where each part matters, at the loads of the tables. */
export const ABLATION_RUN = {
  scenarios: ["C", "D", "sinkhole", "outage", "scale-to-zero", "step-chat"],
  traced: "trace-conversation",
  seeds: 3,
  requestsMax: 20_000,
} as const;

export const USAGE = `Usage: npm run sim -- [options]

  --scenario NAME|FILE   a scenario of tools/sim/scenarios or a file of your own; may be repeated
  --policy NAME,NAME     which routers; default all
  --load 0.8,0.95        shares of total capacity; default the scenario's
  --seeds N, --seed N    how many seeds, and the first; default the scenario's
  --requests N           requests per seed; default the scenario's
  --trace FILE|FOLDER    an Azure CSV or Mooncake JSONL trace, for scenarios with trace arrivals
  --faults NAME,NAME     ${FAULT_NAMES.join(", ")}
  --stale MS             age of what policies see of other regions; default 0, exact
  --svg FILE             a plot of the p99 ratios
  --json FILE            all figures
  --ablation             the production core without each of its parts, instead of the policies
  --without PART,PART    the same, only these parts: ${PARTS.map(({ name }) => name).join(", ")}
  --tables all|NAME,NAME the tables of docs/explanation/routing.md as Markdown: ${TABLES.map(({ name }) => name).join(", ")}
  --full                 … at the sizes that stand there, and not smaller
  --list                 the policies and what they are

Without --scenario: ${DEFAULT_RUN.scenarios.join(", ")} with ${DEFAULT_RUN.seeds} seeds of ${DEFAULT_RUN.requests} requests;
with --ablation: ${ABLATION_RUN.scenarios.join(", ")}, and with --trace FILE ${ABLATION_RUN.traced}, with ${ABLATION_RUN.seeds} seeds.
--soak N [--seed S] [--sim-seconds 60] runs random worlds with every checker instead.`;

export function readArgs(argv: readonly string[]): Result<SimArgs, string> {
  const parsed = parse(argv);
  if (!parsed.ok) return parsed;
  const { values } = parsed.value;
  const problems: string[] = [];
  const named = values.scenario ?? [];
  const names = listOf(values.policy);
  const unknown = names.filter((name) => !ROUTERS.some((entry) => entry.name === name));
  if (unknown.length > 0) {
    problems.push(
      `--policy: no such policy: ${unknown.join(", ")}. Known: ${ROUTERS.map(({ name }) => name).join(", ")}`,
    );
  }
  const parts = listOf(values.without);
  const noPart = parts.filter((name) => !PARTS.some((part) => part.name === name));
  if (noPart.length > 0) {
    problems.push(`--without: no such part: ${noPart.join(", ")}. Known: ${PARTS.map(({ name }) => name).join(", ")}`);
  }
  const ablates = values.ablation === true || parts.length > 0;
  const faults = listOf(values.faults);
  const odd = faults.filter((name) => !FAULT_NAMES.some((known) => known === name));
  if (odd.length > 0) problems.push(`--faults: no such fault: ${odd.join(", ")}. Known: ${FAULT_NAMES.join(", ")}`);
  const loads = listOf(values.load).map((text) => numberOf("--load", text, { min: 0.001, max: 100 }, problems));
  const whole = (option: string, text: string | undefined, max: number, min = 1): number | null =>
    text === undefined ? null : numberOf(option, text, { min, max, integer: true }, problems);
  const asked = listOf(values.tables);
  const noTable = asked.filter((name) => name !== "all" && !TABLES.some((table) => table.name === name));
  if (noTable.length > 0) {
    problems.push(
      `--tables: no such table: ${noTable.join(", ")}. Known: all, ${TABLES.map(({ name }) => name).join(", ")}`,
    );
  }
  const quick = named.length === 0;
  const run = ablates ? ablationRun(values.trace) : DEFAULT_RUN;
  const args: SimArgs = {
    scenarios: quick ? run.scenarios : named,
    routers: names.length === 0 ? ROUTERS : ROUTERS.filter(({ name }) => names.includes(name)),
    seeds: whole("--seeds", values.seeds, SEEDS_MAX) ?? (quick ? run.seeds : null),
    seed: whole("--seed", values.seed, SEED_MAX, 0),
    requests: whole("--requests", values.requests, REQUESTS_MAX) ?? (quick && !ablates ? DEFAULT_RUN.requests : null),
    loads: loads.length === 0 ? null : loads,
    faults: FAULT_NAMES.filter((name) => faults.includes(name)),
    trace: values.trace ?? null,
    staleMs: values.stale === undefined ? 0 : numberOf("--stale", values.stale, { min: 0, max: 60_000 }, problems),
    svg: values.svg ?? null,
    json: values.json ?? null,
    without: ablates ? PARTS.filter(({ name }) => parts.length === 0 || parts.includes(name)) : null,
    tables: asked.length === 0 ? null : TABLES.filter(({ name }) => asked.includes("all") || asked.includes(name)),
    full: values.full === true,
    help: values.help === true || values.list === true,
  };
  return problems.length === 0 ? ok(args) : err(problems.join("\n"));
}

function ablationRun(trace: string | undefined) {
  const { scenarios, traced, seeds } = ABLATION_RUN;
  return { scenarios: trace === undefined ? scenarios : [...scenarios, traced], seeds };
}

/** `--list`, as text. */
export function listRouters(): string {
  return listed(ROUTERS);
}

/** What the core can be run without, as text. */
export function listParts(): string {
  return listed(PARTS);
}

function listed(all: readonly { readonly name: string; readonly about: string }[]): string {
  const width = Math.max(...all.map(({ name }) => name.length));
  return all.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`).join("\n");
}

function parse(argv: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  try {
    return ok(
      parseArgs({
        args: [...argv],
        options: {
          scenario: { type: "string", multiple: true },
          policy: { type: "string", multiple: true },
          load: { type: "string", multiple: true },
          faults: { type: "string", multiple: true },
          seeds: text,
          seed: text,
          requests: text,
          trace: text,
          stale: text,
          svg: text,
          json: text,
          without: { type: "string", multiple: true },
          ablation: flag,
          tables: { type: "string", multiple: true },
          full: flag,
          help: flag,
          list: flag,
        },
      }),
    );
  } catch (error) {
    return err(error instanceof Error ? error.message : "the options could not be read");
  }
}

function listOf(values: readonly string[] | undefined): readonly string[] {
  return (values ?? []).flatMap((value) => value.split(",")).filter((value) => value !== "");
}

type NumberBounds = { readonly min: number; readonly max: number; readonly integer?: boolean };

function numberOf(
  option: string,
  text: string,
  { min, max, integer = false }: NumberBounds,
  problems: string[],
): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= min && value <= max && (!integer || Number.isInteger(value))) return value;
  problems.push(`${option} must be ${integer ? "a whole number" : "a number"} from ${min} to ${max}, not ${text}`);
  return min;
}
