/**
 * The shell of a shard: the Durable Object that is the one authority over the endpoints of a pool in a region.
 *
 * It loads what was kept, gives the pure core its clock, and performs the effects. A request touches memory only: the
 * alarm probes, checkpoints and re-arms itself while there is traffic. RPC methods return unions and never throw for
 * what a caller can cause: a rejected call leaks an unhandled rejection in workerd, and breaks the stub.
 */
import type { Drained, ShardStatus } from "../../wire/shard-status.ts";
import { DurableObject } from "cloudflare:workers";
import { egress } from "../../../backends/egress.ts";
import { BACKENDS } from "../../../backends/registry.ts";
import { credentialsOf, targetOf } from "../../../backends/targets.ts";
import type { Target } from "../../../backends/port.ts";
import { inheritInFlight, presumeDown, setDrained } from "../core/endpoint/endpoint.ts";
import type { ProbeResult } from "../core/endpoint/endpoint.ts";
import type { ViewSet } from "../core/endpoint/endpoint-view.ts";
import { explainShard } from "../core/cost/explain.ts";
import type { ExplainRequest, Explanation } from "../core/cost/explain.ts";
import { inFlight } from "../core/shard/leases.ts";
import {
  absorbDigest,
  createShard,
  hasNews,
  isActive,
  isDigestDue,
  makeDigest,
  ownViews,
  peerRegions,
  tellPeersSoon,
  watchedIdle,
} from "../core/shard/shard.ts";
import type { ShardState } from "../core/shard/shard-state.ts";
import type { Effect } from "../core/shard/shard.ts";
import { acquire } from "../core/shard/shard-acquire.ts";
import type { AcquireReply, AcquireRequest, AwaitOutcome, Carry, ReportReply } from "../core/shard-messages.ts";
import { leaveNews } from "../core/shard/shard-leave.ts";
import { takeNews } from "../core/shard/shard-news.ts";
import type { NewsLine } from "../core/shard/news.ts";
import { applyDrain, applyProbe } from "../core/shard/shard-observe.ts";
import { applyCarry, sweep } from "../core/shard/shard-settle.ts";
import type { Config, EndpointConfig } from "../../config/config.ts";
import { loadConfig } from "../../config/env.ts";
import type { Env } from "../../config/env.ts";
import type { NewsPlace } from "../../wire/news-line.ts";
import { poolSpec } from "../../config/pool-spec.ts";
import { parseShardName, shardName } from "../core/shard-name.ts";
import { ShardStore } from "./shard-store.ts";
import { logNews, showEndpoints } from "./shard-telling.ts";

/** Probes and checkpoints while every endpoint is well, ms. */
const TICK_MS = 5_000;
/** … and while one is cold, warming, suspect or down: recovery should be seen within a second. */
const TICK_FAST_MS = 1_000;
/**
 * Probes of a pool without traffic, ms: with the second probe, a second later, an endpoint that is gone is known to be
 * within a minute. Costs an alarm, a written row and a probe per endpoint each time (docs/routing.md).
 */
export const TICK_IDLE_MS = 45_000;
/** Checkpoints, ms: what is lost at worst is this much of an estimate. */
export const CHECKPOINT_MS = 10_000;
/** Held requests are looked at this often even if nothing happens, ms: a wait ends no later than this after its time. */
const QUEUE_WATCH_MS = 100;
/** A probe that has no answer by then has failed, ms. */
const PROBE_TIMEOUT_MS = 2_000;
/** Observations ask for probes; one endpoint is probed at most this often, ms. */
const PROBE_GAP_MS = 250;

export type ShardEnv = Env & { readonly POOL_SHARD: DurableObjectNamespace<PoolShard> };

type Probe = { readonly endpoint: EndpointConfig; readonly target: Target; running: boolean; lastMs: number };

export class PoolShard extends DurableObject<ShardEnv> {
  readonly #store: ShardStore;
  readonly #state: ShardState | null;
  readonly #config: Config | null;
  readonly #probes = new Map<string, Probe>();
  readonly #awaiting = new Map<string, (outcome: AwaitOutcome) => void>();
  #alarmAtMs = 0;
  #checkpointMs = 0;
  #exchanging = false;
  #watching = false;

  constructor(ctx: DurableObjectState, env: ShardEnv) {
    super(ctx, env);
    this.#store = new ShardStore(ctx.storage);
    const { parsed } = loadConfig(env);
    this.#config = parsed.ok ? parsed.value : null;
    this.#state = this.#restore(ctx.id.name ?? "");
  }

  acquire(request: AcquireRequest): AcquireReply {
    const state = this.#state;
    if (state === null) return { outcome: { kind: "no_endpoint" }, tight: false, snapshot: null, candidates: null };
    const { reply, effects } = acquire(state, request, Date.now(), Math.random);
    this.#perform(effects);
    this.#keepGoing();
    return reply;
  }

  /** What a queued request gets in the end; resolves when a slot frees or its time is up. */
  async awaitGrant(leaseId: string): Promise<AwaitOutcome> {
    const state = this.#state;
    const resolved = state?.resolved.get(leaseId);
    if (resolved !== undefined) return resolved.outcome;
    if (state?.queue.has(leaseId) !== true) return { kind: "shed", retryAfterMs: TICK_FAST_MS };
    const outcome = new Promise<AwaitOutcome>((resolve) => this.#awaiting.set(leaseId, resolve));
    this.#watchQueue(state);
    return outcome;
  }

  /** Settlements and confirmations that no acquire carried. */
  report(carry: Carry): ReportReply {
    if (this.#state === null) return {};
    this.#perform(applyCarry(this.#state, carry, Date.now(), Math.random));
    this.#keepGoing();
    return leaveNews(this.#state, Date.now());
  }

  /** A peer's digest for this shard's own. Being asked counts as traffic, so that what it tells stays fresh. */
  exchange(digest: ViewSet): ViewSet | null {
    if (this.#state === null) return null;
    absorbDigest(this.#state, digest, Date.now());
    this.#perform(sweep(this.#state, Date.now(), Math.random));
    this.#state.lastTrafficMs = Date.now();
    this.#armAlarm();
    return makeDigest(this.#state, Date.now());
  }

  /** Its state for people, after probing every endpoint if `probe` asks for it. */
  async status(probe: boolean): Promise<ShardStatus | null> {
    const state = this.#state;
    if (state === null) return null;
    if (probe) {
      await Promise.all([...state.endpoints.keys()].map(async (endpointId) => this.#probe(endpointId)));
      this.#armAlarm();
    }
    this.#perform(sweep(state, Date.now(), Math.random));
    const endpoints = await showEndpoints(state, (endpointId) => this.#newsPlace(endpointId));
    return {
      pool: state.pool.id,
      region: state.region,
      epoch: state.leases.epoch,
      liveLeases: state.leases.live.size,
      queued: state.queue.size,
      endpoints,
      drained: [...state.endpoints.values()].filter(({ drained }) => drained).map(({ spec }) => spec.id),
    };
  }

  /** The decision that a request would meet now: nothing is leased, woken or counted. */
  explain(request: ExplainRequest): Explanation | null {
    const state = this.#state;
    if (state === null) return null;
    this.#perform(sweep(state, Date.now(), Math.random));
    return explainShard(state, request, Date.now(), Math.random);
  }

  /** An operator takes an endpoint out of traffic, or puts it back; kept over restarts. Null: it is not this shard's. */
  drain(endpointId: string, drained: boolean): Drained | null {
    const state = this.#state;
    const known = state?.endpoints.get(endpointId);
    if (state === null || known === undefined) return null;
    const now = Date.now();
    // The first word stands: asked again, it is not drained any later.
    if (known.drained !== drained) this.#store.saveDrained(endpointId, drained ? now : null);
    this.#perform(applyDrain(state, endpointId, drained, now, Math.random) ?? []);
    tellPeersSoon(state);
    this.#keepGoing();
    const endpoint = ownViews(state, now).find(({ id }) => id === endpointId);
    return endpoint === undefined ? null : { drained, endpoint };
  }

  /** Development only: loses its memory as an eviction would. */
  restart(): void {
    if (this.env.WARMPATH_DEV === "1") this.ctx.abort("restarted on request");
  }

  override async alarm(): Promise<void> {
    const state = this.#state;
    this.#alarmAtMs = 0;
    if (state === null) return;
    const now = Date.now();
    this.#perform(sweep(state, now, Math.random));
    if (now - this.#checkpointMs >= CHECKPOINT_MS) this.#checkpoint(state, now);
    const active = isActive(state, now);
    const watched = active ? [...state.endpoints.values()] : watchedIdle(state);
    if (watched.length === 0) return;
    // Re-armed before anything that may fail: an alarm that throws stops after six retries.
    this.#armAlarm();
    await Promise.all(watched.map(async ({ spec }) => this.#probe(spec.id)));
    if (active) await this.#exchangeDigests(state);
    // The next look is due sooner where this one has found an endpoint silent.
    else this.#armAlarm();
  }

  #restore(name: string): ShardState | null {
    const parsed = parseShardName(name);
    const pool = parsed === null ? undefined : this.#config?.pools.get(parsed.pool);
    if (this.#config === null || parsed === null || pool === undefined) return null;
    const now = Date.now();
    const state = createShard(poolSpec(this.#config, parsed.pool), parsed.region, this.#store.beginEpoch(), now);
    this.#store.syncRegistry([...state.endpoints.values()].map(({ spec }) => spec));
    // What an earlier incarnation has told is no news.
    for (const endpointId of this.#store.loadDown()) {
      const endpoint = state.endpoints.get(endpointId);
      if (endpoint !== undefined) presumeDown(endpoint);
      state.news.standings.set(endpointId, "down");
    }
    for (const endpointId of this.#store.loadDrained()) {
      const endpoint = state.endpoints.get(endpointId);
      if (endpoint !== undefined) setDrained(endpoint, true);
      state.news.standings.set(endpointId, "draining");
    }
    for (const { endpointId, inFlight: count, savedAtMs } of this.#store.loadCheckpoint()) {
      const endpoint = state.endpoints.get(endpointId);
      const fadeMs = state.pool.leaseTtlMs - (now - savedAtMs);
      if (endpoint !== undefined && fadeMs > 0) inheritInFlight(endpoint, count, fadeMs, now);
    }
    for (const endpoint of pool.endpoints) {
      const target = targetOf(endpoint, this.env);
      if (!state.endpoints.has(endpoint.id)) continue;
      if (target.ok) this.#probes.set(endpoint.id, { endpoint, target: target.value, running: false, lastMs: 0 });
      else console.error(`endpoint ${endpoint.id} is not probed: the secret ${target.error} is not set`);
    }
    return state;
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case "resolved": {
          const outcome = this.#state?.resolved.get(effect.leaseId)?.outcome;
          if (outcome !== undefined) this.#awaiting.get(effect.leaseId)?.(outcome);
          this.#awaiting.delete(effect.leaseId);
          break;
        }
        case "probe":
          this.ctx.waitUntil(this.#probe(effect.endpointId));
          break;
        case "wake":
          this.ctx.waitUntil(this.#wake(effect.endpointId));
          break;
      }
    }
    const lines = this.#state === null ? [] : takeNews(this.#state.news);
    if (lines.length > 0) this.ctx.waitUntil(this.#tell(lines));
  }

  /** Says what operators are to be told; who is gone is remembered, because an idle object is evicted between two looks. */
  async #tell(lines: readonly NewsLine[]): Promise<void> {
    for (const line of lines) {
      if (line.event !== "endpoint_standing") continue;
      if (line.to === "down") this.#store.saveDown(line.endpointId, Date.now());
      else if (line.from === "down") this.#store.saveDown(line.endpointId, null);
    }
    await logNews(lines, (endpointId) => this.#newsPlace(endpointId));
  }

  #newsPlace(endpointId: string): NewsPlace | null {
    const state = this.#state;
    const endpoint = this.#config?.pools.get(state?.pool.id ?? "")?.endpoints.find(({ id }) => id === endpointId);
    if (state === null || endpoint === undefined) return null;
    const target = this.#probes.get(endpointId)?.target;
    const credentials = target === undefined ? [] : credentialsOf(target);
    return { pool: state.pool.id, region: state.region, auth: endpoint.auth, credentials };
  }

  /** What a call sets off beside its answer. */
  #keepGoing(): void {
    const state = this.#state;
    if (state === null) return;
    // None, or the slow one of a pool that was idle.
    if (this.#alarmAtMs === 0 || this.#alarmAtMs > Date.now() + TICK_MS) {
      this.#armAlarm();
      for (const endpointId of state.endpoints.keys()) this.ctx.waitUntil(this.#probe(endpointId));
    }
    if (!this.#exchanging && isDigestDue(state, Date.now())) this.ctx.waitUntil(this.#exchangeDigests(state));
  }

  /** While requests are held: news of other regions must come without a call, and a wait must end in time. */
  #watchQueue(state: ShardState): void {
    if (this.#watching) return;
    this.#watching = true;
    setTimeout(() => {
      this.#watching = false;
      this.#perform(sweep(state, Date.now(), Math.random));
      if (state.queue.size === 0) return;
      if (!this.#exchanging && isDigestDue(state, Date.now())) this.ctx.waitUntil(this.#exchangeDigests(state));
      this.#watchQueue(state);
    }, QUEUE_WATCH_MS);
  }

  async #exchangeDigests(state: ShardState): Promise<void> {
    // A slow peer must not pile up calls.
    if (this.#exchanging) return;
    this.#exchanging = true;
    const digest = makeDigest(state, Date.now());
    await Promise.all(
      peerRegions(state).map(async (region) => {
        try {
          const answer = await this.#peer(state, region).exchange(digest);
          if (answer !== null) absorbDigest(state, answer, Date.now());
        } catch {
          // The peer is away: its last digest ages out by itself, and nothing here depends on it.
        }
      }),
    );
    this.#exchanging = false;
    // What changed meanwhile is news: nobody else may call for a while.
    if (hasNews(state)) this.#keepGoing();
    // What a digest told may be what a held request waited for.
    this.#perform(sweep(state, Date.now(), Math.random));
  }

  #peer(state: ShardState, region: string) {
    const locationHint = this.#config?.regions.get(region)?.hint;
    const name = shardName(state.pool.id, region);
    return this.env.POOL_SHARD.getByName(name, locationHint === undefined ? {} : { locationHint });
  }

  async #probe(endpointId: string): Promise<void> {
    const probe = this.#probes.get(endpointId);
    const state = this.#state;
    if (probe === undefined || state === null) return;
    if (probe.running || Date.now() - probe.lastMs < PROBE_GAP_MS) return;
    probe.running = true;
    const backend = BACKENDS[probe.endpoint.backend];
    const result: ProbeResult = await backend.probe(probe.target, egress, AbortSignal.timeout(PROBE_TIMEOUT_MS));
    probe.running = false;
    probe.lastMs = Date.now();
    this.#perform(applyProbe(state, endpointId, result, Date.now(), Math.random));
  }

  async #wake(endpointId: string): Promise<void> {
    const probe = this.#probes.get(endpointId);
    if (probe === undefined) return;
    await BACKENDS[probe.endpoint.backend].wake(probe.target, egress, AbortSignal.timeout(PROBE_TIMEOUT_MS));
  }

  #armAlarm(): void {
    const state = this.#state;
    const now = Date.now();
    if (state === null) return;
    const dueMs = now + tickMs(state, now);
    // An alarm that should have fired long ago is stuck: arm it again.
    if (this.#alarmAtMs !== 0 && this.#alarmAtMs <= dueMs && now - this.#alarmAtMs < TICK_MS) return;
    this.#alarmAtMs = dueMs;
    // Unconfirmed: losing an alarm costs a late probe, waiting for the disk would cost every caller the flush.
    this.ctx.waitUntil(this.ctx.storage.setAlarm(dueMs, { allowUnconfirmed: true }));
  }

  #checkpoint(state: ShardState, now: number): void {
    this.#checkpointMs = now;
    this.#store.saveCheckpoint(
      [...state.endpoints.keys()].map((endpointId) => ({
        endpointId,
        inFlight: inFlight(state.leases, endpointId),
        savedAtMs: now,
      })),
    );
  }
}

/** When to look at the endpoints again, ms. */
function tickMs(state: ShardState, now: number): number {
  if (!isActive(state, now)) {
    return watchedIdle(state).some(({ health }) => health === "suspect") ? TICK_FAST_MS : TICK_IDLE_MS;
  }
  const well = [...state.endpoints.values()].every(({ health, warmth }) => health === "up" && warmth === "warm");
  return well ? TICK_MS : TICK_FAST_MS;
}
