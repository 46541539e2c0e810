/**
 * `npm run sim -- --tables`: every table of docs/explanation/routing.md, as Markdown, with the sizes and seeds that stand there
 * (`--full`) or with smaller ones.
 *
 * Model. A table is a list of scenarios, a list of routers and a form. Seeds are 2001 and up: no choice was made on
 * them.
 * Rejected: the commands in the document, of which one was always forgotten when the core had changed.
 */
import type { ScenarioResult } from "../run.ts";
import type { Scenario } from "../scenario.ts";
import type { Cell } from "./cells.ts";
import { ablationForm, againstForm, firstTokenForm, servedForm, swingForm } from "./table-forms.ts";

type Form = (results: readonly ScenarioResult[]) => string;

export type Table = {
  readonly name: string;
  readonly title: string;
  readonly scenarios: readonly string[];
  /** Null: each scenario's own. */
  readonly loads: readonly number[] | null;
  readonly compared: Cell["compared"];
  readonly staleMs: number;
  readonly seeds: number;
  /** A seed has at most so many, and at most its scenario's where that is a trace. */
  readonly requests: number;
  readonly forms: readonly Form[];
};

const SEED = 2_001;

/** Without `--full`: enough seeds for a spread, and few enough requests for minutes. Swings need the longer runs. */
const SMALL = { seeds: 4, requests: 4_000, swingRequests: 20_000 } as const;

/** What needs none of the state that may be old. */
const HOLDING = ["plan-ahead", "one-queue"];
const SLOTS = ["expected-cost", "least-outstanding-k", "two-choices-k", "peak-ewma-250ms-30s", "prequal-0.6"];
const TOKENS = ["token-cost", "expected-cost", "gorgo", "least-outstanding-k", "peak-ewma-250ms-30s"];
/** All that decide at once and that anybody runs; not those that only show how bad it can be. */
const BASELINES = [
  ...SLOTS,
  "overlapped-cost",
  "least-outstanding",
  "two-choices",
  "peak-ewma-30ms-10s",
  "c3",
  "sglang",
  "llm-d",
  "lmetric",
  "gorgo",
  "token-cost",
];
const STEADY = ["expected-cost", "least-outstanding-k", "two-choices-k"];
const REFERENCE = { scenarios: ["A", "B", "C", "D"], loads: [0.8, 0.95], seeds: 10, requests: 20_000 };
const ENGINES = {
  scenarios: ["trace-conversation", "step-chat", "trace-code", "long-short"],
  loads: null,
  seeds: 10,
  requests: 10_000,
};
const ABLATED = ["A", "B", "C", "D", "scale-to-zero", "step-chat", "trace-conversation"];
const STALE_MS = 500;

export const TABLES: readonly Table[] = [
  {
    name: "reference",
    title: "Reference scenarios, every policy on exact state",
    ...REFERENCE,
    compared: ["warmpath", ...HOLDING, ...SLOTS],
    staleMs: 0,
    forms: [firstTokenForm],
  },
  {
    name: "stale",
    title: `The same, with other regions ${STALE_MS} ms old`,
    ...REFERENCE,
    scenarios: ["C", "D"],
    compared: ["warmpath", ...SLOTS],
    staleMs: STALE_MS,
    forms: [firstTokenForm],
  },
  {
    name: "engines",
    title: "Engines with continuous batching, exact state and true caches",
    ...ENGINES,
    compared: ["warmpath", "plan-ahead", ...TOKENS],
    staleMs: 0,
    forms: [firstTokenForm, servedForm],
  },
  {
    name: "engines-stale",
    title: `The same, with other regions ${STALE_MS} ms old`,
    ...ENGINES,
    compared: ["warmpath", ...TOKENS],
    staleMs: STALE_MS,
    forms: [firstTokenForm],
  },
  {
    name: "fair",
    title: `The best of the others, with other regions ${STALE_MS} ms old`,
    ...REFERENCE,
    requests: 10_000,
    compared: ["warmpath", ...BASELINES],
    staleMs: STALE_MS,
    forms: [againstForm],
  },
  {
    name: "engines-fair",
    title: "The same on engines with continuous batching",
    ...ENGINES,
    requests: 4_000,
    compared: ["warmpath", ...BASELINES],
    staleMs: STALE_MS,
    forms: [againstForm],
  },
  {
    name: "faults",
    title: "Faults, and endpoints that go cold",
    scenarios: ["sinkhole", "outage", "scale-to-zero", "slow8"],
    loads: null,
    compared: ["warmpath", ...HOLDING, ...SLOTS],
    staleMs: 0,
    seeds: 10,
    requests: 20_000,
    forms: [firstTokenForm],
  },
  {
    name: "regions",
    title: "Four regions, eight unlike endpoints",
    scenarios: ["regions4"],
    loads: null,
    compared: ["warmpath", ...HOLDING, ...SLOTS],
    staleMs: 0,
    seeds: 10,
    requests: 10_000,
    forms: [firstTokenForm],
  },
  {
    name: "parts",
    title: "The core without each of its parts",
    scenarios: ABLATED,
    loads: [0.8],
    compared: "parts",
    staleMs: 0,
    seeds: 5,
    requests: 10_000,
    forms: [ablationForm],
  },
  ...[0, STALE_MS, 2_000].map((staleMs) => ({
    name: staleMs === 0 ? "swing" : `swing-${staleMs}`,
    title: staleMs === 0 ? "Swing, exact state" : `Swing, other regions ${staleMs} ms old`,
    scenarios: ["C", "D"],
    loads: [0.8],
    compared: staleMs === 0 ? ["warmpath", ...STEADY, "random"] : STEADY,
    staleMs,
    seeds: 2,
    requests: 80_000,
    forms: [swingForm],
  })),
];

export type TableRun = {
  /** At the documented sizes. */
  readonly full: boolean;
  /** A folder; null: tables that need a trace are left out. */
  readonly traces: string | null;
};

/** The cells of a table; those that need a trace only where there is one. */
export function cellsOf(table: Table, { full, traces }: TableRun, known: (name: string) => Scenario): readonly Cell[] {
  const { compared, staleMs } = table;
  return table.scenarios.flatMap((name) => {
    const scenario = known(name);
    if (scenario.arrivals.kind === "trace" && traces === null) return [];
    const small = table.forms.includes(swingForm) ? SMALL.swingRequests : SMALL.requests;
    const requests = Math.min(table.requests, full ? Infinity : small);
    const seeds = full ? table.seeds : Math.min(table.seeds, SMALL.seeds);
    return (table.loads ?? scenario.loads).map((load) => ({
      scenario: name,
      load,
      compared,
      staleMs,
      seed: SEED,
      seeds,
      requests,
      traces,
    }));
  });
}

export function tableText({ name, title, forms }: Table, results: readonly ScenarioResult[]): string {
  const [first] = results;
  if (first === undefined) return `## ${title} (${name})\n\nNothing: its scenarios need --trace FOLDER.\n`;
  const size = `${first.seeds} seeds from ${first.seed}`;
  return [`## ${title} (${name}; ${size})`, ...forms.map((form) => form(results))].join("\n\n").concat("\n");
}
