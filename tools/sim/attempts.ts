/**
 * Every dispatch of a run, as a structure of arrays: an attempt is an index.
 *
 * Model. Two places see an attempt at different times, so it has two states: its stage at the endpoint and what the
 * edge that dispatched it knows. A message on its way is the difference between the two.
 */
import { grownFloats, grownInts } from "./events.ts";

/** Where the attempt is, as the endpoint sees it. */
export const STAGE = {
  travelling: 0,
  /** Accepted by something that is not serving: a cold endpoint, or a black hole. */
  held: 1,
  waiting: 2,
  running: 3,
  finished: 4,
  /** Refused, lost or cancelled. */
  gone: 5,
} as const;

/** What the edge knows of it. */
export const EDGE = { open: 0, firstToken: 1, ended: 2, failed: 3, cancelled: 4 } as const;

/** What has been done to it, once each. */
export const MARK = {
  /** No longer counted as in flight. */
  released: 1,
  /** Its tokens are counted as running. */
  tokensMoved: 2,
} as const;

export class Attempts {
  count = 0;
  request: Int32Array;
  endpoint: Int32Array;
  /** Index of the region from which it was dispatched. */
  via: Int32Array;
  stage: Int32Array;
  edge: Int32Array;
  /** Sum of MARK. */
  marks: Int32Array;
  dispatchedMs: Float64Array;
  /** When it got its slot, ms; NaN before. */
  startedMs: Float64Array;
  /** When its first token is at the edge, ms; NaN while unknown. */
  firstTokenMs: Float64Array;
  /** Prompt tokens that the engine did not have to read; 0 while unknown. */
  cachedTokens: Int32Array;

  constructor(capacity: number) {
    this.request = new Int32Array(capacity);
    this.endpoint = new Int32Array(capacity);
    this.via = new Int32Array(capacity);
    this.stage = new Int32Array(capacity);
    this.edge = new Int32Array(capacity);
    this.marks = new Int32Array(capacity);
    this.dispatchedMs = new Float64Array(capacity);
    this.startedMs = new Float64Array(capacity);
    this.firstTokenMs = new Float64Array(capacity);
    this.cachedTokens = new Int32Array(capacity);
  }

  open(request: number, endpoint: number, via: number, nowMs: number): number {
    if (this.count === this.request.length) this.#grow();
    const attempt = this.count++;
    this.request[attempt] = request;
    this.endpoint[attempt] = endpoint;
    this.via[attempt] = via;
    this.dispatchedMs[attempt] = nowMs;
    this.startedMs[attempt] = NaN;
    this.firstTokenMs[attempt] = NaN;
    return attempt;
  }

  requestOf(attempt: number): number {
    return this.request[attempt] ?? 0;
  }

  endpointOf(attempt: number): number {
    return this.endpoint[attempt] ?? 0;
  }

  /** Attempts that the endpoint holds, waiting or running, oldest first. A scan: for rare events. */
  presentAt(endpoint: number): readonly number[] {
    const present: number[] = [];
    for (let attempt = 0; attempt < this.count; attempt += 1) {
      const stage = this.stage[attempt] ?? 0;
      const here = stage === STAGE.held || stage === STAGE.waiting || stage === STAGE.running;
      if (here && this.endpoint[attempt] === endpoint) present.push(attempt);
    }
    return present;
  }

  #grow(): void {
    const capacity = this.request.length * 2;
    this.request = grownInts(this.request, capacity);
    this.endpoint = grownInts(this.endpoint, capacity);
    this.via = grownInts(this.via, capacity);
    this.stage = grownInts(this.stage, capacity);
    this.edge = grownInts(this.edge, capacity);
    this.marks = grownInts(this.marks, capacity);
    this.dispatchedMs = grownFloats(this.dispatchedMs, capacity);
    this.startedMs = grownFloats(this.startedMs, capacity);
    this.firstTokenMs = grownFloats(this.firstTokenMs, capacity);
    this.cachedTokens = grownInts(this.cachedTokens, capacity);
  }
}
