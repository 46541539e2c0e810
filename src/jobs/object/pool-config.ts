/** What the config says of a pool's queue, in the queue's own words; read when the object starts. */
import type { QueueLimits } from "../core/queue.ts";
import type { TenantConfig } from "../../config/config.ts";
import { WEBHOOK_SECRET } from "../../wire/secrets.ts";
import { OPERATOR } from "./outbox.ts";
import type { Signers } from "./outbox.ts";
import type { JobsConfig } from "../../config/jobs-schema.ts";
import { loadConfig } from "../../config/env.ts";
import type { Env } from "../../config/env.ts";

/** Nothing where the config is wrong or does not know the pool: the queue keeps what it has. */
export function jobsConfigOf(env: Env, poolId: string): JobsConfig {
  const { parsed } = loadConfig(env);
  return (parsed.ok ? parsed.value.pools.get(poolId)?.jobs : undefined) ?? {};
}

/**
 * Which secrets sign a tenant's webhooks, its own or everybody's, and the operator's (`OPERATOR`) events of the pool.
 */
export function signersOf(env: Env, poolId: string): Signers {
  const { parsed } = loadConfig(env);
  const tenants = parsed.ok ? parsed.value.tenants : new Map<string, TenantConfig>();
  const events = jobsConfigOf(env, poolId).events?.secret;
  return (tenant) => {
    if (tenant === OPERATOR) return [events ?? WEBHOOK_SECRET];
    const own = tenants.get(tenant)?.webhookSecrets ?? [];
    return own.length === 0 ? [WEBHOOK_SECRET] : own;
  };
}

/** Only the limits that the file names. */
export function configuredLimits({ limits = {} }: JobsConfig): Partial<QueueLimits> {
  const { globalLimit, perWorker, perTenant, onConflict, queueDepthMax, perTenantDepthMax, perTenantBytesMax } = limits;
  return {
    ...(globalLimit === undefined ? {} : { globalLimit }),
    ...(perWorker === undefined ? {} : { workerLimit: perWorker }),
    ...(perTenant === undefined ? {} : { tenantLimit: perTenant }),
    ...(onConflict === undefined ? {} : { onConflict }),
    ...(perTenantDepthMax === undefined ? {} : { tenantDepthMax: perTenantDepthMax }),
    ...(perTenantBytesMax === undefined ? {} : { tenantBytesMax: perTenantBytesMax }),
    ...(queueDepthMax === undefined ? {} : { depthMax: queueDepthMax }),
  };
}
