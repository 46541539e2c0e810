/**
 * Passive ejection as prequal-rs does it: 5 failures in a row, 1 s doubling to 30 s, at most half of the endpoints
 * (docs/reference/sources.md, Prequal).
 */
const EJECTION = { afterFailures: 5, firstMs: 1_000, msMax: 30_000 } as const;

export class Ejections {
  readonly #inRow: Int32Array;
  readonly #times: Int32Array;
  readonly #untilMs: Float64Array;

  constructor(endpoints: number) {
    this.#inRow = new Int32Array(endpoints);
    this.#times = new Int32Array(endpoints);
    this.#untilMs = new Float64Array(endpoints);
  }

  succeeded(endpoint: number): void {
    this.#inRow[endpoint] = 0;
    this.#times[endpoint] = 0;
  }

  failed(endpoint: number, nowMs: number): void {
    const inRow = (this.#inRow[endpoint] ?? 0) + 1;
    this.#inRow[endpoint] = inRow;
    if (inRow < EJECTION.afterFailures) return;
    const times = this.#times[endpoint] ?? 0;
    this.#untilMs[endpoint] = nowMs + Math.min(EJECTION.msMax, EJECTION.firstMs * 2 ** times);
    this.#times[endpoint] = times + 1;
    this.#inRow[endpoint] = 0;
  }

  /** The candidates that are not ejected; all of them when that would be fewer than half. */
  filter(candidates: readonly number[], nowMs: number): readonly number[] {
    const left = candidates.filter((endpoint) => (this.#untilMs[endpoint] ?? 0) <= nowMs);
    return left.length * 2 >= candidates.length ? left : candidates;
  }
}
