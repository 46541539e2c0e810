/**
 * Looks at the pool for its operator, and puts what there is to tell into the outbox.
 *
 * When something is told is `jobs/core/pool-events.ts`; here is the looking. A pool is watched while jobs wait or run,
 * and until what was wrong is well again: without work nobody misses an endpoint, and an idle queue sleeps. What was
 * told is written in the same turn as the delivery, so a restart neither repeats nor loses it. What a shard cannot say
 * is taken for well, as routing does (static stability).
 */
import type { Notice } from "../core/events.ts";
import { isWell, lookAtPool, POOL_WELL } from "../core/pool-events.ts";
import type { PoolEvent, PoolEventState } from "../core/pool-events.ts";
import type { JobsConfig } from "../../config/jobs-schema.ts";
import { WATCH_GAP_MS, WATCH_IDLE_GAP_MS, WATCH_LANES_MAX, WATCH_ROWS_MAX } from "./bounds.ts";
import type { JobRow } from "./job-row.ts";
import type { JobStore } from "./job-store.ts";
import type { Ledger } from "./ledger.ts";
import type { Outbox } from "./outbox.ts";

const STATE_META = "pool_events";

export type WatchParts = {
  readonly poolId: string;
  readonly ledger: Ledger;
  readonly outbox: Outbox;
  /** Is there an endpoint or a GPU worker that takes jobs; null: not known. Never rejects. */
  readonly isHealthy: () => Promise<boolean | null>;
  /** Something is due at this instant. */
  readonly wakeAt: (atMs: number) => void;
};

export class PoolWatch {
  readonly #parts: WatchParts;
  readonly #rules: JobsConfig["events"];
  #state: PoolEventState;
  #isLooking = false;
  #lookedAtMs = 0;
  /** When an event would be due if nothing changed, ms. */
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(parts: WatchParts, rules: JobsConfig["events"]) {
    this.#parts = parts;
    this.#rules = rules;
    const kept = rules === undefined ? null : parts.ledger.store.meta(STATE_META);
    this.#state = kept === null ? POOL_WELL : (JSON.parse(kept) as PoolEventState);
  }

  /** When it looks next, ms; Infinity: not before there is work. */
  nextMs(): number {
    if (this.#rules === undefined || this.#isLooking) return Number.POSITIVE_INFINITY;
    const { ledger } = this.#parts;
    const isIdle = ledger.running.size === 0 && ledger.waiting() === 0;
    if (isIdle && isWell(this.#state)) return Number.POSITIVE_INFINITY;
    return Math.min(this.#lookedAtMs + (isIdle ? WATCH_IDLE_GAP_MS : WATCH_GAP_MS), this.#dueMs);
  }

  /** Work has come: the clock is to bring a look. */
  wake(): void {
    const nextMs = this.nextMs();
    // Not at once: what has come is to start first.
    if (Number.isFinite(nextMs)) this.#parts.wakeAt(Math.max(nextMs, Date.now() + WATCH_GAP_MS / 2));
  }

  /** Looks if it is time. */
  async look(now: number): Promise<void> {
    if (this.nextMs() > now) return;
    this.#isLooking = true;
    const isHealthy = await this.#parts.isHealthy();
    this.#isLooking = false;
    this.#lookedAtMs = Date.now();
    this.#tell(isHealthy, Date.now());
    const nextMs = this.nextMs();
    if (Number.isFinite(nextMs)) this.#parts.wakeAt(nextMs);
  }

  /**
   * A job is late: the core says so once for each. A job that was started since and completed shows that all is well.
   */
  noticed({ job }: JobRow, notice: Notice): void {
    if (notice === "job.completed") return this.#completed(job.startedAtMs ?? 0);
    if (notice !== "job.late" || this.#rules?.jobLate !== true) return;
    const now = Date.now();
    const { id, tenant, dueAtMs, generation } = job;
    this.#post(`${id}.${generation}`, notice, { id, tenant, dueMs: dueAtMs, waitedMs: now - dueAtMs }, now);
  }

  /** What is well by the next look may be wrong once more: then it was two occurrences. */
  #completed(startedAtMs: number): void {
    const { unhealthySinceMs, isOldTold } = this.#state;
    const hasWorked = unhealthySinceMs !== null && startedAtMs > unhealthySinceMs;
    const isEmpty = isOldTold && this.#parts.ledger.waiting() === 0;
    if (hasWorked || isEmpty) this.#tell(hasWorked ? true : null, Date.now());
  }

  #tell(isHealthy: boolean | null, now: number): void {
    if (this.#rules === undefined) return;
    const { noHealthyEndpointMs, queueOlderThanMs = null } = this.#rules;
    const { ledger } = this.#parts;
    const oldestDueMs =
      queueOlderThanMs === null ? null : oldestDueOf(ledger.store, ledger.waitingTenants(WATCH_LANES_MAX));
    const before = this.#state;
    const look = lookAtPool(before, { noHealthyEndpointMs, queueOlderThanMs }, { isHealthy, oldestDueMs }, now);
    this.#state = look.state;
    this.#dueMs = look.nextMs ?? Number.POSITIVE_INFINITY;
    const kept = JSON.stringify(look.state);
    if (kept !== JSON.stringify(before)) ledger.store.saveMeta(STATE_META, kept);
    for (const event of look.events) this.#post(String(now), event.type, dataOf(event, now), now);
  }

  /** `occurrence`: with the pool and the type it names this very event, over all its deliveries. */
  #post(occurrence: string, type: string, data: object, now: number): void {
    const { poolId: pool, ledger, outbox } = this.#parts;
    const waiting = ledger.waiting();
    const message = {
      type,
      timestamp: new Date(now).toISOString(),
      data: { pool, ...data, waiting, running: ledger.running.size, mode: ledger.mode },
    };
    const id = `${pool}.${type}.${occurrence}`;
    outbox.postEvent({ id, url: this.#rules?.url ?? "", body: JSON.stringify(message) }, now);
  }
}

function dataOf(event: PoolEvent, now: number): object {
  return event.type === "pool.queue_old"
    ? { oldestDueMs: event.oldestDueMs, waitedMs: now - event.oldestDueMs }
    : { sinceMs: event.sinceMs, forMs: now - event.sinceMs };
}

/**
 * The first rows of one priority: that a job ran before, and is back at its old place, must not hide the one behind it.
 */
const FIRST_SQL = `SELECT order_key, json_extract(job, '$.attempts') AS attempts,
  json_extract(job, '$.dueAtMs') AS due_ms, json_extract(job, '$.history.entries[#-1].atMs') AS since_ms
  FROM job WHERE state = 'queued' AND tenant = ? AND order_key >= ? ORDER BY order_key LIMIT ?`;

type FirstRow = { order_key: string; attempts: number; due_ms: number; since_ms: number };

/**
 * Since when the longest waiting job has waited, ms; null: none waits. A job that ran waits since it came back. Of each
 * tenant and priority the first rows are looked at: the order inside one is that of age.
 */
export function oldestDueOf({ sql }: JobStore, tenants: readonly string[]): number | null {
  let oldest: number | null = null;
  for (const tenant of tenants) {
    for (let from: string | null = ""; from !== null;) {
      const rows: FirstRow[] = sql.exec<FirstRow>(FIRST_SQL, tenant, from, WATCH_ROWS_MAX).toArray();
      for (const { attempts, due_ms: dueMs, since_ms: sinceMs } of rows) {
        oldest = Math.min(oldest ?? Number.POSITIVE_INFINITY, attempts === 0 ? dueMs : sinceMs);
      }
      const last: string | undefined = rows.at(-1)?.order_key;
      // A key begins with the digit of its priority: on to the next one.
      const isAll = last === undefined || rows.length < WATCH_ROWS_MAX;
      from = isAll ? null : String.fromCharCode(last.charCodeAt(0) + 1);
    }
  }
  return oldest;
}
