/** Tells of a request that has ended, once. */
import { recordEnded } from "./ended.ts";
import { recordOf } from "./record-of.ts";
import { attemptsSaid, hasFailed } from "./said.ts";
import type { Seen, SeenEnd } from "./seen.ts";

export function tell(seen: Seen, end: SeenEnd): void {
  const { host } = end;
  const record = recordOf(seen, end);
  if (record === null) return;
  if (!hasFailed(seen)) recordEnded(host, record);
  else host.ctx.waitUntil(attemptsSaid(seen).then((attempts) => recordEnded(host, { ...record, attempts })));
}
