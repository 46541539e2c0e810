/**
 * A cell of the documented tables: one scenario at one load, with the routers that it compares. All of it is plain
 * data, so that a thread can be given a cell and send back its result.
 */
import { invariant } from "../../../src/lib/invariant.ts";
import { policyRouter } from "../policy-router.ts";
import { ROUTERS, type RouterEntry } from "../policies/registry.ts";
import { production } from "../production/router.ts";
import { simulate, type ScenarioResult } from "../run.ts";
import { PARTS, without } from "./ablation/ablation.ts";
import { WHOLE } from "./ablation-table.ts";
import { loadScenario, loadTrace } from "./files.ts";

export type Cell = {
  readonly scenario: string;
  readonly load: number;
  /** Names of ROUTERS; "parts" stands for the core whole and without each of its parts. */
  readonly compared: readonly string[] | "parts";
  readonly staleMs: number;
  readonly seed: number;
  readonly seeds: number;
  readonly requests: number;
  /** A folder of traces; null for scenarios without one. */
  readonly traces: string | null;
};

export async function runCell({ scenario: name, traces, compared, staleMs, ...sizes }: Cell): Promise<ScenarioResult> {
  const scenario = loadScenario(name);
  invariant(scenario.ok, `no scenario ${name}`);
  const { arrivals } = scenario.value;
  const trace = arrivals.kind === "trace" && traces !== null ? loadTrace(traces, arrivals.file) : null;
  invariant(trace?.ok !== false, `no trace for ${name}`);
  const routers = compared === "parts" ? await partsOf(PARTS.map((part) => part.name)) : routersOf(compared, staleMs);
  return simulate({ ...sizes, scenario: scenario.value, trace: trace?.value ?? null, routers });
}

/** Those with a policy see other regions so late; the others send messages of their own. */
export function routersOf(names: readonly string[], staleMs: number): readonly RouterEntry[] {
  return ROUTERS.filter(({ name }) => names.includes(name)).map((entry) =>
    staleMs > 0 && entry.policy !== null ? { ...entry, factory: policyRouter(entry.policy, { staleMs }) } : entry,
  );
}

/** The whole core, and the core without each of these. */
export async function partsOf(names: readonly string[]): Promise<readonly RouterEntry[]> {
  const entry = { about: "", policy: null } as const;
  const variants = names.map(async (name) => ({ ...entry, name, factory: await without(name) }));
  return [{ ...entry, name: WHOLE, factory: production() }, ...(await Promise.all(variants))];
}
