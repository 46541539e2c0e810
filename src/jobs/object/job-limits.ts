/**
 * A job's attempt against the limits of its tenant: the ledger is asked when the job has its slot, and one that may not pass
 * is queued again for when it may.
 *
 * Its request was counted when it was submitted (there the key's limits hold as well), so an attempt counts tokens, money
 * and a place among the tenant's requests at once, and no request.
 */
import type { EdgeEnv, EdgePool, Runtime, Waiting } from "../../dispatch/runtime.ts";
import { budgetPorts } from "../../tenants/budget-ports.ts";
import { BudgetMemories } from "../../tenants/ledger-of.ts";
import { limitRefusal } from "../../tenants/limit-refusal.ts";
import type { Meter } from "../../tenants/meter.ts";
import { meterOf } from "../../tenants/meter-of.ts";
import { parseJson } from "../../wire/body.ts";
import { bytesOf } from "../../wire/text-bytes.ts";
import { tokensIn } from "../../wire/token-bytes.ts";
import type { JobWork } from "../core/messages.ts";
import type { AttemptReport } from "./run-attempt.ts";

/** Usage of jobs stands under this name, in place of a key's. No key is called so: an id has no upper case. */
const JOBS_KEY = "JOBS";
/** A job whose tenant's day or month is used up is looked at again after this, ms; its queue allows no more. */
const QUOTA_RETRY_MS = 600_000;
const AWAY_RETRY_MS = 2_000;

type Host = { readonly env: EdgeEnv; readonly ctx: Waiting; readonly runtime: Runtime };

export class JobLimits {
  /** Not the isolate's: what this object owes must not wait for a request that may die. */
  readonly #memories = new BudgetMemories();

  /** Null: nothing limits it. */
  async pass(
    { env, ctx, runtime }: Host,
    tenant: string,
    pool: EdgePool,
    work: JobWork,
  ): Promise<Meter | AttemptReport | null> {
    const { config } = runtime;
    const limits = config.tenants.get(tenant)?.limits ?? config.limits.perTenant;
    if (limits === null) return null;
    const bytes = bytesOf(work.body);
    const metering = meterOf(config, this.#memories, budgetPorts(env, ctx, tenant), {
      tenant,
      keyId: JOBS_KEY,
      // It is queued already, and stands in no other line.
      limits: { ...limits, queueMax: 0 },
      keyLimits: null,
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
