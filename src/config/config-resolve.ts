/**
 * Decides what a checked file means: applies the defaults that depend on a neighbour, and turns lists into maps.
 *
 * Model: a pure function from what zod accepted and `checkConfig` passed to `Config`. Maps and not objects: a model
 * name comes from a client, and `pools["__proto__"]` must be a miss. Rejected: zod transforms (see `config-schema.ts`).
 */
import { COLD_WAIT_MS_DEFAULT, FIRST_TOKEN_TIMEOUT_MS_DEFAULT } from "./config-bounds.ts";
import type { RawConfig, RawEndpoint } from "./config-schema.ts";
import { resolveRails } from "./rails-resolve.ts";
import type { ApiKeyEntry, BackendKind, Config, EndpointConfig, EngineLoad, PoolConfig } from "./config.ts";

/** A Runpod load-balanced endpoint has its id as the first label of its host. */
const RUNPOD_LB_HOST = /^([a-z0-9-]+)\.api\.runpod\.ai$/;
const RUNPOD_API_ORIGIN = "https://api.runpod.ai";

/** `raw` must have passed `checkConfig`: references exist, URLs parse. */
export function resolveConfig(raw: RawConfig): Config {
  const pools = Object.entries(raw.pools).map(([id, pool]): PoolConfig => {
    const { endpoints, models, rails, coldWaitMsMax, ttfbTimeoutMs: _former, ...numbers } = pool;
    const firstTokenTimeoutMs = firstTokenTimeoutOf(pool);
    return {
      id,
      models: [...(models ?? [id]), ...pool.adapters],
      endpoints: endpoints.map(resolveEndpoint),
      rails: resolveRails(rails),
      coldWaitMsMax: coldWaitMsMax ?? Math.min(COLD_WAIT_MS_DEFAULT, firstTokenTimeoutMs),
      ...numbers,
      firstTokenTimeoutMs,
    };
  });
  return {
    regions: new Map(Object.entries(raw.regions)),
    keys: raw.keys.map(resolveKey),
    jwt: raw.jwt,
    admin: raw.admin,
    tenants: new Map(
      Object.entries(raw.tenants).map(([id, { webhookSecret = [], limits }]) => [
        id,
        {
          webhookSecrets: typeof webhookSecret === "string" ? [webhookSecret] : webhookSecret,
          limits: limits ?? null,
        },
      ]),
    ),
    sight: raw.sight,
    limits: {
      ...raw.limits,
      shield: raw.limits.shield ?? null,
      perTenant: raw.limits.perTenant ?? null,
    },
    currency: raw.currency,
    alerts: raw.alerts,
    jobs: raw.jobs,
    cors: raw.cors ?? null,
    routes: new Map(
      raw.routes.map(({ path, pool, upstreamPath, openTo }) => [
        path,
        { path, poolId: pool, upstreamPath: upstreamPath ?? path, openTo: openTo ?? null },
      ]),
    ),
    pools: new Map(pools.map((pool) => [pool.id, pool])),
    poolIdByModel: new Map([
      ...pools.flatMap((pool) => pool.models.map((model) => [model, pool.id] as const)),
      // Whatever asks for no side (a job, a list of models) takes the first.
      ...Object.entries(raw.split).map(([model, sides]) => [model, Object.keys(sides)[0] ?? ""] as const),
    ]),
    splits: new Map(
      Object.entries(raw.split).map(([model, sides]) => [
        model,
        Object.entries(sides).map(([poolId, weight]) => ({ poolId, weight })),
      ]),
    ),
  };
}

function resolveKey(raw: RawConfig["keys"][number]): ApiKeyEntry {
  const { expiresAt, models = null, pools = null, addresses = null, ...key } = raw;
  const expiresAtMs = expiresAt === undefined ? null : Date.parse(expiresAt);
  const isFree = models === null && pools === null && addresses === null;
  return { ...key, expiresAtMs, ...(isFree ? {} : { access: { models, pools, addresses } }) };
}

/** The option, under its name or its former one. */
export function firstTokenTimeoutOf({
  firstTokenTimeoutMs,
  ttfbTimeoutMs,
}: Pick<RawConfig["pools"][string], "firstTokenTimeoutMs" | "ttfbTimeoutMs">): number {
  return firstTokenTimeoutMs ?? ttfbTimeoutMs ?? FIRST_TOKEN_TIMEOUT_MS_DEFAULT;
}

function resolveEndpoint(raw: RawEndpoint): EndpointConfig {
  const { allowPlainHttp: _allowed, provider: _told, workers, idleTimeoutSeconds, ...same } = raw;
  const workersMax = workersMaxOf(workers);
  const health = resolveHealth(raw);
  const isOneEngine = raw.backend !== "runpod-lb" && workersMax === 1 && isAt(health.url, raw.url);
  return {
    ...same,
    concurrencyPerWorker: raw.concurrencyPerWorker ?? null,
    // Inference engines queue by themselves; Runpod's load balancer drops what finds no GPU worker.
    queuesExcess: raw.queuesExcess ?? raw.backend !== "runpod-lb",
    url: baseOf(raw.url),
    model: raw.model ?? null,
    protocols: raw.protocols ?? null,
    auth: raw.auth ?? null,
    workersMin: workers.min,
    workersMax,
    idleTimeoutMs: idleTimeoutSeconds * 1000,
    engineLoad: raw.engineLoad ?? (isOneEngine ? (LOAD_PATHS[raw.backend] ?? "auto") : "off"),
    health,
  };
}

/** The id of a Runpod load balancer, by its address; null: it is none of Runpod's own. */
export const runpodIdOf = (url: string): string | null =>
  URL.canParse(url) ? (RUNPOD_LB_HOST.exec(new URL(url).hostname)?.[1] ?? null) : null;

export const workersMaxOf = ({ min, max }: RawEndpoint["workers"]): number => max ?? Math.max(1, min);

const isAt = (url: string, base: string): boolean => new URL(url).origin === new URL(base).origin;

/** Where readiness is read, other than at /health. */
const HEALTH_PATHS: Readonly<Partial<Record<BackendKind, string>>> = {
  "runpod-lb": "/ping",
  sglang: "/v1/loads",
  ollama: "/api/ps",
  nim: "/v1/health/ready",
  triton: "/v2/health/ready",
  cog: "/health-check",
};

/** Where one engine tells of its load, where that is known from its kind; else it is found, or is not told. */
const LOAD_PATHS: Readonly<Partial<Record<BackendKind, EngineLoad>>> = {
  vllm: "/metrics",
  sglang: "/v1/loads",
  trtllm: "/prometheus/metrics",
  ollama: "off",
  triton: "off",
  cog: "off",
};

/**
 * A runpod-lb endpoint is asked at Runpod's API: a health request through the load balancer itself would wait up to
 * two minutes for a GPU worker, and wake one. The endpoint's secret never goes to another origin unless the file says
 * so.
 */
function resolveHealth(raw: RawEndpoint): EndpointConfig["health"] {
  const base = new URL(raw.url);
  const runpodId = raw.backend === "runpod-lb" ? (runpodIdOf(raw.url) ?? undefined) : undefined;
  const derived = runpodId !== undefined && raw.health.path === undefined;
  const path = raw.health.path ?? HEALTH_PATHS[raw.backend] ?? "/health";
  const url = raw.health.url ?? (derived ? `${RUNPOD_API_ORIGIN}/v2/${runpodId}/health` : baseOf(raw.url) + path);
  const { origin } = new URL(url);
  const isOwn = origin === base.origin || (runpodId !== undefined && origin === RUNPOD_API_ORIGIN);
  return { url, auth: raw.health.auth ?? (isOwn ? (raw.auth ?? null) : null) };
}

/**
 * Origin and path prefix, so that `base + "/v1/…"` is right however the URL was spelt. SDKs are given a base URL with
 * `/v1` at its end, so operators write it here too, and twice; the health path of such a server is not below it.
 */
function baseOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname.replace(/(?:\/+v1)*\/*$/, "");
}
