/**
 * Decides what the record of one request adds to the counts.
 *
 * Model. Each request adds one to exactly one series of `requests` and of `tenantRequests`, so that the sums of either are
 * the number of requests that have ended; what is not known of it adds nothing anywhere. Labels come from the record's
 * members with bounded values alone; a rail's rule, which a service outside may have named, only where it is a code.
 * A few lookups in a map and as many additions: this runs once for every request.
 */
import { COUNTED, OTHER_OPERATION } from "./metric-names.ts";
import type { CountedId, Metric } from "./metric-names.ts";
import type { AttemptRecord, RailSaid, RequestRecord } from "./record.ts";
import { add, observe, OTHER, SEPARATOR as S } from "./tally.ts";
import type { Tally } from "./tally.ts";

/** Outcomes of a stage in which a rail has not read what went on. */
const UNREAD: ReadonlySet<string> = new Set(["unread", "budget", "error", "timeout"]);

const CODE = /^[a-z_]+:[\w.+-]{1,48}$/i;

export function fold(tally: Tally, record: RequestRecord): void {
  const { outcome, reason, route } = record;
  const pool = record.pool ?? "";
  const tenant = record.tenant ?? "";
  add(tally, `requests${S}${pool}${S}${route}${S}${outcome}${S}${reason ?? ""}`, 1);
  add(tally, `tenantRequests${S}${tenant}${S}${pool}${S}${outcome}`, 1);
  // What named no pool was refused at the door: it has no times and no tokens.
  if (record.pool === null) return;
  foldTimes(tally, record, pool);
  foldUse(tally, record, pool, tenant);
  if (record.region !== null && record.why !== null) {
    add(tally, `decisions${S}${pool}${S}${record.region}${S}${record.why}`, 1);
    if (record.why === "cold_start") add(tally, `coldStarts${S}${pool}${S}${record.region}`, 1);
  }
  foldAttempts(tally, record, pool);
  for (const rail of record.rails) foldRail(tally, record, rail);
}

const bounds = <Id extends CountedId>(id: Id): readonly number[] => (COUNTED[id] as Metric).bucketsS ?? [];

const FIRST_TOKEN_S = bounds("firstToken");
const OUTPUT_TOKEN_S = bounds("outputToken");
const DURATION_S = bounds("duration");
const OPERATION_S = bounds("operation");
const OWN_S = bounds("overhead");

function foldTimes(tally: Tally, record: RequestRecord, pool: string): void {
  const { ms, tokens, outcome, reason, operation, region } = record;
  const labels = `${S}${pool}${S}${record.model ?? ""}${S}${operation ?? OTHER_OPERATION}`;
  observe(tally, `duration${labels}${S}${outcome === "served" ? "" : (reason ?? outcome)}`, DURATION_S, ms.total);
  if (ms.ttft !== null) {
    observe(tally, `firstToken${labels}${S}${region ?? ""}`, FIRST_TOKEN_S, ms.ttft);
    const { out } = tokens;
    if (out !== null && out > 1 && outcome === "served") {
      observe(tally, `outputToken${labels}${S}${region ?? ""}`, OUTPUT_TOKEN_S, (ms.total - ms.ttft) / (out - 1));
    }
  }
  for (const attempt of record.attempts) {
    const key = `operation${labels}${S}${attempt.region}${S}${attempt.lost ?? ""}`;
    observe(tally, key, OPERATION_S, attempt.endedMs - attempt.sentMs);
  }
  if (ms.overhead !== null) observe(tally, `overhead${S}${pool}`, OWN_S, ms.overhead);
  if (ms.lease !== null) observe(tally, `lease${S}${pool}`, OWN_S, ms.lease);
  if (ms.queue !== null) observe(tally, `queue${S}${pool}`, OWN_S, ms.queue);
  if (ms.rails !== null) observe(tally, `rails${S}${pool}`, OWN_S, ms.rails);
}

function foldUse(tally: Tally, record: RequestRecord, pool: string, tenant: string): void {
  const { tokens, bytes, outcome, costMicros } = record;
  const of = `${S}${tenant}${S}${pool}`;
  if (tokens.in !== null) add(tally, `tokens${of}${S}input`, tokens.in);
  if (tokens.cached !== null) add(tally, `tokens${of}${S}cached`, tokens.cached);
  if (tokens.out !== null) add(tally, `tokens${of}${S}output`, tokens.out);
  if (outcome === "served" && tokens.in === null && tokens.out === null) add(tally, `usageUnknown${of}`, 1);
  if (typeof costMicros === "number") add(tally, `cost${of}`, costMicros);
  if (bytes.in !== null) add(tally, `requestBytes${S}${pool}`, bytes.in);
  if (bytes.out !== null) add(tally, `responseBytes${S}${pool}`, bytes.out);
}

function foldAttempts(tally: Tally, { attempts }: RequestRecord, pool: string): void {
  for (const [index, attempt] of attempts.entries()) {
    const { region, endpoint, lost, hedge } = attempt;
    add(tally, `attempts${S}${pool}${S}${region}${S}${endpoint}${S}${lost ?? "answered"}`, 1);
    if (hedge) add(tally, `hedges${S}${pool}${S}${lost === null ? "won" : "lost"}`, 1);
    else if (isRetry(attempts, index)) add(tally, `retries${S}${pool}`, 1);
  }
}

/** After one that was lost. What was put back is still on its first way. */
const isRetry = (attempts: readonly AttemptRecord[], index: number): boolean =>
  attempts.slice(0, index).some(({ lost, hedge }) => !hedge && lost !== "put_back");

function foldRail(
  tally: Tally,
  { pool, outcome }: RequestRecord,
  { rail, stage, status, action, rules }: RailSaid,
): void {
  const said = status === "done" ? (action ?? "allow") : status;
  add(tally, `railVerdicts${S}${pool ?? ""}${S}${rail}${S}${stage}${S}${said}`, 1);
  if (outcome !== "blocked" && UNREAD.has(status)) {
    add(tally, `failOpens${S}${pool ?? ""}${S}${rail}${S}${stage}${S}${status}`, 1);
  }
  for (const rule of rules) {
    add(tally, `railRules${S}${rail}${S}${CODE.test(rule) ? rule : OTHER}${S}${action ?? status}`, 1);
  }
}
