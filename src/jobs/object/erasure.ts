/**
 * Erases a tenant from a queue: its jobs in whatever state, and all that they left.
 *
 * Model. What has not ended is ended first, as by a purge that is told to nobody: what runs is aborted, and its late
 * answer finds no job. All else are rows, found by a walk over the table in steps, because no index has every job of a
 * tenant, and deleted without being read; so it also works where the key that they are sealed under is gone
 * (`eraseStored` alone). Doing it twice does no harm. What the tenant submits meanwhile is new: who is to be gone is
 * locked out first.
 */
import type { Erased } from "../core/erased.ts";
import type { Job } from "../core/job.ts";
import { Blobs } from "./blobs.ts";
import { BATCH_TURN_MAX, WALK_ROWS_MAX } from "./bounds.ts";
import { eraseEnded } from "./ended-list.ts";
import type { JobQueueEnv } from "./queue-env.ts";
import type { Ledger } from "./ledger.ts";
import type { Outbox } from "./outbox.ts";
import type { Scrub } from "./scrub.ts";
import { PLAIN } from "./sealer.ts";

export type EraserParts = {
  readonly ledger: Ledger;
  readonly blobs: Blobs;
  readonly outbox: Outbox;
  readonly scrub: Scrub;
  /** Writes what is kept of the counters. */
  readonly saveTotals: () => void;
};

export async function eraseTenant(parts: EraserParts, tenant: string): Promise<Erased> {
  const { ledger, blobs, outbox, scrub } = parts;
  const unfinished = await endAll(ledger, blobs, tenant);
  ledger.ended.flush();
  const stored = await eraseStored(ledger.store.sql, blobs, tenant);
  outbox.recount();
  ledger.totals.delete(tenant);
  ledger.bytes.forget(tenant);
  parts.saveTotals();
  return { ...stored, jobs: stored.jobs + unfinished, isScrubbed: await scrub.now() };
}

/** Of a queue that cannot begin, because its key is gone: nothing runs there. */
export async function eraseLocked(ctx: DurableObjectState, env: JobQueueEnv, tenant: string): Promise<Erased> {
  const blobs = new Blobs(env.JOB_BLOBS ?? null, ctx.storage.sql, ctx.id.name ?? "", PLAIN);
  return { ...(await eraseStored(ctx.storage.sql, blobs, tenant)), isScrubbed: false };
}

/** How many there were. */
async function endAll(ledger: Ledger, blobs: Blobs, tenant: string): Promise<number> {
  let count = 0;
  for (;;) {
    const rows = ledger.unfinishedOf(tenant, BATCH_TURN_MAX);
    for (const row of rows) ledger.apply(row, [{ kind: "expired", reason: "purged" }], { webhook: null });
    count += rows.length;
    // Of what was ended, `deleted` of the ledger's hooks does the same, and nobody waits for that.
    await Promise.all(rows.map(async ({ job }) => blobs.forgetJob(job)));
    if (rows.length < BATCH_TURN_MAX) return count;
    await scheduler.wait(0);
  }
}

async function eraseStored(sql: SqlStorage, blobs: Blobs, tenant: string): Promise<Omit<Erased, "isScrubbed">> {
  const { jobs, chunks } = await eraseJobs(sql, blobs, tenant);
  eraseEnded(sql, tenant);
  const drafts = deleted(sql, `DELETE FROM draft WHERE batch IN (SELECT id FROM batch WHERE tenant = ?)`, tenant);
  const prefix = `${tenant.length}:${tenant}`;
  return {
    jobs,
    chunks,
    drafts,
    webhooks: deleted(sql, `DELETE FROM outbox WHERE tenant = ?`, tenant),
    receivers: deleted(sql, `DELETE FROM disabled_hook WHERE tenant = ?`, tenant),
    batches: deleted(sql, `DELETE FROM batch WHERE tenant = ?`, tenant),
    // As `scopedKey` writes them; ";" is the character after ":".
    idempotencyKeys: deleted(sql, `DELETE FROM idempotency WHERE key > ? AND key < ?`, `${prefix}:`, `${prefix};`),
  };
}

async function eraseJobs(sql: SqlStorage, blobs: Blobs, tenant: string): Promise<{ jobs: number; chunks: number }> {
  let [jobs, chunks] = [0, 0];
  for (let from: string | null = ""; from !== null;) {
    const step: string = `SELECT id FROM job WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?`;
    const [last]: { id: string }[] = sql.exec<{ id: string }>(step, from, WALK_ROWS_MAX - 1).toArray();
    const rows = sql
      .exec<{ id: string; job: string }>(
        `SELECT id, job FROM job WHERE id > ? AND (? IS NULL OR id <= ?) AND tenant = ?`,
        from,
        last?.id ?? null,
        last?.id ?? null,
        tenant,
      )
      .toArray();
    for (const { id } of rows) {
      chunks += deleted(sql, `DELETE FROM chunk WHERE job_id = ?`, id);
      sql.exec(`DELETE FROM drained WHERE job_id = ?`, id);
      jobs += deleted(sql, `DELETE FROM job WHERE id = ?`, id);
    }
    await Promise.all(rows.map(async ({ job }) => blobs.forgetJob(JSON.parse(job) as Job)));
    from = last?.id ?? null;
    await scheduler.wait(0);
  }
  return { jobs, chunks };
}

/** How many rows a statement deleted. */
function deleted(sql: SqlStorage, statement: string, ...bindings: string[]): number {
  return sql.exec(`${statement} RETURNING 1`, ...bindings).toArray().length;
}
