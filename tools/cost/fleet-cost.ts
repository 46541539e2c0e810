/**
 * Decides what a serverless endpoint costs and how long its requests wait, for `workers` from a minimum to a maximum: the
 * platform's scaler, cold starts, idle times and bills, over the arrivals of a trace or of a rate.
 *
 * Model. The scaler keeps ceil((waiting + running) / scalerValue) GPU workers, within [min, max], and looks whenever a
 * request comes or goes. A started one is warm after a cold start drawn evenly from a range; the `min` ones are warm from
 * the beginning and never go. One that is idle for the idle time goes. A request takes a free slot of a warm one, else it
 * stands in line, first come first served. A worker is paid for from its start to its end, its cold start and its idle
 * time included. Ends with the last answer; what goes on then is cut at the horizon.
 * Source: Runpod's documentation of endpoint settings and of billing (docs/reference/sources.md).
 * Rejected: the router's own simulator (`tools/sim`), whose endpoints are warm or cold as a whole: here the number of
 * GPU workers of one endpoint is the question. Its queue of events and its chance are used.
 */
import { EventQueue } from "../sim/events.ts";
import { stream } from "../sim/chance.ts";

export type Load = {
  /** In order, ms from 0. */
  readonly arrivalMs: Float64Array;
  /** How long each holds a slot, ms. */
  readonly serviceMs: Float64Array;
  /** What is billed ends here, ms. */
  readonly horizonMs: number;
};

export type Workers = {
  readonly min: number;
  readonly max: number;
  /** Requests that one serves at once. */
  readonly slots: number;
  readonly scalerValue: number;
  readonly idleMs: number;
  /** Evenly between the two. */
  readonly coldMs: { readonly from: number; readonly to: number };
};

export type FleetCost = {
  /** Of all GPU workers, hours. */
  readonly workerHours: number;
  readonly coldStarts: number;
  /** From a request's arrival until it has a slot, ms; of no request: 0. */
  readonly waitMs: {
    readonly first: number;
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
  };
  /** Of requests that waited for a GPU worker that was not warm, 0 to 1. */
  readonly shareCold: number;
  readonly requests: number;
};

const ARRIVES = 0;
const ENDS = 1;
const WARM = 2;
const IDLE = 3;

type Worker = {
  startedMs: number;
  endedMs: number | null;
  isWarm: boolean;
  running: number;
  /** Counts the times it became idle: an older timer is void. */
  idleTurn: number;
};

export function fleetCost(load: Load, workers: Workers, seed: number): FleetCost {
  const run = new Run(load, workers, seed);
  return run.whole();
}

class Run {
  readonly #load: Load;
  readonly #set: Workers;
  readonly #events = new EventQueue();
  readonly #workers: Worker[] = [];
  readonly #line: number[] = [];
  #lineFrom = 0;
  #running = 0;
  #coldStarts = 0;
  readonly #waits: Float64Array;
  readonly #metCold: Uint8Array;
  readonly #chance;

  constructor(load: Load, set: Workers, seed: number) {
    this.#load = load;
    this.#set = set;
    this.#chance = stream(seed, "cold starts");
    this.#waits = new Float64Array(load.arrivalMs.length);
    this.#metCold = new Uint8Array(load.arrivalMs.length);
    for (let index = 0; index < set.min; index += 1)
      this.#workers.push({ startedMs: 0, endedMs: null, isWarm: true, running: 0, idleTurn: 0 });
  }

  whole(): FleetCost {
    const { arrivalMs, horizonMs } = this.#load;
    for (const [request, atMs] of arrivalMs.entries()) this.#events.push(atMs, ARRIVES, request);
    while (this.#events.size > 0) {
      this.#events.take();
      this.#happens(this.#events.kind, this.#events.a, this.#events.b, this.#events.atMs);
    }
    const paidMs = this.#workers.reduce(
      (sum, { startedMs, endedMs }) => sum + Math.max(0, Math.min(endedMs ?? horizonMs, horizonMs) - startedMs),
      0,
    );
    return {
      workerHours: paidMs / 3_600_000,
      coldStarts: this.#coldStarts,
      waitMs: waitsOf(this.#waits),
      shareCold: arrivalMs.length === 0 ? 0 : this.#metCold.reduce((sum, one) => sum + one, 0) / arrivalMs.length,
      requests: arrivalMs.length,
    };
  }

  #happens(kind: number, a: number, b: number, nowMs: number): void {
    if (kind === ARRIVES) this.#line.push(a);
    if (kind === ENDS) this.#end(a, nowMs);
    if (kind === WARM) this.#warm(a, nowMs);
    if (kind === IDLE) return this.#idle(a, b, nowMs);
    this.#serve(nowMs);
    this.#scale(nowMs);
  }

  #serve(nowMs: number): void {
    for (const [index, worker] of this.#workers.entries()) {
      while (worker.isWarm && worker.endedMs === null && worker.running < this.#set.slots) {
        const request = this.#line[this.#lineFrom];
        if (request === undefined) return;
        this.#lineFrom += 1;
        const waitMs = nowMs - (this.#load.arrivalMs[request] ?? 0);
        this.#waits[request] = waitMs;
        worker.running += 1;
        worker.idleTurn += 1;
        this.#running += 1;
        this.#events.push(nowMs + (this.#load.serviceMs[request] ?? 0), ENDS, index);
      }
    }
  }

  #end(index: number, nowMs: number): void {
    const worker = this.#workers[index];
    if (worker === undefined) return;
    worker.running -= 1;
    this.#running -= 1;
    if (worker.running === 0) this.#rest(worker, index, nowMs);
  }

  #warm(index: number, nowMs: number): void {
    const worker = this.#workers[index];
    if (worker === undefined) return;
    worker.isWarm = true;
    // Whoever stands in line now has waited for it.
    for (let at = this.#lineFrom; at < Math.min(this.#line.length, this.#lineFrom + this.#set.slots); at += 1) {
      this.#metCold[this.#line[at] ?? 0] = 1;
    }
    this.#rest(worker, index, nowMs);
  }

  #rest(worker: Worker, index: number, nowMs: number): void {
    worker.idleTurn += 1;
    this.#events.push(nowMs + this.#set.idleMs, IDLE, index, worker.idleTurn);
  }

  #idle(index: number, turn: number, nowMs: number): void {
    const worker = this.#workers[index];
    if (worker === undefined || worker.idleTurn !== turn || worker.endedMs !== null) return;
    if (this.#alive() > this.#set.min) worker.endedMs = nowMs;
  }

  #alive(): number {
    return this.#workers.reduce((sum, { endedMs }) => sum + (endedMs === null ? 1 : 0), 0);
  }

  #scale(nowMs: number): void {
    const { min, max, scalerValue, coldMs } = this.#set;
    const waiting = this.#line.length - this.#lineFrom;
    const wanted = Math.min(max, Math.max(min, Math.ceil((waiting + this.#running) / scalerValue)));
    for (let alive = this.#alive(); alive < wanted; alive += 1) {
      const takesMs = coldMs.from + this.#chance() * (coldMs.to - coldMs.from);
      this.#workers.push({ startedMs: nowMs, endedMs: null, isWarm: false, running: 0, idleTurn: 0 });
      this.#events.push(nowMs + takesMs, WARM, this.#workers.length - 1);
      this.#coldStarts += 1;
    }
  }
}

/** Nearest rank. */
function waitsOf(waits: Float64Array): FleetCost["waitMs"] {
  const sorted = waits.toSorted();
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { first: waits[0] ?? 0, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: sorted.at(-1) ?? 0 };
}
