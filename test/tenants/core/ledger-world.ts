/**
 * A world in which isolates and a ledger that restarts talk over a network that delays, loses and doubles. Time is a
 * number; what was admitted is noted when the isolate lets it pass.
 */
import { ask, createLedger, report, turns } from "../../../src/tenants/core/ledger.ts";
import type { Ledger } from "../../../src/tenants/core/ledger.ts";
import { imageOf, noteWritten, restoreLedger } from "../../../src/tenants/core/ledger-image.ts";
import type { KeyPage, LedgerImage } from "../../../src/tenants/core/ledger-image.ts";
import type { Ask, AskReply, Bounds } from "../../../src/tenants/core/ledger-messages.ts";
import * as purses from "../../../src/tenants/core/purse.ts";
import type { Purse, Spent } from "../../../src/tenants/core/purse.ts";

export type Admitted = {
  readonly key: string;
  readonly atMs: number;
  endMs: number | null;
  tokens: number;
  micros: number;
};

export type Wanted = {
  readonly isolate: number;
  readonly key: string;
  readonly tokens: number;
  readonly micros: number;
};

/** Of a message: how long it takes, ms, and whether it comes. Asked for each anew. */
type Net = () => { readonly delayMs: number; readonly isLost: boolean; readonly isDoubled: boolean };

type Event = { readonly atMs: number; readonly order: number; readonly run: () => void };

const HOLD_MS = 600_000;

export class World {
  now: number;
  ledger: Ledger;
  readonly admitted: Admitted[] = [];
  readonly refused: AskReply[] = [];
  readonly isolates: readonly Purse[];
  readonly running: { readonly isolate: number; readonly spent: Spent; readonly told: Admitted }[] = [];
  /** What is on the disk. */
  image: LedgerImage | null = null;
  readonly pages = new Map<number, KeyPage>();
  /** Usage on the disk, summed up. */
  kept = { requests: 0, tokens: 0, micros: 0 };
  asks = 0;
  readonly #bounds: Bounds;
  readonly #queueMax: number;
  readonly #waiting = new Map<string, (reply: AskReply) => void>();
  #events: Event[] = [];
  #order = 0;
  readonly #net: Net;

  constructor(options: {
    readonly isolates: number;
    readonly bounds: Bounds;
    readonly net: Net;
    readonly queueMax?: number;
    readonly startMs?: number;
  }) {
    this.now = options.startMs ?? 1_700_000_000_000;
    this.ledger = createLedger(this.now);
    this.isolates = Array.from({ length: options.isolates }, (_, index) => purses.createPurse(`i${index}`));
    this.#bounds = options.bounds;
    this.#net = options.net;
    this.#queueMax = options.queueMax ?? 0;
  }

  after(ms: number, run: () => void): void {
    this.#events.push({ atMs: this.now + ms, order: this.#order++, run });
  }

  /** Lets time pass. */
  pass(ms: number): void {
    const untilMs = this.now + ms;
    for (;;) {
      const due = this.#events.filter(({ atMs }) => atMs <= untilMs);
      if (due.length === 0) break;
      const next = due.reduce((first, event) =>
        event.atMs < first.atMs || (event.atMs === first.atMs && event.order < first.order) ? event : first,
      );
      this.#events = this.#events.filter((event) => event !== next);
      this.now = Math.max(this.now, next.atMs);
      next.run();
      this.#check();
    }
    this.now = untilMs;
  }

  #check(): void {
    const { live } = this.ledger.tenant;
    const counted = { requests: 0, tokens: 0, micros: 0 };
    for (const { reserved } of this.ledger.grants.values()) {
      counted.requests += reserved.requests;
      counted.tokens += reserved.tokens;
      counted.micros += reserved.micros;
    }
    if (JSON.stringify(live) !== JSON.stringify(counted)) throw new Error("live is not what the grants reserve");
  }

  want({ isolate, key, tokens, micros }: Wanted): void {
    const purse = this.isolates[isolate % this.isolates.length] as Purse;
    const wish = {
      key,
      bounds: this.#bounds,
      tokens,
      micros,
      holdMs: HOLD_MS,
      queueMax: this.#queueMax,
      queueWaitMs: 5_000,
    };
    const found = purses.take(purse, wish, this.now);
    if (found !== null && "kind" in found) return void this.refused.push(found);
    if (found !== null) {
      this.#admit(isolate, found);
      if (purses.wantsRefill(purse, key, this.now)) this.#refill(purse, purses.askFor(purse, wish, true));
      return;
    }
    const asked = purses.askFor(purse, wish, false);
    const askedAtMs = this.now;
    this.#call(asked, (reply) => {
      if (reply === null) return purses.onDropped(purse, asked, false);
      if (reply.kind === "granted") this.#admit(isolate, purses.onGranted(purse, asked, reply, askedAtMs, this.now));
      else this.refused.push(reply);
      if (reply.kind === "refused") purses.onRefused(purse, wish, reply, this.now);
    });
  }

  #refill(purse: Purse, asked: Ask): void {
    const askedAtMs = this.now;
    this.#call(asked, (reply) => {
      if (reply === null) purses.onDropped(purse, asked, true);
      else purses.onRefilled(purse, asked, reply.kind === "granted" ? reply : null, askedAtMs, this.now);
    });
  }

  /** Null: the call failed, which the caller learns of; the ledger may have heard it all the same. */
  #call(asked: Ask, onReply: (reply: AskReply | null) => void): void {
    this.asks += 1;
    const there = this.#net();
    const back = this.#net();
    let isOver = false;
    const once = (reply: AskReply | null): void => {
      if (isOver) return;
      isOver = true;
      onReply(reply);
    };
    if (there.isLost) return this.after(200, () => once(null));
    const deliver = (): void => {
      const reply = ask(this.ledger, asked, this.now);
      this.#answerTurns();
      this.#writeIfDue();
      if (reply.kind === "queued") return void this.#waiting.set(asked.id, once);
      if (back.isLost) this.after(100, () => once(null));
      else this.after(back.delayMs, () => once(reply));
    };
    this.after(there.delayMs, deliver);
    if (there.isDoubled) this.after(there.delayMs + 7, deliver);
  }

  #admit(isolate: number, spent: Spent): void {
    const told = { key: spent.key, atMs: this.now, endMs: null, tokens: spent.tokens, micros: spent.micros };
    this.admitted.push(told);
    this.running.push({ isolate: isolate % this.isolates.length, spent, told });
  }

  /** One that runs ends, with this share of what it reserved. */
  end(index: number, share: number): void {
    const [ended] = this.running.splice(index % Math.max(1, this.running.length), 1);
    if (ended === undefined) return;
    const { spent, told, isolate } = ended;
    told.endMs = this.now;
    told.tokens = Math.floor(spent.tokens * share);
    told.micros = Math.floor(spent.micros * share);
    const used = {
      key: spent.key,
      model: "m",
      outcome: "served",
      requests: 1,
      input: 0,
      cached: 0,
      output: told.tokens,
      micros: told.micros,
      estimated: 0,
    };
    purses.close(this.isolates[isolate] as Purse, spent, used, true, this.now);
  }

  /** An isolate tells what it owes. */
  flush(isolate: number): void {
    const purse = this.isolates[isolate % this.isolates.length] as Purse;
    const told = purses.takeReport(purse, this.now);
    if (told === null) return;
    const there = this.#net();
    const back = this.#net();
    if (there.isLost) return;
    const deliver = (): void => {
      const reply = report(this.ledger, copy(told), this.now);
      this.#answerTurns();
      this.#writeIfDue();
      if (!back.isLost) this.after(back.delayMs, () => purses.onHeard(purse, reply));
    };
    this.after(there.delayMs, deliver);
    if (there.isDoubled) this.after(there.delayMs + 13, deliver);
  }

  #answerTurns(): void {
    for (const { id, reply } of turns(this.ledger, this.now)) {
      this.#waiting.get(id)?.(reply);
      this.#waiting.delete(id);
    }
  }

  #writeIfDue(): void {
    if (this.ledger.isWriteDue) this.write();
  }

  write(): void {
    const written = imageOf(this.ledger);
    this.image = copy(written.image);
    for (const [page, keys] of written.pages) this.pages.set(page, copy(keys));
    for (const { requests, output, micros } of written.usage) {
      this.kept = {
        requests: this.kept.requests + requests,
        tokens: this.kept.tokens + output,
        micros: this.kept.micros + micros,
      };
    }
    noteWritten(this.ledger, written);
  }

  /** The ledger loses its memory. */
  restart(): void {
    const { image } = this;
    const pages = [...this.pages.values()];
    this.ledger = image === null ? createLedger(this.now) : restoreLedger({ image, pages }, this.now);
    this.#waiting.clear();
  }

  /** Everything that is owed is told, over a network that works. */
  settleAll(): void {
    this.pass(1_000);
    while (this.running.length > 0) this.end(0, 1);
    for (let round = 0; round < 50; round += 1) {
      this.pass(400);
      for (const index of this.isolates.keys()) this.flush(index);
    }
    this.pass(1_000);
    this.write();
  }
}

const copy = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;
