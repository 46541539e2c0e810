/**
 * The platform's rate limiter as the first shield, where the config names one (`limits.shield`): by address before
 * anything is looked up, and by key once it is known. Loaded by the first request of such a deployment.
 *
 * Model. The binding counts in each place of the platform by itself and tells only yes or no, so it is a shield against
 * floods and no limit of anybody's budget: those are exact, and the ledger's. So it never stands in the way of the
 * service: one that is not bound, or that fails, lets everybody pass, and the log says so once.
 */
import type { ShieldConfig } from "../config/limits-schema.ts";
import type { EdgeEnv } from "../dispatch/runtime.ts";
import type { Identity } from "../wire/api-keys.ts";
import type { Refusal } from "../wire/refusal.ts";
import { addressName } from "./core/shield.ts";
import { addressOf } from "./within.ts";

type Limiter = { limit(asked: { readonly key: string }): Promise<{ readonly success: boolean }> };

type Asked = Parameters<typeof addressOf>[0];

/** Null: it may pass. */
export async function shieldAddress(asked: Asked, shield: ShieldConfig): Promise<Refusal | null> {
  return shieldBy(asked.env, shield, "byAddress", addressName(addressOf(asked)));
}

/** Null: it may pass. */
export async function shieldKey(
  env: EdgeEnv,
  shield: ShieldConfig,
  { tenant, keyId }: Identity,
): Promise<Refusal | null> {
  return shieldBy(env, shield, "byKey", `${tenant}/${keyId}`);
}

async function shieldBy(
  env: EdgeEnv,
  shield: ShieldConfig,
  by: "byAddress" | "byKey",
  key: string | null,
): Promise<Refusal | null> {
  const { [by]: name, periodSeconds } = shield;
  if (name === undefined || key === null) return null;
  const limiter = limiterOf(env, name);
  if (limiter === null) {
    warnOnce(`limits.shield.${by} names ${name}, which is bound to no rate limiter: it is off`);
    return null;
  }
  try {
    const { success } = await limiter.limit({ key });
    if (success) return null;
  } catch (error) {
    warnOnce(`the rate limiter ${name} fails, and lets everybody pass: ${String(error)}`);
    return null;
  }
  const whose = by === "byAddress" ? "this address" : "this API key";
  // The platform counts in periods, and does not say when one ends.
  return {
    reason: "rate_limited",
    detail: `Too many requests come from ${whose}.`,
    retryAfterMs: periodSeconds * 1_000,
  };
}

function limiterOf(env: EdgeEnv, name: string): Limiter | null {
  const bound = (env as Readonly<Record<string, unknown>>)[name];
  const isLimiter = typeof bound === "object" && bound !== null && typeof (bound as Limiter).limit === "function";
  return isLimiter ? (bound as Limiter) : null;
}

/** Each isolate says it once: two limiters, two ways to fail. */
const warned = new Set<string>();

function warnOnce(problem: string): void {
  if (warned.has(problem) || warned.size >= WARNED_MAX) return;
  warned.add(problem);
  console.warn(problem);
}

const WARNED_MAX = 8;
