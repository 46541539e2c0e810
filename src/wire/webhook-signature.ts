/**
 * Signs what this service sends as Standard Webhooks 1.0.0 says: HMAC-SHA-256 over `id.timestamp.body`, by the
 * reference library. The one place that signs: webhooks of jobs, events of pools, and the rail that asks a service.
 *
 * Several secrets give several signatures in one header, which is how a secret is changed without a gap: the receiver
 * takes the message if any of them is right.
 */
import { Webhook } from "standardwebhooks";

const SECRET_PREFIX = "whsec_";

/** Why the secret cannot sign, in the standard's bounds of 24 to 64 bytes; null if it can. */
export function webhookSecretProblem(secret: string): string | null {
  const base64 = secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret;
  try {
    const length = atob(base64).length;
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
