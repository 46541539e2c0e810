/** The feed's tables, step by step. Every table is described in docs/reference/storage.md. */

/** In order; a step that has shipped is never changed. */
const MIGRATIONS = [
  `CREATE TABLE total (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE source (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, seen_at_ms INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE journal (id INTEGER PRIMARY KEY, entry TEXT NOT NULL);`,
  `CREATE TABLE minute (at_ms INTEGER PRIMARY KEY, entry TEXT NOT NULL);
   CREATE TABLE hour (at_ms INTEGER PRIMARY KEY, entry TEXT NOT NULL);`,
  `CREATE TABLE alert (key TEXT PRIMARY KEY, alert TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE alert_event (id INTEGER PRIMARY KEY, event TEXT NOT NULL);
   CREATE TABLE alert_message (id TEXT PRIMARY KEY, body TEXT NOT NULL, delivery TEXT NOT NULL, next_ms INTEGER NOT NULL);
   CREATE INDEX alert_due ON alert_message (next_ms);`,
] as const;

export function migrate(storage: DurableObjectStorage): void {
  const { sql } = storage;
  sql.exec(`CREATE TABLE IF NOT EXISTS schema_step (step INTEGER PRIMARY KEY)`);
  const done = sql.exec<{ done: number }>(`SELECT COUNT(*) AS done FROM schema_step`).one().done;
  for (const [step, statements] of MIGRATIONS.entries()) {
    if (step < done) continue;
    storage.transactionSync(() => {
      sql.exec(statements);
      sql.exec(`INSERT INTO schema_step (step) VALUES (?)`, step);
    });
  }
}
