/**
 * The schema of a queue, and the statements whose plans matter: apart from `job-store.ts`, so that tests and the
 * benchmark can show those plans on any SQLite.
 */

/** Schema steps in order; a step that has shipped is never changed. */
export const MIGRATIONS = [
  `CREATE TABLE job (
     id TEXT PRIMARY KEY, tenant TEXT NOT NULL, state TEXT NOT NULL, order_key TEXT NOT NULL, wake_ms INTEGER,
     ttl_ms INTEGER NOT NULL, delete_ms INTEGER, batch TEXT, job TEXT NOT NULL, extra TEXT NOT NULL, spec TEXT NOT NULL, output TEXT
   ) WITHOUT ROWID;
   CREATE INDEX waiting ON job (tenant, order_key, ttl_ms) WHERE state = 'queued';
   CREATE INDEX due ON job (wake_ms) WHERE wake_ms IS NOT NULL;
   CREATE TABLE ended (bucket INTEGER, part INTEGER, entries TEXT NOT NULL, PRIMARY KEY (bucket, part)) WITHOUT ROWID;
   CREATE TABLE batch (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, status TEXT NOT NULL, total INTEGER NOT NULL,
     created_ms INTEGER NOT NULL, forget_ms INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE draft (batch TEXT, job_id TEXT, request TEXT NOT NULL, PRIMARY KEY (batch, job_id)) WITHOUT ROWID;
   CREATE INDEX of_batch ON job (batch, state) WHERE batch IS NOT NULL;
   CREATE TABLE chunk (job_id TEXT, seq INTEGER, data TEXT NOT NULL, PRIMARY KEY (job_id, seq)) WITHOUT ROWID;
   CREATE TABLE idempotency (key TEXT PRIMARY KEY, job_id TEXT NOT NULL, body_hash TEXT NOT NULL,
     expires_ms INTEGER NOT NULL) WITHOUT ROWID;
   CREATE INDEX idempotency_expiry ON idempotency (expires_ms);
   CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE outbox (id TEXT PRIMARY KEY, job_id TEXT NOT NULL, tenant TEXT NOT NULL, url TEXT NOT NULL,
     body TEXT NOT NULL, delivery TEXT NOT NULL, next_ms INTEGER, forget_ms INTEGER) WITHOUT ROWID;
   CREATE INDEX outbox_next ON outbox (next_ms) WHERE next_ms IS NOT NULL;
   CREATE INDEX outbox_forget ON outbox (forget_ms) WHERE forget_ms IS NOT NULL;
   CREATE TABLE disabled_hook (tenant TEXT, url TEXT, since_ms INTEGER NOT NULL, PRIMARY KEY (tenant, url)) WITHOUT ROWID;`,
  `CREATE TABLE blob (key TEXT, part INTEGER, data BLOB NOT NULL, PRIMARY KEY (key, part)) WITHOUT ROWID;`,
  `CREATE TABLE drained (job_id TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
   CREATE INDEX outbox_due ON outbox (tenant, next_ms) WHERE next_ms IS NOT NULL;`,
] as const;

/** First waiting job of a tenant: what every claim asks. */
export const HEAD_SQL = `SELECT id, order_key FROM job WHERE state = 'queued' AND tenant = ? ORDER BY order_key LIMIT 1`;

/** Once, at the start. */
export const LANES_SQL = `SELECT tenant, COUNT(*) AS waiting FROM job WHERE state = 'queued' GROUP BY tenant`;

/** The instant of an end is in the record alone: it is read of ended rows, which have an instant of deletion. */
export const WALK_SQL = `SELECT id, tenant, state, delete_ms,
  COALESCE(json_extract(job, '$.bytes.input') + json_extract(job, '$.bytes.kept'), 0) AS bytes, MIN(ttl_ms, COALESCE(delete_ms, ttl_ms)) <= ? AS over,
  CASE WHEN delete_ms IS NULL THEN 0 ELSE json_extract(job, '$.endedAtMs') BETWEEN ? AND ? END AS recent
  FROM job WHERE id > ? ORDER BY id LIMIT ?`;
