/**
 * Runs a policy as a router: asks it at once for every request.
 *
 * Model. State is exact at the instant of the decision, or that of other regions `staleMs` old. Failures are
 * `recovery.ts`'s.
 */
import { stream } from "./chance.ts";
import type { Ask, FirstToken, Policy, PolicyFactory } from "./policy.ts";
import { Recovery } from "./recovery.ts";
import type { FailureReason, Router, RouterFactory } from "./router.ts";
import { StaleFleet } from "./stale-fleet.ts";
import type { World } from "./world.ts";

/** What a client is told when no endpoint may be asked, ms: until the next probe. */
const RETRY_AFTER_MS = 1_000;

export type PolicyRouterOptions = {
  /** Age of what the policy sees of other regions, ms; 0 is exact. */
  readonly staleMs?: number;
};

export function policyRouter(factory: PolicyFactory, { staleMs = 0 }: PolicyRouterOptions = {}): RouterFactory {
  return (world) => new PolicyRouter(world, factory, staleMs);
}

const staleOf = ({ fleet, scenario }: World, staleMs: number, now: () => number): StaleFleet =>
  new StaleFleet(fleet, { staleMs, now, regionOf: scenario.endpoints.map(({ region }) => region) });

type Mutable<Shape> = { -readonly [Key in keyof Shape]: Shape[Key] };

class PolicyRouter implements Router {
  readonly #world: World;
  readonly #policy: Policy;
  readonly #recovery: Recovery;
  readonly #stale: StaleFleet | null;
  readonly #ask: Mutable<Ask>;
  readonly #first: Mutable<FirstToken> = { endpoint: 0, latencyMs: 0, nowMs: 0, outputTokens: 1, loadBefore: 0 };
  /** By attempt. */
  readonly #loadBefore: number[] = [];

  constructor(world: World, factory: PolicyFactory, staleMs: number) {
    const { scenario, workload } = world;
    this.#world = world;
    this.#stale = staleMs > 0 ? staleOf(world, staleMs, () => world.nowMs) : null;
    this.#policy = factory({
      endpoints: scenario.endpoints.length,
      capacities: workload.capacities,
      regions: scenario.regions.length,
      rng: stream(world.seed, "policy"),
      tripMs: (region, endpoint) => world.tripMs(region, endpoint),
    });
    this.#recovery = new Recovery(world, {
      route: (request, candidates) => this.#route(request, candidates),
      failed: (endpoint) => this.#policy.onFailure?.(endpoint, world.nowMs),
    });
    this.#ask = {
      request: 0,
      region: 0,
      promptTokens: 0,
      nowMs: 0,
      candidates: this.#recovery.admitting,
      fleet: world.fleet,
      matchedTokens: (endpoint) => world.engines.matchedTokens(endpoint, this.#ask.request),
    };
  }

  arrive(request: number): void {
    this.#route(request, this.#recovery.admitting);
  }

  onFirstToken(attempt: number): void {
    if (this.#policy.onFirstToken === undefined) return;
    const { attempts, requests, nowMs } = this.#world;
    const first = this.#first;
    first.endpoint = attempts.endpointOf(attempt);
    first.latencyMs = nowMs - (attempts.dispatchedMs[attempt] ?? 0);
    first.nowMs = nowMs;
    first.outputTokens = requests.outputTokens[attempts.requestOf(attempt)] ?? 1;
    first.loadBefore = this.#loadBefore[attempt] ?? 0;
    this.#policy.onFirstToken(first);
  }

  onEnd(attempt: number): void {
    const { attempts, nowMs } = this.#world;
    this.#policy.onEnd?.(attempts.endpointOf(attempt), nowMs - (attempts.dispatchedMs[attempt] ?? 0), nowMs);
    this.#recovery.ended(attempt);
  }

  onFailure(attempt: number, reason: FailureReason): void {
    this.#recovery.onFailure(attempt, reason);
  }

  onTimer(tag: number, value: number): void {
    this.#recovery.onTimer(tag, value);
  }

  #route(request: number, candidates: readonly number[]): void {
    const world = this.#world;
    if (candidates.length === 0) {
      world.shed(request, RETRY_AFTER_MS);
      return;
    }
    const ask = this.#ask;
    ask.request = request;
    ask.region = world.requests.region[request] ?? 0;
    ask.promptTokens = world.requests.promptTokens[request] ?? 0;
    ask.nowMs = world.nowMs;
    ask.candidates = candidates;
    ask.fleet = this.#stale === null ? world.fleet : this.#stale.at(ask.region);
    const endpoint = this.#policy.pick(ask);
    const attempt = world.dispatch(request, endpoint);
    this.#stale?.sent(ask.region, endpoint, ask.promptTokens);
    if (this.#policy.onFirstToken !== undefined) {
      this.#loadBefore[attempt] = (world.fleet.running[endpoint] ?? 0) + (world.fleet.waiting[endpoint] ?? 0);
    }
    this.#recovery.dispatched(attempt);
  }
}
