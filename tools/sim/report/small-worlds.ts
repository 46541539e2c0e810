/**
 * Small fixed worlds in which what clients feel of the production core is recorded: what tells that a change made the
 * policy worse, which no rule of the soak can see.
 *
 * Model. Each world is a scenario at one load, with a few seeds, made so that one part of the policy matters in it.
 * Everything is deterministic, so the record is met exactly until the code changes; any change then moves each seed's
 * figures up or down, since ties fall otherwise. A change for the worse is one that raises the mean of the seeds' ratios to
 * the record, of the p99 or of the mean time to the first token, or lowers the share of good answers, by more than the
 * world's tolerance: more than what harmless changes did (one more draw of the dice at each decision). The mean sees much
 * less luck than the p99. Rejected: full scenarios, which take minutes.
 */
import { loadScenario } from "./files.ts";
import { parseScenario } from "./scenario-parse.ts";
import { quantilesOf, servedOf } from "../metrics.ts";
import type { RouterFactory } from "../router.ts";
import type { Scenario } from "../scenario.ts";
import { createWorkload } from "../workload.ts";
import { World } from "../world.ts";

export type SmallWorld = {
  /** One that ships, or the text of one. */
  readonly scenario: string | object;
  readonly load: number;
  readonly seeds: readonly number[];
  readonly requests: number;
  readonly tolerance: Tolerance;
};

/** By how much a figure may be worse than its record. */
export type Tolerance = { readonly p99: number; readonly mean: number; readonly good: number };

/** By seed. */
export type Figures = {
  readonly p99: readonly number[];
  readonly mean: readonly number[];
  readonly good: readonly number[];
};

const seeds = [1, 2, 3, 4, 5, 6];

/** Documents that everybody asks about: who knows where each was read need not have it read again. */
const DOCUMENTS = {
  regions: ["us-east"],
  endpoints: [{ region: "us-east", slots: 32, count: 3 }],
  engine: { kind: "step", preset: "default" },
  demand: {
    promptTokens: { kind: "lognormal", mean: 500, sigma: 0.5 },
    outputTokens: { kind: "lognormal", mean: 60, sigma: 0.5 },
    prefixCount: 24,
    prefixTokens: 3_072,
  },
  loads: [0.8],
};

/** Long answers on engines whose memory is full before their slots are. */
const MEMORY = {
  regions: ["us-east"],
  endpoints: [
    { region: "us-east", slots: 32 },
    { region: "us-east", slots: 32, speed: 2 },
  ],
  engine: { kind: "step", preset: "default" },
  demand: {
    promptTokens: { kind: "lognormal", mean: 3_000, sigma: 1 },
    outputTokens: { kind: "lognormal", mean: 300, sigma: 1 },
  },
  loads: [0.8],
};

const few = seeds.slice(0, 4);

export const SMALL_WORLDS = {
  "one region": { scenario: "A", load: 0.8, seeds, requests: 2_500, tolerance: { p99: 0.04, mean: 0.03, good: 0.02 } },
  "three regions": {
    scenario: "D",
    load: 0.8,
    seeds,
    requests: 2_500,
    tolerance: { p99: 0.1, mean: 0.03, good: 0.02 },
  },
  "long and short prompts": {
    scenario: "long-short",
    load: 0.7,
    seeds: few,
    requests: 1_500,
    tolerance: { p99: 0.1, mean: 0.049, good: 0.04 },
  },
  chat: {
    scenario: "step-chat",
    load: 0.8,
    seeds: few,
    requests: 1_500,
    tolerance: { p99: 0.1, mean: 0.03, good: 0.02 },
  },
  documents: {
    scenario: DOCUMENTS,
    load: 1.2,
    seeds: few,
    requests: 1_500,
    tolerance: { p99: 0.1, mean: 0.03, good: 0.04 },
  },
  "full memory": {
    scenario: MEMORY,
    load: 0.5,
    seeds: few,
    requests: 1_500,
    tolerance: { p99: 0.1, mean: 0.03, good: 0.02 },
  },
  "cold endpoints": {
    scenario: "scale-to-zero",
    load: 0.3,
    seeds: few,
    requests: 1_500,
    tolerance: { p99: 0.1, mean: 0.03, good: 0.02 },
  },
} as const satisfies Record<string, SmallWorld>;

export async function figuresOf(
  { scenario: named, load, seeds: all, requests: count }: SmallWorld,
  router: RouterFactory,
): Promise<Figures> {
  const scenario = scenarioOf(named);
  const figures: Record<keyof Figures, number[]> = { p99: [], mean: [], good: [] };
  for (const seed of all) {
    const workload = createWorkload(scenario, { load, seed, count, trace: null });
    const world = new World({ scenario, workload, seed });
    await world.run(router);
    const { p99, mean } = quantilesOf(world.outcomes.ttftMs);
    figures.p99.push(Number(p99.toFixed(1)));
    figures.mean.push(Number(mean.toFixed(2)));
    figures.good.push(Number(servedOf(world).goodShare.toFixed(4)));
  }
  return figures;
}

function scenarioOf(named: string | object): Scenario {
  const scenario = typeof named === "string" ? loadScenario(named) : parseScenario(JSON.stringify(named), "small");
  if (!scenario.ok) throw new Error(scenario.error);
  return scenario.value;
}
