/**
 * The shell of a shard, wherever it runs: gives the pure core its clock and performs its effects.
 *
 * Model. One host is one incarnation of a shard: it begins from what was kept, lives in memory, and ends with it. A
 * request touches memory only: the alarm probes, checkpoints and re-arms itself while there is traffic. The Durable
 * Object (`object/pool-shard.ts`) and the simulator run this same class over their own ports, so that what the
 * simulator shows is what ships. Rejected: a copy of the shell in virtual time, which drifts from the one that ships.
 */
import { presumeDown, setDrained } from "../core/endpoint/endpoint.ts";
import type { EndpointView, ViewSet } from "../core/endpoint/endpoint-view.ts";
import type { ExplainRequest, Explanation } from "../core/cost/explain.ts";
import { inFlight } from "../core/shard/leases.ts";
import {
  hasNews,
  isActive,
  isDigestDue,
  ownViews,
  peerRegions,
  tellPeersSoon,
  watchedIdle,
} from "../core/shard/shard.ts";
import type { Effect } from "../core/shard/shard.ts";
import type { ShardState } from "../core/shard/shard-state.ts";
import type { AcquireReply, AcquireRequest, AwaitOutcome, Report, ReportReply } from "../core/shard-messages.ts";
import { leaveNews } from "../core/shard/shard-leave.ts";
import { takeNews } from "../core/shard/shard-news.ts";
import { tokensLeft } from "../core/shard/tenant-debts.ts";
import type { NewsLine } from "../core/shard/news.ts";
import { applyDrain } from "../core/shard/shard-observe.ts";
import { keptSuspects, restoreSuspects } from "../core/shard/poison.ts";
import { pardon, suspectsOf } from "../core/shard/shard-poison.ts";
import { waitingByPriority } from "../core/shard/shard-eta.ts";
import { SHARD_CALLS } from "./shard-ports.ts";
import type { Kept, ShardCalls, ShardPorts, ShardSetup, ShardSummary } from "./shard-ports.ts";

/** Probes and checkpoints while every endpoint is well, ms. */
const TICK_MS = 5_000;
/**
 * … and while one is cold, warming, suspect or down: recovery should be seen within a second; or has requests of
 * others, of whom nobody but its engine tells.
 */
const TICK_FAST_MS = 1_000;
/**
 * Probes of a pool without traffic, ms: with the second probe, a second later, an endpoint that is gone is known to be
 * within a minute. Costs an alarm, a written row and a probe per endpoint each time (docs/explanation/routing.md).
 */
export const TICK_IDLE_MS = 45_000;
/** Checkpoints, ms: what is lost at worst is this much of an estimate. */
export const CHECKPOINT_MS = 10_000;
/**
 * Held requests are looked at this often even if nothing happens, ms: a wait ends no later than this after its time.
 */
const QUEUE_WATCH_MS = 100;
/** A probe that has no answer by then has failed, ms. */
export const PROBE_TIMEOUT_MS = 2_000;
/** Observations ask for probes; one endpoint is probed at most this often, ms. */
const PROBE_GAP_MS = 250;

/** `isDue`: somebody asked for one too soon after the last. */
type Probe = { running: boolean; isDue: boolean; lastMs: number };

export class ShardHost {
  readonly state: ShardState;
  readonly #ports: ShardPorts;
  readonly #core: ShardCalls;
  readonly #probes: ReadonlyMap<string, Probe>;
  readonly #awaiting = new Map<string, (outcome: AwaitOutcome) => void>();
  /** 0: none is set. */
  #alarmAtMs = 0;
  #checkpointMs = Number.NEGATIVE_INFINITY;
  /** Of `poison`, as far as it is kept. */
  #keptChanges = 0;
  #exchanging = false;
  #watching = false;

  constructor(ports: ShardPorts, { pool, region, kept }: ShardSetup, core: ShardCalls = SHARD_CALLS) {
    this.#ports = ports;
    this.#core = core;
    this.state = core.createShard(pool, region, kept.epoch, ports.clock.now());
    this.#probes = new Map(
      [...this.state.endpoints.keys()].map((id) => [
        id,
        { running: false, isDue: false, lastMs: Number.NEGATIVE_INFINITY },
      ]),
    );
    this.#restore(kept);
  }

  // Calls.

  acquire(request: AcquireRequest): AcquireReply {
    const { reply, effects } = this.#core.acquire(this.state, request, this.#now, this.#ports.rng);
    this.#perform(effects);
    this.#keepGoing();
    return reply;
  }

  /** What a queued request gets in the end; resolves when a slot frees or its time is up. */
  async awaitGrant(leaseId: string): Promise<AwaitOutcome> {
    const resolved = this.state.resolved.get(leaseId);
    if (resolved !== undefined) return resolved.outcome;
    if (!this.state.queue.has(leaseId)) return { kind: "shed", retryAfterMs: TICK_FAST_MS };
    const outcome = new Promise<AwaitOutcome>((resolve) => this.#awaiting.set(leaseId, resolve));
    this.#watchQueue();
    return outcome;
  }

  /** Settlements and confirmations that no acquire carried. */
  report(report: Report): ReportReply {
    this.#perform(this.#core.applyReport(this.state, report, this.#now, this.#ports.rng));
    this.#keepGoing();
    return leaveNews(this.state, this.#now);
  }

  /** A peer's digest for this shard's own. Being asked counts as traffic, so that what it tells stays fresh. */
  exchange(digest: ViewSet): ViewSet {
    this.#hear(digest);
    this.state.lastTrafficMs = this.#now;
    this.#armAlarm();
    return this.#core.makeDigest(this.state, this.#now);
  }

  /** The decision that a request would meet now: nothing is leased, woken or counted. */
  async explain(request: ExplainRequest): Promise<Explanation> {
    // Operators ask rarely: what puts a decision into words is loaded by the first.
    const { explainShard } = await import("../core/shard/shard-explain.ts");
    this.sweep();
    return explainShard(this.state, request, this.#now, this.#ports.rng);
  }

  /**
   * An operator takes an endpoint out of traffic, or puts it back; kept over restarts. Null: it is not this shard's.
   */
  drain(endpointId: string, drained: boolean): EndpointView | null {
    const known = this.state.endpoints.get(endpointId);
    if (known === undefined) return null;
    const now = this.#now;
    // The first word stands: asked again, it is not drained any later.
    if (known.drained !== drained) this.#ports.store.saveDrained(endpointId, drained ? now : null);
    this.#perform(applyDrain(this.state, endpointId, drained, now, this.#ports.rng) ?? []);
    tellPeersSoon(this.state);
    this.#keepGoing();
    return ownViews(this.state, now).find(({ id }) => id === endpointId) ?? null;
  }

  /** An operator speaks for a request under which endpoints ended, or for all (null). How many that were. */
  pardon(request: string | null): number {
    const pardoned = pardon(this.state, request, this.#now);
    this.#keepSuspects();
    this.#keepGoing();
    return pardoned;
  }

  /** What it is like now, for people. */
  summary(): ShardSummary {
    this.sweep();
    const { state } = this;
    return {
      pool: state.pool.id,
      region: state.region,
      epoch: state.leases.epoch,
      liveLeases: state.leases.live.size,
      queued: state.queue.size,
      queuedBy: waitingByPriority(state),
      budgets: {
        retry: tokensLeft(state.budgets.retry, state.debts.retry),
        hedge: tokensLeft(state.budgets.hedge, state.debts.hedge),
      },
      views: ownViews(state, this.#now),
      poison: suspectsOf(state, this.#now),
      drained: [...state.endpoints.values()].filter(({ drained }) => drained).map(({ spec }) => spec.id),
    };
  }

  async probeAll(): Promise<void> {
    await Promise.all([...this.state.endpoints.keys()].map(async (endpointId) => this.#probe(endpointId)));
    this.#armAlarm();
  }

  /** The alarm that was asked for last is due. */
  async alarm(): Promise<void> {
    const { state } = this;
    this.#alarmAtMs = 0;
    const now = this.#now;
    this.sweep();
    if (now - this.#checkpointMs >= CHECKPOINT_MS) this.#checkpoint(now);
    const active = isActive(state, now);
    const watched = active ? [...state.endpoints.values()] : watchedIdle(state);
    if (watched.length === 0) return;
    // Re-armed before anything that may fail: an alarm that throws stops after six retries.
    this.#armAlarm();
    await Promise.all(watched.map(async ({ spec }) => this.#probe(spec.id)));
    if (active) await this.#exchangeDigests();
    // The next look is due sooner where this one has found an endpoint silent.
    else this.#armAlarm();
  }

  /** Lets time do what is due. */
  sweep(): void {
    this.#perform(this.#core.sweep(this.state, this.#now, this.#ports.rng));
  }

  // What goes on by itself.

  get #now(): number {
    return this.#ports.clock.now();
  }

  #restore({ down, drained, checkpoints, suspects }: Kept): void {
    const { endpoints, news, pool } = this.state;
    restoreSuspects(this.state.poison, suspects, this.#now);
    // What an earlier incarnation has told is no news.
    for (const endpointId of down) {
      const endpoint = endpoints.get(endpointId);
      if (endpoint !== undefined) presumeDown(endpoint);
      news.standings.set(endpointId, "down");
    }
    for (const endpointId of drained) {
      const endpoint = endpoints.get(endpointId);
      if (endpoint !== undefined) setDrained(endpoint, true);
      news.standings.set(endpointId, "draining");
    }
    const now = this.#now;
    for (const { endpointId, inFlight: count, savedAtMs } of checkpoints) {
      const endpoint = endpoints.get(endpointId);
      const fadeMs = pool.leaseTtlMs - (now - savedAtMs);
      if (endpoint !== undefined && fadeMs > 0) this.#core.inheritInFlight(endpoint, count, fadeMs, now);
    }
  }

  #perform(effects: readonly Effect[]): void {
    const { spawn, wake } = this.#ports;
    for (const effect of effects) {
      switch (effect.kind) {
        case "resolved": {
          const outcome = this.state.resolved.get(effect.leaseId)?.outcome;
          if (outcome !== undefined) this.#awaiting.get(effect.leaseId)?.(outcome);
          this.#awaiting.delete(effect.leaseId);
          break;
        }
        case "probe":
          spawn(this.#probe(effect.endpointId, true));
          break;
        case "wake":
          spawn(wake(effect.endpointId));
          break;
      }
    }
    this.#keepSuspects();
    const lines = takeNews(this.state.news);
    if (lines.length > 0) this.#tell(lines);
  }

  /** Written when an endpoint has ended under a request, or one is cleared of it, which is as rare as that. */
  #keepSuspects(): void {
    const { poison } = this.state;
    if (poison.changes === this.#keptChanges) return;
    this.#keptChanges = poison.changes;
    this.#ports.store.saveSuspects(keptSuspects(poison, this.#now));
  }

  /**
   * Says what operators are to be told; who is gone is remembered, because an idle object is evicted between two looks.
   */
  #tell(lines: readonly NewsLine[]): void {
    const { store, spawn, tell } = this.#ports;
    for (const line of lines) {
      if (line.event !== "endpoint_standing") continue;
      if (line.to === "down") store.saveDown(line.endpointId, this.#now);
      else if (line.from === "down") store.saveDown(line.endpointId, null);
    }
    spawn(tell(lines));
  }

  /** What a call sets off beside its answer. */
  #keepGoing(): void {
    // None, or the slow one of a pool that was idle.
    if (this.#alarmAtMs === 0 || this.#alarmAtMs > this.#now + TICK_MS) {
      this.#armAlarm();
      for (const endpointId of this.state.endpoints.keys()) this.#ports.spawn(this.#probe(endpointId));
    }
    this.#exchangeWhenDue();
  }

  #exchangeWhenDue(): void {
    if (!this.#exchanging && isDigestDue(this.state, this.#now)) this.#ports.spawn(this.#exchangeDigests());
  }

  /** While requests are held: news of other regions must come without a call, and a wait must end in time. */
  #watchQueue(): void {
    if (this.#watching) return;
    this.#watching = true;
    this.#ports.clock.after(QUEUE_WATCH_MS, () => {
      this.#watching = false;
      this.sweep();
      if (this.state.queue.size === 0) return;
      this.#exchangeWhenDue();
      this.#watchQueue();
    });
  }

  async #exchangeDigests(): Promise<void> {
    const { state } = this;
    // A slow peer must not pile up calls.
    if (this.#exchanging) return;
    this.#exchanging = true;
    const digest = this.#core.makeDigest(state, this.#now);
    await Promise.all(
      peerRegions(state).map(async (region) => {
        // A peer that is away: its last digest ages out by itself, and nothing here depends on it.
        const answer = await this.#ports.exchange(region, digest).catch(() => null);
        if (answer !== null) this.#hear(answer);
      }),
    );
    this.#exchanging = false;
    // What changed meanwhile is news: nobody else may call for a while.
    if (hasNews(state)) this.#keepGoing();
  }

  #hear(digest: ViewSet): void {
    this.#core.absorbDigest(this.state, digest, this.#now);
    // What it tells may be what a held request waited for, whatever other peers are about to say.
    this.sweep();
  }

  #probeAfter(probe: Probe, endpointId: string, waitMs: number): void {
    probe.isDue = true;
    this.#ports.clock.after(waitMs, () => {
      probe.isDue = false;
      this.#ports.spawn(this.#probe(endpointId, probe.running));
    });
  }

  /** `isAsked`: by something that was observed. */
  async #probe(endpointId: string, isAsked = false): Promise<void> {
    const probe = this.#probes.get(endpointId);
    if (probe === undefined) return;
    const waitMs = probe.running ? PROBE_GAP_MS : PROBE_GAP_MS - (this.#now - probe.lastMs);
    if (waitMs > 0) {
      // What the last look found may have changed since: whoever asks has seen it fail.
      if (isAsked && !probe.isDue) this.#probeAfter(probe, endpointId, waitMs);
      return;
    }
    probe.running = true;
    const askedMs = this.#now;
    const result = await this.#ports.probe(endpointId);
    probe.running = false;
    probe.lastMs = this.#now;
    if (result !== null) {
      this.#perform(this.#core.applyProbe(this.state, endpointId, result, this.#now, this.#ports.rng, askedMs));
    }
  }

  #armAlarm(): void {
    const now = this.#now;
    const dueMs = now + tickMs(this.state, now);
    // An alarm that should have fired long ago is stuck: arm it again.
    if (this.#alarmAtMs !== 0 && this.#alarmAtMs <= dueMs && now - this.#alarmAtMs < TICK_MS) return;
    this.#alarmAtMs = dueMs;
    this.#ports.setAlarm(dueMs);
  }

  #checkpoint(now: number): void {
    const { leases, endpoints } = this.state;
    this.#checkpointMs = now;
    this.#ports.store.saveCheckpoint(
      [...endpoints.keys()].map((id) => ({ endpointId: id, inFlight: inFlight(leases, id), savedAtMs: now })),
    );
  }
}

/** When to look at the endpoints again, ms. */
function tickMs(state: ShardState, now: number): number {
  if (!isActive(state, now)) {
    return watchedIdle(state).some(({ health }) => health === "suspect") ? TICK_FAST_MS : TICK_IDLE_MS;
  }
  const well = [...state.endpoints.values()].every(
    ({ health, warmth, engine }) => health === "up" && warmth === "warm" && (engine?.foreign ?? 0) === 0,
  );
  return well ? TICK_MS : TICK_FAST_MS;
}
