/** A tenant's ledger in SQLite: one image of what is counted, and what was used by day, key, model and outcome. */
import type { LedgerImage, Written } from "../core/ledger-image.ts";
import type { DayUsage } from "../core/usage-sum.ts";

/** Usage older than this is forgotten, days: two years and what a year's end needs. */
const USAGE_DAYS_MAX = 760;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS image (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL);
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

  load(): LedgerImage | null {
    const [row] = this.#storage.sql.exec<{ json: string }>("SELECT json FROM image").toArray();
    return row === undefined ? null : (JSON.parse(row.json) as LedgerImage);
  }

  /** All of it or nothing. */
  save({ image, usage }: Written): void {
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      sql.exec("INSERT OR REPLACE INTO image VALUES (1, ?)", JSON.stringify(image));
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

  usage(from: string, to: string): readonly DayUsage[] {
    return this.#storage.sql.exec<DayUsage>("SELECT * FROM usage WHERE day BETWEEN ? AND ?", from, to).toArray();
  }
}
