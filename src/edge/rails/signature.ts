/**
 * Signs a request as Standard Webhooks 1.0.0 says: HMAC-SHA-256 over `id.timestamp.body`, by a key of 24 to 64 bytes.
 * Rejected: the `standardwebhooks` package in the Worker: signing is one call of WebCrypto, and a test holds it to the
 * package.
 */
const SECRET_PREFIX = "whsec_";

/** Why the secret cannot sign; null if it can. */
export function webhookSecretProblem(secret: string): string | null {
  try {
    const length = keyOf(secret).byteLength;
    return length >= 24 && length <= 64 ? null : `its key has ${length} bytes, and should have 24 to 64`;
  } catch {
    return "it is not base64 behind whsec_";
  }
}

export async function signedHeaders(secret: string, id: string, nowMs: number, body: string) {
  const timestamp = String(Math.floor(nowMs / 1000));
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", keyOf(secret), algorithm, false, ["sign"]);
  const signed = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(`${id}.${timestamp}.${body}`));
  const signature = btoa(String.fromCharCode(...new Uint8Array(signed)));
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
}

function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  const base64 = secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret;
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}
