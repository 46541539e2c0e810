/**
 * Small fixed worlds in which the production core's p99 is recorded: what tells that a change made the policy worse,
 * which no rule of the soak can see.
 *
 * Model. Each world is a shipped scenario at one load, with a few seeds. Everything is deterministic, so the record is met
 * exactly until the code changes; any change then moves each seed's p99 up or down, since ties fall otherwise. A change
 * for the worse is one that raises the mean of the seeds' ratios to the record by more than the world's tolerance, which
 * is above what harmless changes did (one more draw of the dice, three more): at most 1 % in the one region, and in the
 * three regions up to 3 %, with single seeds off by a quarter. Rejected: engines with continuous batching, where a
 * harmless change moves so few seeds by more than any tolerance that would be worth having.
 */
import { loadScenario } from "../../../tools/sim/report/files.ts";
import { quantilesOf } from "../../../tools/sim/metrics.ts";
import { CORE, type CoreCalls } from "../../../tools/sim/production/core-calls.ts";
import { PATIENT_QUEUE } from "../../../tools/sim/production/options.ts";
import { ProductionRouter } from "../../../tools/sim/production/router.ts";
import { createWorkload } from "../../../tools/sim/workload.ts";
import { World } from "../../../tools/sim/world.ts";

type SmallWorld = {
  readonly scenario: string;
  readonly load: number;
  readonly seeds: readonly number[];
  readonly requests: number;
  /** The policy may be so much worse than its record. */
  readonly tolerance: number;
};

const seeds = [1, 2, 3, 4, 5, 6];

export const SMALL_WORLDS = {
  "one region": { scenario: "A", load: 0.8, seeds, requests: 2_500, tolerance: 0.04 },
  "three regions": { scenario: "D", load: 0.8, seeds, requests: 2_500, tolerance: 0.1 },
} as const satisfies Record<string, SmallWorld>;

/** The p99 of each seed, ms, with a core whose calls may be wrapped. */
export async function p99sOf(
  { scenario: name, load, seeds: all, requests: count }: SmallWorld,
  wrap: (core: CoreCalls) => CoreCalls = (core) => core,
): Promise<readonly number[]> {
  const scenario = loadScenario(name);
  if (!scenario.ok) throw new Error(scenario.error);
  const p99s: number[] = [];
  for (const seed of all) {
    const workload = createWorkload(scenario.value, { load, seed, count, trace: null });
    const world = new World({ scenario: scenario.value, workload, seed });
    await world.run((its) => new ProductionRouter(its, { options: PATIENT_QUEUE, core: wrap(CORE), watch: null }));
    p99s.push(Number(quantilesOf(world.outcomes.ttftMs).p99.toFixed(1)));
  }
  return p99s;
}

/** How much worse, on the mean of the seeds: 0.1 is a tenth. */
export function worseBy(p99s: readonly number[], recorded: readonly number[]): number {
  return p99s.reduce((sum, p99, index) => sum + p99 / (recorded[index] ?? NaN), 0) / p99s.length - 1;
}
