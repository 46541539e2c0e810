/**
 * Adapters (LoRA) of simulated endpoints: which are resident, and how long a request waits until its own is.
 *
 * Model. An endpoint holds a few adapters; one more takes the place of the one that was used longest ago. Loading takes a fixed
 * time, in which the others are served. A request whose adapter is being loaded waits for the rest of it.
 * Rejected: loads that take turns, which engines with several streams to the host do not.
 */
import type { AdapterSetup } from "./scenario.ts";

export class ResidentAdapters {
  readonly #setup: AdapterSetup;
  /** By endpoint: when each adapter is or was loaded, ms; the one used longest ago is first. */
  readonly #loadedAtMs: readonly Map<number, number>[];
  /** Loads so far, over all endpoints. */
  loads = 0;

  constructor(setup: AdapterSetup, endpoints: number) {
    this.#setup = setup;
    this.#loadedAtMs = Array.from({ length: endpoints }, () => new Map<number, number>());
  }

  /** Time until a request for the adapter can begin at the endpoint, ms; 0: now. Its loading begins if it has to. */
  use(endpoint: number, adapter: number, nowMs: number): number {
    const resident = this.#loadedAtMs[endpoint];
    if (resident === undefined) return 0;
    let atMs = resident.get(adapter);
    if (atMs === undefined) {
      const [oldest] = resident.keys();
      if (resident.size >= this.#setup.resident && oldest !== undefined) resident.delete(oldest);
      atMs = nowMs + this.#setup.loadMs;
      this.loads += 1;
    }
    resident.delete(adapter);
    resident.set(adapter, atMs);
    return Math.max(0, atMs - nowMs);
  }

  /** Memory is lost. */
  crash(endpoint: number): void {
    this.#loadedAtMs[endpoint]?.clear();
  }

  /** What the endpoint tells of them; undefined: nothing. */
  toldAt(endpoint: number): readonly string[] | undefined {
    return this.#setup.told ? [...(this.#loadedAtMs[endpoint]?.keys() ?? [])].map(adapterName) : undefined;
  }
}

export const adapterName = (adapter: number): string => `adapter-${adapter}`;
