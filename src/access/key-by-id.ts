/**
 * Who a key of the registry belongs to, for whoever has seen it once and kept no more than its id and the beginning of its
 * digest: a session of the dashboard. Asked of the registry each time, so that a key that was revoked is so at once.
 */
import { err, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import type { EdgeEnv } from "../dispatch/runtime.ts";
import type { Identity } from "../wire/api-keys.ts";
import { liveSecrets, standingOf } from "./core/key-record.ts";
import { callRegistry, hasRegistry } from "./registry-stub.ts";
import { identityOf } from "./verify-elsewhere.ts";

/** `gone`: there is no such key, it has ended, or it has another secret. `unknown`: the registry does not answer. */
export async function identityById(
  env: EdgeEnv,
  { keyId, isOf }: { readonly keyId: string; readonly isOf: (hmac: string) => boolean },
  now: number,
): Promise<Result<Identity, "gone" | "unknown">> {
  if (!hasRegistry(env)) return err("gone");
  const answer = await callRegistry(env, "lookup", { ids: [keyId] });
  if (!answer.ok) return err("unknown");
  const record = answer.value[0] ?? null;
  if (record === null || standingOf(record, now) !== "active") return err("gone");
  if (!liveSecrets(record, now).some(({ hmac }) => isOf(hmac))) return err("gone");
  const identity = identityOf(record);
  return identity === null ? err("unknown") : ok(identity);
}
