/**
 * What every reference router does about failures, so that a comparison is of the choice alone: one health probe a
 * second, a time-out before the first token, and one more try elsewhere.
 *
 * Model. Active only when the scenario has faults or endpoints that may be cold; otherwise it costs nothing. A probe's
 * result counts at once. A cold endpoint is offered only while no warm one is up.
 * Rejected: each peer's own retry and health rules, which are configuration more than algorithm.
 */
import { EDGE } from "./attempts.ts";
import { WARMTH } from "./endpoint-health.ts";
import type { FailureReason } from "./router.ts";
import type { World } from "./world.ts";

/** Between two probes of an endpoint, ms. */
export const PROBE_MS = 1_000;

/** Dispatches of one request: the first and one more. */
const ATTEMPTS_MAX = 2;

/** Tags of timers below this are taken; a router's own start here. */
export const FREE_TAG = 16;

const PROBE = 1;
const TIMEOUT = 2;

export type RecoveryHooks = {
  /** The request needs another endpoint, one of `candidates` (not empty). */
  readonly route: (request: number, candidates: readonly number[]) => void;
  /** An attempt failed or timed out before its first token. */
  readonly failed?: (endpoint: number) => void;
  /** The admitting endpoints were looked at again. */
  readonly probed?: () => void;
};

export class Recovery {
  /** Endpoints that the last probes found up, the warm ones if there are any. */
  admitting: readonly number[];
  readonly #world: World;
  readonly #hooks: RecoveryHooks;
  readonly #everyone: readonly number[];
  readonly #active: boolean;
  /** By request: endpoints that failed it. */
  readonly #tried = new Map<number, number[]>();

  constructor(world: World, hooks: RecoveryHooks) {
    const { endpoints, faults } = world.scenario;
    this.#world = world;
    this.#hooks = hooks;
    this.#everyone = endpoints.map((_, index) => index);
    this.admitting = this.#everyone;
    this.#active = faults.length > 0 || endpoints.some(({ startsCold, idleMs }) => startsCold || idleMs !== null);
    if (this.#active) this.#probe();
  }

  dispatched(attempt: number): void {
    if (this.#active) this.#world.timer(this.#world.scenario.firstTokenTimeoutMs, TIMEOUT, attempt);
  }

  ended(attempt: number): void {
    if (this.#active) this.#tried.delete(this.#world.attempts.requestOf(attempt));
  }

  onFailure(attempt: number, reason: FailureReason): void {
    if (reason !== "broken") this.#failed(attempt);
  }

  /** False when the timer is the router's own. */
  onTimer(tag: number, value: number): boolean {
    if (tag === PROBE) {
      this.#probe();
      this.#hooks.probed?.();
    } else if (tag === TIMEOUT && this.#world.attempts.edge[value] === EDGE.open) {
      this.#world.cancel(value);
      this.#failed(value);
    }
    return tag < FREE_TAG;
  }

  #failed(attempt: number): void {
    const world = this.#world;
    const request = world.attempts.requestOf(attempt);
    const endpoint = world.attempts.endpointOf(attempt);
    this.#hooks.failed?.(endpoint);
    const tried = [...(this.#tried.get(request) ?? []), endpoint];
    this.#tried.set(request, tried);
    const left = this.admitting.filter((one) => !tried.includes(one));
    if (tried.length < ATTEMPTS_MAX && left.length > 0) {
      this.#hooks.route(request, left);
    } else {
      this.#tried.delete(request);
      world.fail(request);
    }
  }

  #probe(): void {
    const { health } = this.#world;
    const up = this.#everyone.filter((endpoint) => health.probesUp(endpoint));
    const warm = up.filter((endpoint) => health.warmth[endpoint] === WARMTH.warm);
    this.admitting = warm.length > 0 ? warm : up;
    this.#world.timer(PROBE_MS, PROBE);
  }
}
