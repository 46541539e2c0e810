/**
 * The place of a shard in the simulator: its platform, in virtual time, with the shell that ships in it
 * (`src/routing/host/shard-host.ts`).
 *
 * Model. Memory is one `ShardHost`; an eviction drops it, and what it had begun ends unheard. The next incarnation begins
 * with a higher epoch and what was stored; the alarm in storage survives. Probes travel within the region; the wake-up is
 * a request like them. Not modelled: the time that the object itself takes, which is some tens of microseconds a call.
 */
import type { ProbeResult } from "../../../src/routing/core/endpoint/endpoint.ts";
import type { ViewSet } from "../../../src/routing/core/endpoint/endpoint-view.ts";
import type { Rng } from "../../../src/lib/rng.ts";
import type { ShardState } from "../../../src/routing/core/shard/shard-state.ts";
import type {
  AcquireReply,
  AcquireRequest,
  AwaitOutcome,
  Report,
  ReportReply,
} from "../../../src/routing/core/shard-messages.ts";
import { PROBE_TIMEOUT_MS, ShardHost } from "../../../src/routing/host/shard-host.ts";
import type { Clock } from "../../../src/routing/host/clock.ts";
import type { SuspectKept } from "../../../src/routing/core/shard/poison.ts";
import type { Checkpoint, ShardPorts } from "../../../src/routing/host/shard-ports.ts";
import { stream } from "../chance.ts";
import { WARMTH } from "../endpoint-health.ts";
import type { World } from "../world.ts";
import type { CoreCalls } from "./core-calls.ts";
import type { ScenarioPool } from "./pool-of.ts";
import { seenCalls } from "./seen-calls.ts";
import type { Watch } from "./watch.ts";
import type { Wire } from "./wire.ts";

export type SimShardSetup = {
  readonly world: World;
  readonly wire: Wire;
  readonly core: CoreCalls;
  readonly pool: ScenarioPool;
  readonly watch: Watch | null;
  /** Index of its region. */
  readonly region: number;
  /** The shard of another region; null where the pool has none. */
  readonly peer: (region: string) => SimShard | null;
};

export class SimShard {
  readonly region: number;
  readonly name: string;
  readonly #setup: SimShardSetup;
  readonly #rng: Rng;
  #host: ShardHost;
  /** Calls that wait for an answer: they fail with the memory. */
  readonly #waiting = new Set<() => void>();
  /** The alarm in storage; 0 for none. */
  #alarmAtMs = 0;
  #checkpoints: readonly Checkpoint[] = [];
  #suspects: readonly SuspectKept[] = [];
  readonly #down = new Set<string>();

  constructor(setup: SimShardSetup) {
    const { world, region } = setup;
    this.#setup = setup;
    this.region = region;
    this.name = world.scenario.regions[region]?.name ?? "";
    this.#rng = stream(world.seed, `shard ${region}`);
    this.#host = this.#begin(1);
  }

  get state(): ShardState {
    return this.#host.state;
  }

  // Calls.

  acquire(request: AcquireRequest): AcquireReply {
    return this.#host.acquire(request);
  }

  report(report: Report): ReportReply {
    return this.#host.report(report);
  }

  exchange(digest: ViewSet): ViewSet {
    return this.#host.exchange(digest);
  }

  /** `done` is called once: when a slot frees or the time is up; `fail` when the shard is lost meanwhile. */
  awaitGrant(leaseId: string, done: (outcome: AwaitOutcome) => void, fail: () => void): void {
    this.#waiting.add(fail);
    this.#setup.world.spawn(this.#answer(leaseId, done, fail));
  }

  /** Memory is lost. Calls that wait for an answer fail; what is stored stays. */
  evict(): void {
    this.#setup.watch?.evicting(this);
    const lost = [...this.#waiting];
    this.#waiting.clear();
    for (const fail of lost) fail();
    this.#host = this.#begin(this.state.leases.epoch + 1);
  }

  async #answer(leaseId: string, done: (outcome: AwaitOutcome) => void, fail: () => void): Promise<void> {
    const outcome = await this.#host.awaitGrant(leaseId);
    if (this.#waiting.delete(fail)) done(outcome);
  }

  #begin(epoch: number): ShardHost {
    const { core, pool, watch, world } = this.#setup;
    const kept = {
      epoch,
      down: [...this.#down],
      drained: [],
      checkpoints: this.#checkpoints,
      suspects: this.#suspects,
    };
    const seen = seenCalls(core, { shard: this, watch, resolved: () => world.turn() });
    const host: ShardHost = new ShardHost(
      this.#ports(() => this.#host === host),
      { pool: pool.spec, region: this.name, kept },
      seen,
    );
    return host;
  }

  /** The platform of one incarnation; nothing reaches it once it is lost. */
  #ports(isAlive: () => boolean): ShardPorts {
    const { world, wire } = this.#setup;
    const ifAlive = (run: () => void) => (): void => {
      if (isAlive()) run();
    };
    const clock: Clock = { now: () => world.nowMs, after: (ms, fn) => wire.later(ms, ifAlive(fn)) };
    const settle = (run: () => void): void => {
      if (!isAlive()) return;
      run();
      world.turn();
    };
    return {
      clock,
      rng: this.#rng,
      spawn: (work) => world.spawn(work),
      setAlarm: (atMs) => this.#setAlarm(atMs),
      exchange: async (region, digest) =>
        new Promise((resolve, reject) => {
          this.#exchange(region, digest, (answer) => {
            settle(() => (answer === null ? reject(new Error("lost")) : resolve(answer)));
          });
        }),
      probe: async (endpointId) =>
        new Promise((resolve) => this.#probe(endpointId, (result) => settle(() => resolve(result)))),
      wake: async (endpointId) => this.#wake(endpointId),
      store: {
        saveCheckpoint: (checkpoints) => void (this.#checkpoints = checkpoints),
        // Nobody drains in a scenario.
        saveDrained: () => undefined,
        saveDown: (endpointId, atMs) =>
          void (atMs === null ? this.#down.delete(endpointId) : this.#down.add(endpointId)),
        saveSuspects: (suspects) => void (this.#suspects = suspects),
      },
      tell: async () => undefined,
    };
  }

  #setAlarm(atMs: number): void {
    const { wire, world } = this.#setup;
    this.#alarmAtMs = atMs;
    wire.later(atMs - world.nowMs, () => {
      if (this.#alarmAtMs !== atMs) return;
      this.#alarmAtMs = 0;
      world.spawn(this.#host.alarm());
    });
  }

  /** `done` is called once; null: the call failed. */
  #exchange(region: string, digest: ViewSet, done: (answer: ViewSet | null) => void): void {
    const { wire, peer } = this.#setup;
    const other = peer(region);
    if (other === null) return done(null);
    return wire.call<ViewSet>(
      { from: this.region, to: other.region },
      { serve: (reply) => reply(other.exchange(digest)), onReply: done, onFail: () => done(null), doubles: true },
    );
  }

  #probe(endpointId: string, done: (result: ProbeResult | null) => void): void {
    const { world, wire, pool } = this.#setup;
    const endpoint = pool.indexOf.get(endpointId);
    if (endpoint === undefined) return done(null);
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
    const { scenario, adapters: resident } = this.#setup.world;
    const { engine } = scenario;
    const kvTokensMax = engine.kind === "step" ? engine.params.kvTokensMax : null;
    const adapters = resident?.toldAt(endpoint);
    const told = { ...(kvTokensMax === null ? {} : { kvTokensMax }), ...(adapters === undefined ? {} : { adapters }) };
    const words = Object.keys(told).length === 0 ? {} : { engine: told };
    if (warmth === WARMTH.warm) return { kind: "ready", warmWorkers: 1, ...words };
    return warmth === WARMTH.warming ? { kind: "warming" } : { kind: "cold" };
  }

  #wake(endpointId: string): void {
    const { world, wire, pool } = this.#setup;
    const endpoint = pool.indexOf.get(endpointId);
    if (endpoint === undefined) return;
    wire.later(world.network.oneWayMs(this.region, world.regionOf(endpoint)), () => world.wakeUp(endpoint));
  }
}
