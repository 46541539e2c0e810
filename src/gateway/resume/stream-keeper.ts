/**
 * Keeps one stream for its client: asks the router for it, numbers its events, and hands them to whoever holds its name.
 *
 * Model. A stream is `running` while this incarnation of the object reads it, and `ended` afterwards. What came is in memory, as
 * far as `bytesMax`, and on disk in batches. One that is running on disk and read by nobody was lost with the process that
 * read it: it ends with an error, as one does that nobody has followed for `graceMs`. An alarm deletes all of it
 * `retentionMs` after its end.
 * Cost: docs/reference/storage.md.
 */
import {
  append,
  createStreamLog,
  entryAt,
  keptFrom,
  numbered,
  numberOf,
  placeAfter,
} from "../../dispatch/core/stream-log.ts";
import type { LogEntry, StreamLog } from "../../dispatch/core/stream-log.ts";
import { isEventStream, protocolOf } from "../../dispatch/answer-format.ts";
import { enter } from "../../dispatch/draining.ts";
import { prepareConfig } from "../../config/env.ts";
import { runtimeOf } from "../../dispatch/runtime.ts";
import type { EdgeEnv } from "../../dispatch/runtime.ts";
import { createSseSplitter, restOf, splitEvents } from "../../lib/sse.ts";
import { RESUMABLE, STREAM } from "../../wire/headers.ts";
import { streamError } from "../../wire/stream-error.ts";
import { CALL, REFUSED } from "./resumable.ts";
import type { RefusedBy, StreamCall } from "./resumable.ts";
import { StreamDisk } from "./stream-disk.ts";
import type { StreamRow } from "./stream-disk.ts";

/** An event beyond this ends the stream: as a batch it would not go into one row (2 MB). */
const EVENT_UNITS_MAX = 512 * 1024;

/** What is written at once: after this time, or as soon as it is so much. */
const BATCH_MS = 1_000;
const BATCH_BYTES = 32 * 1024;

/** A reader for whom the stream has to wait takes something within this time, ms, or what it has not read is dropped. */
const SLOW_READER_MS = 2_000;

/** Connections of one stream at once; with one more the oldest, which is dead as a rule, is broken off. */
const FOLLOWERS_MAX = 4;

type Follower = { index: number; wake: () => void; readonly breakOff: () => void };

type Running = { readonly stop: AbortController; pending: Uint8Array[]; pendingBytes: number };

export class StreamKeeper {
  readonly #disk: StreamDisk;
  readonly #env: EdgeEnv;
  readonly #ctx: DurableObjectState;
  readonly #ask: (request: Request) => Promise<Response>;
  readonly #followers = new Set<Follower>();
  #row: StreamRow | null = null;
  #log: StreamLog = createStreamLog(0);
  /** Null: this incarnation reads nothing. */
  #running: Running | null = null;
  #isLoaded = false;
  /** Somebody has read on, or left. */
  #onRead: () => void = () => undefined;
  #graceTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(ctx: DurableObjectState, env: EdgeEnv, ask: (request: Request) => Promise<Response>) {
    this.#ctx = ctx;
    this.#env = env;
    this.#ask = ask;
    this.#disk = new StreamDisk(ctx.storage);
  }

  async answer(request: Request): Promise<Response> {
    const call = JSON.parse(request.headers.get(CALL) ?? "null") as StreamCall | null;
    if (call === null) return refused("unknown");
    if (call.after === null) return this.#begin(request, call);
    await this.#load();
    if (this.#row === null || this.#row.owner !== call.owner) return refused("unknown");
    const place = placeAfter(this.#log, call.after);
    if (place.kind === "at") return this.#followed(place.index, {});
    // What it had last was lost before it was written: all that is left is the end.
    if (place.kind === "ahead" && this.#row.isLost) return this.#followed(this.#end(), {});
    return refused(place.kind);
  }

  async alarm(): Promise<void> {
    await this.#load();
    const { retentionMs } = await this.#bounds();
    if (this.#running !== null) await this.#ctx.storage.setAlarm(Date.now() + retentionMs);
    else await this.#forget();
  }

  async #forget(): Promise<void> {
    await this.#disk.forget();
    this.#row = null;
    this.#log = createStreamLog(0);
    for (const follower of this.#followers) follower.breakOff();
  }

  /** Without a stream of events there is nothing to keep, and nothing is. */
  async #begin(request: Request, { name, owner }: StreamCall): Promise<Response> {
    const stop = new AbortController();
    const headers = new Headers(request.headers);
    headers.delete(CALL);
    headers.delete(RESUMABLE);
    const answer = await this.#ask(new Request(request, { headers, signal: stop.signal }));
    const { body, status } = answer;
    if (status !== 200 || body === null || !isEventStream(answer.headers.get("content-type") ?? "")) return answer;
    const { bytesMax, retentionMs } = await this.#bounds();
    this.#row = { name, owner, protocol: protocolOf("POST", new URL(request.url).pathname), isOver: false };
    this.#log = createStreamLog(bytesMax);
    this.#isLoaded = true;
    const running = { stop, pending: [], pendingBytes: 0 };
    this.#running = running;
    // Whoever knows the name finds the stream, also after a crash in the next instant.
    await this.#disk.begin(this.#row, Date.now() + retentionMs);
    this.#ctx.waitUntil(this.#read(body, running));
    const told = new Headers(answer.headers);
    told.set(STREAM, name);
    return this.#followed(0, told);
  }

  async #read(body: ReadableStream<Uint8Array>, running: Running): Promise<void> {
    const splitter = createSseSplitter({ eventUnitsMax: EVENT_UNITS_MAX });
    const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
    const reader = body.getReader();
    let isWhole = false;
    const writing = setInterval(() => void this.#write(running), BATCH_MS);
    try {
      for (;;) {
        const { done, value } = await reader.read();
        // What comes of a stream that was stopped is told in words of our own.
        if (done || running.stop.signal.aborted) break;
        const split = splitEvents(splitter, decoder.decode(value, { stream: true }));
        for (const part of split.ok ? split.value : split.error.events) {
          const entry = this.#entryOf(part);
          if (keptFrom(this.#log, entry.bytes.byteLength) > this.#slowest()) await this.#waitForReaders(entry);
          this.#take(running, entry);
        }
        if (!split.ok) break;
        if (running.pendingBytes >= BATCH_BYTES) await this.#write(running);
      }
      isWhole = restOf(splitter).trim() === "" && !running.stop.signal.aborted && !splitter.hasOverflowed;
    } catch {
      // Nobody has written an end: it is written here.
    }
    clearInterval(writing);
    if (!isWhole) {
      running.stop.abort();
      await reader.cancel().catch(() => undefined);
      this.#takeError(running);
    }
    await this.#ended(running);
  }

  /** The first entry that somebody who follows has not had. */
  #slowest(): number {
    return Math.min(...[...this.#followers].map(({ index }) => index), Number.POSITIVE_INFINITY);
  }

  /** As the stream would without this object: an endpoint is read as fast as the client reads. */
  async #waitForReaders({ bytes }: LogEntry): Promise<void> {
    for (let before = -1; keptFrom(this.#log, bytes.byteLength) > this.#slowest();) {
      if (before === this.#slowest()) return;
      before = this.#slowest();
      const { promise, resolve } = Promise.withResolvers<void>();
      const tooLate = setTimeout(resolve, SLOW_READER_MS);
      this.#onRead = resolve;
      await promise;
      clearTimeout(tooLate);
    }
  }

  #entryOf(part: string): LogEntry {
    const { id, text } = numbered(this.#row?.name ?? "", this.#log.lastId, part);
    return { id, bytes: new TextEncoder().encode(text) };
  }

  #take(running: Running | null, entry: LogEntry): void {
    append(this.#log, entry);
    if (running !== null) {
      running.pending.push(entry.bytes);
      running.pendingBytes += entry.bytes.byteLength;
    }
    for (const { wake } of this.#followers) wake();
  }

  #takeError(running: Running | null): void {
    const { events } = streamError("stream_lost", this.#row?.protocol ?? null);
    for (const event of events.split(/(?<=\n\n)/)) this.#take(running, this.#entryOf(event));
  }

  async #write(running: Running): Promise<void> {
    const batch = running.pending;
    if (batch.length === 0) return;
    running.pending = [];
    running.pendingBytes = 0;
    await this.#disk.write(batch, this.#log.bytesMax);
  }

  async #ended(running: Running): Promise<void> {
    this.#running = null;
    const row = this.#row;
    if (row === null) return;
    this.#row = { ...row, isOver: true };
    this.#setGrace(null);
    for (const { wake } of this.#followers) wake();
    await this.#write(running);
    const { retentionMs } = await this.#bounds();
    await this.#disk.end(this.#row, Date.now() + retentionMs);
  }

  /** What an earlier incarnation has written. */
  async #load(): Promise<void> {
    if (this.#isLoaded) return;
    const { bytesMax } = await this.#bounds();
    const found = await this.#disk.read();
    // Another call may have been quicker.
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    if (found === null) return;
    this.#row = found.row;
    this.#log = createStreamLog(bytesMax);
    const splitter = createSseSplitter({ eventUnitsMax: found.text.length });
    const split = splitEvents(splitter, found.text);
    for (const part of split.ok ? split.value : []) {
      const id = numberOf(this.#log.lastId, part);
      // What was before it is gone, from disk as from memory.
      if (this.#log.lastId === 0) this.#log.droppedId = Math.max(0, id - 1);
      append(this.#log, { id, bytes: new TextEncoder().encode(part) });
    }
    if (this.#row.isOver) return;
    this.#row = { ...this.#row, isOver: true, isLost: true };
    this.#takeError(null);
  }

  /** Behind the last event before the error that ends a lost one. */
  #end(): number {
    const { dropped, entries } = this.#log;
    const { events } = streamError("stream_lost", this.#row?.protocol ?? null);
    return dropped + Math.max(0, entries.length - events.split(/(?<=\n\n)/).length);
  }

  #followed(index: number, headers: HeadersInit): Response {
    let out: ReadableStreamDefaultController<Uint8Array> | null = null;
    const leave = enter(() => undefined);
    const over = (): void => {
      leave();
      this.#followers.delete(follower);
      follower.wake();
      this.#onRead();
      this.#setGrace(this.#followers.size === 0 ? this.#running : null);
    };
    const follower: Follower = {
      index,
      wake: () => undefined,
      breakOff: () => {
        out?.error(new Error("the stream was broken off"));
        over();
      },
    };
    const [oldest] = this.#followers;
    this.#followers.add(follower);
    if (this.#followers.size > FOLLOWERS_MAX) oldest?.breakOff();
    this.#setGrace(null);
    const readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (out = controller),
        pull: async (controller) => this.#pull(follower, controller, over),
        cancel: over,
      },
      { highWaterMark: 0 },
    );
    return new Response(readable, { headers });
  }

  async #pull(
    follower: Follower,
    controller: ReadableStreamDefaultController<Uint8Array>,
    over: () => void,
  ): Promise<void> {
    while (this.#followers.has(follower)) {
      const entry = entryAt(this.#log, follower.index);
      if (entry === "dropped") {
        // It reads more slowly than the stream comes, and what is next is gone.
        controller.enqueue(new TextEncoder().encode(streamError("stream_lost", this.#row?.protocol ?? null).events));
        controller.close();
        return over();
      }
      if (entry !== null) {
        follower.index += 1;
        controller.enqueue(entry.bytes);
        this.#onRead();
        return;
      }
      if (this.#running === null) {
        controller.close();
        return over();
      }
      await new Promise<void>((resolve) => (follower.wake = resolve));
    }
  }

  /** Null: somebody follows it, or it is over. */
  #setGrace(running: Running | null): void {
    if (this.#graceTimer !== null) clearTimeout(this.#graceTimer);
    this.#graceTimer = null;
    if (running === null) return;
    void this.#bounds().then(({ graceMs }) => {
      if (this.#followers.size > 0 || this.#graceTimer !== null) return;
      this.#graceTimer = setTimeout(() => running.stop.abort(), graceMs);
    });
  }

  async #bounds() {
    await prepareConfig(this.#env);
    const { limits } = runtimeOf(this.#env)?.config ?? {};
    return limits?.resumable ?? { graceMs: 0, retentionMs: 1_000, bytesMax: 0 };
  }
}

const refused = (why: RefusedBy): Response => new Response(null, { status: 404, headers: { [REFUSED]: why } });
