/**
 * The shell of the feed: the Durable Object `feed`, one of the whole deployment.
 *
 * It adds up what isolates and queues count, and shows it to whoever asks or watches. Every call is forwarded to `feed.ts`,
 * which is loaded with the first one: most isolates of the Worker hold no feed. Each call awaits what it passes on: a
 * rejection (a full disk) must have its handler when it comes, else the runtime reports it as nobody's.
 */
import { DurableObject } from "cloudflare:workers";
import { prepareConfig } from "../../config/env.ts";
import type { Report } from "../core/report.ts";
import type { FeedCalls, HistoryAsked } from "../feed-port.ts";
import type { FeedEnv } from "./feed-env.ts";
import type { Feed } from "./feed.ts";

export class FleetFeed extends DurableObject<FeedEnv> implements FeedCalls {
  #feed: Feed | null = null;

  async report(report: Report) {
    return await (await this.#ready()).report(report);
  }

  async totals() {
    return await (await this.#ready()).totals();
  }

  async snapshot() {
    return await (await this.#ready()).snapshot();
  }

  async erase(tenant: string, withSums: boolean) {
    return await (await this.#ready()).erase(tenant, withSums);
  }

  async history(asked: HistoryAsked) {
    return (await this.#ready()).history(asked);
  }

  async attempt(bucket: string) {
    return (await this.#ready()).attempt(bucket);
  }

  /** A socket for somebody whom the edge has let in. */
  override async fetch(request: Request): Promise<Response> {
    return (await this.#ready()).watch.accept(request);
  }

  override async webSocketMessage(socket: WebSocket): Promise<void> {
    (await this.#ready()).watch.unexpected(socket);
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    (await this.#ready()).watch.closed(socket);
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    (await this.#ready()).watch.closed(socket);
  }

  /** While somebody watches, or there is something to tell: an object that lost its memory goes on. */
  override async alarm(): Promise<void> {
    await (await this.#ready()).wake();
  }

  /** Development only: loses its memory as an eviction would. */
  restart(): void {
    if (this.env.WARMPATH_DEV === "1") this.ctx.abort("restarted on request");
  }

  /** Two calls may load it at once: the one that is later finds it there. */
  async #ready(): Promise<Feed> {
    if (this.#feed === null) {
      await prepareConfig(this.env);
      const module = await import("./feed.ts");
      this.#feed ??= new module.Feed(this.ctx, this.env);
    }
    return this.#feed;
  }
}
