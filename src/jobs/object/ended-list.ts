/**
 * Which ended jobs are to be deleted when, and who ended last: an index over ended jobs that costs a row for many jobs
 * instead of one for each.
 *
 * Model. Entries gather in memory by the minute of their deletion and are written with the next sweep, one row a minute
 * and sweep. What a crash loses of it is found by a walk over all rows after the restart, by the instant of their end:
 * it is later than the last sweep that wrote (`maintenance.ts`). An entry is a hint: its job may have been redriven or
 * deleted since, and the job's row alone decides.
 */
import { mayStore } from "./full-mark.ts";
import { isStorageFull } from "../core/storage-full.ts";
import type { TerminalState } from "../core/job-state.ts";

/** Width of a bucket, ms: a deletion is at most so late, and reads do not see what is over. */
const BUCKET_MS = 60_000;

export type EndedEntry = { readonly id: string; readonly tenant: string; readonly state: TerminalState };

/** Entries in one row: as many deletions as one sweep may make without delaying calls. */
const ENTRIES_MAX = 1_000;

/** Takes a tenant's entries out of the rows that are written. */
export function eraseEnded(sql: SqlStorage, tenant: string): void {
  const rows = sql.exec<{ bucket: number; part: number; entries: string }>(`SELECT bucket, part, entries FROM ended`);
  for (const { bucket, part, entries } of rows.toArray()) {
    const all = JSON.parse(entries) as readonly EndedEntry[];
    const left = all.filter((entry) => entry.tenant !== tenant);
    if (left.length === all.length) continue;
    const written = `UPDATE ended SET entries = ? WHERE bucket = ? AND part = ?`;
    sql.exec(written, JSON.stringify(left), bucket, part);
  }
}

export class EndedList {
  readonly #sql: SqlStorage;
  readonly #fresh = new Map<number, EndedEntry[]>();
  #part: number;

  /** `part`: larger than any before, so that rows of different incarnations do not meet. */
  constructor(sql: SqlStorage, part: number) {
    this.#sql = sql;
    this.#part = part;
  }

  add(entry: EndedEntry, deleteAtMs: number): void {
    const bucket = Math.ceil(deleteAtMs / BUCKET_MS);
    const entries = this.#fresh.get(bucket) ?? [];
    entries.push(entry);
    this.#fresh.set(bucket, entries);
  }

  /** Writes what gathered; false: nothing had, or there is no room for it now. */
  flush(): boolean {
    if (this.#fresh.size === 0 || !mayStore(Date.now())) return false;
    try {
      this.#write();
    } catch (error) {
      if (!isStorageFull(error)) throw error;
      console.error("no room to store which jobs have ended", error);
      return false;
    }
    this.#fresh.clear();
    return true;
  }

  #write(): void {
    for (const [bucket, entries] of this.#fresh) {
      for (let from = 0; from < entries.length; from += ENTRIES_MAX) {
        this.#part += 1;
        this.#sql.exec(
          `INSERT OR REPLACE INTO ended (bucket, part, entries) VALUES (?, ?, ?)`,
          bucket,
          this.#part,
          JSON.stringify(entries.slice(from, from + ENTRIES_MAX)),
        );
      }
    }
  }

  /** When the next deletion is due, ms; null: none. */
  nextMs(): number | null {
    const stored = this.#sql.exec<{ next: number | null }>(`SELECT MIN(bucket) AS next FROM ended`).one().next;
    const next = Math.min(stored ?? Number.POSITIVE_INFINITY, ...this.#fresh.keys());
    return Number.isFinite(next) ? next * BUCKET_MS : null;
  }

  /** Takes one row whose time has come; the caller deletes the jobs. Null: none is due. */
  takeDue(now: number): readonly EndedEntry[] | null {
    const bucketMax = Math.floor(now / BUCKET_MS);
    for (const [bucket, entries] of this.#fresh) {
      if (bucket > bucketMax) continue;
      this.#fresh.delete(bucket);
      return entries;
    }
    const row = this.#sql
      .exec<{ bucket: number; part: number; entries: string }>(
        `SELECT bucket, part, entries FROM ended WHERE bucket <= ? ORDER BY bucket, part LIMIT 1`,
        bucketMax,
      )
      .toArray()[0];
    if (row === undefined) return null;
    this.#sql.exec(`DELETE FROM ended WHERE bucket = ? AND part = ?`, row.bucket, row.part);
    return JSON.parse(row.entries) as readonly EndedEntry[];
  }

  /** Entries, those to be deleted last first. */
  *newest(): Generator<EndedEntry> {
    // Written first, so that there is one order; what has no room on disk is the newest of all.
    if (!this.flush()) for (const entries of this.#fresh.values()) yield* entries.toReversed();
    const rows = this.#sql.exec<{ entries: string }>(`SELECT entries FROM ended ORDER BY bucket DESC, part DESC`);
    for (const { entries } of rows) yield* (JSON.parse(entries) as EndedEntry[]).toReversed();
  }
}
