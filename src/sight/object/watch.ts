/**
 * Those who watch: their sockets, and one frame a second to all of them.
 *
 * Model. Sockets are hibernatable, so an object that is evicted keeps them. While there is one, a timer makes a frame a
 * second, which is written once and sent to all; without one there is no timer, no alarm and no look at the fleet. Who
 * comes gets a full frame first, everybody else what is new. An alarm stands a little ahead while somebody watches: an
 * object that lost its memory goes on by it.
 * Nothing is queued for who does not read. A page says "ping" at least every quarter of a minute, which the platform
 * answers without waking anybody: since the last ping at most `WATCHER_BYTES_MAX` are under way to a socket, further
 * frames are left out for it, and one that stays silent is closed.
 * A socket is its session's: each second the session's key is looked up, as with every request.
 * Rejected: an alarm for each frame (a billed write a second), and frames for each socket (a look for each).
 */
import { WATCHER } from "../feed-port.ts";
import type { SessionClaims } from "../session.ts";
import type { FeedAlarm } from "./feed-alarm.ts";
import type { FeedEnv } from "./feed-env.ts";
import { holderOf, seesAll } from "./holder.ts";
import { START } from "./picture.ts";
import type { Picture, Place } from "./picture.ts";
import { POLLED_MS, WATCHER_BYTES_MAX, WATCHER_SILENT_MS, WATCHERS_MAX } from "./watch-bounds.ts";

const FRAME_GAP_MS = 1_000;
/** How far ahead the alarm stands, ms; it is set anew when half of that is over. */
const ALARM_AHEAD_MS = 20_000;

/** Private codes of WebSocket (RFC 6455, 7.4.2): the page signs in again, or comes back later. */
const CLOSED = { sessionOver: 4401, silent: 4408, tooMany: 1013, unexpected: 1008 } as const;

type Standing = "listens" | "waits" | "closed";

type Sent = { pingMs: number; bytes: number; isBehind: boolean };

export class Watch {
  readonly #ctx: DurableObjectState;
  readonly #env: FeedEnv;
  readonly #picture: Picture;
  readonly #alarm: FeedAlarm;
  readonly #sent = new Map<WebSocket, Sent>();
  #place: Place = START;
  #isTicking = false;
  #alarmAtMs = 0;
  #polledAtMs = Number.NEGATIVE_INFINITY;

  constructor(ctx: DurableObjectState, env: FeedEnv, picture: Picture, alarm: FeedAlarm) {
    this.#alarm = alarm;
    this.#ctx = ctx;
    this.#env = env;
    this.#picture = picture;
    this.resume();
  }

  get isWatched(): boolean {
    return this.#ctx.getWebSockets().length > 0 || Date.now() - this.#polledAtMs < POLLED_MS;
  }

  polled(): void {
    this.#polledAtMs = Date.now();
  }

  /** The edge has let in who asks. */
  accept(request: Request): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    if (this.#ctx.getWebSockets().length >= WATCHERS_MAX) {
      // A browser shows a page nothing of a refused handshake; of a closed socket it shows the reason.
      server.accept();
      server.close(CLOSED.tooMany, `${WATCHERS_MAX} pages watch already (WATCHERS_MAX). Ask for snapshots instead.`);
      return new Response(null, { status: 101, webSocket: client });
    }
    this.#ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    this.#ctx.acceptWebSocket(server);
    server.serializeAttachment(JSON.parse(request.headers.get(WATCHER) ?? "null"));
    this.#sent.set(server, { pingMs: Date.now(), bytes: 0, isBehind: true });
    this.resume();
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Pings do not come here, and a page says nothing else. */
  unexpected(socket: WebSocket): void {
    this.#close(socket, CLOSED.unexpected, 'The only message to this socket is "ping".');
  }

  /** The page has closed it, and waits for our word to that. */
  closed(socket: WebSocket): void {
    this.#close(socket, 1000, "");
  }

  /** Goes on where there are watchers and nobody ticks. */
  resume(): void {
    if (this.#isTicking || this.#ctx.getWebSockets().length === 0) return;
    this.#isTicking = true;
    void this.#tick();
  }

  async #tick(): Promise<void> {
    const startedAtMs = Date.now();
    try {
      this.#guard(startedAtMs);
      const all = this.#ctx.getWebSockets();
      const standings = await Promise.all(all.map(async (socket) => this.#standingOf(socket, startedAtMs)));
      if (standings.every((standing) => standing === "closed")) return this.#stop();
      const sockets = all.filter((_, index) => standings[index] === "listens");
      if (sockets.length > 0) await this.#send(sockets);
    } catch (error) {
      console.error("a frame could not be made", error);
    }
    setTimeout(() => void this.#tick(), Math.max(0, startedAtMs + FRAME_GAP_MS - Date.now()));
  }

  async #send(sockets: readonly WebSocket[]): Promise<void> {
    const place = this.#place;
    const fresh = await this.#picture.frame(place);
    this.#place = this.#picture.place;
    const text = JSON.stringify(fresh);
    const isNew = sockets.some((socket) => this.#sentTo(socket).isBehind);
    const full = isNew ? JSON.stringify(await this.#picture.frame(START)) : text;
    for (const socket of sockets) {
      const sent = this.#sentTo(socket);
      const message = sent.isBehind ? full : text;
      // A frame that does not fit is not kept for later: it would be old.
      sent.isBehind = sent.bytes + message.length > WATCHER_BYTES_MAX;
      if (sent.isBehind) continue;
      sent.bytes += message.length;
      try {
        socket.send(message);
      } catch {
        this.#sent.delete(socket);
      }
    }
  }

  /** Closes who may not watch any more, and who does not listen. Whose key nobody can look up now gets nothing. */
  async #standingOf(socket: WebSocket, now: number): Promise<Standing> {
    const claims = socket.deserializeAttachment() as SessionClaims | null;
    const holder = claims === null ? null : await holderOf(this.#env, claims, now);
    if (holder?.ok === false && holder.error === "unknown") return "waits";
    if (holder?.ok !== true || !seesAll(holder.value)) {
      return this.#close(socket, CLOSED.sessionOver, "The session is over. Sign in again.");
    }
    const sent = this.#sentTo(socket);
    const pingMs = this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? sent.pingMs;
    if (pingMs > sent.pingMs) Object.assign(sent, { pingMs, bytes: 0 });
    if (now - sent.pingMs <= WATCHER_SILENT_MS) return "listens";
    return this.#close(socket, CLOSED.silent, "Nothing was heard for a minute: say ping.");
  }

  /** An object that lost its memory does not know what it has sent. */
  #sentTo(socket: WebSocket): Sent {
    const known = this.#sent.get(socket);
    if (known !== undefined) return known;
    const sent = { pingMs: Date.now(), bytes: 0, isBehind: true };
    this.#sent.set(socket, sent);
    return sent;
  }

  #close(socket: WebSocket, code: number, reason: string): "closed" {
    this.#sent.delete(socket);
    try {
      socket.close(code, reason);
    } catch {
      // It was closed already.
    }
    return "closed";
  }

  #guard(now: number): void {
    if (this.#alarmAtMs - now > ALARM_AHEAD_MS / 2) return;
    this.#alarmAtMs = now + ALARM_AHEAD_MS;
    this.#ctx.waitUntil(this.#alarm.want("watch", this.#alarmAtMs));
  }

  #stop(): void {
    this.#isTicking = false;
    this.#alarmAtMs = 0;
    this.#ctx.waitUntil(this.#alarm.want("watch", null));
  }
}
