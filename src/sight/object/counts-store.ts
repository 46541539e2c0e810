/**
 * How the feed's sums are kept in SQLite: a row a series and a row a source, and before them a journal.
 *
 * Model. What came within a second is one row of the journal: the sum of it, and the last number of each source whose
 * report is in it. So a sum and the numbers that say what is in it are written together, or not at all, at one row a
 * second however many isolates there are. After `JOURNAL_ROWS_MAX` rows the series that changed are written, and the
 * journal is emptied, in one transaction. A start reads the rows and adds the journal to them, in order.
 * Rejected: a row a series each second (hundreds of billed rows a second), one row with everything (SQLite's rows end
 * at 2 MB, and each second would write all of it).
 */
import { merge, restore } from "../core/tally.ts";
import type { Tally } from "../core/tally.ts";
import type { SeriesDelta } from "../core/report.ts";
import type { Source, Sources } from "../core/sources.ts";
import { migrate } from "./feed-schema.ts";

/** Rows of the journal before the series are written: a minute of traffic. */
export const JOURNAL_ROWS_MAX = 60;
/** A longer entry goes into the series at once: a row of SQLite holds 2 MB. */
export const JOURNAL_ENTRY_CHARS_MAX = 500_000;

/** What came since the last entry. */
export type Entry = {
  readonly deltas: readonly SeriesDelta[];
  readonly sources: readonly (readonly [name: string, source: Source])[];
};

export class CountsStore {
  readonly #storage: DurableObjectStorage;
  #journalRows = 0;
  /** Series and sources that the journal alone has. */
  readonly #changedSeries = new Set<string>();
  readonly #changedSources = new Set<string>();

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    migrate(storage);
  }

  /** Fills both with what was kept. A series of which this version knows nothing is left where it is. */
  load(tally: Tally, sources: Sources): void {
    const { sql } = this.#storage;
    for (const { key, value } of sql.exec<{ key: string; value: string }>(`SELECT key, value FROM total`)) {
      restore(tally, key, JSON.parse(value) as number[]);
    }
    const rows = sql.exec<{ id: string; seq: number; seen_at_ms: number }>(
      `SELECT id, seq, seen_at_ms FROM source ORDER BY seen_at_ms`,
    );
    for (const { id, seq, seen_at_ms: seenAtMs } of rows) sources.set(id, { seq, seenAtMs });
    for (const { entry } of sql.exec<{ entry: string }>(`SELECT entry FROM journal ORDER BY id`).toArray()) {
      const { deltas, sources: named } = JSON.parse(entry) as Entry;
      for (const key of merge(tally, deltas)) this.#changedSeries.add(key);
      for (const [name, source] of named) {
        sources.delete(name);
        sources.set(name, source);
        this.#changedSources.add(name);
      }
      this.#journalRows += 1;
    }
  }

  /** Keeps what came; `tally` and `sources` have it already. Written before the answer of whoever is called now. */
  save(entry: Entry, changed: Iterable<string>, tally: Tally, sources: Sources): void {
    for (const key of changed) this.#changedSeries.add(key);
    for (const [name] of entry.sources) this.#changedSources.add(name);
    const text = JSON.stringify(entry);
    if (this.#journalRows >= JOURNAL_ROWS_MAX || text.length > JOURNAL_ENTRY_CHARS_MAX) {
      this.#fold(tally, sources);
      return;
    }
    this.#storage.sql.exec(`INSERT INTO journal (entry) VALUES (?)`, text);
    this.#journalRows += 1;
  }

  forget(names: readonly string[]): void {
    for (const name of names) this.#changedSources.add(name);
  }

  /** The journal goes with them: it may have them as well. */
  erase(keys: readonly string[], tally: Tally, sources: Sources): void {
    this.#fold(tally, sources);
    for (const key of keys) this.#storage.sql.exec(`DELETE FROM total WHERE key = ?`, key);
  }

  /** Writes what changed since the last time, all of which both have, and empties the journal. */
  #fold(tally: Tally, sources: Sources): void {
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      for (const key of this.#changedSeries) {
        sql.exec(
          `INSERT INTO total (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
          key,
          JSON.stringify(tally.series.get(key)),
        );
      }
      for (const name of this.#changedSources) {
        const source = sources.get(name);
        if (source === undefined) sql.exec(`DELETE FROM source WHERE id = ?`, name);
        else {
          sql.exec(
            `INSERT INTO source (id, seq, seen_at_ms) VALUES (?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, seen_at_ms = excluded.seen_at_ms`,
            name,
            source.seq,
            source.seenAtMs,
          );
        }
      }
      sql.exec(`DELETE FROM journal`);
    });
    this.#changedSeries.clear();
    this.#changedSources.clear();
    this.#journalRows = 0;
  }
}
