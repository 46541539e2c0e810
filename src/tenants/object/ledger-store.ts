/** A tenant's ledger in SQLite: one image of what is counted, keys a page at a time, and what was used by day, key, model and outcome. */
import type { KeyPage, LedgerImage, Written } from "../core/ledger-image.ts";
import type { DayUsage } from "../core/usage-sum.ts";

/** Usage older than this is forgotten, days: two years and what a year's end needs. */
const USAGE_DAYS_MAX = 760;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS image (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS page (page INTEGER PRIMARY KEY, json TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS usage (
    day TEXT NOT NULL, key TEXT NOT NULL, model TEXT NOT NULL, outcome TEXT NOT NULL, requests INTEGER NOT NULL,
    input INTEGER NOT NULL, cached INTEGER NOT NULL, output INTEGER NOT NULL, micros INTEGER NOT NULL,
    estimated INTEGER NOT NULL, PRIMARY KEY (day, key, model, outcome)) WITHOUT ROWID;`;

const ADD = `
  INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    requests = requests + excluded.requests, input = input + excluded.input, cached = cached + excluded.cached,
    output = output + excluded.output, micros = micros + excluded.micros, estimated = estimated + excluded.estimated`;

export class LedgerStore {
  readonly #storage: DurableObjectStorage;
  #sweptDay = "";

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.sql.exec(SCHEMA);
  }

  load(): { readonly image: LedgerImage; readonly pages: readonly KeyPage[] } | null {
    const { sql } = this.#storage;
    const [row] = sql.exec<{ json: string }>("SELECT json FROM image").toArray();
    if (row === undefined) return null;
    const pages = sql.exec<{ json: string }>("SELECT json FROM page ORDER BY page").toArray();
    return {
      image: JSON.parse(row.json) as LedgerImage,
      pages: pages.map(({ json }) => JSON.parse(json) as KeyPage),
    };
  }

  /** All of it or nothing. */
  save({ image, pages, usage }: Written): void {
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      sql.exec("INSERT OR REPLACE INTO image VALUES (1, ?)", JSON.stringify(image));
      for (const [page, keys] of pages) {
        if (keys.length === 0) sql.exec("DELETE FROM page WHERE page = ?", page);
        else sql.exec("INSERT OR REPLACE INTO page VALUES (?, ?)", page, JSON.stringify(keys));
      }
      for (const { day, key, model, outcome, requests, input, cached, output, micros, estimated } of usage)
        sql.exec(ADD, day, key, model, outcome, requests, input, cached, output, micros, estimated);
      this.#sweep(image.tenant.period.day);
    });
  }

  #sweep(day: string): void {
    if (this.#sweptDay === day) return;
    this.#sweptDay = day;
    this.#storage.sql.exec("DELETE FROM usage WHERE day < date(?, ?)", day, `-${USAGE_DAYS_MAX} days`);
  }

  /** How many days' rows there were. */
  erase(): number {
    return this.#storage.transactionSync(() => {
      this.#storage.sql.exec("DELETE FROM image");
      return this.#storage.sql.exec("DELETE FROM usage RETURNING 1").toArray().length;
    });
  }

  usage(from: string, to: string): readonly DayUsage[] {
    return this.#storage.sql.exec<DayUsage>("SELECT * FROM usage WHERE day BETWEEN ? AND ?", from, to).toArray();
  }
}
