/**
 * One queue for the whole fleet, bound late: a request waits at the router until a slot is free, and goes to the free
 * endpoint with the least network and prefill.
 *
 * Source: the "one queue, late binding" column of the reference table; M/G/k with trips. A slot counts as
 * taken from the dispatch until the end of the answer is back at the edge, so it idles for a round trip
 * between two requests: within a region that is nothing, across regions it costs capacity, and the queue is
 * unstable where the load leaves none.
 */
import { stream } from "../chance.ts";
import { IntQueue } from "../engines/int-queue.ts";
import { lowest } from "../policy.ts";
import { Recovery } from "../recovery.ts";
import type { FailureReason, Router, RouterFactory } from "../router.ts";
import type { World } from "../world.ts";

export const oneQueue: RouterFactory = (world) => new OneQueue(world);

class OneQueue implements Router {
  readonly #world: World;
  readonly #rng: () => number;
  readonly #queue = new IntQueue();
  readonly #recovery: Recovery;

  constructor(world: World) {
    this.#world = world;
    this.#rng = stream(world.seed, "policy");
    this.#recovery = new Recovery(world, {
      route: (request, candidates) => this.#send(request, candidates),
      probed: () => this.#drain(),
    });
  }

  arrive(request: number): void {
    this.#queue.push(request);
    if (this.#queue.length === 1) this.#drain();
  }

  onEnd(attempt: number): void {
    this.#recovery.ended(attempt);
    this.#drain();
  }

  onFailure(attempt: number, reason: FailureReason): void {
    this.#recovery.onFailure(attempt, reason);
    this.#drain();
  }

  onTimer(tag: number, value: number): void {
    this.#recovery.onTimer(tag, value);
  }

  #drain(): void {
    const { fleet, workload } = this.#world;
    while (this.#queue.length > 0) {
      const free = this.#recovery.admitting.filter(
        (endpoint) => (fleet.inFlight[endpoint] ?? 0) < (workload.capacities[endpoint]?.slots ?? 0),
      );
      if (free.length === 0) return;
      this.#send(this.#queue.shift(), free);
    }
  }

  #send(request: number, candidates: readonly number[]): void {
    const { requests, workload } = this.#world;
    const region = requests.region[request] ?? 0;
    const cost = (endpoint: number): number =>
      this.#world.tripMs(region, endpoint) + (workload.capacities[endpoint]?.prefillMs ?? 0);
    this.#recovery.dispatched(this.#world.dispatch(request, lowest(candidates, cost, this.#rng)));
  }
}
