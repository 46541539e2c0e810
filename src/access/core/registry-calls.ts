/** The calls of the `KeyRegistry` Durable Object: what is asked, and what is answered. */
import type { Actor, AuditEntry } from "./audit.ts";
import type { KeyEdit, KeyReach, KeyRecord, RotateProblem } from "./key-record.ts";

export type NewKey = KeyReach &
  Pick<KeyRecord, "id" | "tenant" | "scopes" | "priorityMax" | "note" | "expiresAtMs" | "limits"> & {
    readonly hmac: string;
    readonly pepper: string;
  };

export type KeyChange =
  | { readonly kind: "rotate"; readonly hmac: string; readonly pepper: string; readonly overlapMs: number }
  | { readonly kind: "edit"; readonly members: KeyEdit }
  | { readonly kind: "revoke" };

/** Who orders it, in which words, and the number of the record that asked. */
export type Order = { readonly actor: Actor; readonly action: string; readonly of: number | null };

export type AuditPage = {
  /** Lines of JSON with their hashes, the oldest first. */
  readonly lines: readonly string[];
  /** Number of the last of them, or what was asked for. */
  readonly lastSeq: number;
  readonly hasMore: boolean;
  /** Number of the first of them that is not as it was written, or does not follow on the one before it; null: none. */
  readonly brokenAt: number | null;
  /** The newest record there is, and the oldest that is kept. */
  readonly newestSeq: number;
  readonly oldestSeq: number;
};

export type RegistryCalls = {
  /** In the order of the ids; null: there is none. */
  lookup: { readonly ask: { readonly ids: readonly string[] }; readonly answer: readonly (KeyRecord | null)[] };
  rehash: {
    readonly ask: { readonly id: string; readonly from: string; readonly hmac: string; readonly pepper: string };
    readonly answer: boolean;
  };
  create: {
    readonly ask: { readonly key: NewKey; readonly order: Order };
    readonly answer: KeyRecord | "taken" | "full";
  };
  change: {
    readonly ask: { readonly id: string; readonly change: KeyChange; readonly order: Order };
    /** Null: there is none. */
    readonly answer: KeyRecord | RotateProblem | null;
  };
  /** By id, from behind `after`; of one tenant where it is named. */
  list: {
    readonly ask: { readonly tenant: string | null; readonly after: string; readonly limit: number };
    readonly answer: readonly KeyRecord[];
  };
  /** Tenants with a key, by name; at most so many. */
  tenants: { readonly ask: { readonly limit: number }; readonly answer: readonly string[] };
  /** For alerts: keys that are not revoked and end in that time, the first to end first; and which of these tenants have keys with limits. */
  watched: {
    readonly ask: {
      readonly endsFromMs: number;
      readonly endsBeforeMs: number;
      readonly limit: number;
      readonly tenants: readonly string[];
    };
    readonly answer: {
      readonly ending: readonly { readonly id: string; readonly expiresAtMs: number }[];
      readonly limited: readonly string[];
    };
  };
  /** Answers its number. */
  record: { readonly ask: AuditEntry; readonly answer: number };
  audit: { readonly ask: { readonly since: AuditSince; readonly limit: number }; readonly answer: AuditPage };
};

/** Records behind this number, or from this instant on. */
export type AuditSince = { readonly seq: number } | { readonly atMs: number };
