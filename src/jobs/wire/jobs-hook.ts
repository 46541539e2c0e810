/**
 * Decides what an inbound trigger's URL proves: whoever knows it may enqueue jobs of one pool for
 * one tenant, and nothing else.
 *
 * Model: `{claims}.{mac}`, both base64url; the claims are readable JSON with a random id, the MAC is HMAC-SHA-256 under
 * a key derived from the deployment's pepper. Nothing is stored, so a lost URL lives until it expires or the pepper
 * changes: give it an expiry. Rejected: a table of random tokens (a storage read on a path that anyone may call).
 */
import { readSigned, signText } from "../../wire/signed-text.ts";

export type HookClaims = {
  readonly id: string;
  readonly tenant: string;
  readonly poolId: string;
  /** Instant, ms; null: never. */
  readonly expiresAtMs: number | null;
};

/** Claims of some 150 characters and a MAC of 43. */
export const HOOK_TOKEN_CHARS_MAX = 1_024;

export async function signHook(claims: HookClaims, pepper: string): Promise<string> {
  return signText("hook", JSON.stringify(claims), pepper);
}

/** Null: not one of ours, or its time is over. */
export async function verifyHook(token: string, pepper: string, now: number): Promise<HookClaims | null> {
  const text = token.length <= HOOK_TOKEN_CHARS_MAX ? await readSigned("hook", token, pepper) : null;
  if (text === null) return null;
  // Signed by us, so the shape is ours.
  const claims = JSON.parse(text) as HookClaims;
  return claims.expiresAtMs !== null && now >= claims.expiresAtMs ? null : claims;
}
