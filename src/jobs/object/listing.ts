/**
 * Lists the jobs of a tenant, or of all, without an index over all of them: what runs is in memory, what waits has its index, what ended
 * is in the list of deletions, newest first. The lists are hints; each job's row decides.
 */
import { isVisible } from "../core/job.ts";
import type { JobStatus } from "../core/messages.ts";
import { LIST_ROWS_MAX } from "./bounds.ts";
import type { JobRow } from "./job-row.ts";
import type { Ledger } from "./ledger.ts";

export type ListRequest = {
  readonly offset: number;
  readonly limit: number;
  /** Null: every state. */
  readonly states: ReadonlySet<JobStatus> | null;
};

/** `tenant` null: of every tenant. Running, then waiting in the order of their start, then those that wait for an instant, then ended. */
export function listJobs(
  ledger: Ledger,
  tenant: string | null,
  { offset, limit, states }: ListRequest,
): readonly JobRow[] {
  const rows: JobRow[] = [];
  const seen = new Set<string>();
  const now = Date.now();
  let skip = offset;
  for (const id of candidates(ledger, tenant, states, offset + limit)) {
    if (rows.length >= limit) break;
    if (seen.has(id)) continue;
    seen.add(id);
    const row = ledger.find(id);
    if (row === null || (tenant !== null && row.job.tenant !== tenant) || !isVisible(row.job, now)) continue;
    if (states !== null && !states.has(row.job.state)) continue;
    if (skip > 0) skip -= 1;
    else rows.push(row);
  }
  return rows;
}

function* candidates(
  ledger: Ledger,
  tenant: string | null,
  states: ReadonlySet<JobStatus> | null,
  most: number,
): Generator<string> {
  const wants = (state: JobStatus): boolean => states === null || states.has(state);
  if (wants("running")) yield* ledger.running.keys();
  const tenants = tenant === null ? ledger.waitingTenants(LIST_ROWS_MAX) : [tenant];
  if (wants("queued")) for (const one of tenants) yield* ledger.store.waitingIds(one, Math.min(most, LIST_ROWS_MAX));
  if (wants("retrying")) yield* ledger.store.retryingIds(LIST_ROWS_MAX);
  let looked = 0;
  for (const entry of ledger.ended.newest()) {
    looked += 1;
    if (looked > LIST_ROWS_MAX) return;
    if ((tenant === null || entry.tenant === tenant) && wants(entry.state)) yield entry.id;
  }
}
