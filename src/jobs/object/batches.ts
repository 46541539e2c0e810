/**
 * Runpod's batches. A draft's requests wait beside the queue, because a job of the queue would start; they become jobs
 * when the batch is finalized, a few hundred in a turn, so that other calls get theirs in between.
 */
import type { BatchRefusal, BatchView, SubmitOutcome, SubmitRequest } from "../core/messages.ts";
import {
  BATCH_LIFE_MS,
  BATCH_REQUESTS_MAX,
  BATCH_TURN_MAX,
  BATCHES_OPEN_MAX,
  INPUT_ROW_BYTES_MAX,
  utf8Bytes,
} from "./bounds.ts";
import type { Ledger } from "./ledger.ts";
import { isNearlyFull } from "./submission.ts";
import type { Stored } from "./sealer.ts";

type BatchRow = {
  id: string;
  tenant: string;
  status: BatchView["status"];
  total: number;
  created_ms: number;
};

export class Batches {
  readonly #ledger: Ledger;
  readonly #submit: (request: SubmitRequest) => Promise<SubmitOutcome>;

  constructor(ledger: Ledger, submit: (request: SubmitRequest) => Promise<SubmitOutcome>) {
    this.#ledger = ledger;
    this.#submit = submit;
  }

  create(tenant: string, batchId: string): BatchView | "limited" {
    const now = Date.now();
    const { sql } = this.#ledger.store;
    sql.exec(`DELETE FROM draft WHERE batch IN (SELECT id FROM batch WHERE forget_ms <= ?)`, now);
    sql.exec(`DELETE FROM batch WHERE forget_ms <= ?`, now);
    const known = this.#row(tenant, batchId);
    if (known !== null) return this.#viewOf(known);
    const open = sql
      .exec<{ open: number }>(`SELECT COUNT(*) AS open FROM batch WHERE tenant = ? AND status = 'DRAFT'`, tenant)
      .one().open;
    if (open >= BATCHES_OPEN_MAX) return "limited";
    sql.exec(
      `INSERT INTO batch (id, tenant, status, total, created_ms, forget_ms) VALUES (?, ?, 'DRAFT', 0, ?, ?)`,
      batchId,
      tenant,
      now,
      now + BATCH_LIFE_MS,
    );
    return this.#viewOf({ id: batchId, tenant, status: "DRAFT", total: 0, created_ms: now });
  }

  /** All or none. */
  add(tenant: string, batchId: string, requests: readonly SubmitRequest[]): BatchView | BatchRefusal {
    const row = this.#row(tenant, batchId);
    if (row === null) return "unknown";
    if (row.status !== "DRAFT") return "closed";
    const tooLarge = requests.some(({ work }) => utf8Bytes(work.body) > INPUT_ROW_BYTES_MAX);
    const room = this.#ledger.limits.depthMax - this.#ledger.waiting();
    if (isNearlyFull(this.#ledger)) return "full";
    if (tooLarge || row.total + requests.length > Math.min(BATCH_REQUESTS_MAX, room)) return "limited";
    const { store } = this.#ledger;
    return store.transaction(() => {
      for (const request of requests) {
        store.sql.exec(
          `INSERT OR REPLACE INTO draft (batch, job_id, request) VALUES (?, ?, ?)`,
          batchId,
          request.jobId,
          store.sealer.seal(JSON.stringify(request), ["draft", batchId, request.jobId]),
        );
      }
      const sql = `SELECT COUNT(*) AS total FROM draft WHERE batch = ?`;
      const { total } = store.sql.exec<{ total: number }>(sql, batchId).one();
      store.sql.exec(`UPDATE batch SET total = ? WHERE id = ?`, total, batchId);
      return this.#viewOf({ ...row, total });
    });
  }

  /** Goes on where it stopped when it is called again: a draft goes with the job that it became. */
  async finalize(tenant: string, batchId: string): Promise<BatchView | BatchRefusal> {
    const row = this.#row(tenant, batchId);
    if (row === null) return "unknown";
    if (row.status === "CANCELLED" || row.status === "FAILED") return "closed";
    const { sql, sealer } = this.#ledger.store;
    sql.exec(`UPDATE batch SET status = 'FINALIZED' WHERE id = ?`, batchId);
    for (;;) {
      const drafts = sql
        .exec<{ job_id: string; request: Stored }>(
          `SELECT job_id, request FROM draft WHERE batch = ? LIMIT ?`,
          batchId,
          BATCH_TURN_MAX,
        )
        .toArray();
      for (const { job_id: jobId, request } of drafts) {
        const text = sealer.open(request, ["draft", batchId, jobId]);
        const outcome = await this.#submit(JSON.parse(text) as SubmitRequest);
        // What the queue has no room for now stays a draft; finalizing again goes on.
        if (outcome.kind === "limited" && outcome.limit === "storage") return "full";
        if (outcome.kind === "limited" || outcome.kind === "paused") return "limited";
        sql.exec(`DELETE FROM draft WHERE batch = ? AND job_id = ?`, batchId, jobId);
      }
      if (drafts.length < BATCH_TURN_MAX) return this.#viewOf({ ...row, status: "FINALIZED" });
      await scheduler.wait(0);
    }
  }

  view(tenant: string, batchId: string): BatchView | null {
    const row = this.#row(tenant, batchId);
    return row === null ? null : this.#viewOf(row);
  }

  async cancel(tenant: string, batchId: string): Promise<BatchView | BatchRefusal> {
    const row = this.#row(tenant, batchId);
    if (row === null) return "unknown";
    const { sql } = this.#ledger.store;
    sql.exec(`DELETE FROM draft WHERE batch = ?`, batchId);
    sql.exec(`UPDATE batch SET status = 'CANCELLED' WHERE id = ?`, batchId);
    for (let offset = 0; ; offset += BATCH_TURN_MAX) {
      const jobs = this.#ledger.store.ofBatch(batchId, offset, BATCH_TURN_MAX);
      for (const job of jobs) this.#ledger.apply(job, [{ kind: "cancel" }]);
      if (jobs.length < BATCH_TURN_MAX) return this.#viewOf({ ...row, status: "CANCELLED" });
      await scheduler.wait(0);
    }
  }

  #row(tenant: string, batchId: string): BatchRow | null {
    const sql = `SELECT id, tenant, status, total, created_ms FROM batch WHERE id = ? AND tenant = ?`;
    return this.#ledger.store.sql.exec<BatchRow>(sql, batchId, tenant).toArray()[0] ?? null;
  }

  #viewOf({ id, status, total, created_ms: createdAtMs }: BatchRow): BatchView {
    const counts = new Map(this.#ledger.store.batchCounts(id).map(({ state, count }) => [state, count]));
    const sum = (...states: Parameters<typeof counts.get>): number =>
      states.reduce((all, state) => all + (counts.get(state) ?? 0), 0);
    const known = [...counts.values()].reduce((all, count) => all + count, 0);
    const drafts = this.#ledger.store.sql
      .exec<{ drafts: number }>(`SELECT COUNT(*) AS drafts FROM draft WHERE batch = ?`, id)
      .one().drafts;
    const requestFailed = sum("failed") + sum("timed_out") + sum("cancelled") + sum("expired");
    // Jobs whose retention is over are gone; nearly all of them had completed.
    const forgotten = status === "FINALIZED" ? Math.max(0, total - drafts - known) : 0;
    return {
      id,
      status,
      requestTotal: total,
      requestInProgress: sum("running"),
      requestCompleted: sum("completed") + forgotten,
      requestFailed,
      createdAtMs,
    };
  }
}
