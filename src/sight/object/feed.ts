/** What the feed does with its calls: adds reports up, keeps the history, and shows both to whoever watches. */
import { loadConfig } from "../../config/env.ts";
import type { FeedFrame } from "../core/frame.ts";
import type { RequestRecord } from "../core/record.ts";
import type { Report, ReportReply } from "../core/report.ts";
import { readKey } from "../core/tally.ts";
import type { FeedTotals, HistoryAsked, HistoryTold } from "../feed-port.ts";
import { Counts } from "./counts.ts";
import type { FeedEnv } from "./feed-env.ts";
import { History } from "./history.ts";
import { Picture, START } from "./picture.ts";
import { Watch } from "./watch.ts";

/** As the config's own default, where it cannot be read. */
const HISTORY_DAYS_DEFAULT = 7;

export class Feed {
  readonly watch: Watch;
  readonly #ctx: DurableObjectState;
  readonly #picture: Picture;
  readonly #history: History;
  #counts: Counts;
  /** Pools that had requests since the minute began. */
  #busy = new Set<string>();

  constructor(ctx: DurableObjectState, env: FeedEnv) {
    const { storage } = ctx;
    const { parsed } = loadConfig(env);
    this.#ctx = ctx;
    this.#counts = new Counts(storage, Date.now());
    this.#history = new History(storage, parsed.ok ? parsed.value.sight.historyDays : HISTORY_DAYS_DEFAULT);
    this.#picture = new Picture(env);
    this.watch = new Watch(ctx, env, this.#picture);
  }

  async report(report: Report): Promise<ReportReply> {
    await this.#kept(async (counts) => {
      const taken = counts.take(report);
      // At once: who watches is not to wait for the disk.
      if (taken.isNew) this.#note(report);
      await taken.kept;
    });
    return { watched: this.watch.isWatched };
  }

  async totals(): Promise<FeedTotals> {
    return this.#kept(async (counts) => counts.totals());
  }

  /** What could not be written was not counted: sums are read anew, and sources send again. */
  async #kept<Value>(call: (counts: Counts) => Promise<Value>): Promise<Value> {
    const counts = this.#counts;
    try {
      return await call(counts);
    } catch (error) {
      if (this.#counts === counts) this.#counts = new Counts(this.#ctx.storage, Date.now());
      throw error;
    }
  }

  /** The frame of this instant, with everything that is remembered. */
  async snapshot(): Promise<FeedFrame<RequestRecord>> {
    this.watch.polled();
    return this.#picture.frame(START);
  }

  history(asked: HistoryAsked): HistoryTold {
    return this.#history.read(asked, Date.now());
  }

  #note(report: Report): void {
    this.#picture.note(report);
    const pools = this.#busy;
    for (const [key] of report.deltas) {
      const name = readKey(key);
      if (name?.id === "requests" && name.labels[0] !== undefined && name.labels[0] !== "") pools.add(name.labels[0]);
    }
    if (!this.#history.note(report.deltas, Date.now())) return;
    this.#busy = new Set();
    this.#ctx.waitUntil(this.#gauge(pools));
  }

  /** Once a minute in which there were requests: the pools that had them are awake. */
  async #gauge(pools: ReadonlySet<string>): Promise<void> {
    const gauges = await this.#picture.gauges(pools);
    if (gauges !== null) this.#history.noteGauges(gauges);
  }
}
