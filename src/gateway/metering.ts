/**
 * A request's limits on its way through the pipeline: a part of the bundle that only tenants with limits load.
 *
 * Model. The ledger is asked beside the rails and the lease. A request that has to wait for a slot of its own tenant holds no
 * GPU meanwhile: its lease goes back, and another is had when its turn is there.
 */
import type { Refusal } from "../wire/refusal.ts";
import type { EdgePool, Waiting } from "../dispatch/runtime.ts";
import type { LeaseAnswer } from "../routing/host/lease-client.ts";
import type { Admission } from "../tenants/budget-client.ts";
import { budgetPorts } from "../tenants/budget-ports.ts";
import { BudgetMemories } from "../tenants/ledger-of.ts";
import { limitRefusal } from "../tenants/limit-refusal.ts";
import { LIMITS_DEFAULT, meterOf } from "../tenants/meter-of.ts";
import type { Metering } from "../tenants/meter-of.ts";
import type { Authenticated } from "./edge-request.ts";

/** The isolate's. */
const memories = new BudgetMemories();

/** What is asked again after an answer that its ledger is away, ms. */
const AWAY_RETRY_MS = 2_000;

export type Asked = {
  readonly pool: EdgePool;
  readonly method: string;
  readonly path: string;
  readonly json: unknown;
  readonly inputTokens: number;
  /** It may be open for longer than an attempt. */
  readonly socket?: { readonly bounds: { readonly lifeMsMax: number } };
};

export function meteringOf(edge: Authenticated, asked: Asked): Metering | Refusal {
  const { identity, runtime } = edge;
  const { config } = runtime;
  const { tenant, keyId } = identity;
  const limits = config.tenants.get(tenant)?.limits ?? config.limits.perTenant ?? LIMITS_DEFAULT;
  const keyLimits = identity.limits ?? null;
  const { config: pool } = asked.pool;
  const longestMs = asked.socket?.bounds.lifeMsMax ?? 0;
  const metered = { ...asked, pool, tenant, keyId, limits, keyLimits, countsRequest: true, longestMs };
  const metering = meterOf(config, memories, budgetPorts(edge.env, edge.ctx, tenant), metered);
  if (!("reason" in metering)) edge.seen.meter = metering.meter;
  return metering;
}

export type Leasing = {
  readonly giveBack: () => void;
  readonly anew: () => Promise<LeaseAnswer>;
};

/** May it pass: null, or the lease that it has had anew; or why not, with its lease given back. */
export async function pass(
  admitting: Admission | Promise<Admission>,
  { giveBack, anew }: Leasing,
): Promise<{ readonly leasing: Promise<LeaseAnswer> } | Refusal | null> {
  const admission = admitting instanceof Promise ? await admitting : admitting;
  switch (admission.kind) {
    case "spent":
      return null;
    case "refused":
      giveBack();
      return limitRefusal(admission.refused);
    case "away":
      giveBack();
      return { reason: "limits_unavailable", retryAfterMs: AWAY_RETRY_MS };
    case "queued": {
      giveBack();
      const waited = await pass(admission.wait(), { giveBack: () => undefined, anew });
      return waited !== null && "reason" in waited ? waited : { leasing: anew() };
    }
  }
}

/** A job that is submitted counts as a request, if its tenant and key may still do what it asks for; it is paid for when it runs. */
export async function passSubmission(metering: Metering, ctx: Waiting): Promise<Refusal | null> {
  const { meter } = metering;
  const admission = await meter.admit();
  meter.settle({ outcome: "submitted", isAnswered: false, usage: null, bytesOut: null, isEvents: false });
  // It waits in its queue: no slot is needed now, and what was asked for goes back when it is had.
  if (admission.kind === "queued") ctx.waitUntil(admission.wait());
  if (admission.kind === "spent" || admission.kind === "queued") return null;
  if (admission.kind === "away") return { reason: "limits_unavailable", retryAfterMs: AWAY_RETRY_MS };
  return admission.refused.limit === "concurrency" ? null : limitRefusal(admission.refused);
}
