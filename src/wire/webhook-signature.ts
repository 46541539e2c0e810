/**
 * Signs what this service sends as Standard Webhooks 1.0.0 says: HMAC-SHA-256 over `id.timestamp.body`. The one place
 * that signs: webhooks of jobs and events of pools by the reference library, and the rail that asks a service with the
 * platform's own HMAC, because it stands in the way of a request whose texts may be long.
 *
 * Several secrets give several signatures in one header, which is how a secret is changed without a gap: the receiver
 * takes the message if any of them is right.
 */
import { Webhook } from "standardwebhooks";

const SECRET_PREFIX = "whsec_";

/** Why the secret cannot sign, in the standard's bounds of 24 to 64 bytes; null if it can. */
export function webhookSecretProblem(secret: string): string | null {
  try {
    const length = atob(base64Of(secret)).length;
    return length >= 24 && length <= 64 ? null : `its key has ${length} bytes, and should have 24 to 64`;
  } catch {
    return "it is not base64 behind whsec_";
  }
}

export type SignedHeaders = Readonly<Record<"webhook-id" | "webhook-timestamp" | "webhook-signature", string>>;

/**
 * `secrets`: at least one, each one that `webhookSecretProblem` has nothing against. `nowMs`: receivers refuse old
 * ones.
 */
export function signedHeaders(secrets: readonly string[], id: string, nowMs: number, body: string): SignedHeaders {
  const sentAt = new Date(nowMs);
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(nowMs / 1_000)),
    "webhook-signature": secrets.map((secret) => new Webhook(secret).sign(id, sentAt, body)).join(" "),
  };
}

/** Named so that Node's types and the Worker's agree. */
type HmacKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** Signs with one secret, whose key is imported with the first message. The secret as above. */
export function createSigner(secret: string): (id: string, nowMs: number, body: string) => Promise<SignedHeaders> {
  let key: HmacKey | null = null;
  return async (id, nowMs, body) => {
    key ??= await importKey(secret);
    const timestamp = String(Math.floor(nowMs / 1_000));
    const signed = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
    const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, signed));
    return {
      "webhook-id": id,
      "webhook-timestamp": timestamp,
      "webhook-signature": `v1,${btoa(String.fromCharCode(...signature))}`,
    };
  };
}

function importKey(secret: string): Promise<HmacKey> {
  const bytes = Uint8Array.from(atob(base64Of(secret)), (char) => char.charCodeAt(0));
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

const base64Of = (secret: string): string =>
  secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret;
