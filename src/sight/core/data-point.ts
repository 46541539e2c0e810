/**
 * What Workers Analytics Engine gets of a request: one data point, whose columns have numbers for names. This is the list
 * of them; a column that was given a meaning keeps it, new ones come at the end.
 *
 * Model. Twenty blobs and twenty doubles at most. What is not known is an empty text or -1: the engine has no null, and 0 is
 * something that is known. Sampled by tenant, so that a loud one does not push out a quiet one.
 */
import type { RequestRecord } from "./record.ts";

type Column<Value> = readonly [name: string, meaning: string, value: (record: RequestRecord) => Value | null];

/** `blob1` and on. */
export const BLOBS: readonly Column<string>[] = [
  ["tenant", "Whose key it came with", ({ tenant }) => tenant],
  ["pool", "The pool's id", ({ pool }) => pool],
  ["model", "The pool's name of the model", ({ model }) => model],
  ["route", "The path's template", ({ route }) => route],
  [
    "outcome",
    "served, blocked, refused, shed, no_endpoint, expired, cancelled, upstream_failed",
    ({ outcome }) => outcome,
  ],
  ["reason", "Why it was not served", ({ reason }) => reason],
  ["region", "Of the endpoint that answered", ({ region }) => region],
  ["endpoint", "The endpoint that answered", ({ endpoint }) => endpoint],
  ["why", "Why it was chosen, as in x-warmpath-reason", ({ why }) => why],
  ["colo", "The data centre that the client reached", ({ colo }) => colo],
  ["client_region", "The pool's region nearest to the client", ({ clientRegion }) => clientRegion],
  ["priority", "high, normal, low", ({ priority }) => priority],
  ["id", "The request's id", ({ id }) => id],
];

/** `double1` and on. */
export const DOUBLES: readonly Column<number>[] = [
  ["total_ms", "From its arrival to the end of the answer", ({ ms }) => ms.total],
  ["ttft_ms", "To the first token of a stream", ({ ms }) => ms.ttft],
  ["overhead_ms", "To the sending", ({ ms }) => ms.overhead],
  ["lease_ms", "Wait for leases", ({ ms }) => ms.lease],
  ["queue_ms", "Of that in a shard's line", ({ ms }) => ms.queue],
  ["rails_ms", "The input guardrails", ({ ms }) => ms.rails],
  ["tokens_in", "Input tokens", ({ tokens }) => tokens.in],
  ["tokens_cached", "Of these from a cache", ({ tokens }) => tokens.cached],
  ["tokens_out", "Output tokens", ({ tokens }) => tokens.out],
  ["attempts", "Attempts at endpoints", ({ attempts }) => attempts.length],
  ["hedges", "Of these hedges", ({ attempts }) => attempts.filter(({ hedge }) => hedge).length],
  ["bytes_in", "Of the request's body", ({ bytes }) => bytes.in],
  ["bytes_out", "Of the answer", ({ bytes }) => bytes.out],
  ["status", "What the client was told; 0: nothing", ({ status }) => status],
  ["stream", "1: a stream", ({ stream }) => Number(stream)],
  ["cost_micros", "What it cost, in millionths of the currency of the prices", ({ costMicros }) => costMicros],
];

/** Where a blob or a double is not known. */
const UNKNOWN = { blob: "", double: -1 } as const;

/** The engine takes no longer index; a tenant's name is of one-byte characters, and no longer than 64. */
export const INDEX_CHARS_MAX = 96;
/** All blobs of a point together, bytes: one with more is not taken. */
export const BLOBS_BYTES_MAX = 16_384;
/** Of one blob: as many as fit if every one is as long, of four bytes a character. */
export const BLOB_CHARS_MAX = Math.floor(BLOBS_BYTES_MAX / 4 / 20);

export function dataPoint(record: RequestRecord): {
  readonly indexes: [string];
  readonly blobs: string[];
  readonly doubles: number[];
} {
  return {
    indexes: [(record.tenant ?? "").slice(0, INDEX_CHARS_MAX)],
    blobs: BLOBS.map(([, , value]) => (value(record) ?? UNKNOWN.blob).slice(0, BLOB_CHARS_MAX)),
    doubles: DOUBLES.map(([, , value]) => value(record) ?? UNKNOWN.double),
  };
}
