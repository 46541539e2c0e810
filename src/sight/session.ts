/**
 * Decides what the dashboard's cookie proves: that its holder showed an API key, and which one.
 *
 * Model. `{claims}.{mac}`, both base64url; the claims are readable JSON with the key's id and when the session is over,
 * the MAC is HMAC-SHA-256 under the deployment's pepper. Nothing is stored. The key is looked up at each use, and must be
 * the very one that was shown (`mark`): a session dies with its key, when that is revoked, expires, or is made anew under
 * the same id, and it may do what the key may do now.
 * The token against forged requests is a MAC as well, over the cookie: who has it has read an answer to this session.
 * Rejected: a table of sessions (a storage read on every call of a page that makes one a second), and a cookie with the
 * key itself, which would be in every proxy's log of headers.
 * What this gives up: a cookie that was stolen lives until it expires, or until its key is revoked; signing out makes only
 * the browser forget it.
 */
import type { Config } from "../config/config.ts";
import type { Identity } from "../wire/api-keys.ts";
import { isTagOf, readSigned, signText, tagOf } from "../wire/signed-text.ts";

/** A working day: who is at the page all day signs in once. */
export const SESSION_MS_MAX = 8 * 3_600_000;

/** Claims of some 150 characters and a MAC of 43. */
export const SESSION_CHARS_MAX = 512;

/** Of the key's digest: enough to tell two keys of one id apart, and of no use to whoever reads it. */
const MARK_CHARS = 16;

export type SessionClaims = {
  readonly keyId: string;
  readonly mark: string;
  readonly expiresAtMs: number;
  /** Two sessions of one key have different cookies, and so different tokens. */
  readonly nonce: string;
};

/** `digests`: of the key, one a pepper, hex. `endsAtMs`: of the key, where that is known; null: it is looked up anyway. */
export function claimsOf(
  key: { readonly keyId: string; readonly digests: readonly string[]; readonly endsAtMs: number | null },
  nonce: string,
  now: number,
): SessionClaims {
  const mark = key.digests.map((hmac) => hmac.slice(0, MARK_CHARS)).join("~");
  const expiresAtMs = Math.min(now + SESSION_MS_MAX, key.endsAtMs ?? Number.POSITIVE_INFINITY);
  return { keyId: key.keyId, mark, expiresAtMs, nonce };
}

/** Is this digest one of the key that was shown. */
export const isMarked = (mark: string, hmac: string): boolean => mark.split("~").includes(hmac.slice(0, MARK_CHARS));

export async function signSession(claims: SessionClaims, pepper: string): Promise<string> {
  return signText("session", JSON.stringify(claims), pepper);
}

/** Null: not one of ours, or its time is over. */
export async function readSession(cookie: string, pepper: string, now: number): Promise<SessionClaims | null> {
  const text = cookie.length <= SESSION_CHARS_MAX ? await readSigned("session", cookie, pepper) : null;
  if (text === null) return null;
  // Signed by us, so the shape is ours.
  const claims = JSON.parse(text) as SessionClaims;
  return now < claims.expiresAtMs ? claims : null;
}

/** What a request that changes something has to show beside the cookie. */
export const csrfOf = async (cookie: string, pepper: string): Promise<string> => tagOf("csrf", cookie, pepper);

export const isCsrfOf = async (given: string, cookie: string, pepper: string): Promise<boolean> =>
  isTagOf("csrf", given, cookie, pepper);

/** Who the session is now by the config; null: its key is no more, is another one, or has expired. */
export function identityIn(
  { keyId, mark }: SessionClaims,
  { keys }: Pick<Config, "keys">,
  now: number,
): Identity | null {
  const entry = keys.find(({ id }) => id === keyId);
  if (entry === undefined || !isMarked(mark, entry.hmac)) return null;
  if (entry.expiresAtMs !== null && now >= entry.expiresAtMs) return null;
  const { tenant, scopes, priorityMax, access } = entry;
  // What narrows the key narrows its sessions.
  return { keyId, tenant, scopes, priorityMax, ...(access && { access }) };
}
