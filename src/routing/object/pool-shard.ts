/**
 * The Durable Object of a shard, the one authority over the endpoints of a pool in a region: the shell of every shard
 * (`routing/host/shard-host.ts`) over the platform's storage, alarm, clock and network. The shell and the decisions of
 * a shard are a part of the bundle: most isolates of the Worker hold no shard.
 *
 * RPC methods return unions and never throw for what a caller can cause: a rejected call leaks an unhandled rejection
 * in workerd, and breaks the stub.
 */
import type { Drained, ShardExplanation, ShardStatus } from "../../wire/shard-status.ts";
import { DurableObject } from "cloudflare:workers";
import { egress } from "../../../backends/egress.ts";
import { BACKENDS } from "../../../backends/registry.ts";
import { credentialsOf, targetOf } from "../../../backends/targets.ts";
import { createEye } from "../../../backends/engines/eye.ts";
import type { AdapterEye } from "../../../backends/engines/adapters.ts";
import type { EngineEye } from "../../../backends/engines/eye.ts";
import type { Target } from "../../../backends/port.ts";
import type { ProbeResult } from "../core/endpoint/endpoint.ts";
import type { EngineReport } from "../core/endpoint/engine-report.ts";
import type { ViewSet } from "../core/endpoint/endpoint-view.ts";
import type { ExplainRequest } from "../core/cost/explain.ts";
import type { AcquireReply, AcquireRequest, AwaitOutcome, Report, ReportReply } from "../core/shard-messages.ts";
import type { Config, EndpointConfig, PoolConfig } from "../../config/config.ts";
import { loadConfig, prepareConfig } from "../../config/env.ts";
import type { Env } from "../../config/env.ts";
import type { NewsPlace } from "../../wire/news-line.ts";
import { poolSpec } from "../../config/pool-spec.ts";
import { parseShardName, shardName } from "../core/shard-name.ts";
import type { ShardHost } from "../host/shard-host.ts";
import type { ShardPorts } from "../host/shard-ports.ts";
import { ShardStore } from "./shard-store.ts";
import { logNews, showEndpoints, showFailures } from "./shard-telling.ts";

/** Where the config has no such pool, it may have one soon, ms. */
const NO_POOL_RETRY_MS = 1_000;

export type ShardEnv = Env & { readonly POOL_SHARD: DurableObjectNamespace<PoolShard> };

/** An endpoint that can be looked at. `eye`: where its engine tells of its load; null: it is not asked. */
type Looked = {
  readonly endpoint: EndpointConfig;
  readonly target: Target;
  readonly eye: EngineEye | null;
  /** Null: its pool has no adapters. */
  readonly adapterEye: AdapterEye | null;
};

export class PoolShard extends DurableObject<ShardEnv> {
  readonly #store: ShardStore;
  #config: Config | null = null;
  readonly #looked = new Map<string, Looked>();
  /** Null: the config has no such pool, or is wrong. */
  #host: ShardHost | null = null;

  constructor(ctx: DurableObjectState, env: ShardEnv) {
    super(ctx, env);
    this.#store = new ShardStore(ctx.storage);
    // No call comes in before.
    void ctx.blockConcurrencyWhile(async () => {
      this.#host = await this.#begin(ctx.id.name ?? "");
    });
  }

  acquire(request: AcquireRequest): AcquireReply {
    if (this.#host !== null) return this.#host.acquire(request);
    return { outcome: { kind: "no_endpoint" }, tight: false, snapshot: null, candidates: null };
  }

  /** What a queued request gets in the end; resolves when a slot frees or its time is up. */
  async awaitGrant(leaseId: string): Promise<AwaitOutcome> {
    return this.#host === null ? { kind: "shed", retryAfterMs: NO_POOL_RETRY_MS } : this.#host.awaitGrant(leaseId);
  }

  /** Settlements and confirmations that no acquire carried. */
  report(report: Report): ReportReply {
    return this.#host === null ? {} : this.#host.report(report);
  }

  /** A peer's digest for this shard's own. */
  exchange(digest: ViewSet): ViewSet | null {
    return this.#host === null ? null : this.#host.exchange(digest);
  }

  /** Its state for people, after probing every endpoint if `probe` asks for it. */
  async status(probe: boolean): Promise<ShardStatus | null> {
    const host = this.#host;
    if (host === null) return null;
    if (probe) await host.probeAll();
    const { views, ...summary } = host.summary();
    const { lastFailures } = host.state.news;
    const endpoints = await showEndpoints(views, lastFailures, (endpointId) => this.#newsPlace(endpointId));
    return { ...summary, endpoints };
  }

  /** The decision that a request would meet now: nothing is leased, woken or counted. */
  async explain(request: ExplainRequest): Promise<ShardExplanation | null> {
    const host = this.#host;
    if (host === null) return null;
    const lastFailures = await showFailures(host.state.news.lastFailures, (endpointId) => this.#newsPlace(endpointId));
    return { ...(await host.explain(request)), lastFailures };
  }

  /**
   * An operator takes an endpoint out of traffic, or puts it back; kept over restarts. Null: it is not this shard's.
   */
  drain(endpointId: string, drained: boolean): Drained | null {
    const endpoint = this.#host === null ? null : this.#host.drain(endpointId, drained);
    return endpoint === null ? null : { drained, endpoint };
  }

  /** An operator speaks for a request under which endpoints ended, or for all (null). How many that were. */
  pardon(request: string | null): number {
    return this.#host === null ? 0 : this.#host.pardon(request);
  }

  /** Development only: loses its memory as an eviction would. */
  restart(): void {
    if (this.env.WARMPATH_DEV === "1") this.ctx.abort("restarted on request");
  }

  override async alarm(): Promise<void> {
    await this.#host?.alarm();
  }

  async #begin(name: string): Promise<ShardHost | null> {
    await prepareConfig(this.env);
    const config = loadConfig(this.env).parsed;
    this.#config = config.ok ? config.value : null;
    const parsed = parseShardName(name);
    const pool = parsed === null ? undefined : this.#config?.pools.get(parsed.pool);
    if (this.#config === null || parsed === null || pool === undefined) return null;
    const store = this.#store;
    const { PROBE_TIMEOUT_MS, ShardHost: Host } = await import("../host/shard-host.ts");
    const host = new Host(this.#ports(parsed.pool, PROBE_TIMEOUT_MS), {
      pool: poolSpec(this.#config, parsed.pool),
      region: parsed.region,
      kept: {
        epoch: store.beginEpoch(),
        down: store.loadDown(),
        drained: store.loadDrained(),
        checkpoints: store.loadCheckpoint(),
        suspects: store.loadSuspects(),
      },
    });
    store.syncRegistry([...host.state.endpoints.values()].map(({ spec }) => spec));
    for (const endpoint of pool.endpoints) {
      const target = targetOf(endpoint, this.env);
      if (!host.state.endpoints.has(endpoint.id)) continue;
      const { engineLoad } = endpoint;
      const eye = engineLoad === "off" ? null : createEye(engineLoad);
      const adapterEye = pool.adapters.length === 0 ? null : await adapterEyeOf(endpoint, pool);
      if (target.ok) this.#looked.set(endpoint.id, { endpoint, target: target.value, eye, adapterEye });
      else console.error(`endpoint ${endpoint.id} is not probed: the secret ${target.error} is not set`);
    }
    return host;
  }

  /** The platform, as the shell of a shard needs it. */
  #ports(poolId: string, timeoutMs: number): ShardPorts {
    const { ctx } = this;
    return {
      clock: { now: () => Date.now(), after },
      rng: Math.random,
      spawn: (work) => ctx.waitUntil(work),
      // Unconfirmed: losing an alarm costs a late probe, waiting for the disk would cost every caller the flush.
      setAlarm: (atMs) => ctx.waitUntil(ctx.storage.setAlarm(atMs, { allowUnconfirmed: true })),
      exchange: async (region, digest) => this.#peer(poolId, region).exchange(digest),
      probe: async (endpointId) => this.#probe(endpointId, timeoutMs),
      wake: async (endpointId) => this.#wake(endpointId, timeoutMs),
      store: this.#store,
      tell: async (lines) => logNews(lines, (endpointId) => this.#newsPlace(endpointId)),
    };
  }

  #newsPlace(endpointId: string): NewsPlace | null {
    const state = this.#host?.state;
    const endpoint = this.#config?.pools.get(state?.pool.id ?? "")?.endpoints.find(({ id }) => id === endpointId);
    if (state === undefined || endpoint === undefined) return null;
    const target = this.#looked.get(endpointId)?.target;
    const credentials = target === undefined ? [] : credentialsOf(target);
    const { auth, health } = endpoint;
    return { pool: state.pool.id, region: state.region, auth, healthAuth: health.auth, credentials };
  }

  #peer(poolId: string, region: string) {
    const locationHint = this.#config?.regions.get(region)?.hint;
    const name = shardName(poolId, region);
    return this.env.POOL_SHARD.getByName(name, locationHint === undefined ? {} : { locationHint });
  }

  async #probe(endpointId: string, timeoutMs: number): Promise<ProbeResult | null> {
    const looked = this.#looked.get(endpointId);
    if (looked === undefined) return null;
    const { endpoint, target, eye, adapterEye } = looked;
    const result = await BACKENDS[endpoint.backend].probe(target, egress, AbortSignal.timeout(timeoutMs));
    if (result.kind !== "ready" || eye === null) return result;
    const { askEngine } = await import("../../../backends/engines/ask.ts");
    const told = await askEngine(eye, target, egress, Date.now());
    const engine = adapterEye === null ? told : await listed(adapterEye, told, target);
    return engine === null ? result : { ...result, engine };
  }

  async #wake(endpointId: string, timeoutMs: number): Promise<void> {
    const looked = this.#looked.get(endpointId);
    if (looked === undefined) return;
    await BACKENDS[looked.endpoint.backend].wake(looked.target, egress, AbortSignal.timeout(timeoutMs));
  }
}

async function adapterEyeOf(endpoint: EndpointConfig, { adapters }: PoolConfig): Promise<AdapterEye> {
  const { createAdapterEye } = await import("../../../backends/engines/adapters.ts");
  const { model } = endpoint;
  const names = typeof model === "object" ? new Map(Object.entries(model ?? {})) : new Map<string, string>();
  return createAdapterEye(new Map(adapters.map((name) => [name, names.get(name) ?? name])));
}

async function listed(eye: AdapterEye, report: EngineReport | null, target: Target): Promise<EngineReport | null> {
  const { withAdapters } = await import("../../../backends/engines/adapters.ts");
  return withAdapters(eye, report, { target, egress, now: Date.now() });
}

function after(ms: number, fn: () => void): () => void {
  const timer = setTimeout(fn, ms);
  return () => clearTimeout(timer);
}
