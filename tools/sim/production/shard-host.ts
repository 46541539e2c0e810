/**
 * The shell of a shard in the simulator: what `src/routing/object/pool-shard.ts` does, in virtual time.
 *
 * Model. Memory is one `ShardState`; an eviction drops it, and the next incarnation begins with a higher epoch and the
 * last checkpoint. The stored alarm survives. Probes travel within the region; the wake-up is a request like them.
 * Not modelled: the time that the object itself takes, which is some tens of microseconds a call.
 */
import type { ProbeResult } from "../../../src/routing/core/endpoint/endpoint.ts";
import { inFlight } from "../../../src/routing/core/shard/leases.ts";
import type { ViewSet } from "../../../src/routing/core/endpoint/endpoint-view.ts";
import type { Rng } from "../../../src/lib/rng.ts";
import { hasNews, isActive, isDigestDue, peerRegions } from "../../../src/routing/core/shard/shard.ts";
import type { ShardState } from "../../../src/routing/core/shard/shard-state.ts";
import type { Effect } from "../../../src/routing/core/shard/shard.ts";
import type { AcquireReply, AcquireRequest, AwaitOutcome, Carry } from "../../../src/routing/core/shard-messages.ts";
import { stream } from "../chance.ts";
import { WARMTH } from "../endpoint-health.ts";
import type { World } from "../world.ts";
import type { CoreCalls } from "./core-calls.ts";
import type { ScenarioPool } from "./pool-of.ts";
import type { Asked, Watch } from "./watch.ts";
import type { Wire } from "./wire.ts";

/** As in `src/routing/object/pool-shard.ts`, each with its reason there. */
const TICK_MS = 5_000;
const TICK_FAST_MS = 1_000;
const CHECKPOINT_MS = 10_000;
const PROBE_TIMEOUT_MS = 2_000;
const PROBE_GAP_MS = 250;

type Probe = { running: boolean; lastMs: number };

export type ShardSetup = {
  readonly world: World;
  readonly wire: Wire;
  readonly core: CoreCalls;
  readonly pool: ScenarioPool;
  readonly watch: Watch | null;
  /** Index of its region. */
  readonly region: number;
  /** The shard of another region; null where the pool has none. */
  readonly peer: (region: string) => ShardHost | null;
};

type Saved = { readonly counts: ReadonlyMap<string, number>; readonly atMs: number };

export class ShardHost {
  readonly region: number;
  readonly name: string;
  state: ShardState;
  readonly #setup: ShardSetup;
  readonly #rng: Rng;
  readonly #awaiting = new Map<string, { done: (outcome: AwaitOutcome) => void; fail: () => void }>();
  #probes = new Map<string, Probe>();
  #alarmAtMs = 0;
  /** The alarm in storage; 0 for none. */
  #storedAlarmMs = 0;
  #saved: Saved | null = null;
  #exchanging = false;

  constructor(setup: ShardSetup) {
    const { world, region, core, pool } = setup;
    this.#setup = setup;
    this.region = region;
    this.name = world.scenario.regions[region]?.name ?? "";
    this.#rng = stream(world.seed, `shard ${region}`);
    this.state = core.createShard(pool.spec, this.name, 1, world.nowMs);
    this.#resetProbes();
  }

  get #now(): number {
    return this.#setup.world.nowMs;
  }

  // Calls.

  acquire(request: AcquireRequest): AcquireReply {
    const { core, watch } = this.#setup;
    const isNew = !this.state.leases.live.has(request.leaseId);
    watch?.carried(this, request.carry);
    const { reply, effects } = core.acquire(this.state, request, this.#now, this.#rng);
    this.#perform(effects, { request, reply, isNew });
    this.#keepGoing();
    return reply;
  }

  report(carry: Carry): void {
    this.#setup.watch?.carried(this, carry);
    this.#perform(this.#setup.core.applyCarry(this.state, carry, this.#now, this.#rng));
    this.#keepGoing();
  }

  /** `done` is called once: when a slot frees or the time is up; `fail` when the shard is lost meanwhile. */
  awaitGrant(leaseId: string, done: (outcome: AwaitOutcome) => void, fail: () => void): void {
    const { state } = this;
    const resolved = state.resolved.get(leaseId);
    if (resolved !== undefined) return done(resolved.outcome);
    const waiter = state.queue.get(leaseId);
    if (waiter === undefined) return done({ kind: "shed", retryAfterMs: TICK_FAST_MS });
    this.#awaiting.set(leaseId, { done, fail });
    const giveUpInMs = Math.max(0, waiter.giveUpAtMs - this.#now);
    this.#setup.wire.later(giveUpInMs, () => {
      if (this.state === state && this.#awaiting.has(leaseId)) this.#sweep();
    });
  }

  exchange(digest: ViewSet): ViewSet {
    const { core } = this.#setup;
    core.absorbDigest(this.state, digest, this.#now);
    this.#setup.watch?.absorbed(this);
    this.state.lastTrafficMs = this.#now;
    this.#armAlarm();
    return core.makeDigest(this.state, this.#now);
  }

  /** Memory is lost. Calls that wait for an answer fail; the alarm in storage stays. */
  evict(): void {
    const { core, pool } = this.#setup;
    this.#setup.watch?.evicting(this);
    for (const { fail } of this.#awaiting.values()) fail();
    this.#awaiting.clear();
    this.#alarmAtMs = 0;
    this.#exchanging = false;
    this.#resetProbes();
    this.state = core.createShard(pool.spec, this.name, this.state.leases.epoch + 1, this.#now);
    const saved = this.#saved;
    if (saved === null) return;
    const fadeMs = pool.spec.leaseTtlMs - (this.#now - saved.atMs);
    for (const [endpointId, count] of saved.counts) {
      const endpoint = this.state.endpoints.get(endpointId);
      if (endpoint !== undefined && fadeMs > 0) core.inheritInFlight(endpoint, count, fadeMs, this.#now);
    }
  }

  // What goes on by itself.

  #alarm(): void {
    const { state } = this;
    this.#alarmAtMs = 0;
    this.#storedAlarmMs = 0;
    this.#sweep();
    if (this.#now - (this.#saved?.atMs ?? 0) >= CHECKPOINT_MS) this.#checkpoint();
    if (!isActive(state, this.#now)) return;
    this.#armAlarm();
    for (const endpointId of state.endpoints.keys()) this.#probe(endpointId);
    this.#exchangeDigests();
  }

  #sweep(): void {
    this.#perform(this.#setup.core.sweep(this.state, this.#now, this.#rng));
  }

  #perform(effects: readonly Effect[], asked: Asked | null = null): void {
    this.#setup.watch?.called(this, effects, asked);
    for (const effect of effects) {
      switch (effect.kind) {
        case "resolved": {
          const outcome = this.state.resolved.get(effect.leaseId)?.outcome;
          if (outcome !== undefined) this.#awaiting.get(effect.leaseId)?.done(outcome);
          this.#awaiting.delete(effect.leaseId);
          break;
        }
        case "probe":
          this.#probe(effect.endpointId);
          break;
        case "wake":
          this.#wake(effect.endpointId);
          break;
      }
    }
  }

  #keepGoing(): void {
    if (this.#alarmAtMs === 0) {
      this.#armAlarm();
      for (const endpointId of this.state.endpoints.keys()) this.#probe(endpointId);
    }
    if (!this.#exchanging && isDigestDue(this.state, this.#now)) this.#exchangeDigests();
  }

  #exchangeDigests(): void {
    const { wire, core, peer } = this.#setup;
    const { state } = this;
    const peers = peerRegions(state).map((region) => peer(region));
    let left = peers.length;
    this.#exchanging = left > 0;
    const back = (): void => {
      left -= 1;
      if (left > 0 || this.state !== state) return;
      this.#exchanging = false;
      if (hasNews(state)) this.#keepGoing();
    };
    const digest = core.makeDigest(state, this.#now);
    for (const other of peers) {
      if (other === null) {
        back();
        continue;
      }
      wire.call<ViewSet>(
        { from: this.region, to: other.region },
        {
          serve: (reply) => reply(other.exchange(digest)),
          onReply: (answer) => {
            // An answer to an earlier incarnation is nobody's.
            if (this.state !== state) return;
            core.absorbDigest(state, answer, this.#now);
            this.#setup.watch?.absorbed(this);
            back();
          },
          onFail: back,
          doubles: true,
        },
      );
    }
  }

  #probe(endpointId: string): void {
    const { world, wire, pool, core } = this.#setup;
    const probe = this.#probes.get(endpointId);
    const endpoint = pool.indexOf.get(endpointId);
    if (probe === undefined || endpoint === undefined) return;
    if (probe.running || this.#now - probe.lastMs < PROBE_GAP_MS) return;
    probe.running = true;
    const { state } = this;
    const done = (result: ProbeResult): void => {
      if (this.state !== state) return;
      probe.running = false;
      probe.lastMs = this.#now;
      const wasDown = state.endpoints.get(endpointId)?.health === "down";
      const effects = core.applyProbe(state, endpointId, result, this.#now, this.#rng);
      if (wasDown && state.endpoints.get(endpointId)?.health === "up") this.#setup.watch?.cameBack(this, endpointId);
      this.#perform(effects);
    };
    const halfMs = world.network.oneWayMs(this.region, world.regionOf(endpoint));
    wire.later(halfMs, () => {
      const result = this.#look(endpoint);
      if (result === null) wire.later(PROBE_TIMEOUT_MS - halfMs, () => done({ kind: "failed" }));
      else wire.later(world.network.oneWayMs(world.regionOf(endpoint), this.region), () => done(result));
    });
  }

  /** What the endpoint answers now; null: nothing. */
  #look(endpoint: number): ProbeResult | null {
    const { health } = this.#setup.world;
    const warmth = health.warmth[endpoint];
    if (!health.probesUp(endpoint)) {
      const isSilent = warmth === WARMTH.warm && health.holds(endpoint);
      return isSilent ? null : { kind: "failed" };
    }
    if (warmth === WARMTH.warm) return { kind: "ready", warmWorkers: 1, running: null };
    return warmth === WARMTH.warming ? { kind: "warming" } : { kind: "cold" };
  }

  #wake(endpointId: string): void {
    const { world, wire, pool } = this.#setup;
    const endpoint = pool.indexOf.get(endpointId);
    if (endpoint === undefined) return;
    wire.later(world.network.oneWayMs(this.region, world.regionOf(endpoint)), () => {
      world.wakeUp(endpoint);
    });
  }

  #armAlarm(): void {
    const { endpoints } = this.state;
    const well = [...endpoints.values()].every(({ health, warmth }) => health === "up" && warmth === "warm");
    const dueMs = this.#now + (well ? TICK_MS : TICK_FAST_MS);
    if (this.#alarmAtMs !== 0 && this.#alarmAtMs <= dueMs && this.#now - this.#alarmAtMs < TICK_MS) return;
    this.#alarmAtMs = dueMs;
    this.#storedAlarmMs = dueMs;
    this.#setup.wire.later(dueMs - this.#now, () => {
      if (this.#storedAlarmMs === dueMs) this.#alarm();
    });
  }

  #checkpoint(): void {
    const { leases, endpoints } = this.state;
    const counts = new Map([...endpoints.keys()].map((id) => [id, inFlight(leases, id)]));
    this.#saved = { counts, atMs: this.#now };
  }

  #resetProbes(): void {
    this.#probes = new Map([...this.state.endpoints.keys()].map((id) => [id, { running: false, lastMs: -Infinity }]));
  }
}
