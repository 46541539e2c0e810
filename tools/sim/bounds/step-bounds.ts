/**
 * The bounds on the step model of the engines.
 *
 * `stepNoQueue`: every request alone on its best endpoint, with every block that anybody sent before in its cache.
 * `lookAhead` (ect): a router that, for each request, runs a copy of every engine forward, with all that is on its way
 * to
 *   it, until the first token would come back, and takes the earliest. It knows every answer's length, and nothing of
 *   later arrivals; like `ect` on slots it is greedy, so a policy may be below it. With an externality, what the reading
 *   takes from those who run or wait there is counted too.
 * Rejected: the batch as independent slots, which forgets that an engine slows as it fills and is no bound at all.
 */
import { advance, copyEngine, load, nextEventMs, submit } from "../../../backends/gpu-engine/engine-model.ts";
import type { Engine } from "../../../backends/gpu-engine/engine-types.ts";
import { STAGE } from "../attempts.ts";
import { StepEngines } from "../engines/step.ts";
import type { Router, RouterFactory } from "../router.ts";
import { PREFIX_BLOCK_TOKENS } from "../scenario.ts";
import { promptBlocks } from "../workload.ts";
import type { World } from "../world.ts";
import type { Bound } from "./slots-bounds.ts";

/** The id of the request that a copy is asked about: no attempt has it. */
const OWN = "own";

export const stepNoQueue: Bound = ({ engine, endpoints, roundTripMs }, requests) => {
  const known = new Set<number>();
  return Float64Array.from({ length: requests.count }, (_, request) => {
    if (engine.kind !== "step") return NaN;
    const { stepBaseMs, stepPerPrefillTokenMs, prefillChunkTokens } = engine.params;
    const blocks = promptBlocks(requests, request);
    const first = blocks.findIndex((id) => !known.has(id));
    for (const id of blocks) known.add(id);
    const matched = first < 0 ? blocks.length : first;
    const tokens = Math.max(1, (requests.promptTokens[request] ?? 0) - matched * PREFIX_BLOCK_TOKENS);
    const prefillMs = Math.ceil(tokens / prefillChunkTokens) * stepBaseMs + tokens * stepPerPrefillTokenMs;
    const region = requests.region[request] ?? 0;
    return Math.min(
      ...endpoints.map((endpoint) => (roundTripMs[region]?.[endpoint.region] ?? 0) + prefillMs / endpoint.speed),
    );
  });
};

/** `externality`: share of the own reading time that each request already there is taken to lose, >= 0. */
export function lookAhead(externality: number): RouterFactory {
  return (world) => new LookAhead(world, externality);
}

class LookAhead implements Router {
  readonly #world: World;
  readonly #externality: number;
  /** By endpoint: attempts that have not reached it yet, with the time when they will. */
  readonly #travelling: { readonly attempt: number; readonly reachMs: number }[][];

  constructor(world: World, externality: number) {
    this.#world = world;
    this.#externality = externality;
    this.#travelling = world.scenario.endpoints.map(() => []);
  }

  arrive(request: number): void {
    const world = this.#world;
    const region = world.requests.region[request] ?? 0;
    const nearestFirst = world.scenario.endpoints
      .map((_, endpoint) => endpoint)
      .sort((one, other) => world.tripMs(region, one) - world.tripMs(region, other));
    let best = nearestFirst[0] ?? 0;
    let bestMs = Infinity;
    for (const endpoint of nearestFirst) {
      const takenMs = this.#takenMs(endpoint, request);
      const costMs = this.#firstTokenMs(endpoint, request, bestMs - takenMs) + takenMs;
      if (costMs < bestMs) [best, bestMs] = [endpoint, costMs];
    }
    const attempt = world.dispatch(request, best);
    this.#travelling[best]?.push({ attempt, reachMs: world.nowMs + world.tripMs(region, best) / 2 });
  }

  /** What the request would take from those who are there, ms. */
  #takenMs(endpoint: number, request: number): number {
    const { engines, requests, scenario } = this.#world;
    const engine = engines instanceof StepEngines ? engines.engineAt(endpoint) : undefined;
    if (this.#externality === 0 || engine === undefined) return 0;
    const tokens = Math.max(1, (requests.promptTokens[request] ?? 0) - engines.matchedTokens(endpoint, request));
    const readMs = (tokens * engine.params.stepPerPrefillTokenMs) / (scenario.endpoints[endpoint]?.speed ?? 1);
    const { running, waiting } = load(engine);
    return this.#externality * readMs * (running + waiting);
  }

  /** When the first token would be back, from now, ms; Infinity as soon as that is more than `limitMs`. */
  #firstTokenMs(endpoint: number, request: number, limitMs: number): number {
    const { engines, nowMs, attempts, requests } = this.#world;
    if (!(engines instanceof StepEngines)) return Infinity;
    const half = this.#world.tripMs(requests.region[request] ?? 0, endpoint) / 2;
    const engine = engines.engineAt(endpoint);
    if (engine === undefined || 2 * half > limitMs) return Infinity;
    const copy = copyEngine(engine);
    const coming = (this.#travelling[endpoint] ?? []).filter(
      // Who is there already waits for an adapter, of which this look knows nothing.
      ({ attempt, reachMs }) => attempts.stage[attempt] === STAGE.travelling && reachMs >= nowMs,
    );
    this.#travelling[endpoint] = coming;
    for (const { attempt, reachMs } of coming.toSorted((one, other) => one.reachMs - other.reachMs)) {
      if (reachMs > nowMs + half) break;
      advance(copy, reachMs);
      submit(copy, engines.requestFor(attempt), reachMs);
    }
    advance(copy, nowMs + half);
    const own = {
      id: OWN,
      promptTokens: requests.promptTokens[request] ?? 0,
      blocks: promptBlocks(requests, request),
      outputTokens: requests.outputTokens[request] ?? 1,
    };
    if (submit(copy, own, nowMs + half) === "rejected") return Infinity;
    return untilOwn(copy, nowMs + limitMs - half) + half - nowMs;
  }
}

/** When the request in question gets its first token; Infinity when that is after `limitMs`. */
function untilOwn(engine: Engine, limitMs: number): number {
  for (let at = nextEventMs(engine); at !== null && at <= limitMs; at = nextEventMs(engine)) {
    if (advance(engine, at).some(({ kind, id }) => kind === "first_token" && id === OWN)) return at;
  }
  return Infinity;
}
