/** What the feed does with its calls: adds reports up, keeps the history, and shows both to whoever watches. */
import type { AlertsConfig } from "../../config/alerts-schema.ts";
import type { Config } from "../../config/config.ts";
import { loadConfig } from "../../config/env.ts";
import { alertsOf } from "../../config/whole-schema.ts";
import { countAttempt } from "../core/attempts.ts";
import type { Attempts } from "../core/attempts.ts";
import { addDeltas, noFigures } from "../core/figures.ts";
import type { FeedFrame, FrameEvent } from "../core/frame.ts";
import type { RequestRecord } from "../core/record.ts";
import type { Report, ReportReply } from "../core/report.ts";
import { readKey } from "../core/tally.ts";
import type { FeedErased, FeedTotals, HistoryAsked, HistoryTold } from "../feed-port.ts";
import { AlertDesk } from "./alert-desk.ts";
import { Counts } from "./counts.ts";
import { FeedAlarm } from "./feed-alarm.ts";
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
  readonly #alarm: FeedAlarm;
  /** Null where the config has no alerts, or is wrong. */
  readonly #alerts: AlertDesk | null;
  readonly #attempts: Attempts = new Map();
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
    this.#alarm = new FeedAlarm(storage);
    this.watch = new Watch(ctx, env, this.#picture, this.#alarm);
    const rules = parsed.ok ? alertsOf(parsed.value) : null;
    this.#alerts = parsed.ok && rules !== null ? this.#alertDesk(env, parsed.value, rules) : null;
  }

  async report(report: Report): Promise<ReportReply> {
    await this.#kept(async (counts) => {
      const taken = counts.take(report);
      // At once: who watches is not to wait for the disk.
      if (taken.isNew) this.#note(report);
      await taken.kept;
    });
    // Nobody who reports waits for it.
    this.#ctx.waitUntil(this.#alerts?.counted() ?? Promise.resolve());
    return { watched: this.watch.isWatched };
  }

  /** The alarm. */
  async wake(): Promise<void> {
    await this.#alarm.fired(Date.now());
    this.watch.resume();
    await this.#alerts?.wake();
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

  async erase(tenant: string, withSums: boolean): Promise<FeedErased> {
    const decisions = this.#picture.erase(tenant);
    const series = withSums ? await this.#kept(async (counts) => counts.erase(tenant)) : 0;
    return { decisions, series };
  }

  /** In memory alone: who comes so seldom that the object is evicted in between makes fewer than may be made. */
  attempt(bucket: string): number | null {
    return countAttempt(this.#attempts, bucket, Date.now());
  }

  #alertDesk(env: FeedEnv, config: Config, rules: AlertsConfig): AlertDesk {
    const series = () => this.#counts.series();
    const show = (event: FrameEvent) => this.#picture.tell(event);
    return new AlertDesk({ storage: this.#ctx.storage, env, config, series, alarm: this.#alarm, show }, rules);
  }

  #note(report: Report): void {
    const figures = noFigures();
    addDeltas(figures, report.deltas);
    this.#picture.note(report, figures);
    const pools = this.#busy;
    for (const [key] of report.deltas) {
      const name = readKey(key);
      if (name?.id === "requests" && name.labels[0] !== undefined && name.labels[0] !== "") pools.add(name.labels[0]);
    }
    if (!this.#history.note(figures, Date.now())) return;
    this.#busy = new Set();
    this.#ctx.waitUntil(this.#gauge(pools));
  }

  /** Once a minute in which there were requests: the pools that had them are awake. */
  async #gauge(pools: ReadonlySet<string>): Promise<void> {
    const gauges = await this.#picture.gauges(pools);
    if (gauges !== null) this.#history.noteGauges(gauges);
  }
}
