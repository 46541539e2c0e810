/**
 * Decides what an inbound trigger's URL proves: whoever knows it may enqueue jobs of one pool for
 * one tenant, and nothing else.
 *
 * Model: `{claims}.{mac}`, both base64url; the claims are readable JSON with a random id, the MAC is HMAC-SHA-256 under
 * a key derived from the deployment's pepper. Nothing is stored, so a lost URL lives until it expires or the pepper
 * changes: give it an expiry. Rejected: a table of random tokens (a storage read on a path that anyone may call).
 */
import { equalDigests } from "../../wire/api-keys.ts";

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
  const payload = base64url(new TextEncoder().encode(JSON.stringify(claims)));
  return `${payload}.${base64url(await macOf(payload, pepper))}`;
}

/** Null: not one of ours, or its time is over. */
export async function verifyHook(token: string, pepper: string, now: number): Promise<HookClaims | null> {
  const [payload = "", mac = "", ...more] = token.length <= HOOK_TOKEN_CHARS_MAX ? token.split(".") : [];
  const given = fromBase64url(mac);
  if (pepper === "" || payload === "" || more.length > 0 || given === null) return null;
  if (!equalDigests(given, await macOf(payload, pepper))) return null;
  const text = fromBase64url(payload);
  if (text === null) return null;
  // Signed by us, so the shape is ours.
  const claims = JSON.parse(new TextDecoder().decode(text)) as HookClaims;
  return claims.expiresAtMs !== null && now >= claims.expiresAtMs ? null : claims;
}

/** The label keeps this use of the pepper apart from that for API keys, whose text always begins with `wp_`. */
async function macOf(payload: string, pepper: string): Promise<Uint8Array> {
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(pepper), algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(`hook:${payload}`)));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

function fromBase64url(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return null;
  try {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
}
