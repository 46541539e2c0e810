/**
 * What a queue keeps in SQLite: one row a job, and beside it only what few jobs have (chunks, a key, a webhook).
 *
 * Model. All of a job is one row of a table without rowid. Six billed rows over a whole life: an insert writes the row
 * and its place in `waiting`, the claim the row and its place in `due`, the end the row, the deletion the row (leaving
 * an index is free). `waiting` is partial, so its head is one lookup however many jobs wait; `due` holds what runs, so
 * that a restart finds it, and what is to happen at an instant. Ended jobs are listed by the minute of their deletion,
 * many to a row (`ended-list.ts`).
 * Rejected: a table of attempts (the row's history has them), a table of history, an index over ended jobs.
 * Every table is described in docs/reference/storage.md.
 */
import type { JobState, TerminalState } from "../core/job-state.ts";
import type { KeyRecord } from "../core/idempotency.ts";
import { HEAD_SQL, LANES_SQL, MIGRATIONS, WALK_SQL } from "./job-sql.ts";
import { readRow, writeRow } from "./job-row.ts";
import type { JobRow, JobSpecRow, RawRow } from "./job-row.ts";
import { Seals } from "./seals.ts";
import type { Sealer, Stored } from "./sealer.ts";

/** First waiting job of a tenant. */
export type Head = { readonly id: string; readonly orderKey: string };

export type EndedRow = {
  readonly id: string;
  readonly tenant: string;
  readonly state: TerminalState;
  readonly deleteAtMs: number;
};

type WalkedRow = Omit<EndedRow, "deleteAtMs"> & {
  delete_ms: number | null;
  over: number;
  recent: number;
  bytes: number;
};

const ROW = "job, extra, output";

export class JobStore {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  readonly sealer: Sealer;
  readonly #seals: Seals;

  /** Throws `isLocked` where rows may be there that `sealer` cannot open. */
  constructor(storage: DurableObjectStorage, sealer: Sealer) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.sealer = sealer;
    this.#migrate();
    this.#seals = new Seals(this);
    this.#seals.check();
  }

  get sql(): SqlStorage {
    return this.#sql;
  }

  transaction<Value>(work: () => Value): Value {
    return this.#storage.transactionSync(work);
  }

  insert(row: JobRow, spec: JobSpecRow, columns: { readonly orderKey: string; readonly wakeMs: number | null }): void {
    const { job, extra } = row;
    this.#seals.note();
    const written = writeRow(this.sealer, row);
    this.#sql.exec(
      `INSERT INTO job (id, tenant, state, order_key, wake_ms, ttl_ms, batch, job, extra, spec, output)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)`,
      job.id,
      job.tenant,
      job.state,
      columns.orderKey,
      columns.wakeMs,
      job.dueAtMs + job.policy.ttlMs,
      extra.batchId,
      written.job,
      written.extra,
      this.sealer.seal(JSON.stringify(spec), ["spec", job.id]),
    );
  }

  update(row: JobRow, columns: { readonly orderKey: string; readonly wakeMs: number | null }): void {
    const { job } = row;
    this.#seals.note();
    const written = writeRow(this.sealer, row);
    this.#sql.exec(
      `UPDATE job SET state = ?, order_key = ?, wake_ms = ?, ttl_ms = ?, delete_ms = ?, job = ?, extra = ?, output = ?
       WHERE id = ?`,
      job.state,
      columns.orderKey,
      columns.wakeMs,
      job.dueAtMs + job.policy.ttlMs,
      job.deleteAtMs,
      written.job,
      written.extra,
      written.output,
      job.id,
    );
  }

  read(id: string): JobRow | null {
    const raw = first(this.#sql.exec<RawRow>(`SELECT ${ROW} FROM job WHERE id = ?`, id));
    return raw === null ? null : readRow(this.sealer, raw);
  }

  stateOf(id: string): JobState | null {
    return first(this.#sql.exec<{ state: JobState }>(`SELECT state FROM job WHERE id = ?`, id))?.state ?? null;
  }

  readSpec(id: string): JobSpecRow | null {
    const raw = first(this.#sql.exec<{ spec: Stored }>(`SELECT spec FROM job WHERE id = ?`, id));
    return raw === null ? null : (JSON.parse(this.sealer.open(raw.spec, ["spec", id])) as JobSpecRow);
  }

  delete(id: string): void {
    this.#sql.exec(`DELETE FROM job WHERE id = ?`, id);
  }

  /** First waiting job of `tenant`: one lookup in the index `waiting`. */
  head(tenant: string): Head | null {
    const raw = first(this.#sql.exec<{ id: string; order_key: string }>(HEAD_SQL, tenant));
    return raw === null ? null : { id: raw.id, orderKey: raw.order_key };
  }

  /** Every tenant with waiting jobs, and how many; a pass over the index, at start only. */
  lanes(): readonly { readonly tenant: string; readonly waiting: number }[] {
    return this.#sql.exec<{ tenant: string; waiting: number }>(LANES_SQL).toArray();
  }

  /** Waiting jobs of the tenant before this key, counted up to `max`. */
  before(tenant: string, orderKey: string, max: number): number {
    const sql = `SELECT COUNT(*) AS place FROM
      (SELECT 1 FROM job WHERE state = 'queued' AND tenant = ? AND order_key < ? LIMIT ?)`;
    return this.#sql.exec<{ place: number }>(sql, tenant, orderKey, max).one().place;
  }

  /** What an earlier incarnation left running, or waiting for an instant. */
  unfinished(): { readonly running: readonly JobRow[]; readonly retrying: number } {
    const rows = this.#rows(`SELECT ${ROW} FROM job WHERE wake_ms IS NOT NULL AND state = 'running'`);
    const sql = `SELECT COUNT(*) AS count FROM job WHERE wake_ms IS NOT NULL AND state = 'retrying'`;
    return { running: rows, retrying: this.#sql.exec<{ count: number }>(sql).one().count };
  }

  nextDueMs(): number | null {
    const sql = `SELECT MIN(wake_ms) AS next FROM job WHERE wake_ms IS NOT NULL`;
    return this.#sql.exec<{ next: number | null }>(sql).one().next;
  }

  due(now: number, max: number): readonly JobRow[] {
    return this.#rows(
      `SELECT ${ROW} FROM job WHERE wake_ms IS NOT NULL AND wake_ms <= ? ORDER BY wake_ms LIMIT ?`,
      now,
      max,
    );
  }

  /**
   * Waiting jobs whose ttl has passed, among the next `max` of the index after `from`; and where to go on, null at its
   * end. Only the index is read.
   */
  expiredWaiting(
    from: { readonly tenant: string; readonly orderKey: string },
    now: number,
    max: number,
  ): { readonly ids: readonly string[]; readonly next: { readonly tenant: string; readonly orderKey: string } | null } {
    const seen = this.#sql
      .exec<{ id: string; tenant: string; order_key: string; ttl_ms: number }>(
        `SELECT id, tenant, order_key, ttl_ms FROM job WHERE state = 'queued' AND (tenant, order_key) > (?, ?)
         ORDER BY tenant, order_key LIMIT ?`,
        from.tenant,
        from.orderKey,
        max,
      )
      .toArray();
    const last = seen.length === max ? seen.at(-1) : undefined;
    return {
      ids: seen.filter(({ ttl_ms }) => ttl_ms <= now).map(({ id }) => id),
      next: last === undefined ? null : { tenant: last.tenant, orderKey: last.order_key },
    };
  }

  waitingIds(tenant: string, max: number): readonly string[] {
    const sql = `SELECT id FROM job WHERE state = 'queued' AND tenant = ? ORDER BY order_key LIMIT ?`;
    return this.#sql
      .exec<{ id: string }>(sql, tenant, max)
      .toArray()
      .map(({ id }) => id);
  }

  retryingIds(max: number): readonly string[] {
    const sql = `SELECT id FROM job WHERE wake_ms IS NOT NULL AND state = 'retrying' ORDER BY wake_ms LIMIT ?`;
    return this.#sql
      .exec<{ id: string }>(sql, max)
      .toArray()
      .map(({ id }) => id);
  }

  /** Jobs of a tenant that wait for an instant. */
  retryingOf(tenant: string, max: number): readonly JobRow[] {
    const sql = `SELECT ${ROW} FROM job WHERE wake_ms IS NOT NULL AND state = 'retrying' AND tenant = ? LIMIT ?`;
    return this.#rows(sql, tenant, max);
  }

  /** Waiting jobs of a tenant, in the order of their start. */
  waitingOf(tenant: string, max: number): readonly JobRow[] {
    return this.#rows(
      `SELECT ${ROW} FROM job WHERE state = 'queued' AND tenant = ? ORDER BY order_key LIMIT ?`,
      tenant,
      max,
    );
  }

  /**
   * Walks all rows by id: those whose time is over, those that ended within `ended` (ms, both inclusive), and
   * where to go on; null at the end.
   */
  walk(
    afterId: string,
    now: number,
    ended: { readonly fromMs: number; readonly toMs: number },
    max: number,
  ): {
    readonly over: readonly string[];
    readonly ended: readonly EndedRow[];
    readonly sums: readonly (readonly [string, number])[];
    readonly next: string | null;
  } {
    const seen = this.#sql.exec<WalkedRow>(WALK_SQL, now, ended.fromMs, ended.toMs, afterId, max).toArray();
    return {
      over: seen.filter(({ over }) => over === 1).map(({ id }) => id),
      ended: seen.flatMap(({ id, tenant, state, delete_ms: deleteAtMs, recent }) =>
        recent === 1 && deleteAtMs !== null ? [{ id, tenant, state, deleteAtMs }] : [],
      ),
      sums: seen.map(({ tenant, bytes }) => [tenant, bytes] as const),
      next: seen.length === max ? (seen.at(-1)?.id ?? null) : null,
    };
  }

  batchCounts(batchId: string): readonly { readonly state: JobState; readonly count: number }[] {
    return this.#sql
      .exec<{ state: JobState; count: number }>(
        `SELECT state, COUNT(*) AS count FROM job WHERE batch = ? GROUP BY state`,
        batchId,
      )
      .toArray();
  }

  ofBatch(batchId: string, offset: number, limit: number): readonly JobRow[] {
    return this.#rows(`SELECT ${ROW} FROM job WHERE batch = ? ORDER BY id LIMIT ? OFFSET ?`, batchId, limit, offset);
  }

  saveChunks(jobId: string, seq: number, data: readonly string[]): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO chunk (job_id, seq, data) VALUES (?, ?, ?)`,
      jobId,
      seq,
      this.sealer.seal(JSON.stringify(data), ["chunk", jobId, seq]),
    );
  }

  /** Rows that hold chunks at or after `fromSeq`, at most `max`. */
  readChunks(jobId: string, fromSeq: number, max: number): readonly { readonly seq: number; readonly data: string }[] {
    return this.#sql
      .exec<{ seq: number; data: Stored }>(
        `SELECT seq, data FROM chunk WHERE job_id = ?1 AND seq >= COALESCE(
           (SELECT MAX(seq) FROM chunk WHERE job_id = ?1 AND seq <= ?2), 0) ORDER BY seq LIMIT ?3`,
        jobId,
        fromSeq,
        max,
      )
      .toArray()
      .map(({ seq, data }) => ({ seq, data: this.sealer.open(data, ["chunk", jobId, seq]) }));
  }

  /** Number of the last chunk on disk; null: none. */
  lastChunk(jobId: string): number | null {
    const raw = first(
      this.#sql.exec<{ seq: number; data: Stored }>(
        `SELECT seq, data FROM chunk WHERE job_id = ? ORDER BY seq DESC LIMIT 1`,
        jobId,
      ),
    );
    if (raw === null) return null;
    const data = this.sealer.open(raw.data, ["chunk", jobId, raw.seq]);
    return raw.seq + (JSON.parse(data) as readonly string[]).length - 1;
  }

  deleteChunks(jobId: string): void {
    this.#sql.exec(`DELETE FROM chunk WHERE job_id = ?`, jobId);
  }

  /** Where the reads that drain go on; null: nothing was drained. */
  cursor(jobId: string): number | null {
    return first(this.#sql.exec<{ seq: number }>(`SELECT seq FROM drained WHERE job_id = ?`, jobId))?.seq ?? null;
  }

  saveCursor(jobId: string, seq: number): void {
    this.#sql.exec(`INSERT OR REPLACE INTO drained (job_id, seq) VALUES (?, ?)`, jobId, seq);
  }

  deleteCursor(jobId: string): void {
    this.#sql.exec(`DELETE FROM drained WHERE job_id = ?`, jobId);
  }

  key(key: string): KeyRecord | null {
    const raw = first(
      this.#sql.exec<{ job_id: string; body_hash: string; expires_ms: number }>(
        `SELECT job_id, body_hash, expires_ms FROM idempotency WHERE key = ?`,
        key,
      ),
    );
    return raw === null ? null : { jobId: raw.job_id, bodyHash: raw.body_hash, expiresAtMs: raw.expires_ms };
  }

  saveKey(key: string, { jobId, bodyHash, expiresAtMs }: KeyRecord): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO idempotency (key, job_id, body_hash, expires_ms) VALUES (?, ?, ?, ?)`,
      key,
      jobId,
      bodyHash,
      expiresAtMs,
    );
  }

  deleteKeys(now: number, max: number): void {
    const sql = `DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE expires_ms <= ? LIMIT ?)`;
    this.#sql.exec(sql, now, max);
  }

  meta(name: string): string | null {
    return first(this.#sql.exec<{ value: string }>(`SELECT value FROM meta WHERE name = ?`, name))?.value ?? null;
  }

  saveMeta(name: string, value: string): void {
    this.#sql.exec(`INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)`, name, value);
  }

  #rows(sql: string, ...bindings: (string | number)[]): readonly JobRow[] {
    return this.#sql
      .exec<RawRow>(sql, ...bindings)
      .toArray()
      .map((raw) => readRow(this.sealer, raw));
  }

  #migrate(): void {
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS schema_step (step INTEGER PRIMARY KEY)`);
    const done = this.#sql.exec<{ done: number }>(`SELECT COUNT(*) AS done FROM schema_step`).one().done;
    for (const [step, statements] of MIGRATIONS.entries()) {
      if (step < done) continue;
      this.#storage.transactionSync(() => {
        this.#sql.exec(statements);
        this.#sql.exec(`INSERT INTO schema_step (step) VALUES (?)`, step);
      });
    }
  }
}

function first<Row extends Record<string, SqlStorageValue>>(cursor: SqlStorageCursor<Row>): Row | null {
  const next = cursor.next();
  return next.done === true ? null : next.value;
}
