/**
 * What an isolate keeps between requests: the parsed config, where each endpoint is, and the lease cache. Data only: no
 * promise, stream or body lives here, because a request may not await another request's I/O.
 */
import { BACKENDS } from "../../backends/registry.ts";
import { targetOf } from "../../backends/targets.ts";
import type { Backend, Target } from "../../backends/port.ts";
import { createFailingRequests } from "./core/failing-requests.ts";
import type { FailingRequests } from "./core/failing-requests.ts";
import { hashKeyOf } from "../lib/keyed-hash.ts";
import type { HashKey } from "../lib/keyed-hash.ts";
import { createLeaseCache } from "../routing/core/lease-client/lease-cache.ts";
import type { LeaseCache } from "../routing/core/lease-client/lease-cache.ts";
import type { Place, PoolSpec } from "../routing/core/pool.ts";
import type { ShardNamespace } from "./shard-port.ts";
import { createKeyVerifier } from "../wire/api-keys.ts";
import type { KeyVerifier } from "../wire/api-keys.ts";
import type { Config, EndpointConfig, PoolConfig } from "../config/config.ts";
import { configText, loadConfig, peppersOf } from "../config/env.ts";
import type { Env } from "../config/env.ts";
import { parsePlace } from "../wire/headers.ts";
import { createTokenBytes } from "../wire/token-bytes.ts";
import type { TokenBytes } from "../wire/token-bytes.ts";
import { poolSpec } from "../config/pool-spec.ts";

export type EdgeEnv = Env & {
  readonly POOL_SHARD: ShardNamespace;
  /** Absent where a deployment has no jobs. */
  readonly JOB_QUEUE?: unknown;
  /** The dashboard's files; absent where it is not served. */
  readonly ASSETS?: unknown;
  /** Absent where a deployment limits no tenant. */
  readonly TENANT_LEDGER?: unknown;
  /** Absent where a deployment has no files and batches. */
  readonly TENANT_FILES?: unknown;
  /** Absent where a deployment counts nothing over its isolates. */
  readonly FLEET_FEED?: unknown;
  /** Absent where a deployment has the keys of its config alone. */
  readonly KEY_REGISTRY?: unknown;
  /** Absent where a deployment keeps no streams. */
  readonly RESUMABLE_STREAM?: unknown;
  /** A dataset of Workers Analytics Engine; absent: no data points are written. */
  readonly ANALYTICS?: unknown;
};

/** An endpoint as the edge uses it. */
export type EdgeEndpoint = {
  readonly config: EndpointConfig;
  readonly target: Target;
  readonly backend: Backend;
  /** The pool's names of its model, for which the endpoint may have another; adapters are other models. */
  readonly models: ReadonlySet<string>;
  /** What it calls them, as far as the config says. */
  readonly names: ReadonlyMap<string, string>;
  /** Does its answer say the client's name where it was asked under its own. */
  readonly tellsAsked: boolean;
  /** Of the pool's model. */
  readonly tokenBytes: TokenBytes;
};

export type EdgePool = {
  readonly config: PoolConfig;
  readonly spec: PoolSpec;
  readonly endpoints: ReadonlyMap<string, EdgeEndpoint>;
  /** Bytes of a body a token, as far as its endpoints have counted. */
  readonly tokenBytes: TokenBytes;
  /** Requests that keep failing. */
  readonly failing: FailingRequests;
};

export type Runtime = {
  /** Another one is another config. */
  readonly configId: string;
  readonly config: Config;
  readonly pools: ReadonlyMap<string, EdgePool>;
  readonly keys: KeyVerifier;
  readonly leaseCache: LeaseCache;
  /** Where a self-hosted router says that it is, and so, as far as is known, its clients. */
  readonly place: Place | null;
  /** Secret of the affinity keys, the same in every isolate of the deployment. */
  readonly affinitySecret: HashKey;
  /** A flush of the outboxes is under way or due until this instant. */
  flushUntilMs: number;
};

/** Keeps work alive that nobody awaits. */
export type Waiting = { waitUntil(work: Promise<unknown>): void };

let runtime: Runtime | null = null;

/**
 * The isolate's runtime; null when the config or a secret it names is wrong, which is logged once: what is wrong with the
 * config by the first request that brings its context, since the words for it have to be loaded.
 */
export function runtimeOf(env: EdgeEnv, ctx: Waiting | null = null): Runtime | null {
  const { id, parsed } = loadConfig(env);
  if (runtime !== null && runtime.configId === id) return runtime;
  if (!parsed.ok) {
    ctx?.waitUntil(logProblems(env));
    return null;
  }
  const secrets = env as Readonly<Record<string, unknown>>;
  const pools = buildPools(parsed.value, secrets);
  const noPepper = parsed.value.keys.length > 0 && (env.WARMPATH_KEY_PEPPER ?? "") === "";
  if (pools === null || noPepper) {
    ctx?.waitUntil(logProblems(env));
    return null;
  }
  runtime = {
    configId: id,
    config: parsed.value,
    pools,
    keys: createKeyVerifier(parsed.value.keys, peppersOf(env)),
    place: parsePlace(env.WARMPATH_PLACE ?? "", parsed.value.regions),
    // 48 random bits: short, because every lease id carries it, and unique among more isolates than there are.
    affinitySecret: hashKeyOf(env.WARMPATH_KEY_PEPPER ?? ""),
    leaseCache: createLeaseCache(crypto.randomUUID().replaceAll("-", "").slice(0, 12)),
    flushUntilMs: 0,
  };
  return runtime;
}

/** A config is right as a rule: what puts its problems into words is not loaded at start. */
async function logProblems(env: Env): Promise<void> {
  const { problemsOf } = await import("../wire/problems.ts");
  logOnce(problemsOf(await configText(env), env as Readonly<Record<string, unknown>>));
}

/** Null when an endpoint's secret is not set. */
function buildPools(config: Config, env: Readonly<Record<string, unknown>>): Map<string, EdgePool> | null {
  const pools = new Map<string, EdgePool>();
  for (const pool of config.pools.values()) {
    const endpoints = new Map<string, EdgeEndpoint>();
    const models = new Set(pool.models.filter((name) => !pool.adapters.includes(name)));
    const tokenBytes = createTokenBytes();
    for (const endpoint of pool.endpoints) {
      const target = targetOf(endpoint, env);
      if (!target.ok) return null;
      const backend = BACKENDS[endpoint.backend];
      const names = namesAt(endpoint, models);
      // Whatever asks for no side of a split (a job, a form) comes to its first pool under the shared name.
      const own = pool.models[0] ?? pool.id;
      for (const [shared, [first]] of config.splits)
        if (first?.poolId === pool.id && !models.has(shared)) names.set(shared, names.get(own) ?? own);
      const tellsAsked = pool.answerModel === "asked";
      const known = { backend, models, names, tellsAsked, tokenBytes };
      endpoints.set(endpoint.id, { config: endpoint, target: target.value, ...known });
    }
    const failing = createFailingRequests();
    pools.set(pool.id, { config: pool, spec: poolSpec(config, pool.id), endpoints, tokenBytes, failing });
  }
  return pools;
}

const namesAt = ({ model }: EndpointConfig, models: ReadonlySet<string>): Map<string, string> =>
  new Map(typeof model === "string" ? [...models].map((name) => [name, model]) : Object.entries(model ?? {}));

let lastLogged = "";

/** Every request meets the same problem; the operator needs to read it once. */
function logOnce(problem: string): void {
  if (problem === lastLogged) return;
  lastLogged = problem;
  console.error(problem);
}
