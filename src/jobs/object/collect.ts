/** Brings many jobs' ends at once to whoever made them, and waits for the first where none has ended. */
import { isTerminal, isVisible } from "../core/job.ts";
import type { JobView } from "../core/messages.ts";
import { utf8Bytes } from "./bounds.ts";
import type { JobRow } from "./job-row.ts";
import type { Ledger } from "./ledger.ts";
import type { CollectedJobs, CollectRequest } from "./rpc.ts";
import { Patience } from "./waiters.ts";
import type { Waiters } from "./waiters.ts";

/** Further ends that come within this are brought along, ms: a look at many jobs costs more than one end is worth. */
const GATHER_MS = 25;

export const endsKey = (tenant: string): string => `ends:${tenant}`;

export type CollectParts = {
  readonly ledger: Ledger;
  readonly waiters: Waiters;
  readonly view: (row: JobRow) => Promise<JobView>;
};

export async function collectEnded(
  { ledger, waiters, view }: CollectParts,
  tenant: string,
  { ids, done, isCancelled, waitMs, bytesMax }: CollectRequest,
): Promise<CollectedJobs> {
  const find = (id: string): JobRow | null => {
    const row = ledger.find(id);
    return row !== null && row.job.tenant === tenant && isVisible(row.job, Date.now()) ? row : null;
  };
  for (const id of done) {
    const row = find(id);
    if (row !== null && isTerminal(row.job.state)) ledger.keepFor(row, 0);
  }
  if (isCancelled) {
    for (const id of ids) {
      const row = find(id);
      if (row !== null && !isTerminal(row.job.state)) ledger.apply(row, [{ kind: "cancel" }]);
    }
  }
  const patience = new Patience(waitMs);
  try {
    for (;;) {
      const over = endedOf(ledger, ids);
      const gone = over.filter((id) => find(id) === null);
      if (over.length > 0 || patience.over) return { gone, ended: await viewsOf(over.map(find), view, bytesMax) };
      await waiters.until(endsKey(tenant), patience);
      if (!patience.over) await scheduler.wait(GATHER_MS);
    }
  } finally {
    patience.end();
  }
}

/** Ids of those that have ended, and of those that are not there: one look for all. */
function endedOf({ store }: Ledger, ids: readonly string[]): readonly string[] {
  const sql = `SELECT asked.value AS id FROM json_each(?) AS asked LEFT JOIN job ON job.id = asked.value
    WHERE job.id IS NULL OR job.state NOT IN ('queued', 'running', 'retrying')`;
  return store.sql
    .exec<{ id: string }>(sql, JSON.stringify(ids))
    .toArray()
    .map(({ id }) => id);
}

async function viewsOf(
  rows: readonly (JobRow | null)[],
  view: CollectParts["view"],
  bytesMax: number,
): Promise<readonly JobView[]> {
  const views: JobView[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (row === null) continue;
    const one = await view(row);
    bytes += utf8Bytes(one.output ?? "");
    if (views.length > 0 && bytes > bytesMax) break;
    views.push(one);
  }
  return views;
}
