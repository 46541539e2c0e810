/**
 * A tenant's batches, and of each the lines that are on their way: those that are jobs, and those that have their answer
 * and are not in a part of a file yet.
 *
 * Model. A line is a row from before it becomes a job until its answer is in a part: so a crash between any two steps finds
 * it, and the id of its job, which is made of the batch and the line's number, makes a repetition harmless. A line that has
 * its answer, the count of it, and the place from which the next lines are read are written in one turn each.
 */
import type { Sealer, Stored } from "../../jobs/object/sealer.ts";
import type { Listed } from "../calls.ts";
import { BATCH_KEPT_MS, BATCHES_KEPT_MAX } from "../core/bounds.ts";
import { hasEnded } from "../core/batch.ts";
import type { Batch } from "../core/batch.ts";
import type { Page } from "../core/file.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS batch (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, is_open INTEGER NOT NULL,
    ended_ms INTEGER, record NOT NULL);
  CREATE INDEX IF NOT EXISTS open_batch ON batch (seq) WHERE is_open = 1;
  CREATE TABLE IF NOT EXISTS line (batch TEXT NOT NULL, line INTEGER NOT NULL, start INTEGER NOT NULL, job TEXT NOT NULL,
    pool TEXT, custom NOT NULL, kind INTEGER, answer, size INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (batch, line)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS open_line ON line (batch, line) WHERE kind IS NULL;`;

/** In which file an answer is. */
export type Kind = "output" | "error";
const KINDS: readonly Kind[] = ["output", "error"];

/** A line that has no answer yet. */
export type OpenLine = {
  /** From 1. */
  readonly line: number;
  /** Where it begins in the input. */
  readonly start: number;
  readonly jobId: string;
  /** Where its job is; null: it may be none yet. */
  readonly poolId: string | null;
};

type LineRow = { line: number; start: number; job: string; pool: string | null };

export class BatchStore {
  readonly #storage: DurableObjectStorage;
  readonly #sealer: Sealer;

  constructor(storage: DurableObjectStorage, sealer: Sealer) {
    this.#storage = storage;
    this.#sealer = sealer;
    this.prepare();
  }

  get #sql(): SqlStorage {
    return this.#storage.sql;
  }

  /** Anew where all was deleted. */
  prepare(): void {
    this.#sql.exec(SCHEMA);
  }

  /** All that is written within is written, or nothing. */
  turn(write: () => void): void {
    this.#storage.transactionSync(write);
  }

  add(batch: Batch): void {
    const insert = `INSERT OR IGNORE INTO batch (id, is_open, record) VALUES (?, 1, ?)`;
    this.#sql.exec(insert, batch.id, this.#sealed(batch));
  }

  save(batch: Batch): void {
    const isOver = hasEnded(batch);
    this.#sql.exec(
      `UPDATE batch SET record = ?, is_open = ?, ended_ms = ? WHERE id = ?`,
      this.#sealed(batch),
      isOver ? 0 : 1,
      isOver ? Date.now() : null,
      batch.id,
    );
    if (isOver) this.#sql.exec(`DELETE FROM line WHERE batch = ?`, batch.id);
  }

  get(id: string): Batch | null {
    const [row] = this.#sql.exec<{ record: Stored }>(`SELECT record FROM batch WHERE id = ?`, id).toArray();
    return row === undefined ? null : this.#opened(id, row.record);
  }

  /** Those that have not ended, the oldest first. */
  open(): readonly Batch[] {
    const sql = `SELECT id, record FROM batch WHERE is_open = 1 ORDER BY seq`;
    const rows = this.#sql.exec<{ id: string; record: Stored }>(sql).toArray();
    return rows.map(({ id, record }) => this.#opened(id, record));
  }

  get openCount(): number {
    return this.#sql.exec<{ open: number }>(`SELECT COUNT(*) AS open FROM batch WHERE is_open = 1`).one().open;
  }

  list({ after, limit, isAscending }: Page): Listed<Batch> | null {
    const [from] =
      after === null ? [] : this.#sql.exec<{ seq: number }>(`SELECT seq FROM batch WHERE id = ?`, after).toArray();
    if (after !== null && from === undefined) return null;
    const rows = this.#sql
      .exec<{ id: string; record: Stored }>(
        `SELECT id, record FROM batch WHERE (? IS NULL OR seq ${isAscending ? ">" : "<"} ?)
           ORDER BY seq ${isAscending ? "ASC" : "DESC"} LIMIT ?`,
        from?.seq ?? null,
        from?.seq ?? null,
        limit + 1,
      )
      .toArray();
    return {
      items: rows.slice(0, limit).map(({ id, record }) => this.#opened(id, record)),
      hasMore: rows.length > limit,
    };
  }

  /** What ended long ago, and what there are too many of. */
  forgetOld(): void {
    this.#sql.exec(`DELETE FROM batch WHERE is_open = 0 AND ended_ms <= ?`, Date.now() - BATCH_KEPT_MS);
    const most = `DELETE FROM batch WHERE is_open = 0 AND seq <= (SELECT seq FROM batch ORDER BY seq DESC LIMIT 1 OFFSET ?)`;
    this.#sql.exec(most, BATCHES_KEPT_MAX);
  }

  get count(): number {
    return this.#sql.exec<{ batches: number }>(`SELECT COUNT(*) AS batches FROM batch`).one().batches;
  }

  addLine(batchId: string, { line, start, jobId }: OpenLine, customId: string): void {
    this.#sql.exec(
      `INSERT OR IGNORE INTO line (batch, line, start, job, custom) VALUES (?, ?, ?, ?, ?)`,
      batchId,
      line,
      start,
      jobId,
      this.#sealer.seal(customId, ["custom", batchId, line]),
    );
  }

  /** Its job is in this pool's queue. */
  placeLine(batchId: string, line: number, poolId: string): void {
    this.#sql.exec(`UPDATE line SET pool = ? WHERE batch = ? AND line = ? AND kind IS NULL`, poolId, batchId, line);
  }

  openLines(batchId: string): readonly OpenLine[] {
    const sql = `SELECT line, start, job, pool FROM line WHERE batch = ? AND kind IS NULL ORDER BY line`;
    return this.#sql
      .exec<LineRow>(sql, batchId)
      .toArray()
      .map(({ line, start, job: jobId, pool: poolId }) => ({ line, start, jobId, poolId }));
  }

  /** Null: there is no such line any more. */
  customIdOf(batchId: string, line: number): string | null {
    const sql = `SELECT custom FROM line WHERE batch = ? AND line = ?`;
    const [row] = this.#sql.exec<{ custom: Stored }>(sql, batchId, line).toArray();
    return row === undefined ? null : this.#sealer.open(row.custom, ["custom", batchId, line]);
  }

  /** True: it had none before. A line has one answer, and is counted once. */
  answer(batchId: string, line: number, kind: Kind, text: string): boolean {
    const written = this.#sql
      .exec(
        `UPDATE line SET kind = ?, answer = ?, size = ? WHERE batch = ? AND line = ? AND kind IS NULL RETURNING 1`,
        KINDS.indexOf(kind),
        this.#sealer.seal(text, ["answer", batchId, line]),
        new TextEncoder().encode(text).byteLength,
        batchId,
        line,
      )
      .toArray();
    return written.length === 1;
  }

  /** Bytes of the answers that are not in a file yet. */
  unwritten(batchId: string, kind: Kind): number {
    const sql = `SELECT COALESCE(SUM(size), 0) AS size FROM line WHERE batch = ? AND kind = ?`;
    return this.#sql.exec<{ size: number }>(sql, batchId, KINDS.indexOf(kind)).one().size;
  }

  /** The first of them, of at least `bytesMin` in all where there are so many. */
  answers(batchId: string, kind: Kind, bytesMin: number): { readonly lines: readonly number[]; readonly text: string } {
    const sql = `SELECT line, answer, size FROM line WHERE batch = ? AND kind = ? ORDER BY line`;
    const lines: number[] = [];
    let [text, bytes] = ["", 0];
    for (const row of this.#sql.exec<{ line: number; answer: Stored; size: number }>(
      sql,
      batchId,
      KINDS.indexOf(kind),
    )) {
      lines.push(row.line);
      text += this.#sealer.open(row.answer, ["answer", batchId, row.line]);
      bytes += row.size;
      if (bytes >= bytesMin) break;
    }
    return { lines, text };
  }

  dropLines(batchId: string, lines: readonly number[]): void {
    const sql = `DELETE FROM line WHERE batch = ? AND line IN (SELECT value FROM json_each(?))`;
    this.#sql.exec(sql, batchId, JSON.stringify(lines));
  }

  #sealed(batch: Batch): Stored {
    return this.#sealer.seal(JSON.stringify(batch), ["batch", batch.id]);
  }

  #opened(id: string, record: Stored): Batch {
    return JSON.parse(this.#sealer.open(record, ["batch", id])) as Batch;
  }
}
