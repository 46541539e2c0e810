/**
 * Has the queue's file written anew after jobs were deleted, where the process that keeps the router offers it
 * (`STATE_HOST`, bound by `serve`).
 *
 * SQLite deletes by forgetting, and an object may neither VACUUM nor empty its log. Another process may, but a write of
 * the object at that instant would fail: so the queue asks when it is idle, and takes no call until it is done, which
 * is some milliseconds. A busy queue is put off: what it writes next takes the place of what it deleted, and what is
 * left goes when the router ends. On Cloudflare nothing is bound and nothing is done.
 */

import type { Ledger } from "./ledger.ts";

/** After a deletion, ms: more may follow, and the alarm that brought it has ended by then. */
const SCRUB_DELAY_MS = 3_000;
/** No more often than this, ms. */
const SCRUB_GAP_MS = 60_000;
/** The host is left alone after this, ms: an object that takes no call for 30 s is reset. */
const SCRUB_MS_MAX = 10_000;

export type ScrubParts = {
  readonly ctx: Pick<DurableObjectState, "id" | "blockConcurrencyWhile">;
  readonly host: Fetcher | undefined;
  readonly ledger: Ledger;
};

export class Scrub {
  readonly #parts: ScrubParts;
  #isDue = false;
  #lastMs = 0;

  constructor(parts: ScrubParts) {
    this.#parts = parts;
  }

  /** Something was deleted. */
  mark(): void {
    if (this.#parts.host === undefined || this.#isDue) return;
    this.#isDue = true;
    this.#wait(Math.max(SCRUB_DELAY_MS, this.#lastMs + SCRUB_GAP_MS - Date.now()));
  }

  /** At once, whatever waits: false where something runs, or the host did not; null where nobody offers it. */
  async now(): Promise<boolean | null> {
    if (this.#parts.host === undefined) return null;
    if (this.#parts.ledger.running.size === 0 && (await this.#scrub())) return true;
    this.mark();
    return false;
  }

  #wait(ms: number): void {
    setTimeout(() => void this.#look(), ms);
  }

  async #look(): Promise<void> {
    const { ledger } = this.#parts;
    if (ledger.running.size > 0 || ledger.waiting() > 0) return this.#wait(SCRUB_GAP_MS);
    this.#isDue = false;
    await this.#scrub();
  }

  async #scrub(): Promise<boolean> {
    const { ctx, host } = this.#parts;
    this.#lastMs = Date.now();
    return ctx.blockConcurrencyWhile(async () => {
      try {
        const signal = AbortSignal.timeout(SCRUB_MS_MAX);
        const answer = await host?.fetch(`http://host/scrub/${ctx.id.toString()}`, { method: "POST", signal });
        return answer?.ok === true;
      } catch (error) {
        console.error("the queue's file could not be written anew", error);
        return false;
      }
    });
  }
}
