/** Who a session belongs to now: its key is looked up in the config, or in the registry, each time. */
import { identityById } from "../../access/key-by-id.ts";
import { loadConfig } from "../../config/env.ts";
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import type { Identity } from "../../wire/api-keys.ts";
import { identityIn, isMarked } from "../session.ts";
import type { SessionClaims } from "../session.ts";
import type { FeedEnv } from "./feed-env.ts";

/** `gone`: the session is over. `unknown`: nobody can say now. */
export async function holderOf(
  env: FeedEnv,
  claims: SessionClaims,
  now: number,
): Promise<Result<Identity, "gone" | "unknown">> {
  const { parsed } = loadConfig(env);
  if (!parsed.ok || now >= claims.expiresAtMs) return err("gone");
  const { keyId, mark } = claims;
  // An id of the config is the config's, whatever the registry has.
  if (parsed.value.keys.some(({ id }) => id === keyId)) {
    const identity = identityIn(claims, parsed.value, now);
    return identity === null ? err("gone") : ok(identity);
  }
  return identityById(env, { keyId, isOf: (hmac) => isMarked(mark, hmac) }, now);
}

/** Does it see the whole fleet: what the feed shows is not narrowed for anybody. */
export const seesAll = ({ scopes, access }: Identity): boolean =>
  scopes.includes("admin") && (access === undefined || (access.pools === null && access.models === null));
