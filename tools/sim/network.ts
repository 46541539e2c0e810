/**
 * How long a message between two regions takes, and whether it arrives.
 *
 * Model. Half of the round trip, times a lognormal factor of mean 1 when the scenario has jitter. Attempts always
 * arrive (TCP repeats what is lost, and that is jitter); a router's own messages may be lost or cut off by a partition.
 * Rejected: bandwidth and queues in the network, which are nothing next to a GPU's milliseconds.
 */
import { drawLognormal } from "./chance.ts";
import type { Rng } from "../../src/lib/rng.ts";

export class Network {
  /** Sigma of the lognormal factor; 0 draws nothing. */
  jitterSigma: number;
  /** Probability that a router's message is lost. */
  lossShare = 0;
  /** Regions that hear none but each other. */
  readonly cutOff = new Set<number>();

  readonly #roundTripMs: readonly (readonly number[])[];
  readonly #delays: Rng;
  readonly #losses: Rng;

  constructor(
    roundTripMs: readonly (readonly number[])[],
    { jitterSigma, delays, losses }: { jitterSigma: number; delays: Rng; losses: Rng },
  ) {
    this.#roundTripMs = roundTripMs;
    this.jitterSigma = jitterSigma;
    this.#delays = delays;
    this.#losses = losses;
  }

  /** Mean round trip, ms. */
  roundTripMs(from: number, to: number): number {
    return this.#roundTripMs[from]?.[to] ?? 0;
  }

  /** Delay of one message, ms: half a round trip and its jitter. */
  oneWayMs(from: number, to: number): number {
    const half = this.roundTripMs(from, to) / 2;
    return this.jitterSigma === 0 ? half : half * drawLognormal(this.#delays, this.jitterSigma);
  }

  /** Is this message of a router lost. */
  loses(from: number, to: number): boolean {
    if (this.cutOff.has(from) !== this.cutOff.has(to)) return true;
    return this.lossShare > 0 && this.#losses() < this.lossShare;
  }
}
