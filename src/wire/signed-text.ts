/**
 * A text that this deployment signed: `{payload}.{mac}`, both base64url, the MAC HMAC-SHA-256 under the pepper. A hook's
 * URL and the dashboard's cookie are such texts; nothing of them is stored.
 *
 * A text has one spelling: the last character of a MAC carries two bits that say nothing, and another one there is another
 * text, so that whoever compares or counts signed texts need not decode them.
 *
 * The label keeps the uses of the pepper apart: a text that was signed for one is none for another, and none is an API
 * key, whose text always begins with `wp_`.
 */
import { equalDigests } from "./api-keys.ts";

type Label = "hook" | "session" | "csrf";

export async function signText(label: Label, text: string, pepper: string): Promise<string> {
  const payload = base64url(new TextEncoder().encode(text));
  return `${payload}.${base64url(await macOf(label, payload, pepper))}`;
}

/** What was signed; null: it was not signed here, or for something else. */
export async function readSigned(label: Label, signed: string, pepper: string): Promise<string | null> {
  const [payload = "", mac = "", ...more] = signed.split(".");
  const given = fromBase64url(mac);
  if (pepper === "" || payload === "" || more.length > 0 || given === null) return null;
  if (!equalDigests(given, await macOf(label, payload, pepper))) return null;
  const bytes = fromBase64url(payload);
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

/** The MAC alone, of a text that its reader has anyway. */
export async function tagOf(label: Label, text: string, pepper: string): Promise<string> {
  return base64url(await macOf(label, text, pepper));
}

/** Compared in a time that tells nothing. */
export async function isTagOf(label: Label, given: string, text: string, pepper: string): Promise<boolean> {
  const bytes = fromBase64url(given);
  return bytes !== null && equalDigests(bytes, await macOf(label, text, pepper));
}

async function macOf(label: Label, text: string, pepper: string): Promise<Uint8Array> {
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(pepper), algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(`${label}:${text}`)));
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
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
    return base64url(bytes) === text ? bytes : null;
  } catch {
    return null;
  }
}
