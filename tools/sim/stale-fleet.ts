/**
 * The fleet's state as it was `staleMs` ago: what a router sees that hears of every change, late.
 *
 * Model. A log of changes with their time; reading applies those that are old enough. Own dispatches are as late as
 * everybody's, which is the herd that docs/sources.md, Conclusions, warns of.
 * Rejected: a snapshot every `staleMs`, whose age varies between 0 and twice its mean.
 */
import { Fleet, FLEET_FIELDS, type FleetView } from "./fleet.ts";

/** Applied changes are dropped from the log in blocks of this many, so that dropping costs nothing per change. */
const LOG_BLOCK = 65_536;

export class StaleFleet {
  readonly #seen: Fleet;
  readonly #staleMs: number;
  #times: number[] = [];
  #fields: number[] = [];
  #endpoints: number[] = [];
  #deltas: number[] = [];
  #next = 0;

  /** Takes the listener of `truth`. */
  constructor(truth: Fleet, staleMs: number, now: () => number) {
    this.#seen = new Fleet(truth.inFlight.length);
    this.#staleMs = staleMs;
    truth.listener = (field, endpoint, delta) => {
      this.#times.push(now());
      this.#fields.push(FLEET_FIELDS.indexOf(field));
      this.#endpoints.push(endpoint);
      this.#deltas.push(delta);
    };
  }

  at(nowMs: number): FleetView {
    while (this.#next < this.#times.length && (this.#times[this.#next] ?? 0) <= nowMs - this.#staleMs) {
      const field = FLEET_FIELDS[this.#fields[this.#next] ?? 0] ?? "inFlight";
      this.#seen.add(field, this.#endpoints[this.#next] ?? 0, this.#deltas[this.#next] ?? 0);
      this.#next += 1;
    }
    if (this.#next > LOG_BLOCK) this.#forget();
    return this.#seen;
  }

  #forget(): void {
    this.#times = this.#times.slice(this.#next);
    this.#fields = this.#fields.slice(this.#next);
    this.#endpoints = this.#endpoints.slice(this.#next);
    this.#deltas = this.#deltas.slice(this.#next);
    this.#next = 0;
  }
}
