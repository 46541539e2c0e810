/**
 * Lets requests pass within their tenant's limits, and tells the ledger what they came to: the calls around
 * `core/purse.ts`, which decides.
 *
 * Model. As with leases: the memory is the isolate's, the ports are a request's own. What is lent is spent without a call;
 * else the ledger is asked, beside the rails and the lease. One that does not answer within PATIENCE_MS is away: then the
 * tenant's rule says whether a bounded share of the limits may be used all the same (`onLedgerDown`). Reports go out one at
 * a time, after a loan's life, or at once where somebody waits for what they bring home.
 */
import type { Granted, Refused, Usage } from "./core/ledger-messages.ts";
import type { Ask, AskReply } from "./core/ledger-messages.ts";
import {
  askFor,
  close,
  noteUsage,
  onDropped,
  onGranted,
  onHeard,
  onRefilled,
  onRefused,
  owes,
  take,
  takeAlone,
  takeReport,
  wantsRefill,
} from "./core/purse.ts";
import type { Purse, Spent, Wish } from "./core/purse.ts";
import type { LedgerCalls } from "./object/ledger-calls.ts";

/** An ask that has no answer by then is given up, ms: a trip around the world and back, twice. */
const PATIENCE_MS = 1_000;
/** A ledger that was away is not asked again before, ms. */
const AWAY_MS = 1_000;
/** Nothing is new: loans end, and what was told is asked after once it is on the disk, a second after it was heard, ms. */
const KEPT_MS = 1_200;
/** A flush that has not come back after this no longer keeps another from being sent, ms. */
const FLUSH_LIFE_MS = 2_000;
/** A ledger may take so much longer than a request may wait in its line, ms. */
const LINE_MARGIN_MS = 1_000;

export type BudgetPorts = {
  readonly now: () => number;
  readonly after: (ms: number, fn: () => void) => () => void;
  readonly spawn: (work: Promise<unknown>) => void;
  readonly ledger: Pick<LedgerCalls, "ask" | "awaitTurn" | "report">;
};

/** What an isolate remembers of a tenant. Written in place. */
export type BudgetMemory = {
  readonly purse: Purse;
  /** A flush is under way or due until this instant. */
  flushUntilMs: number;
  flushDueMs: number;
  awayUntilMs: number;
};

export type Admission =
  | { readonly kind: "spent"; readonly spent: Spent }
  | { readonly kind: "refused"; readonly refused: Refused }
  /** Its ledger does not answer, and nothing may be used without it. */
  | { readonly kind: "away" }
  /** In line for a slot: nothing else should be held meanwhile. */
  | { readonly kind: "queued"; readonly wait: () => Promise<Admission> };

export const createBudgetMemory = (purse: Purse): BudgetMemory => ({
  purse,
  flushUntilMs: 0,
  flushDueMs: 0,
  awayUntilMs: 0,
});

/** What requests came to is told together: as soon as it matters to anybody, ms. */
const flushMs = ({ isTight, lifeMs }: Purse): number => (isTight ? 0 : lifeMs);

export class BudgetClient {
  readonly #memory: BudgetMemory;
  readonly #ports: BudgetPorts;
  readonly #mayGoAlone: boolean;

  constructor(memory: BudgetMemory, ports: BudgetPorts, mayGoAlone: boolean) {
    this.#memory = memory;
    this.#ports = ports;
    this.#mayGoAlone = mayGoAlone;
  }

  /** At once, where it can be said here. */
  take(wish: Wish): Admission | Promise<Admission> {
    const { purse } = this.#memory;
    const now = this.#ports.now();
    const found = take(purse, wish, now);
    if (found === null) return now < this.#memory.awayUntilMs ? this.#alone(wish) : this.#ask(wish);
    if ("kind" in found) return { kind: "refused", refused: found };
    if (wantsRefill(purse, wish.key, now)) this.#ports.spawn(this.#refill(wish));
    return { kind: "spent", spent: found };
  }

  /** A request is over. `countsRequest`: else it leaves the limits of requests as it found them. */
  settle(spent: Spent, usage: Usage | null, countsRequest: boolean): void {
    close(this.#memory.purse, spent, usage, countsRequest, this.#ports.now());
    this.#flushSoon();
  }

  /** One that was refused before it had anything. */
  noteRefused(usage: Usage): void {
    noteUsage(this.#memory.purse, usage);
    this.#flushSoon();
  }

  async #ask(wish: Wish): Promise<Admission> {
    const { purse } = this.#memory;
    const asked = askFor(purse, wish, false);
    const askedAtMs = this.#ports.now();
    const reply = await this.#within(PATIENCE_MS, asked, this.#ports.ledger.ask(asked));
    if (reply === null) {
      this.#memory.awayUntilMs = this.#ports.now() + AWAY_MS;
      return this.#alone(wish);
    }
    if (reply.kind !== "queued") return this.#answered(asked, wish, reply, askedAtMs);
    return { kind: "queued", wait: async () => this.#wait(asked, wish) };
  }

  async #wait(asked: Ask, wish: Wish): Promise<Admission> {
    const waiting = this.#ports.ledger.awaitTurn(asked.id);
    const reply = await this.#within(wish.queueWaitMs + LINE_MARGIN_MS, asked, waiting);
    if (reply === null || reply.kind === "queued") return this.#alone(wish);
    // Its turn is now: nothing that was lent since is as old as its ask.
    return this.#answered(asked, wish, reply, this.#ports.now());
  }

  #answered(asked: Ask, wish: Wish, reply: Granted | Refused, askedAtMs: number): Admission {
    const { purse } = this.#memory;
    const now = this.#ports.now();
    if (reply.kind === "refused") {
      onRefused(purse, wish, reply, now);
      return { kind: "refused", refused: reply };
    }
    const spent = onGranted(purse, asked, reply, askedAtMs, now);
    this.#flushSoon();
    return { kind: "spent", spent };
  }

  #alone(wish: Wish): Admission {
    const spent = this.#mayGoAlone ? takeAlone(this.#memory.purse, wish, this.#ports.now()) : null;
    return spent === null ? { kind: "away" } : { kind: "spent", spent };
  }

  async #refill(wish: Wish): Promise<void> {
    const { purse } = this.#memory;
    const asked = askFor(purse, wish, true);
    const askedAtMs = this.#ports.now();
    try {
      const reply = await this.#ports.ledger.ask(asked);
      onRefilled(purse, asked, reply.kind === "granted" ? reply : null, askedAtMs, this.#ports.now());
    } catch {
      onDropped(purse, asked, true);
    }
    this.#flushSoon();
  }

  /** Null when it failed or was too slow; what then still comes is given back. */
  async #within<Reply extends AskReply | null>(ms: number, asked: Ask, calling: Promise<Reply>): Promise<Reply | null> {
    const { purse } = this.#memory;
    return new Promise((resolve) => {
      let isLate = false;
      const cancel = this.#ports.after(ms, () => {
        isLate = true;
        onDropped(purse, asked, false);
        resolve(null);
        this.#flushSoon();
      });
      const answered = calling.then(
        (reply) => {
          cancel();
          if (!isLate) resolve(reply);
        },
        () => {
          cancel();
          if (isLate) return;
          onDropped(purse, asked, false);
          resolve(null);
          this.#flushSoon();
        },
      );
      this.#ports.spawn(answered);
    });
  }

  /** One flush serves the whole isolate; one that is due sooner comes before it, and one whose request died is replaced. */
  #flushSoon(): void {
    const memory = this.#memory;
    const now = this.#ports.now();
    const dueMs = now + flushMs(memory.purse);
    if (now < memory.flushUntilMs && memory.flushDueMs <= dueMs) return;
    memory.flushDueMs = dueMs;
    memory.flushUntilMs = dueMs + FLUSH_LIFE_MS;
    this.#ports.spawn(this.#flushAt(dueMs));
  }

  async #flushAt(dueMs: number): Promise<void> {
    const memory = this.#memory;
    const { now, after, ledger } = this.#ports;
    if (dueMs > now()) await new Promise<void>((resolve) => void after(dueMs - now(), resolve));
    // A sooner one has come before.
    if (memory.flushDueMs !== dueMs) return;
    const told = takeReport(memory.purse, now());
    let isHeard = true;
    if (told !== null) {
      try {
        onHeard(memory.purse, await ledger.report(told));
      } catch {
        // It keeps: the next flush tells it again.
        isHeard = false;
      }
    }
    if (memory.flushDueMs !== dueMs) return;
    memory.flushUntilMs = 0;
    if (!owes(memory.purse)) return;
    // Loans to give back, what came meanwhile, or entries that are not on the disk yet.
    const { closes, usage } = memory.purse;
    const hasNews = closes.size + usage.size > 0;
    const nextMs = now() + (!isHeard ? AWAY_MS : !hasNews ? KEPT_MS : flushMs(memory.purse));
    memory.flushDueMs = nextMs;
    memory.flushUntilMs = nextMs + FLUSH_LIFE_MS;
    await this.#flushAt(nextMs);
  }
}
