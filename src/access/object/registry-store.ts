/**
 * What the registry keeps in SQLite: keys, and the chain of records. Every table is described in
 * docs/reference/storage.md.
 */
import { AUDIT_AGE_MS_MAX, AUDIT_RECORDS_MAX } from "../core/audit.ts";
import type { AuditSince } from "../core/registry-calls.ts";
import type { KeyRecord } from "../core/key-record.ts";

/** Schema steps in order; a step that has shipped is never changed. */
const MIGRATIONS = [
  `CREATE TABLE api_key (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, over_ms INTEGER, record TEXT NOT NULL) WITHOUT ROWID;
   CREATE INDEX of_tenant ON api_key (tenant, id);
   CREATE INDEX over ON api_key (over_ms) WHERE over_ms IS NOT NULL;
   CREATE TABLE audit (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, line TEXT NOT NULL, hash TEXT NOT NULL);
   CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;`,
  `CREATE INDEX limited ON api_key (tenant) WHERE json_extract(record, '$.limits') IS NOT NULL;`,
] as const;

/** Records that one append removes at most: a full log is brought down by and by. */
const PRUNED_MAX = 100;

export type StoredLine = { readonly seq: number; readonly line: string; readonly hash: string };

type RawKey = { readonly record: string };

export class RegistryStore {
  readonly #sql: SqlStorage;
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#sql.exec("CREATE TABLE IF NOT EXISTS schema_step (step INTEGER PRIMARY KEY)");
    const [{ done } = { done: 0 }] = this.#sql.exec<{ done: number }>("SELECT COUNT(*) AS done FROM schema_step");
    for (const [step, statements] of MIGRATIONS.entries()) {
      if (step < done) continue;
      storage.transactionSync(() => {
        this.#sql.exec(statements);
        this.#sql.exec("INSERT INTO schema_step (step) VALUES (?)", step);
      });
    }
  }

  together(work: () => void): void {
    this.#storage.transactionSync(work);
  }

  key(id: string): KeyRecord | null {
    const [row] = this.#sql.exec<RawKey>("SELECT record FROM api_key WHERE id = ?", id).toArray();
    return row === undefined ? null : readKey(row);
  }

  /** `overMs`: from when the row may go; null: it is in use. */
  putKey(key: KeyRecord, overMs: number | null): void {
    this.#sql.exec(
      `INSERT INTO api_key (id, tenant, over_ms, record) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET over_ms = excluded.over_ms, record = excluded.record`,
      key.id,
      key.tenant,
      overMs,
      JSON.stringify(key),
    );
  }

  countKeys(): number {
    return this.#sql.exec<{ count: number }>("SELECT COUNT(*) AS count FROM api_key").one().count;
  }

  forgetOver(now: number): void {
    this.#sql.exec("DELETE FROM api_key WHERE over_ms <= ?", now);
  }

  keysOf(tenant: string | null, after: string, limit: number): readonly KeyRecord[] {
    const rows =
      tenant === null
        ? this.#sql.exec<RawKey>("SELECT record FROM api_key WHERE id > ? ORDER BY id LIMIT ?", after, limit)
        : this.#sql.exec<RawKey>(
            "SELECT record FROM api_key WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?",
            tenant,
            after,
            limit,
          );
    return rows.toArray().map(readKey);
  }

  tenants(limit: number): readonly string[] {
    return this.#sql
      .exec<{ tenant: string }>("SELECT DISTINCT tenant FROM api_key ORDER BY tenant LIMIT ?", limit)
      .toArray()
      .map(({ tenant }) => tenant);
  }

  /** Not revoked, and over in that time, by `over_ms`. */
  ending(fromMs: number, beforeMs: number, limit: number): readonly { id: string; expiresAtMs: number }[] {
    return this.#sql
      .exec<{ id: string; expiresAtMs: number }>(
        `SELECT id, json_extract(record, '$.expiresAtMs') AS expiresAtMs FROM api_key
         WHERE over_ms BETWEEN ? AND ? AND json_extract(record, '$.revokedAtMs') IS NULL ORDER BY over_ms LIMIT ?`,
        fromMs,
        beforeMs,
        limit,
      )
      .toArray();
  }

  hasLimitedKey(tenant: string): boolean {
    return (
      this.#sql
        .exec("SELECT 1 FROM api_key WHERE tenant = ? AND json_extract(record, '$.limits') IS NOT NULL LIMIT 1", tenant)
        .toArray().length > 0
    );
  }

  /** Null: nothing was recorded yet. */
  newest(): { readonly seq: number; readonly hash: string } | null {
    const [row] = this.#sql
      .exec<{ seq: number; hash: string }>("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
      .toArray();
    return row ?? null;
  }

  /** The record behind which this one stands; null: it is not kept. */
  before(seq: number): { readonly seq: number; readonly hash: string } | null {
    const [row] = this.#sql
      .exec<{ seq: number; hash: string }>("SELECT seq, hash FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT 1", seq)
      .toArray();
    return row ?? null;
  }

  oldestSeq(): number {
    return this.#sql.exec<{ seq: number | null }>("SELECT MIN(seq) AS seq FROM audit").one().seq ?? 0;
  }

  append({ seq, line, hash }: StoredLine, atMs: number): void {
    this.#sql.exec("INSERT INTO audit (seq, at_ms, line, hash) VALUES (?, ?, ?, ?)", seq, atMs, line, hash);
    this.#sql.exec(
      `DELETE FROM audit WHERE seq IN
       (SELECT seq FROM audit WHERE seq <= ? OR at_ms <= ? ORDER BY seq LIMIT ${PRUNED_MAX})`,
      seq - AUDIT_RECORDS_MAX,
      atMs - AUDIT_AGE_MS_MAX,
    );
  }

  lines(since: AuditSince, limit: number): readonly StoredLine[] {
    const [column, from] = "seq" in since ? ["seq >", since.seq] : ["at_ms >=", since.atMs];
    return this.#sql
      .exec<StoredLine>(`SELECT seq, line, hash FROM audit WHERE ${column} ? ORDER BY seq LIMIT ?`, from, limit)
      .toArray();
  }

  meta(name: string): string | null {
    const [row] = this.#sql.exec<{ value: string }>("SELECT value FROM meta WHERE name = ?", name).toArray();
    return row?.value ?? null;
  }

  setMeta(name: string, value: string): void {
    this.#sql.exec(
      "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      name,
      value,
    );
  }
}

/** Written by us. */
const readKey = ({ record }: RawKey): KeyRecord => JSON.parse(record) as KeyRecord;
