/**
 * Is an endpoint up, warm, and honest: what faults, cold starts and scale-in make of it.
 *
 * Model. One state per endpoint beside its engine. A request that meets a cold endpoint is held and starts the cold
 * start; when it is over, all that were held are submitted in order. An idle endpoint with a time-out goes cold.
 */
import type { Rng } from "../../src/lib/rng.ts";
import type { AttemptLife } from "./attempt-life.ts";
import { EDGE, STAGE } from "./attempts.ts";
import { EVENT } from "./event-kinds.ts";
import type { FailureReason } from "./router.ts";
import type { Fault } from "./scenario.ts";
import type { World } from "./world.ts";

export const WARMTH = { cold: 0, warming: 1, warm: 2 } as const;

export class EndpointHealth {
  /** One of WARMTH, by endpoint. */
  readonly warmth: Uint8Array;
  readonly #down: Uint8Array;
  readonly #silent: Uint8Array;
  /** Probability of an error at once. */
  readonly #failShare: Float64Array;
  /** Probability of a refusal for want of room, which only the request may have met. */
  readonly #fullShare: Float64Array;
  /** When it last had something to do, ms. */
  readonly #lastUsedMs: Float64Array;
  readonly #world: World;
  readonly #life: AttemptLife;
  readonly #rng: Rng;

  constructor(world: World, life: AttemptLife, rng: Rng) {
    const { endpoints } = world.scenario;
    this.#world = world;
    this.#life = life;
    this.#rng = rng;
    this.warmth = Uint8Array.from(endpoints, ({ startsCold }) => (startsCold ? WARMTH.cold : WARMTH.warm));
    this.#down = new Uint8Array(endpoints.length);
    this.#silent = new Uint8Array(endpoints.length);
    this.#failShare = new Float64Array(endpoints.length);
    this.#fullShare = new Float64Array(endpoints.length);
    this.#lastUsedMs = new Float64Array(endpoints.length);
    // One that is never used goes idle all the same.
    for (const endpoint of endpoints.keys()) this.mayGoIdle(endpoint);
  }

  /** What a probe that reaches the endpoint now would find: a sinkhole looks well, a black hole does not answer. */
  probesUp(endpoint: number): boolean {
    return this.#down[endpoint] === 0 && this.#silent[endpoint] === 0;
  }

  /** Why the endpoint refuses an attempt now; null when it does not. */
  refusal(endpoint: number): FailureReason | null {
    if (this.#down[endpoint] === 1) return "refused";
    if (this.#draws(this.#failShare[endpoint])) return "error";
    return this.#draws(this.#fullShare[endpoint]) ? "full" : null;
  }

  #draws(share = 0): boolean {
    return share > 0 && this.#rng() < share;
  }

  /** Does the endpoint keep an attempt without serving it. */
  holds(endpoint: number): boolean {
    return this.#silent[endpoint] === 1 || this.warmth[endpoint] !== WARMTH.warm;
  }

  apply(fault: Fault, starts: boolean): void {
    for (const endpoint of fault.endpoints) this.#applyTo(endpoint, fault, starts);
  }

  #applyTo(endpoint: number, { kind, factor, share }: Fault, starts: boolean): void {
    switch (kind) {
      case "slow":
        this.#world.engines.setSlowdown(endpoint, starts ? factor : 1);
        break;
      case "fail_fast":
        this.#failShare[endpoint] = starts ? share : 0;
        break;
      case "no_room":
        this.#fullShare[endpoint] = starts ? share : 0;
        break;
      case "black_hole":
        this.#silent[endpoint] = starts ? 1 : 0;
        break;
      case "outage":
        this.#down[endpoint] = starts ? 1 : 0;
        if (starts) this.#loseAll(endpoint);
        break;
      case "cold":
        if (!starts) break;
        this.#loseAll(endpoint);
        this.warmth[endpoint] = WARMTH.cold;
        break;
      default:
        break;
    }
  }

  /** True when the endpoint was cold. */
  startWarming(endpoint: number): boolean {
    if (this.warmth[endpoint] !== WARMTH.cold) return false;
    this.warmth[endpoint] = WARMTH.warming;
    return true;
  }

  becomeWarm(endpoint: number): void {
    if (this.warmth[endpoint] !== WARMTH.warming) return;
    this.warmth[endpoint] = WARMTH.warm;
    const { attempts } = this.#world;
    for (const attempt of attempts.presentAt(endpoint)) {
      if (attempts.stage[attempt] !== STAGE.held || attempts.edge[attempt] !== EDGE.open) continue;
      this.#life.submit(endpoint, attempt);
    }
    this.mayGoIdle(endpoint);
  }

  /** An attempt left the endpoint: looks again after the idle time-out, and only then whether it has nothing to do. */
  mayGoIdle(endpoint: number): void {
    const idleMs = this.#world.scenario.endpoints[endpoint]?.idleMs ?? null;
    if (idleMs === null) return;
    this.#lastUsedMs[endpoint] = this.#world.nowMs;
    this.#world.queue.push(this.#world.nowMs + idleMs, EVENT.idle, endpoint);
  }

  checkIdle(endpoint: number): void {
    const idleMs = this.#world.scenario.endpoints[endpoint]?.idleMs ?? null;
    if (idleMs === null || this.#busy(endpoint) || this.warmth[endpoint] !== WARMTH.warm) return;
    if (this.#world.nowMs - (this.#lastUsedMs[endpoint] ?? 0) >= idleMs) this.warmth[endpoint] = WARMTH.cold;
  }

  #busy(endpoint: number): boolean {
    const { fleet } = this.#world;
    return (fleet.running[endpoint] ?? 0) + (fleet.waiting[endpoint] ?? 0) > 0;
  }

  #loseAll(endpoint: number): void {
    const lost = this.#world.attempts.presentAt(endpoint);
    for (const attempt of lost) this.#life.loses(attempt, "reset");
    this.#world.engines.crash(endpoint);
  }
}
