/**
 * The exact state of all endpoints at this instant: what the reference policies may look at, and nobody in production
 * ever has.
 *
 * Model. Five counters per endpoint. *In flight* counts an attempt from its dispatch until the end of its answer is
 * back where it was dispatched, trips included; *running* and *waiting* are the endpoint's own. Every change goes
 * through `add`, so that a delayed copy can be kept by listening (`stale-fleet.ts`).
 */

export const FLEET_FIELDS = ["inFlight", "running", "waiting", "queuedTokens", "runningTokens"] as const;

export type FleetField = (typeof FLEET_FIELDS)[number];

/** Index of the endpoint in each array. */
export type FleetView = {
  /** Attempts dispatched whose end is not back yet. */
  readonly inFlight: Float64Array;
  /** Attempts that hold a slot. */
  readonly running: Float64Array;
  /** Attempts that wait at the endpoint for a slot. */
  readonly waiting: Float64Array;
  /** Prompt tokens of attempts in flight without a first token. */
  readonly queuedTokens: Float64Array;
  /** Prompt tokens of attempts in flight with a first token. */
  readonly runningTokens: Float64Array;
};

export class Fleet implements FleetView {
  readonly inFlight: Float64Array;
  readonly running: Float64Array;
  readonly waiting: Float64Array;
  readonly queuedTokens: Float64Array;
  readonly runningTokens: Float64Array;

  /** Told of every change after it is made. */
  listener: ((field: FleetField, endpoint: number, delta: number) => void) | null = null;

  constructor(endpoints: number) {
    this.inFlight = new Float64Array(endpoints);
    this.running = new Float64Array(endpoints);
    this.waiting = new Float64Array(endpoints);
    this.queuedTokens = new Float64Array(endpoints);
    this.runningTokens = new Float64Array(endpoints);
  }

  add(field: FleetField, endpoint: number, delta: number): void {
    const values = this[field];
    values[endpoint] = (values[endpoint] ?? 0) + delta;
    if (this.listener !== null) this.listener(field, endpoint, delta);
  }
}
