/**
 * Decides the life of an API key that the registry keeps: made, changed, rotated with two live secrets, revoked, expired,
 * hashed anew under another pepper.
 *
 * Model. A key is its id and what it may do; its secrets are digests, two at most, each with the instant at which it
 * ends. Rotation adds one and gives the one before it an end, so that a fleet of clients can change over. What has ended
 * stays as a row for a while, so that a list can say when and an id is never given twice. `now` is an argument; nothing
 * here knows a secret, only its digest.
 * Rejected: a new id for each rotation, which would tear usage, limits and the audit of one client apart.
 */
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";

/** More than two would be a list that nobody clears. */
const SECRETS_MAX = 2;

export type KeySecret = {
  /** HMAC-SHA-256 of the whole key, 64 hex digits. */
  readonly hmac: string;
  /** Which pepper that was: its mark. */
  readonly pepper: string;
  readonly createdAtMs: number;
  /** Epoch ms; null: with the key. */
  readonly endsAtMs: number | null;
};

/** What a key may reach, and from where; null: all there is. */
export type KeyReach = {
  readonly pools: readonly string[] | null;
  readonly models: readonly string[] | null;
  /** Addresses and networks (`203.0.113.7`, `2001:db8::/32`). */
  readonly addresses: readonly string[] | null;
};

export type KeyRecord = KeyReach & {
  readonly id: string;
  readonly tenant: string;
  readonly scopes: readonly string[];
  readonly priorityMax: string;
  readonly note: string;
  /** Id of the key that made it. */
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
  /** The newest first. */
  readonly secrets: readonly KeySecret[];
  /** What the limits of this key are; read by who enforces them. */
  readonly limits?: unknown;
};

export type KeyStanding = "active" | "expired" | "revoked";

export function standingOf({ revokedAtMs, expiresAtMs }: KeyRecord, now: number): KeyStanding {
  if (revokedAtMs !== null) return "revoked";
  return expiresAtMs !== null && now >= expiresAtMs ? "expired" : "active";
}

/** Those that open something now. */
export const liveSecrets = ({ secrets }: KeyRecord, now: number): readonly KeySecret[] =>
  secrets.filter(({ endsAtMs }) => endsAtMs === null || now < endsAtMs);

export type RotateProblem = "ended" | "two_are_live";

/**
 * Another secret beside the present one, which ends `overlapMs` from now; with 0 every earlier one ends at once, which is
 * what a leaked key needs.
 */
export function rotate(
  key: KeyRecord,
  secret: Pick<KeySecret, "hmac" | "pepper">,
  { overlapMs, now }: { readonly overlapMs: number; readonly now: number },
): Result<KeyRecord, RotateProblem> {
  if (standingOf(key, now) !== "active") return err("ended");
  const live = overlapMs === 0 ? [] : liveSecrets(key, now);
  if (live.length >= SECRETS_MAX) return err("two_are_live");
  const endsAtMs = now + overlapMs;
  const kept = live.map((one) => ({ ...one, endsAtMs: Math.min(one.endsAtMs ?? endsAtMs, endsAtMs) }));
  return ok({ ...key, secrets: [{ ...secret, createdAtMs: now, endsAtMs: null }, ...kept] });
}

/** What may be changed of a key that is in use; what is absent stays. */
export type KeyEdit = Partial<KeyReach & Pick<KeyRecord, "scopes" | "priorityMax" | "note" | "expiresAtMs" | "limits">>;

export const edit = (key: KeyRecord, members: KeyEdit, now: number): Result<KeyRecord, "ended"> =>
  standingOf(key, now) === "active" ? ok({ ...key, ...members }) : err("ended");

/** Doing it twice changes nothing. */
export const revoke = (key: KeyRecord, now: number): KeyRecord =>
  key.revokedAtMs === null ? { ...key, revokedAtMs: now, secrets: [] } : key;

/** The same secret, known by its digest under another pepper; null: it has no such digest any more. */
export function rehash(key: KeyRecord, from: string, to: Pick<KeySecret, "hmac" | "pepper">): KeyRecord | null {
  if (!key.secrets.some(({ hmac }) => hmac === from)) return null;
  return { ...key, secrets: key.secrets.map((one) => (one.hmac === from ? { ...one, ...to } : one)) };
}
