/**
 * Planted changes that make the policy worse without breaking a rule: a line of the core that is another, as a change of the
 * product could make it, and the small world that shows it. `report/planted-policy.ts` puts them in; nothing but the tests
 * uses them.
 */
import type { PlantedLine } from "./plant.ts";
import type { SMALL_WORLDS } from "./small-worlds.ts";

export type PolicyBug = PlantedLine & {
  readonly what: string;
  /** Where it is found. */
  readonly world: keyof typeof SMALL_WORLDS;
};

export const POLICY_BUGS: Readonly<Record<string, PolicyBug>> = {
  "bind-in-one": {
    what: "who finds no slot is bound at once where one shard sees all there is",
    world: "one region",
    module: "src/routing/core/shard/shard-queue.ts",
    line: "  return hasOther ? BOUND_WITHIN_MS : 0;",
    instead: "  return hasOther ? BOUND_WITHIN_MS : 10 * BOUND_WITHIN_MS;",
  },
  "no-net": {
    what: "distance costs nothing",
    world: "three regions",
    module: "src/routing/core/cost/terms/net.ts",
    line: "  return knownTripMs(view, input) ?? distanceMs(view.place, input);",
    instead: "  return 0 * (knownTripMs(view, input) ?? distanceMs(view.place, input));",
  },
  "no-wait": {
    what: "a full endpoint costs no wait",
    world: "three regions",
    module: "src/routing/core/cost/terms/wait.ts",
    line: "  return lateMs + (meanExcess(over, deviation) * occupancyMs) / capacity;",
    instead: "  return lateMs + (0 * meanExcess(over, deviation) * occupancyMs) / capacity;",
  },
  "no-line": {
    what: "prompts in line cost nothing",
    world: "chat",
    module: "src/routing/core/cost/terms/line.ts",
    line: "  return workTokens <= 0 ? 0 : Math.max(0, workTokens / prefillTokensPerMs - ageMs - netMs / 2);",
    instead: "  return 0;",
  },
  "half-speed": {
    what: "one endpoint is thought to read half as fast as it does",
    world: "documents",
    module: "src/routing/core/endpoint/endpoint.ts",
    line: "    prefillTokensPerMs: speedOf(state.reading),",
    instead: '    prefillTokensPerMs: speedOf(state.reading) * (spec.id.endsWith("0") ? 0.5 : 1),',
  },
  "step-in-speed": {
    what: "what a step takes by itself is taken for reading",
    world: "long and short prompts",
    module: "src/routing/core/endpoint/reading.ts",
    line: "  reading.stepMs = Math.max(0, Math.min(STEP_MS_MAX, atNothing));",
    instead: "  reading.stepMs = 0 * atNothing;",
  },
  "no-externality": {
    what: "a prompt costs nothing to those who write beside it",
    world: "long and short prompts",
    module: "src/routing/core/cost/terms/prefill.ts",
    line: "export const EXTERNALITY = 0.01;",
    instead: "export const EXTERNALITY = 0;",
  },
  "no-affinity": {
    what: "a prompt that is cached saves nothing",
    world: "documents",
    module: "src/routing/core/cost/terms/prefill.ts",
    line: "  return Math.min(cached, inputTokens) / affinity.heat / prefillTokensPerMs;",
    instead: "  return (0 * Math.min(cached, inputTokens)) / affinity.heat / prefillTokensPerMs;",
  },
  "no-memory": {
    what: "KV memory is never waited for",
    world: "full memory",
    module: "src/routing/core/cost/terms/line.ts",
    line: "  if (kvMax === null || kvMax <= 0) return 0;",
    instead: "  if (kvMax !== -1) return 0;",
  },
  "cold-free": {
    what: "a cold start takes no time",
    world: "cold endpoints",
    module: "src/routing/core/cost/terms/cold.ts",
    line: '  if (warmth === "warm") return 0;\n',
    instead: '  if (warmth !== "warm" || leftMs === 0) return 0;\n',
  },
};

/** A change that is as good as none, one more draw of the dice: the worlds must not call it worse. */
export const HARMLESS: PlantedLine = {
  module: "src/routing/core/cost/route.ts",
  line: "  return candidates[Math.floor(rng() * candidates.length)];",
  instead: "  rng();\n  return candidates[Math.floor(rng() * candidates.length)];",
};
