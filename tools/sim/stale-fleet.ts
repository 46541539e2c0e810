/**
 * The fleet as a router of one region sees it that hears of other regions late: its own region exactly, the others as
 * they were `staleMs` ago, plus what it has sent there since.
 *
 * Model. A log of changes with their time; reading applies those that are old enough. What a region sends elsewhere is
 * counted there, as in flight and with its prompt unread, until the old state has it. That is what a router in one
 * process knows whose regions tell each other; Warmpath's shards know no more.
 * Rejected: everything late, the own region and own requests too, for which nobody would build a router, and which made
 * every rule look bad; and a snapshot every `staleMs`, whose age varies between 0 and twice its mean.
 */
import { Fleet, FLEET_FIELDS, type FleetView } from "./fleet.ts";

/** Applied changes are dropped from the log in blocks of this many, so that dropping costs nothing per change. */
const LOG_BLOCK = 65_536;

export type StaleSetup = {
  readonly staleMs: number;
  readonly now: () => number;
  /** Index of the region of each endpoint. */
  readonly regionOf: readonly number[];
};

type Sent = { readonly atMs: number; readonly region: number; readonly endpoint: number; readonly tokens: number };

export class StaleFleet {
  readonly #truth: Fleet;
  readonly #seen: Fleet;
  readonly #view: Fleet;
  readonly #setup: StaleSetup;
  #times: number[] = [];
  #fields: number[] = [];
  #endpoints: number[] = [];
  #deltas: number[] = [];
  #next = 0;
  /** What was sent to another region and is not in the old state yet, oldest first. */
  #sent: Sent[] = [];

  /** Takes the listener of `truth`. */
  constructor(truth: Fleet, setup: StaleSetup) {
    const endpoints = truth.inFlight.length;
    this.#truth = truth;
    this.#seen = new Fleet(endpoints);
    this.#view = new Fleet(endpoints);
    this.#setup = setup;
    truth.listener = (field, endpoint, delta) => {
      this.#times.push(setup.now());
      this.#fields.push(FLEET_FIELDS.indexOf(field));
      this.#endpoints.push(endpoint);
      this.#deltas.push(delta);
    };
  }

  /** A request with so many prompt tokens has just been sent from `region`. */
  sent(region: number, endpoint: number, tokens: number): void {
    const { regionOf, now } = this.#setup;
    if (regionOf[endpoint] !== region) this.#sent.push({ atMs: now(), region, endpoint, tokens });
  }

  /** What `region` knows now. The same object is filled again for the next. */
  at(region: number): FleetView {
    this.#hear();
    for (const field of FLEET_FIELDS) {
      for (const [endpoint, its] of this.#setup.regionOf.entries()) {
        const from = its === region ? this.#truth : this.#seen;
        this.#view[field][endpoint] = from[field][endpoint] ?? 0;
      }
    }
    for (const one of this.#sent) {
      if (one.region !== region) continue;
      this.#view.add("inFlight", one.endpoint, 1);
      this.#view.add("queuedTokens", one.endpoint, one.tokens);
    }
    return this.#view;
  }

  #hear(): void {
    const { staleMs, now } = this.#setup;
    const heardMs = now() - staleMs;
    while (this.#next < this.#times.length && (this.#times[this.#next] ?? 0) <= heardMs) {
      const field = FLEET_FIELDS[this.#fields[this.#next] ?? 0] ?? "inFlight";
      this.#seen.add(field, this.#endpoints[this.#next] ?? 0, this.#deltas[this.#next] ?? 0);
      this.#next += 1;
    }
    if (this.#next > LOG_BLOCK) this.#forget();
    const kept = this.#sent.findIndex(({ atMs }) => atMs > heardMs);
    this.#sent = kept < 0 ? [] : this.#sent.slice(kept);
  }

  #forget(): void {
    this.#times = this.#times.slice(this.#next);
    this.#fields = this.#fields.slice(this.#next);
    this.#endpoints = this.#endpoints.slice(this.#next);
    this.#deltas = this.#deltas.slice(this.#next);
    this.#next = 0;
  }
}
