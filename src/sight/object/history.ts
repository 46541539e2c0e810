/**
 * What is kept for charts: figures by the minute for some days, and by the hour for a season.
 *
 * Model. The current minute and hour are in memory; both rows are written every `SAVE_GAP_MS` while reports come, so a
 * crash loses so much of a chart, and nothing of `/metrics`. Figures add up, so any number of minutes is one point, with
 * the quantiles of all its samples. What is too old is deleted when a minute begins.
 * Rejected: a row a pool and minute (a hundred pools would be a hundred billed rows a minute).
 */
import { addFigures, noFigures, withFewTrips } from "../core/figures.ts";
import type { Figures } from "../core/figures.ts";
import { pointOf } from "../core/history-point.ts";
import type { Gauges } from "../core/history-point.ts";
import type { HistoryAsked, HistoryTold } from "../feed-port.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Hours are kept so long: a quarter of a year is 2,160 rows. */
export const HOURS_KEPT_MS = 90 * DAY_MS;
const SAVE_GAP_MS = 10_000;
/** Points in one answer: more than a chart has pixels for. */
export const POINTS_MAX = 1_000;

type Span = { readonly table: "minute" | "hour"; readonly widthMs: number };
const MINUTE: Span = { table: "minute", widthMs: MINUTE_MS };
const HOUR: Span = { table: "hour", widthMs: HOUR_MS };

type Entry = { readonly figures: Figures; gauges: Gauges | null };
type Current = { readonly atMs: number; readonly entry: Entry };

export class History {
  readonly #sql: SqlStorage;
  readonly #minutesKeptMs: number;
  readonly #current = new Map<Span, Current>();
  #savedAtMs = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor({ sql }: DurableObjectStorage, daysKept: number) {
    this.#sql = sql;
    this.#minutesKeptMs = daysKept * DAY_MS;
  }

  /** True: a minute has begun. */
  note(figures: Figures, now: number): boolean {
    const begun = this.#roll(now);
    for (const { entry } of this.#current.values()) addFigures(entry.figures, figures);
    if (begun || now - this.#savedAtMs >= SAVE_GAP_MS) this.save(now);
    else this.#timer ??= setTimeout(() => this.save(Date.now()), SAVE_GAP_MS);
    return begun;
  }

  /** How the fleet was found to be: the most that was seen in a minute is kept. */
  noteGauges(seen: Gauges): void {
    for (const { entry } of this.#current.values()) {
      const { gauges } = entry;
      entry.gauges = {
        inFlight: Math.max(gauges?.inFlight ?? 0, seen.inFlight),
        capacity: seen.capacity,
        queued: Math.max(gauges?.queued ?? 0, seen.queued),
        oldestQueuedMs: later(gauges?.oldestQueuedMs ?? null, seen.oldestQueuedMs),
      };
    }
  }

  save(now: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#savedAtMs = now;
    try {
      for (const [{ table }, { atMs, entry }] of this.#current) {
        const row = { ...entry, figures: withFewTrips(entry.figures) };
        this.#sql.exec(`INSERT OR REPLACE INTO ${table} (at_ms, entry) VALUES (?, ?)`, atMs, JSON.stringify(row));
      }
    } catch (error) {
      // A chart with a hole is better than a count that is refused.
      console.error("the history could not be written", error);
    }
  }

  read({ minutes, step }: HistoryAsked, now: number): HistoryTold {
    this.save(now);
    const isHours = minutes * MINUTE_MS > this.#minutesKeptMs;
    const { table, widthMs } = isHours ? HOUR : MINUTE;
    const finest = widthMs / MINUTE_MS;
    const least = Math.ceil(minutes / POINTS_MAX / finest) * finest;
    const stepMinutes = Math.max(least, finest, Math.ceil((step ?? 1) / finest) * finest);
    const stepMs = stepMinutes * MINUTE_MS;
    const fromMs = Math.floor((now - minutes * MINUTE_MS) / stepMs) * stepMs + stepMs;
    const rows = this.#sql.exec<{ at_ms: number; entry: string }>(
      `SELECT at_ms, entry FROM ${table} WHERE at_ms >= ? AND at_ms <= ? ORDER BY at_ms`,
      fromMs,
      now,
    );
    const points = new Map<number, Entry>();
    for (const { at_ms: rowMs, entry } of rows) {
      const atMs = Math.floor(rowMs / stepMs) * stepMs;
      const { figures, gauges } = JSON.parse(entry) as Entry;
      const point = points.get(atMs) ?? { figures: noFigures(), gauges: null };
      addFigures(point.figures, figures);
      point.gauges = gauges ?? point.gauges;
      points.set(atMs, point);
    }
    return {
      stepMinutes,
      fromMs,
      minutes: Array.from(points, ([atMs, { figures, gauges }]) => pointOf(atMs, figures, gauges)),
    };
  }

  #roll(now: number): boolean {
    let begun = false;
    for (const span of [MINUTE, HOUR]) {
      const atMs = Math.floor(now / span.widthMs) * span.widthMs;
      if (this.#current.get(span)?.atMs === atMs) continue;
      if (this.#current.has(span)) this.save(now);
      this.#current.set(span, { atMs, entry: this.#kept(span, atMs) });
      if (span === MINUTE) begun = true;
    }
    if (begun) this.#forget(now);
    return begun;
  }

  /** What an earlier object has of the same span. */
  #kept({ table }: Span, atMs: number): Entry {
    const [row] = this.#sql.exec<{ entry: string }>(`SELECT entry FROM ${table} WHERE at_ms = ?`, atMs).toArray();
    return row === undefined ? { figures: noFigures(), gauges: null } : (JSON.parse(row.entry) as Entry);
  }

  #forget(now: number): void {
    this.#sql.exec(`DELETE FROM minute WHERE at_ms < ?`, now - this.#minutesKeptMs);
    this.#sql.exec(`DELETE FROM hour WHERE at_ms < ?`, now - HOURS_KEPT_MS);
  }
}

const later = (left: number | null, right: number | null): number | null =>
  left === null || right === null ? (left ?? right) : Math.max(left, right);
