/** Tells of a request that has ended, once. */
import { part } from "../dispatch/part.ts";
import type { CandidateRecord, RequestRecord } from "./core/record.ts";
import { recordEnded } from "./ended.ts";
import { recordOf } from "./record-of.ts";
import { attemptsSaid, hasFailed } from "./said.ts";
import type { Seen, SeenEnd } from "./seen.ts";

const rowsPart = part(async () => import("./candidate-rows.ts"));

export function tell(seen: Seen, end: SeenEnd): void {
  const record = recordOf(seen, end);
  if (record === null) return;
  if (hasFailed(seen) || seen.tellsCandidates) end.host.ctx.waitUntil(tellInFull(seen, end, record));
  else recordEnded(end.host, record);
}

/** With what has to be put into words first. */
async function tellInFull(seen: Seen, { host }: SeenEnd, record: RequestRecord): Promise<void> {
  const attempts = hasFailed(seen) ? await attemptsSaid(seen) : record.attempts;
  recordEnded(host, { ...record, attempts }, await candidatesOf(seen));
}

/** Null: they were not asked for, or nobody told them. */
async function candidatesOf({ tellsCandidates, trail: { lease } }: Seen): Promise<readonly CandidateRecord[] | null> {
  if (!tellsCandidates || lease === null || lease.candidates === null) return null;
  const { recordedCandidates } = await rowsPart();
  return recordedCandidates(lease);
}
