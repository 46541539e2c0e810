/**
 * Performs what the ledger (`tenants/core/ledger.ts`) decides: its storage, its clock, and those who wait for an answer.
 *
 * Model. All is decided in memory. It is written down as one image with the usage since, within WRITE_MS of a report, and
 * before an answer goes out that a restart would otherwise forget (the platform holds the answer until the write is on the
 * disk). Nothing is written for a request by itself.
 */
import { ask, capShares, createLedger, ISOLATES_MAX, report, turns } from "../core/ledger.ts";
import type { Limits } from "../core/amounts.ts";
import type { Ledger } from "../core/ledger.ts";
import { addDay } from "../core/usage-sum.ts";
import type { DayUsage } from "../core/usage-sum.ts";
import { imageOf, noteWritten, restoreLedger } from "../core/ledger-image.ts";
import type { Ask, AskReply, EntryReply, EntryReport } from "../core/ledger-messages.ts";
import { nextLateMs } from "../core/line.ts";
import type { UsageAsked, UsageRow } from "./ledger-calls.ts";
import { LedgerStore } from "./ledger-store.ts";

/** Reports are written down together, within this, ms. */
const WRITE_MS = 1_000;
/** Answers to those who waited, kept until they ask for them. */
const ANSWERS_MAX = ISOLATES_MAX;

export class LedgerHost {
  readonly #store: LedgerStore;
  #ledger: Ledger;
  /** By the ask's id: who waits for its turn. */
  readonly #waiting = new Map<string, (reply: AskReply | null) => void>();
  readonly #answered = new Map<string, AskReply>();
  #writeDue = false;
  #cancelLate: (() => void) | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#store = new LedgerStore(storage);
    const image = this.#store.load();
    const now = Date.now();
    this.#ledger = image === null ? createLedger(now) : restoreLedger(image, now);
  }

  /** What the object is asked, by the name of its call. The callers are our own isolates. */
  call(name: string, argument: unknown): unknown {
    switch (name) {
      case "ask":
        return this.ask(argument as Ask);
      case "awaitTurn":
        return this.awaitTurn(argument as string);
      case "report":
        return this.report(argument as EntryReport);
      case "usage":
        return this.usage(argument as UsageAsked);
      case "erase":
        return this.erase();
      case "capShares":
        return capShares(this.#ledger, argument as Limits, Date.now());
      default:
        return null;
    }
  }

  ask(asked: Ask): AskReply {
    const reply = ask(this.#ledger, asked, Date.now());
    this.#turn();
    this.#writeIfDue();
    return reply;
  }

  async awaitTurn(id: string): Promise<AskReply | null> {
    const answered = this.#answered.get(id);
    if (answered !== undefined) {
      this.#answered.delete(id);
      return answered;
    }
    if (!this.#ledger.line.waiting.has(id)) return null;
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  report(told: EntryReport): EntryReply {
    const reply = report(this.#ledger, told, Date.now());
    this.#turn();
    this.#writeIfDue();
    this.#writeSoon();
    return reply;
  }

  usage({ from, to, key }: UsageAsked): readonly UsageRow[] {
    // What was told once is not told otherwise after a restart.
    if (this.#ledger.usage.size > 0) this.#write();
    const sums = new Map<string, DayUsage>();
    for (const row of [...this.#store.usage(from, to), ...this.#ledger.usage.values()]) {
      if (row.day >= from && row.day <= to && (key === null || row.key === key)) addDay(sums, row);
    }
    return [...sums.values()].toSorted((one, other) => compare(one.day, other.day) || compare(one.key, other.key));
  }

  /** What runs is counted anew, as after a restart without an image; who waits for a turn is told to ask again. */
  erase(): number {
    const rows = this.#store.erase() + this.#ledger.usage.size;
    this.#ledger = createLedger(Date.now());
    for (const resolve of this.#waiting.values()) resolve(null);
    this.#waiting.clear();
    this.#answered.clear();
    return rows;
  }

  /** Answers those whose turn it is, and sees to it that those who wait too long hear so. */
  #turn(): void {
    if (this.#ledger.line.waiting.size === 0) return;
    for (const { id, reply } of turns(this.#ledger, Date.now())) this.#answer(id, reply);
    // Who left the line by himself waits for nothing.
    for (const [id, resolve] of this.#waiting) {
      if (this.#ledger.line.waiting.has(id)) continue;
      this.#waiting.delete(id);
      resolve(null);
    }
    this.#cancelLate?.();
    this.#cancelLate = null;
    const lateMs = nextLateMs(this.#ledger.line);
    if (lateMs === Number.POSITIVE_INFINITY) return;
    const timer = setTimeout(
      () => {
        this.#turn();
        this.#writeIfDue();
      },
      Math.max(1, lateMs - Date.now()),
    );
    this.#cancelLate = () => clearTimeout(timer);
  }

  #answer(id: string, reply: AskReply): void {
    const resolve = this.#waiting.get(id);
    if (resolve !== undefined) {
      this.#waiting.delete(id);
      resolve(reply);
      return;
    }
    if (this.#answered.size >= ANSWERS_MAX)
      for (const oldest of this.#answered.keys()) {
        this.#answered.delete(oldest);
        break;
      }
    this.#answered.set(id, reply);
  }

  #writeIfDue(): void {
    if (this.#ledger.isWriteDue) this.#write();
  }

  #writeSoon(): void {
    if (this.#writeDue) return;
    this.#writeDue = true;
    setTimeout(() => this.#write(), WRITE_MS);
  }

  /** On a full disk the next one tries again. */
  #write(): void {
    this.#writeDue = false;
    const written = imageOf(this.#ledger);
    try {
      this.#store.save(written);
      noteWritten(this.#ledger, written);
    } catch (error) {
      console.error("a tenant's ledger could not be written", error);
      this.#writeSoon();
    }
  }
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
