/** The lanes of a queue: of each tenant the first waiting job, how many run and wait, and what it had of the pool. */
import { beginsAtMs, hadMs, withRun } from "../core/fair-lanes.ts";
import type { Head } from "./job-store.ts";

export type Lane = {
  readonly tenant: string;
  headId: string | null;
  headKey: string;
  running: number;
  waiting: number;
  settledMs: number;
  claimedSumMs: number;
};

/** A lane with a job that may start. */
export type HeadLane = {
  readonly tenant: string;
  readonly headId: string;
  readonly headKey: string;
  readonly running: number;
  readonly hadMs: number;
};

export class Lanes {
  readonly #lanes = new Map<string, Lane>();
  readonly #headOf: (tenant: string) => Head | null;
  /** Where the last one began; null mean: no job has ended. */
  #beganMs = 0;
  #meanMs: number | null = null;

  constructor(headOf: (tenant: string) => Head | null) {
    this.#headOf = headOf;
  }

  get(tenant: string): Lane | undefined {
    return this.#lanes.get(tenant);
  }

  all(): IterableIterator<Lane> {
    return this.#lanes.values();
  }

  /** A tenant's lane, made where it has none. */
  of(tenant: string): Lane {
    const known = this.#lanes.get(tenant);
    if (known !== undefined) return known;
    this.#beganMs = beginsAtMs(this.#lanes.values(), this.#beganMs, this.#meanMs ?? 0, Date.now());
    const lane = {
      tenant,
      headId: null,
      headKey: "",
      running: 0,
      waiting: 0,
      settledMs: this.#beganMs,
      claimedSumMs: 0,
    };
    this.#lanes.set(tenant, lane);
    return lane;
  }

  /** A job that was claimed then runs (1), or runs no more (-1). */
  runs(lane: Lane, claimedAtMs: number, by: 1 | -1): void {
    lane.running += by;
    lane.claimedSumMs += by * claimedAtMs;
    if (by === 1) return;
    const ranMs = Math.max(0, Date.now() - claimedAtMs);
    lane.settledMs += ranMs;
    this.#meanMs = withRun(this.#meanMs, ranMs);
  }

  /** The head was started or went: the next one is looked up. */
  nextHead(tenant: string): void {
    const lane = this.#lanes.get(tenant);
    if (lane === undefined) return;
    const head = this.#headOf(tenant);
    lane.headId = head?.id ?? null;
    lane.headKey = head?.orderKey ?? "";
  }

  dropIfIdle(lane: Lane): void {
    if (lane.running === 0 && lane.waiting === 0) this.#lanes.delete(lane.tenant);
  }

  *heads(): Generator<HeadLane> {
    const now = Date.now();
    for (const lane of this.#lanes.values()) {
      const { tenant, headId, headKey, running } = lane;
      if (headId !== null) yield { tenant, headId, headKey, running, hadMs: hadMs(lane, this.#meanMs ?? 0, now) };
    }
  }
}
