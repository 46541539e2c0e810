/** What the feed does with its calls: adds reports up, and tells the sums. */
import type { Report, ReportReply } from "../core/report.ts";
import type { FeedTotals } from "../feed-port.ts";
import { Counts } from "./counts.ts";

export class Feed {
  readonly #storage: DurableObjectStorage;
  #counts: Counts;

  constructor({ storage }: Pick<DurableObjectState, "storage">) {
    this.#storage = storage;
    this.#counts = new Counts(storage, Date.now());
  }

  async report(report: Report): Promise<ReportReply> {
    const counts = this.#counts;
    try {
      await counts.take(report);
    } catch (error) {
      // What could not be written was not counted: the source sends it again.
      if (this.#counts === counts) this.#counts = new Counts(this.#storage, Date.now());
      throw error;
    }
    return { watched: false };
  }

  totals(): FeedTotals {
    return this.#counts.totals();
  }
}
