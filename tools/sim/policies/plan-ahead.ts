/**
 * The core's plan as one central decision: every held request planned by `planHeld` on the exact state of the whole
 * fleet.
 *
 * Model. The rule is `routing/core/cost/plan.ts`, and only there; here is the world as that rule reads it: what is in
 * flight now, the mean service known, round trips as they are, nothing ever refused for want of a slot. Beside
 * `warmpath`, which runs the same rule in shards with real message delays, it shows what their distance costs. A retry
 * does not wait again: it goes at once where the core's `route` sends it. The rule and its figures were found here by
 * trial on the reference scenarios: docs/explanation/simulator.md.
 */
import type { EndpointView } from "../../../src/routing/core/endpoint/endpoint-view.ts";
import { invariant } from "../../../src/lib/invariant.ts";
import { PLAN_MAX, planHeld, type HeldRequest } from "../../../src/routing/core/cost/plan.ts";
import { route } from "../../../src/routing/core/cost/route.ts";
import { stream } from "../chance.ts";
import { lowest, type PolicyFactory } from "../policy.ts";
import { Recovery } from "../recovery.ts";
import type { FailureReason, Router, RouterFactory } from "../router.ts";
import type { World } from "../world.ts";

export const planAhead: RouterFactory = (world) => new PlanAhead(world);

class PlanAhead implements Router {
  readonly #world: World;
  readonly #rng: () => number;
  readonly #recovery: Recovery;
  /** By endpoint; in flight is filled in when it is read. */
  readonly #views: readonly EndpointView[];
  readonly #indexOf: ReadonlyMap<string, number>;
  /** By endpoint: sum over its in-flight of the trip that the news of their end will take, ms. */
  readonly #newsMs: Float64Array;
  /** In order of arrival, by id: the request's number in decimal digits. */
  readonly #held = new Map<string, HeldRequest>();

  constructor(world: World) {
    this.#world = world;
    this.#rng = stream(world.seed, "policy");
    this.#views = viewsOf(world);
    this.#newsMs = new Float64Array(this.#views.length);
    this.#indexOf = new Map(this.#views.map(({ id }, index) => [id, index]));
    this.#recovery = new Recovery(world, {
      route: (request, candidates) => this.#retry(request, candidates),
      probed: () => this.#replan(),
    });
  }

  arrive(request: number): void {
    const held = this.#heldOf(request);
    this.#held.set(held.id, held);
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
    if (this.#held.size === 0 || admitting.length === 0) return;
    const held = [...this.#held.values()].map((one, place) => (place < PLAN_MAX ? this.#knowing(one, admitting) : one));
    for (const { id, endpointId } of planHeld(held, this.#seen(admitting), this.#rng).commits) {
      this.#held.delete(id);
      this.#send(Number(id), endpointId);
    }
  }

  #retry(request: number, candidates: readonly number[]): void {
    const asked = this.#knowing(this.#heldOf(request), candidates).request;
    const { outcome } = route(this.#seen(candidates), asked, this.#rng);
    invariant(outcome.kind !== "none", "a candidate is up and warm");
    this.#send(request, outcome.endpointId);
  }

  #send(request: number, endpointId: string): void {
    const endpoint = this.#indexOf.get(endpointId);
    invariant(endpoint !== undefined, "a plan names an endpoint of the world");
    const attempt = this.#world.dispatch(request, endpoint);
    this.#newsMs[endpoint] = (this.#newsMs[endpoint] ?? 0) + this.#newsOf(attempt);
    this.#recovery.dispatched(attempt);
  }

  #forget(attempt: number): void {
    const endpoint = this.#world.attempts.endpointOf(attempt);
    this.#newsMs[endpoint] = (this.#newsMs[endpoint] ?? 0) - this.#newsOf(attempt);
  }

  #newsOf(attempt: number): number {
    const { attempts } = this.#world;
    return this.#halfTripMs(attempts.requestOf(attempt), attempts.endpointOf(attempt));
  }

  /**
   * The way there, and the news of an end to the edge of whoever it belongs to: decided at the edge, no grant travels.
   */
  #leadMs(request: number, endpoint: number): number {
    const inFlight = this.#world.fleet.inFlight[endpoint] ?? 0;
    const halfMs = this.#halfTripMs(request, endpoint);
    return halfMs + (inFlight > 0 ? (this.#newsMs[endpoint] ?? 0) / inFlight : halfMs);
  }

  #halfTripMs(request: number, endpoint: number): number {
    return this.#world.tripMs(this.#world.requests.region[request] ?? 0, endpoint) / 2;
  }

  #seen(endpoints: readonly number[]): EndpointView[] {
    const { inFlight } = this.#world.fleet;
    return endpoints.flatMap((endpoint) => {
      const view = this.#views[endpoint];
      return view === undefined ? [] : [{ ...view, inFlight: inFlight[endpoint] ?? 0 }];
    });
  }

  #heldOf(request: number): HeldRequest {
    const { requests } = this.#world;
    const clientKey = String(requests.region[request] ?? 0);
    const inputTokens = requests.promptTokens[request] ?? 0;
    return {
      id: String(request),
      request: { client: null, clientKey, inputTokens, excluded: [], exact: true },
      onlyRegion: null,
      leadMsAt: ({ id }) => this.#leadMs(request, this.#indexOf.get(id) ?? 0),
    };
  }

  /** With what the endpoints' true caches hold of its prompt now; the reference policies know no heat. */
  #knowing(held: HeldRequest, endpoints: readonly number[]): HeldRequest {
    const { scenario, engines } = this.#world;
    if (scenario.engine.kind !== "step") return held;
    const tokensByEndpoint = new Map(
      endpoints.map((one) => [this.#views[one]?.id ?? "", engines.matchedTokens(one, Number(held.id))]),
    );
    return { ...held, request: { ...held.request, affinity: { heat: 1, tokensByEndpoint } } };
  }
}

/** Warm and admitting: which endpoints are offered at all is `recovery.ts`'s to say. */
function viewsOf({ scenario, workload, network }: World): EndpointView[] {
  return scenario.endpoints.map(({ id, region }, endpoint) => {
    const capacity = workload.capacities[endpoint];
    invariant(capacity !== undefined, "every endpoint has a capacity");
    const trips = scenario.regions.map((_, client) => [String(client), network.roundTripMs(client, region)] as const);
    return {
      id,
      region: String(region),
      place: NOWHERE,
      warmth: "warm",
      coldMs: 0,
      standing: "admitting",
      inFlight: 0,
      capacity: capacity.slots,
      queuesExcess: true,
      occupancyMs: capacity.occupancyMs,
      loadCurveMs: [],
      prefillTokensPerMs: capacity.prefillTokensPerMs,
      failureProbability: 0,
      failureCostMs: 0,
      roundTripMs: Object.fromEntries(trips),
    };
  });
}

/** Every round trip is known, so no place is asked for. */
const NOWHERE = { lat: 0, lon: 0 };

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
