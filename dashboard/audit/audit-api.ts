/** What operators did, as the router has it on record: the newest orders, each with how it ended. */
import { type Answered, apiCall, memberOf } from "../session/api-call.ts";

export type AuditRow = {
  readonly seq: number;
  readonly at: string | null;
  /** Of the key or the token that gave the order; null: nobody who may. */
  readonly who: string | null;
  readonly address: string | null;
  readonly action: string;
  /** `asked`: its end is not on record, or not yet. */
  readonly outcome: string;
  /** What is other than before, or new; "" where nothing is told. */
  readonly changed: string;
};

/** Records that are looked at; an order has two. */
const RECORDS_SHOWN = 200;

/** Beyond any record: the answer has none, and says which is the newest. */
const AFTER_ALL = 999_999_999_999_999;

/** The record is read forwards, and what is wanted is its end. */
export async function newestRecords(): Promise<Answered> {
  const end = await apiCall("GET", `/admin/audit?since=${AFTER_ALL}&limit=1`);
  if (!end.ok) return end;
  const newest = memberOf(end.value, "newestSeq");
  const since = Math.max(0, (typeof newest === "number" ? newest : 0) - RECORDS_SHOWN);
  return apiCall("GET", `/admin/audit?since=${since}&limit=${RECORDS_SHOWN}`);
}

/** The newest first. Of an order that has ended, only its end. */
export function readRecords(value: unknown): readonly AuditRow[] {
  const data = memberOf(value, "data");
  const records = Array.isArray(data) ? data : [];
  const ended = new Set(records.map((one: unknown) => memberOf(one, "of")));
  return records
    .flatMap(readRecord)
    .filter(({ seq }) => !ended.has(seq))
    .toReversed();
}

function readRecord(value: unknown): readonly AuditRow[] {
  const text = (name: string): string | null => {
    const found = memberOf(value, name);
    return typeof found === "string" && found !== "" ? found : null;
  };
  const seq = memberOf(value, "seq");
  const action = text("action");
  if (typeof seq !== "number" || action === null) return [];
  return [
    {
      seq,
      at: text("at"),
      who: text("subject") ?? text("keyId"),
      address: text("address"),
      action,
      outcome: text("outcome") ?? "unknown",
      changed: changesText(memberOf(value, "before"), memberOf(value, "after")),
    },
  ];
}

/** Of a change, enough to know it again; all of it is in the record. */
const CHANGED_CHARS_MAX = 200;

/** `status: active → revoked, liveSecrets: 2 → 0`; of what is new, its members. */
export function changesText(before: unknown, after: unknown): string {
  const was = membersOf(before);
  const changes = [...membersOf(after)].flatMap(([name, is]) => {
    const old = was.get(name) ?? "none";
    if (is === old || (before === null && is === "none")) return [];
    return [was.size === 0 ? `${name}: ${is}` : `${name}: ${old} → ${is}`];
  });
  const text = changes.join(", ");
  return text.length > CHANGED_CHARS_MAX ? `${text.slice(0, CHANGED_CHARS_MAX)} …` : text;
}

function membersOf(value: unknown): ReadonlyMap<string, string> {
  if (typeof value !== "object" || value === null) return new Map();
  return new Map(Object.entries(value).map(([name, member]: [string, unknown]) => [name, written(member)]));
}

function written(value: unknown): string {
  if (value === null || value === "" || (Array.isArray(value) && value.length === 0)) return "none";
  return typeof value === "string" ? value : JSON.stringify(value);
}
