/**
 * The shell of the feed: the Durable Object `feed`, one of the whole deployment.
 *
 * It adds up what isolates and queues count, and tells it to whoever asks. Every call is forwarded to `feed.ts`, which is
 * loaded with the first one: most isolates of the Worker hold no feed. Each call awaits what it passes on: a rejection
 * (a full disk) must have its handler when it comes, else the runtime reports it as nobody's.
 */
import { DurableObject } from "cloudflare:workers";
import type { Report, ReportReply } from "../core/report.ts";
import type { FeedCalls, FeedTotals } from "../feed-port.ts";
import type { FeedEnv } from "./feed-env.ts";
import type { Feed } from "./feed.ts";

export class FleetFeed extends DurableObject<FeedEnv> implements FeedCalls {
  #feed: Feed | null = null;

  async report(report: Report): Promise<ReportReply> {
    return await (await this.#ready()).report(report);
  }

  async totals(): Promise<FeedTotals> {
    return (await this.#ready()).totals();
  }

  /** Development only: loses its memory as an eviction would. */
  restart(): void {
    if (this.env.WARMPATH_DEV === "1") this.ctx.abort("restarted on request");
  }

  /** Two calls may load it at once: the one that is later finds it there. */
  async #ready(): Promise<Feed> {
    if (this.#feed === null) {
      const module = await import("./feed.ts");
      this.#feed ??= new module.Feed(this.ctx);
    }
    return this.#feed;
  }
}
