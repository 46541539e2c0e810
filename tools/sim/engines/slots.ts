/**
 * The slots model of an endpoint: K requests at once, first come, first served behind them.
 *
 * Model. Service = work / speed, known when it starts; the first token leaves after a fixed share of it. A slowdown
 * counts for what starts under it. This is the model of the reference table: the queue of c servers of the textbooks,
 * with bounds that can be computed exactly.
 */
import { STAGE } from "../attempts.ts";
import type { EndpointSetup } from "../scenario.ts";
import { IntQueue } from "./int-queue.ts";
import type { EngineHost, Engines } from "./port.ts";

export class SlotsEngines implements Engines {
  readonly #host: EngineHost;
  readonly #firstTokenShare: number;
  readonly #slots: Int32Array;
  readonly #busy: Int32Array;
  readonly #speed: Float64Array;
  readonly #slowdown: Float64Array;
  readonly #queues: readonly IntQueue[];

  constructor(host: EngineHost, endpoints: readonly EndpointSetup[], firstTokenShare: number) {
    this.#host = host;
    this.#firstTokenShare = firstTokenShare;
    this.#slots = Int32Array.from(endpoints, ({ slots }) => slots);
    this.#busy = new Int32Array(endpoints.length);
    this.#speed = Float64Array.from(endpoints, ({ speed }) => speed);
    this.#slowdown = new Float64Array(endpoints.length).fill(1);
    this.#queues = endpoints.map(() => new IntQueue());
  }

  submit(endpoint: number, attempt: number): void {
    const host = this.#host;
    if ((this.#busy[endpoint] ?? 0) < (this.#slots[endpoint] ?? 0)) {
      this.#start(endpoint, attempt);
      return;
    }
    host.attempts.stage[attempt] = STAGE.waiting;
    host.fleet.add("waiting", endpoint, 1);
    this.#queues[endpoint]?.push(attempt);
  }

  /** The end of a service; an attempt that was cancelled or lost meanwhile has left its slot already. */
  wake(endpoint: number, attempt: number): void {
    const host = this.#host;
    if (host.attempts.stage[attempt] !== STAGE.running) return;
    host.finished(attempt);
    this.#leave(endpoint);
  }

  cancel(endpoint: number, attempt: number): void {
    const host = this.#host;
    const stage = host.attempts.stage[attempt];
    host.attempts.stage[attempt] = STAGE.gone;
    // A waiting one stays in the queue as a stone that `#leave` steps over.
    if (stage === STAGE.waiting) host.fleet.add("waiting", endpoint, -1);
    if (stage === STAGE.running) this.#leave(endpoint);
  }

  crash(endpoint: number): void {
    const { fleet } = this.#host;
    fleet.add("running", endpoint, -(this.#busy[endpoint] ?? 0));
    fleet.add("waiting", endpoint, -(fleet.waiting[endpoint] ?? 0));
    this.#busy[endpoint] = 0;
    this.#queues[endpoint]?.clear();
  }

  setSlowdown(endpoint: number, factor: number): void {
    this.#slowdown[endpoint] = factor;
  }

  matchedTokens(): number {
    return 0;
  }

  #start(endpoint: number, attempt: number): void {
    const host = this.#host;
    const { attempts, nowMs } = host;
    const work = host.requests.workMs[attempts.requestOf(attempt)] ?? 0;
    const serviceMs = (work / (this.#speed[endpoint] ?? 1)) * (this.#slowdown[endpoint] ?? 1);
    this.#busy[endpoint] = (this.#busy[endpoint] ?? 0) + 1;
    attempts.stage[attempt] = STAGE.running;
    attempts.startedMs[attempt] = nowMs;
    host.fleet.add("running", endpoint, 1);
    host.firstToken(attempt, nowMs + this.#firstTokenShare * serviceMs);
    host.wakeAt(nowMs + serviceMs, endpoint, attempt);
  }

  /** Frees a slot and gives it to the next that still waits. */
  #leave(endpoint: number): void {
    const host = this.#host;
    this.#busy[endpoint] = (this.#busy[endpoint] ?? 0) - 1;
    host.fleet.add("running", endpoint, -1);
    const queue = this.#queues[endpoint];
    if (queue === undefined) return;
    for (let next = queue.shift(); next >= 0; next = queue.shift()) {
      if (host.attempts.stage[next] !== STAGE.waiting) continue;
      host.fleet.add("waiting", endpoint, -1);
      this.#start(endpoint, next);
      return;
    }
  }
}
