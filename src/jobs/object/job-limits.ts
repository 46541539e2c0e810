/**
 * A job's attempt against the limits of its tenant and of the key that submitted it: the ledger is asked when the job has its
 * slot, and one that may not pass is queued again for when it may.
 *
 * Its request was counted when it was submitted, so an attempt counts tokens, money and a place among the requests at once,
 * and no request. The key's limits are those that it has now, also where it was taken back since: it ends nobody's jobs, and
 * its budget still bounds them.
 */
import type { KeyLimits } from "../../config/limits-schema.ts";
import { callRegistry, hasRegistry } from "../../access/registry-stub.ts";
import { identityOf } from "../../access/verify-elsewhere.ts";
import { remember } from "../../lib/recent.ts";
import type { EdgeEnv, EdgePool, Runtime, Waiting } from "../../dispatch/runtime.ts";
import { budgetPorts } from "../../tenants/budget-ports.ts";
import { BudgetMemories } from "../../tenants/ledger-of.ts";
import { limitRefusal } from "../../tenants/limit-refusal.ts";
import type { Meter } from "../../tenants/meter.ts";
import { LIMITS_DEFAULT, meterOf } from "../../tenants/meter-of.ts";
import { parseJson } from "../../wire/body.ts";
import { bytesOf } from "../../wire/text-bytes.ts";
import { tokensIn } from "../../wire/token-bytes.ts";
import type { JobWork } from "../core/messages.ts";
import type { AttemptReport } from "./run-attempt.ts";

/** Usage of jobs of which nobody knows the key stands under this name. No key is called so: an id has no upper case. */
const JOBS_KEY = "JOBS";
/** A job whose tenant's day or month is used up is looked at again after this, ms; its queue allows no more. */
const QUOTA_RETRY_MS = 600_000;
const AWAY_RETRY_MS = 2_000;

/** What a key of the registry may do is asked again after this, ms: as long as an isolate believes it (`key-book.ts`). */
const LIMITS_LIFE_MS = 10_000;
/** Keys whose limits are remembered. */
const KEYS_MAX = 1_024;

/** Whom an attempt is on. `keyId` null: nobody knows. */
export type Payer = { readonly tenant: string; readonly keyId: string | null };

type Known = { readonly limits: KeyLimits | null; readonly untilMs: number };

type Host = { readonly env: EdgeEnv; readonly ctx: Waiting; readonly runtime: Runtime };

export class JobLimits {
  /** Not the isolate's: what this object owes must not wait for a request that may die. */
  readonly #memories = new BudgetMemories();
  readonly #keys = new Map<string, Known>();

  /** Null: nothing limits it. */
  async pass(
    { env, ctx, runtime }: Host,
    { tenant, keyId }: Payer,
    pool: EdgePool,
    work: JobWork,
  ): Promise<Meter | AttemptReport | null> {
    const { config } = runtime;
    const own = config.tenants.get(tenant)?.limits ?? config.limits.perTenant;
    const keyLimits = keyId === null ? null : await this.#limitsOf(keyId, { env, runtime });
    if (keyLimits === "unknown") return later("the limits of its key cannot be looked up", AWAY_RETRY_MS);
    if (own === null && keyLimits === null) return null;
    const limits = own ?? LIMITS_DEFAULT;
    const bytes = bytesOf(work.body);
    const metering = meterOf(config, this.#memories, budgetPorts(env, ctx, tenant), {
      tenant,
      keyId: keyId ?? JOBS_KEY,
      // It is queued already, and stands in no other line.
      limits: { ...limits, queueMax: 0 },
      keyLimits,
      pool: pool.config,
      method: work.method,
      path: work.path,
      json: parseJson(bytes),
      inputTokens: tokensIn(pool.tokenBytes, bytes.byteLength),
      countsRequest: false,
    });
    // It was within its caps when it was submitted, or its limits have changed: then it waits until it is over.
    if ("reason" in metering) return later(metering.detail ?? "it is beyond its limits", QUOTA_RETRY_MS);
    const admission = await metering.meter.admit();
    if (admission.kind === "spent") return metering.meter;
    if (admission.kind !== "refused") return later("its tenant's limits cannot be looked up", AWAY_RETRY_MS);
    const { detail = "its tenant's limits are reached", retryAfterMs } = limitRefusal(admission.refused);
    return later(detail, retryAfterMs ?? QUOTA_RETRY_MS);
  }

  async #limitsOf(keyId: string, { env, runtime }: Omit<Host, "ctx">): Promise<KeyLimits | null | "unknown"> {
    const written = runtime.config.keys.find(({ id }) => id === keyId);
    if (written !== undefined) return written.limits ?? null;
    if (!hasRegistry(env)) return null;
    const now = Date.now();
    const known = this.#keys.get(keyId);
    if (known !== undefined && now < known.untilMs) return known.limits;
    const answer = await callRegistry(env, "lookup", { ids: [keyId] });
    // What it was is better than nothing, and closed where nothing was.
    if (!answer.ok) return known?.limits ?? "unknown";
    const record = answer.value[0] ?? null;
    const identity = record === null ? null : identityOf(record);
    if (record !== null && identity === null) return "unknown";
    const limits = identity?.limits ?? null;
    remember(this.#keys, keyId, { limits, untilMs: now + LIMITS_LIFE_MS }, KEYS_MAX);
    return limits;
  }
}

const later = (message: string, retryAfterMs: number): AttemptReport => ({
  kind: "failed",
  reason: "capacity",
  message,
  answer: null,
  output: null,
  retryAfterMs,
  isLimited: true,
});
