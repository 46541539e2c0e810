/**
 * A candidate for the production policy: plan every held request by expected cost, commit only what must leave now.
 *
 * Model. Held requests are planned in order of arrival, each on top of the plans before it, by network + wait + prefill,
 * where the wait runs while the request travels: what frees during the trip there, and during the trip that the news of
 * an end takes back, is not waited for. A planned request is committed when its expected wait is at most LEAD_FACTOR
 * times that time plus BACKLOG_SHARE of the time that the held need in all; until then it stays and is planned again at
 * every arrival and every end. Near endpoints are so bound late and far ones early, and the deeper the backlog, the less
 * a slot may idle while its next request travels: what late binding loses near saturation is that idle time.
 * Both figures were found by trial on the reference scenarios: docs/simulator.md.
 */
import { stream } from "../chance.ts";
import { lowest, type PolicyFactory } from "../policy.ts";
import { Recovery } from "../recovery.ts";
import type { FailureReason, Router, RouterFactory } from "../router.ts";
import type { World } from "../world.ts";

/**
 * Commit when the expected wait is at most this many times the time in which nothing can be changed. With 1 a far slot
 * idles whenever an end comes early; with infinity it is `overlapped-cost`.
 */
export const LEAD_FACTOR = 8;

/** … plus this share of the backlog's time: with 0 late binding costs a tenth at load 0.95, with 1 it binds too early. */
export const BACKLOG_SHARE = 0.25;

/** Held requests planned at each event; later ones wait for their turn. Bounds the cost of a decision under overload. */
export const PLAN_MAX = 64;

export const planAhead: RouterFactory = (world) => new PlanAhead(world);

class PlanAhead implements Router {
  readonly #world: World;
  readonly #rng: () => number;
  readonly #recovery: Recovery;
  #held: number[] = [];
  /** Requests per ms of all endpoints together. */
  readonly #perMs: number;
  /** By endpoint: held requests planned there. */
  readonly #planned: Float64Array;
  /** By endpoint: sum over its in-flight of the trip that the news of their end will take, ms. */
  readonly #newsMs: Float64Array;

  constructor(world: World) {
    const endpoints = world.scenario.endpoints.length;
    this.#world = world;
    this.#rng = stream(world.seed, "policy");
    this.#perMs = world.workload.capacities.reduce((sum, { slots, occupancyMs }) => sum + slots / occupancyMs, 0);
    this.#planned = new Float64Array(endpoints);
    this.#newsMs = new Float64Array(endpoints);
    this.#recovery = new Recovery(world, {
      route: (request, candidates) => this.#commit(request, this.#plan(request, candidates)[0]),
      probed: () => this.#replan(),
    });
  }

  arrive(request: number): void {
    this.#held.push(request);
    this.#replan();
  }

  onEnd(attempt: number): void {
    this.#forget(attempt);
    this.#recovery.ended(attempt);
    this.#replan();
  }

  onFailure(attempt: number, reason: FailureReason): void {
    this.#forget(attempt);
    this.#recovery.onFailure(attempt, reason);
    this.#replan();
  }

  onTimer(tag: number, value: number): void {
    this.#recovery.onTimer(tag, value);
  }

  #replan(): void {
    const { admitting } = this.#recovery;
    if (this.#held.length === 0 || admitting.length === 0) return;
    this.#planned.fill(0);
    const slackMs = (BACKLOG_SHARE * this.#held.length) / this.#perMs;
    const kept: number[] = [];
    for (const request of this.#held.slice(0, PLAN_MAX)) {
      const [endpoint, patienceMs] = this.#plan(request, admitting);
      if (patienceMs > slackMs) {
        this.#planned[endpoint] = (this.#planned[endpoint] ?? 0) + 1;
        kept.push(request);
      } else {
        this.#commit(request, endpoint);
      }
    }
    this.#held = kept.concat(this.#held.slice(PLAN_MAX));
  }

  /** The best endpoint, and how long the request could still be kept without losing time there, ms. */
  #plan(request: number, candidates: readonly number[]): readonly [number, number] {
    const region = this.#world.requests.region[request] ?? 0;
    const promptTokens = this.#world.requests.promptTokens[request] ?? 0;
    const cost = (endpoint: number): number => {
      const [waitMs, leadMs] = this.#waitAndLead(region, endpoint);
      const newTokens = promptTokens - this.#world.engines.matchedTokens(endpoint, request);
      const prefillMs = newTokens / (this.#world.workload.capacities[endpoint]?.prefillTokensPerMs ?? 1);
      return this.#world.tripMs(region, endpoint) + Math.max(0, waitMs - leadMs) + prefillMs;
    };
    const endpoint = lowest(candidates, cost, this.#rng);
    const [waitMs, leadMs] = this.#waitAndLead(region, endpoint);
    return [endpoint, waitMs - LEAD_FACTOR * leadMs];
  }

  /** Expected wait for a slot, and the part of it that passes on the way there and with the news on the way back, ms. */
  #waitAndLead(region: number, endpoint: number): readonly [number, number] {
    const { fleet, workload } = this.#world;
    const capacity = workload.capacities[endpoint];
    if (capacity === undefined) return [Infinity, 0];
    const inFlight = fleet.inFlight[endpoint] ?? 0;
    const over = inFlight + (this.#planned[endpoint] ?? 0) - capacity.slots + 1;
    const half = this.#world.tripMs(region, endpoint) / 2;
    const newsMs = inFlight > 0 ? (this.#newsMs[endpoint] ?? 0) / inFlight : half;
    return [(Math.max(0, over) * capacity.occupancyMs) / capacity.slots, half + newsMs];
  }

  #commit(request: number, endpoint: number): void {
    const attempt = this.#world.dispatch(request, endpoint);
    this.#newsMs[endpoint] = (this.#newsMs[endpoint] ?? 0) + this.#newsOf(attempt);
    this.#recovery.dispatched(attempt);
  }

  #forget(attempt: number): void {
    const endpoint = this.#world.attempts.endpointOf(attempt);
    this.#newsMs[endpoint] = (this.#newsMs[endpoint] ?? 0) - this.#newsOf(attempt);
  }

  #newsOf(attempt: number): number {
    const { attempts, requests } = this.#world;
    return this.#world.tripMs(requests.region[attempts.requestOf(attempt)] ?? 0, attempts.endpointOf(attempt)) / 2;
  }
}

/** Part of the round trip during which a wait passes unnoticed: the trip there. */
const OVERLAP_SHARE = 0.5;

/** Expected cost where the wait runs while the request travels; bound at once. */
export const overlappedCost: PolicyFactory = ({ rng, capacities, tripMs }) => ({
  pick: (ask) =>
    lowest(
      ask.candidates,
      (endpoint) => {
        const capacity = capacities[endpoint];
        if (capacity === undefined) return Infinity;
        const { slots, occupancyMs, prefillTokensPerMs } = capacity;
        const { fleet, region, promptTokens } = ask;
        const prefillMs = (promptTokens - ask.matchedTokens(endpoint)) / prefillTokensPerMs;
        const waitMs = (Math.max(0, (fleet.inFlight[endpoint] ?? 0) - slots + 1) * occupancyMs) / slots;
        const roundTripMs = tripMs(region, endpoint);
        return roundTripMs + Math.max(0, waitMs - OVERLAP_SHARE * roundTripMs) + prefillMs;
      },
      rng,
    ),
});
