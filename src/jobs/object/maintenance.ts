/**
 * What a queue does by the clock: deadlines, retries, deletions, deliveries; and when it looks next.
 *
 * Model. A timer in memory is for what is near. An alarm stands behind it: while something runs or waits it is at most
 * ALARM_GUARD_MS ahead, so that what a crash leaves behind is found. It is moved only when it must be, since each
 * move is a billed row. Both run the same sweep, which may run twice without harm: an alarm that comes again, late or
 * never changes when things happen, and not what happens. The alarm is set again in `finally`, and each call to the
 * queue looks whether it is stuck.
 */
import { lateAtMs, nextWakeMs } from "../core/job.ts";
import {
  ALARM_GUARD_MS,
  ALARM_STUCK_MS,
  SWEEP_ROWS_MAX,
  TIMER_AHEAD_MS,
  TTL_ROWS_MAX,
  WALK_ROWS_MAX,
} from "./bounds.ts";
import { mayStore, storageFullUntilMs } from "./full-mark.ts";
import type { Ledger } from "./ledger.ts";
import type { Outbox } from "./outbox.ts";
import type { PoolWatch } from "./pool-watch.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** Heads that one sweep checks for being late. */
const LATE_HEADS_MAX = 20;
/**
 * What looks at many rows is done at most so often, ms: `late` and the ttl have a resolution of seconds, and a busy
 * queue sweeps many times in one.
 */
const SLOW_GAP_MS = 1_000;

/** Name of the instant up to which ended jobs are in the list of deletions, ms. */
const LISTED_META = "ended_ms";

export type MaintenanceParts = {
  readonly storage: DurableObjectStorage;
  readonly ledger: Ledger;
  readonly outbox: Outbox;
  readonly dispatcher: Dispatcher;
  readonly watch: PoolWatch;
  /** Writes what is kept of the counters. */
  readonly saveTotals: () => void;
  /** Does what is still to be done about what an earlier object of this queue left running. */
  readonly recover: () => void;
};

export class Maintenance {
  readonly #parts: MaintenanceParts;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #hasSwept = false;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #alarmAtMs = 0;
  #slowSeenMs = 0;
  /** Where the walk over waiting jobs goes on. */
  #ttlFrom = { tenant: "", orderKey: "" };
  /** Where the walk over all rows goes on, once after a start; null: it is done. */
  #walkFrom: string | null = "";

  /** Ends within this have no entry in the list of deletions: an earlier incarnation died before it wrote them. */
  readonly #unlisted: { readonly fromMs: number; readonly toMs: number };

  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
    this.#unlisted = { fromMs: Number(parts.ledger.store.meta(LISTED_META) ?? 0), toMs: Date.now() };
  }

  /** A new object: the first sweep comes right after the call that made it, unless that call cannot do without it. */
  begin(): void {
    this.#setTimer(Date.now());
  }

  /** What an earlier object of this queue did not write down is known from here on. */
  hasBegun(): void {
    if (!this.#hasSwept) this.sweep();
  }

  /** Something is due at this instant. */
  wakeAt(atMs: number): void {
    const now = Date.now();
    if (atMs < this.#timerAtMs && atMs - now <= TIMER_AHEAD_MS) this.#setTimer(atMs);
    this.#arm(Math.max(atMs, now + ALARM_GUARD_MS), now);
  }

  /** Something runs or waits: the alarm stands near, for the case that this object dies. */
  guard(): void {
    const now = Date.now();
    this.#arm(now + ALARM_GUARD_MS, now);
  }

  /** Called with each call: an alarm that should have come long ago has stopped. */
  look(): void {
    const now = Date.now();
    if (this.#alarmAtMs !== 0 && now - this.#alarmAtMs >= ALARM_STUCK_MS) this.sweep();
  }

  onAlarm(): void {
    this.#alarmAtMs = 0;
    this.sweep();
  }

  sweep(): void {
    const now = Date.now();
    if (!mayStore(now)) {
      this.#setTimer(storageFullUntilMs());
      return;
    }
    this.#hasSwept = true;
    try {
      this.#parts.recover();
      this.#sweepJobs(now);
      const isSlow = now - this.#slowSeenMs >= SLOW_GAP_MS;
      if (isSlow) this.#slowSeenMs = now;
      if (isSlow) this.#sweepWaiting(now);
      this.#sweepEnded(now, isSlow);
      const { ledger, outbox, dispatcher, watch } = this.#parts;
      this.#parts.saveTotals();
      ledger.store.deleteKeys(now, SWEEP_ROWS_MAX);
      outbox.forget(now, SWEEP_ROWS_MAX);
      outbox.deliverDue(now);
      void watch.look(now);
      dispatcher.pump();
    } catch (error) {
      console.error("a sweep of the queue broke", error);
    } finally {
      this.wakeAt(this.#nextMs(now));
    }
  }

  #setTimer(atMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(() => this.#onTimer(), Math.max(1, atMs - Date.now()));
  }

  #onTimer(): void {
    this.#timer = null;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    this.sweep();
  }

  #sweepJobs(now: number): void {
    const { ledger } = this.#parts;
    for (const row of ledger.store.due(now, SWEEP_ROWS_MAX)) ledger.apply(row, [{ kind: "timer" }]);
    for (const { row } of ledger.running.values()) {
      if (nextWakeMs(row.job) <= now) ledger.apply(row, [{ kind: "timer" }]);
    }
  }

  /** Waiting jobs have no place in `due`: their ttl and their being late are found in passing. */
  #sweepWaiting(now: number): void {
    const { ledger } = this.#parts;
    const { ids, next } = ledger.store.expiredWaiting(this.#ttlFrom, now, TTL_ROWS_MAX);
    this.#ttlFrom = next ?? { tenant: "", orderKey: "" };
    for (const id of ids) this.#timeOf(id);
    for (const id of ledger.headIds(LATE_HEADS_MAX)) {
      const row = ledger.store.read(id);
      const lateMs = row === null ? null : lateAtMs(row.job);
      if (row !== null && lateMs !== null && lateMs <= now) ledger.apply(row, [{ kind: "timer" }]);
    }
  }

  #sweepEnded(now: number, walks: boolean): void {
    const { ledger } = this.#parts;
    for (const { id } of ledger.ended.takeDue(now) ?? []) this.#timeOf(id);
    const hasWalked = walks && this.#walk(now);
    // While the walk is under way what it has found may be lost once more, and the next one must look again.
    const isWritten = ledger.ended.flush();
    if (this.#walkFrom === null && (hasWalked || isWritten)) ledger.store.saveMeta(LISTED_META, String(now));
  }

  /** True when it did anything. */
  #walk(now: number): boolean {
    if (this.#walkFrom === null) return false;
    const { ledger } = this.#parts;
    const { over, ended, sums, next } = ledger.store.walk(this.#walkFrom, now, this.#unlisted, WALK_ROWS_MAX);
    this.#walkFrom = next;
    ledger.bytes.walked(sums, next);
    for (const { deleteAtMs, ...entry } of ended) ledger.ended.add(entry, deleteAtMs);
    for (const id of over) this.#timeOf(id);
    return true;
  }

  /** A redriven job has another time; its row decides. */
  #timeOf(id: string): void {
    const { ledger } = this.#parts;
    const row = ledger.find(id);
    if (row !== null) ledger.apply(row, [{ kind: "timer" }]);
  }

  #nextMs(now: number): number {
    const { ledger, outbox, dispatcher, watch } = this.#parts;
    const isBusy = ledger.running.size > 0 || ledger.waiting() > 0;
    const next = Math.min(
      ledger.store.nextDueMs() ?? Number.POSITIVE_INFINITY,
      ledger.ended.nextMs() ?? Number.POSITIVE_INFINITY,
      outbox.nextMs(now) ?? Number.POSITIVE_INFINITY,
      watch.nextMs(),
      ...[...ledger.running.values()].map(({ row }) => nextWakeMs(row.job)),
      dispatcher.pausedUntilMs > now ? dispatcher.pausedUntilMs : Number.POSITIVE_INFINITY,
      this.#walkFrom === null ? Number.POSITIVE_INFINITY : now + SLOW_GAP_MS,
      isBusy ? now + ALARM_GUARD_MS : Number.POSITIVE_INFINITY,
    );
    // What could not be done in this sweep is done soon, and not in a loop.
    return next <= now ? now + 50 : next;
  }

  #arm(atMs: number, now: number): void {
    if (!Number.isFinite(atMs) || !mayStore(now)) return;
    const isStuck = this.#alarmAtMs !== 0 && now - this.#alarmAtMs >= ALARM_STUCK_MS;
    if (this.#alarmAtMs !== 0 && this.#alarmAtMs <= atMs && !isStuck) return;
    this.#alarmAtMs = atMs;
    // A full disk may refuse it; the timer in memory stands.
    this.#parts.storage.setAlarm(atMs).catch((error: unknown) => console.error("no alarm could be set", error));
  }
}
