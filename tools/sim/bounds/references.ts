/**
 * What policies are measured by: between which times does the best possible one lie?
 *
 * Model. A bracket. `no-queue` is a bound: nothing real is below it. The others are rules that could be followed if
 * everything were known, so the optimum is at most the best of them, and nobody knows how much less:
 * `no-queue` ≤ optimum ≤ best known clairvoyant. Which one is best differs: earliest completion is greedy, and
 * what it puts on a busy engine makes those who run there slower. All are of the healthy world, without its
 * faults, and at no cost of messages.
 * Source: docs/reference/sources.md, Bounds. Rejected: one of them as the bound, which policies then beat.
 */
import { servedOf, type Served } from "../metrics.ts";
import { policyRouter } from "../policy-router.ts";
import { tokenCost } from "../policies/token-cost.ts";
import type { RouterFactory } from "../router.ts";
import type { Scenario } from "../scenario.ts";
import type { Workload } from "../workload.ts";
import { World } from "../world.ts";
import { centralQueue, earliest, noQueue } from "./slots-bounds.ts";
import { lookAhead, stepNoQueue } from "./step-bounds.ts";

export type ReferenceName = "no-queue" | "central-queue" | "ect" | "ect-externality" | "token-cost";

/** Below it is nothing; every other reference is a rule. */
export const BOUND: ReferenceName = "no-queue";

/** A ms of reading beside n others is counted as 1 + n times this: what costs the p99 least and the others most. */
const EXTERNALITY = 0.02;

/** Each under one seed, the bound first. */
export async function referencesOf(
  scenario: Scenario,
  workload: Workload,
  seed: number,
): Promise<readonly (readonly [ReferenceName, Served])[]> {
  const { requests } = workload;
  if (scenario.engine.kind === "slots") {
    return [
      [BOUND, onlyFirstTokens(noQueue(scenario, requests))],
      ["central-queue", onlyFirstTokens(centralQueue(scenario, requests))],
      ["ect", onlyFirstTokens(earliest(scenario, requests))],
    ];
  }
  const healthy = { ...scenario, faults: [], jitterSigma: 0 };
  const under = async (factory: RouterFactory): Promise<Served> => {
    const world = new World({ scenario: healthy, workload: { ...workload, faults: [] }, seed });
    await world.run(factory);
    return servedOf(world);
  };
  return [
    [BOUND, onlyFirstTokens(stepNoQueue(scenario, requests))],
    ["ect", await under(lookAhead(0))],
    ["ect-externality", await under(lookAhead(EXTERNALITY))],
    ["token-cost", await under(policyRouter(tokenCost))],
  ];
}

const onlyFirstTokens = (ttftMs: Float64Array): Served => ({
  ttftMs,
  tpotMs: new Float64Array(0),
  e2eMs: new Float64Array(0),
  goodShare: NaN,
});
