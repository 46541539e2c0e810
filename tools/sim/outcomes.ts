/**
 * What became of every request of a run, and the totals that no request holds.
 */
export const OUTCOME = { open: 0, served: 1, shed: 2, failed: 3 } as const;

export class Outcomes {
  /** One of OUTCOME, by request. */
  readonly outcome: Uint8Array;
  /** From arrival at the edge to the first token back there, ms; NaN while there is none. */
  readonly ttftMs: Float64Array;
  /** From arrival to the end of the answer there, ms; NaN while there is none. */
  readonly e2eMs: Float64Array;
  /** Endpoint whose first token was first; -1 while there is none. */
  readonly servedBy: Int32Array;
  /** The attempt whose first token was first; -1 while there is none. */
  readonly winner: Int32Array;
  /** Requests without an outcome. */
  open: number;
  /** Attempts that met an endpoint which was not warm. */
  coldHits = 0;
  wakeUps = 0;
  failures = 0;
  /** Slot time of attempts that served nobody, ms. */
  wastedMs = 0;
  /** Slot time of all attempts, ms. */
  usedMs = 0;
  /** Attempts in flight when the last request arrived: what a stable system keeps small. */
  backlog = 0;

  constructor(requests: number) {
    this.outcome = new Uint8Array(requests);
    this.ttftMs = new Float64Array(requests).fill(NaN);
    this.e2eMs = new Float64Array(requests).fill(NaN);
    this.servedBy = new Int32Array(requests).fill(-1);
    this.winner = new Int32Array(requests).fill(-1);
    this.open = requests;
  }

  /** True when this is the request's first outcome. */
  settle(request: number, outcome: number): boolean {
    if (this.outcome[request] !== OUTCOME.open) return false;
    this.outcome[request] = outcome;
    this.open -= 1;
    return true;
  }
}
