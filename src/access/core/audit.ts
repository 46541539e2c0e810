/**
 * Decides what is recorded of an operator's action, and what never is.
 *
 * Model. Two records: `asked` before anything is done, so that what cannot be recorded is not done; and how it ended,
 * with the number of the first, and with what was before and after. A record is one line of JSON that carries the hash of
 * the record before it, and its own hash is that of the line: whoever removes or changes one breaks the chain, and an
 * exported copy shows it without a key. Secrets are left out by the names of their members, whoever made the value; what
 * is long is cut, since a record is no store.
 */

export type Actor = {
  /** Of the key, or of the token. */
  readonly keyId: string;
  readonly tenant: string;
  /** Who a token speaks for; null: a key. */
  readonly subject: string | null;
  /** Where the request came from; null: not known. */
  readonly address: string | null;
  readonly requestId: string;
};

export type AuditOutcome = "asked" | "done" | "refused" | "failed";

export type AuditEntry = {
  readonly actor: Actor;
  /** Method and path, or an event's name. */
  readonly action: string;
  readonly outcome: AuditOutcome;
  /** Number of the record that asked; null: there is none. */
  readonly of: number | null;
  readonly before: unknown;
  readonly after: unknown;
};

/** Beyond it the oldest record goes; about 600 bytes each. */
export const AUDIT_RECORDS_MAX = 100_000;
/** Older records go, ms: 400 days, a year and the time to look back at it. */
export const AUDIT_AGE_MS_MAX = 34_560_000_000;
/** Characters of `before` and of `after`, as JSON. */
const AUDIT_VALUE_CHARS_MAX = 4_096;
const ACTION_CHARS_MAX = 512;

/** Members whose value is a secret, or leads to one. */
const SECRET_MEMBERS =
  /^(?:key|apikey|secret|secrets|token|password|authorization|cookie|csrf|hmac|url|path|webhook)$/i;
const DEPTH_MAX = 8;

/** One line of JSON, without its own hash. */
export function auditLine(entry: AuditEntry, place: { seq: number; atMs: number; at: string; prev: string }): string {
  const { actor, action, outcome, of, before, after } = entry;
  return JSON.stringify({
    seq: place.seq,
    at: place.at,
    atMs: place.atMs,
    action: action.slice(0, ACTION_CHARS_MAX),
    outcome,
    of,
    ...actor,
    before: bounded(before),
    after: bounded(after),
    prev: place.prev,
  });
}

/** The line with its hash, as it is exported. */
export const withHash = (line: string, hash: string): string => `${line.slice(0, -1)},"hash":"${hash}"}`;

function bounded(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  const clean = withoutSecrets(value, 0);
  const text = JSON.stringify(clean);
  return text.length <= AUDIT_VALUE_CHARS_MAX ? clean : { cut: text.slice(0, AUDIT_VALUE_CHARS_MAX) };
}

function withoutSecrets(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth >= DEPTH_MAX) return "…";
  if (Array.isArray(value)) return value.map((one: unknown) => withoutSecrets(one, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]: [string, unknown]) => [
      name,
      SECRET_MEMBERS.test(name) ? "(left out)" : withoutSecrets(member, depth + 1),
    ]),
  );
}
