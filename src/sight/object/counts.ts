/**
 * The sums of everything that isolates and queues report, over restarts and evictions.
 *
 * Model. A report is added to the sums in memory at once, and its answer waits until it is written; about once a second
 * all that came is written in one go. So an isolate that is answered may forget, and one that is not sends the same
 * report again: to this incarnation, which knows its number, or to one that never saw it. Either way it counts once.
 * The first report after a pause is written at once. Where writing fails, memory has what the disk has not: whoever called
 * is not answered, and the sums are to be read anew (`feed.ts`).
 */
import { arrive, forgetGone } from "../core/sources.ts";
import type { Source, Sources } from "../core/sources.ts";
import { countOwn, createTally, deltasOf, forgetSeries, merge, tenantIn } from "../core/tally.ts";
import type { Tally } from "../core/tally.ts";
import type { Report } from "../core/report.ts";
import type { FeedTotals } from "../feed-port.ts";
import { CountsStore } from "./counts-store.ts";

/** Between two writes, ms: a report is answered that much later at most. */
export const SAVE_GAP_MS = 1_000;

export class Counts {
  readonly #store: CountsStore;
  readonly #tally = createTally();
  readonly #sources: Sources = new Map();
  /** What is not written yet. */
  #unsaved: { readonly tally: Tally; readonly sources: Map<string, Source>; readonly changed: Set<string> } = fresh();
  #saving: Promise<void> | null = null;
  #savedAtMs = 0;
  #reportedAtMs: number | null = null;

  constructor(storage: DurableObjectStorage, now: number) {
    this.#store = new CountsStore(storage);
    this.#store.load(this.#tally, this.#sources);
    this.#store.forget(forgetGone(this.#sources, now));
  }

  /** Counts what is new; `kept` resolves once it is on disk. */
  take(report: Report): { readonly isNew: boolean; readonly kept: Promise<void> } {
    const now = Date.now();
    this.#reportedAtMs = now;
    const arrival = arrive(this.#sources, report.source, report.seq, now);
    const own = createTally();
    if (arrival.kind === "repeat") countOwn(own, "repeats", 1);
    else {
      countOwn(own, "reports", 1);
      countOwn(own, "lost", arrival.missing);
      this.#add(report.deltas);
      this.#unsaved.sources.set(report.source, { seq: report.seq, seenAtMs: now });
      this.#store.forget(forgetGone(this.#sources, now));
    }
    this.#add(deltasOf(own));
    return { isNew: arrival.kind === "new", kept: this.#saved() };
  }

  /**
   * What is kept for good: a scraper that has seen a sum which a crash then takes back would count all of it again, as
   * after a reset.
   */
  async totals(): Promise<FeedTotals> {
    if (this.#unsaved.changed.size > 0) await this.#saved();
    return { series: deltasOf(this.#tally), sources: this.#sources.size, reportedAtMs: this.#reportedAtMs };
  }

  /** As they are now, what is not written yet included. */
  series(): FeedTotals["series"] {
    return deltasOf(this.#tally);
  }

  /** Forgets every series of the tenant; what is written, first. */
  async erase(tenant: string): Promise<number> {
    await this.#saved();
    const keys = [...this.#tally.series.keys()].filter((key) => tenantIn(key) === tenant);
    this.#store.erase(keys, this.#tally, this.#sources);
    for (const key of keys) forgetSeries(this.#tally, key);
    return keys.length;
  }

  #add(deltas: Report["deltas"]): void {
    const { tally, changed } = this.#unsaved;
    for (const key of merge(this.#tally, deltas)) changed.add(key);
    merge(tally, deltas);
  }

  /** Everything that was counted until now is written when this resolves. */
  async #saved(): Promise<void> {
    if (this.#saving === null) {
      const waitMs = this.#savedAtMs + SAVE_GAP_MS - Date.now();
      if (waitMs <= 0) return this.#save();
      this.#saving = scheduler.wait(Math.min(waitMs, SAVE_GAP_MS)).then(() => this.#save());
    }
    return this.#saving;
  }

  #save(): void {
    const { tally, sources, changed } = this.#unsaved;
    this.#unsaved = fresh();
    this.#saving = null;
    this.#savedAtMs = Date.now();
    this.#store.save({ deltas: deltasOf(tally), sources: [...sources] }, changed, this.#tally, this.#sources);
  }
}

const fresh = () => ({ tally: createTally(), sources: new Map<string, Source>(), changed: new Set<string>() });
