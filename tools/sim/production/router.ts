/**
 * The production core behind the simulator's port: shards, edges and their messages, with everything that a request goes
 * through in `src/gateway/pipeline.ts`.
 *
 * Model. Each client region has a few edge isolates, each region with endpoints one shard. A request picks an isolate at
 * random, gets its lease while its guardrails run, is dispatched, repeated elsewhere before its first token as the plan
 * of its attempts says (`dispatch/core/attempt-plan.ts`, as in production), and its lease is settled with what really happened. All that travels takes the network's time: nothing here is exact unless
 * it is exact in production.
 */
import { afterLoss, afterNoLease, createAttemptPlan } from "../../../src/dispatch/core/attempt-plan.ts";
import type { Loss, Repeat } from "../../../src/dispatch/core/attempt-plan.ts";
import { invariant } from "../../../src/lib/invariant.ts";
import type { LeaseRequest } from "../../../src/routing/core/lease-client/edge-lease.ts";
import { hedgeDelayMs } from "../../../src/routing/core/endpoint/first-byte.ts";
import { createRace, raceBegun, raceLate, raceLeased, raceLost } from "../../../src/dispatch/core/hedge-race.ts";
import type { Rng } from "../../../src/lib/rng.ts";
import type { AttemptOutcome } from "../../../src/routing/core/shard-messages.ts";
import type { LeaseAnswer } from "../../../src/routing/host/lease-client.ts";
import type { HeldLease } from "../../../src/routing/core/lease-client/lease-cache.ts";
import { drawExponential, stream } from "../chance.ts";
import { OUTCOME } from "../outcomes.ts";
import type { FailureReason, Router, RouterFactory } from "../router.ts";
import type { World } from "../world.ts";
import { CORE, type CoreCalls } from "./core-calls.ts";
import { PATIENT_QUEUE, type ProductionOptions } from "./options.ts";
import { poolOf, type ScenarioPool } from "./pool-of.ts";
import { endOf, type AttemptLife, type RequestLife } from "./requests.ts";
import { promptKey } from "./prompt-key.ts";
import { SimEdge } from "./sim-edge.ts";
import { SimShard } from "./sim-shard.ts";
import type { Watch } from "./watch.ts";
import { Wire, WIRE_TAG } from "./wire.ts";

/** The watch over an attempt looks no more often than this, ms (`src/dispatch/attempt-watch.ts`). */
const WATCH_GAP_MS = 25;

export type ProductionSetup = {
  readonly options: ProductionOptions;
  readonly core: CoreCalls;
  readonly watch: ((router: ProductionRouter) => Watch) | null;
};

export function production(options: ProductionOptions = PATIENT_QUEUE): RouterFactory {
  return (world) => new ProductionRouter(world, { options, core: CORE, watch: null });
}

export class ProductionRouter implements Router {
  readonly world: World;
  readonly wire: Wire;
  readonly pool: ScenarioPool;
  readonly options: ProductionOptions;
  /** By region; null where the pool has no endpoint. */
  readonly shards: readonly (SimShard | null)[];
  /** By region. */
  readonly edges: readonly (readonly SimEdge[])[];
  /** Attempts that hold a lease, by attempt. */
  readonly running = new Map<number, AttemptLife>();
  /** Requests without an outcome. */
  readonly open = new Set<RequestLife>();
  readonly watch: Watch | null;
  readonly #rng: Rng;
  /** Told at the arrival of the last request, where that one is the end's mark. */
  onDrain: (() => void) | null = null;

  constructor(world: World, { options, core, watch }: ProductionSetup) {
    this.world = world;
    this.options = options;
    this.wire = new Wire(world, options.doubledShare);
    this.pool = poolOf(world, options);
    this.#rng = stream(world.seed, "production");
    this.watch = watch === null ? null : watch(this);
    const shardOf = (region: string): SimShard | null => this.shards[this.pool.regionOf.get(region) ?? -1] ?? null;
    const owners = new Set(world.scenario.endpoints.map(({ region }) => region));
    const base = { world, wire: this.wire, core, pool: this.pool, watch: this.watch };
    this.shards = world.scenario.regions.map((_, region) =>
      owners.has(region) ? new SimShard({ ...base, region, peer: shardOf }) : null,
    );
    this.edges = world.scenario.regions.map((_, region) =>
      Array.from(
        { length: options.edgesPerRegion },
        (_unused, index) => new SimEdge({ ...base, region, isolateId: `r${region}e${index}`, shardOf }),
      ),
    );
  }

  // Told by the world.

  arrive(request: number): void {
    const { world, options } = this;
    if (options.drains && request === world.requests.count - 1) {
      this.onDrain?.();
      return;
    }
    const region = world.requests.region[request] ?? 0;
    const edges = this.edges[region] ?? [];
    const edge = edges[Math.floor(this.#rng() * edges.length)];
    invariant(edge !== undefined, "every region has an edge");
    const leaseRequest: LeaseRequest = {
      pool: this.pool.spec,
      client: this.pool.places[region] ?? null,
      clientKey: world.scenario.regions[region]?.name ?? "",
      inputTokens: world.requests.promptTokens[request] ?? 0,
      affinityKey: promptKey(world.requests, request),
      excluded: [],
      explain: false,
    };
    const life: RequestLife = {
      request,
      edge,
      leaseRequest,
      plan: createAttemptPlan(),
      loss: null,
      attempts: [],
      race: null,
      closed: false,
    };
    this.open.add(life);
    if (options.leaveShare > 0 && this.#rng() < options.leaveShare) {
      this.wire.later(options.leaveMs * drawExponential(this.#rng), () => this.#leave(life));
    }
    this.#leaseBesideRails(life);
  }

  onFirstToken(attempt: number): void {
    const life = this.running.get(attempt);
    if (life === undefined || life.ended) return;
    const { race } = life.of;
    life.firstTokenAtMs = this.world.nowMs;
    life.deadlineMs = life.sentAtMs + this.options.executionTimeoutMs;
    if (race === null) return;
    const { wins, cancels } = raceBegun(race, life.side);
    if (!wins) return this.#abort(life);
    const other = cancels === null ? undefined : life.of.attempts.find(({ side, ended }) => side === cancels && !ended);
    return other === undefined ? undefined : this.#abort(other);
  }

  onEnd(attempt: number): void {
    const life = this.running.get(attempt);
    if (life === undefined) return;
    this.#end(life, "served");
    this.#close(life.of);
  }

  onFailure(attempt: number, reason: FailureReason): void {
    const life = this.running.get(attempt);
    if (life === undefined) return;
    if (reason === "broken") {
      this.#end(life, "cut");
      this.#close(life.of);
      return;
    }
    this.#lost(life, reason === "full" ? "capacity" : "failed", reason === "refused" || reason === "reset");
  }

  onTimer(tag: number, value: number): void {
    if (tag === WIRE_TAG) this.wire.deliver(value);
  }

  onMessage(_region: number, value: number): void {
    this.wire.deliver(value);
  }

  onEvict(region: number): void {
    this.shards[region]?.evict();
  }

  // A request's way.

  /** Neither the rails nor the lease waits for the other. */
  #leaseBesideRails(life: RequestLife): void {
    const { railsMs } = this.options;
    const isChecked = railsMs === 0;
    let checked = isChecked;
    let answer: LeaseAnswer | null = null;
    const goOn = (): void => {
      if (checked && answer !== null) this.#answered(life, answer);
    };
    if (!isChecked) {
      this.wire.later(railsMs, () => {
        checked = true;
        goOn();
      });
    }
    this.#lease(life, life.leaseRequest, (given) => {
      answer = given;
      goOn();
    });
  }

  #lease({ edge }: RequestLife, leaseRequest: LeaseRequest, done: (answer: LeaseAnswer) => void): void {
    const leased = async (): Promise<void> => done(await edge.leases.lease(leaseRequest, this.options.patienceMs));
    this.world.spawn(leased());
  }

  #answered(life: RequestLife, answer: LeaseAnswer): void {
    const { world } = this;
    if (answer.kind === "leased") {
      if (life.closed) return life.edge.leases.giveBack(answer.heldLease);
      return this.#dispatch(life, answer.heldLease, "first");
    }
    if (life.closed) return undefined;
    const back = life.loss === null || answer.kind === "over_budget" ? null : afterNoLease(life.plan);
    if (back !== null) {
      this.wire.later(life.plan.roomAfterMs ?? 0, () => {
        if (!life.closed) this.#leaseAgain(life, back);
      });
      return undefined;
    }
    this.#close(life);
    this.watch?.closed(life.request);
    if (life.plan.tried.length > 0 || answer.kind === "no_endpoint" || answer.kind === "over_budget") {
      return world.fail(life.request);
    }
    return world.shed(life.request, answer.retryAfterMs);
  }

  #dispatch(of: RequestLife, heldLease: HeldLease, side: AttemptLife["side"]): void {
    const { world, pool } = this;
    const endpoint = pool.indexOf.get(heldLease.grant.endpointId);
    invariant(endpoint !== undefined, "a grant names an endpoint of the pool");
    const attempt = world.dispatch(of.request, endpoint);
    const sentAtMs = world.nowMs;
    const deadlineMs = sentAtMs + world.scenario.firstTokenTimeoutMs;
    const life: AttemptLife = {
      of,
      attempt,
      side,
      heldLease,
      sentAtMs,
      deadlineMs,
      firstTokenAtMs: null,
      ended: false,
    };
    const isFirst = of.plan.tried.length === 0;
    of.plan.tried.push(heldLease.grant.endpointId);
    of.attempts.push(life);
    this.running.set(attempt, life);
    this.watch?.dispatched(of.edge, heldLease, attempt);
    this.#watchOver(life);
    const afterMs =
      isFirst && this.options.attemptsMax > 1 ? hedgeDelayMs(heldLease.grant, of.leaseRequest.inputTokens) : null;
    if (afterMs !== null) this.wire.later(afterMs, () => this.#late(life));
  }

  /** One timer serves an attempt: it confirms the lease and ends what takes too long. */
  #watchOver(life: AttemptLife): void {
    const { world } = this;
    const dueMs = Math.min(life.heldLease.confirmDueMs, life.deadlineMs);
    this.wire.later(Math.max(WATCH_GAP_MS, dueMs - world.nowMs), () => {
      if (life.ended) return;
      if (world.nowMs >= life.deadlineMs) {
        world.cancel(life.attempt);
        if (life.firstTokenAtMs === null) return this.#lost(life, "failed", true, "timeout");
        this.#end(life, "cut");
        return this.#giveUp(life.of);
      }
      life.of.edge.leases.keep(life.heldLease);
      this.#watchOver(life);
    });
  }

  /** The attempt ended before its first token: repeated elsewhere, unless another one runs beside it. */
  #lost(life: AttemptLife, outcome: "capacity" | "failed", silent: boolean, why: Loss["why"] = outcome): void {
    const { of } = life;
    const { endpointId, region, inFlightAtGrant } = life.heldLease.grant;
    this.#end(life, outcome);
    if (of.race !== null) raceLost(of.race, life.side);
    of.loss = {
      endpointId,
      region,
      why,
      maybeProcessed: outcome === "failed",
      silent,
      undecided: false,
      wasIdle: inFlightAtGrant === 0,
      retryAfterMs: null,
      heldMs: this.world.nowMs - life.sentAtMs,
      withHedge: of.race?.first === "lost" && of.race.second === "lost",
    };
    if (of.closed || of.attempts.some(({ ended }) => !ended) || of.race?.second === "asked") return;
    this.#repeat(of, of.loss);
  }

  #repeat(of: RequestLife, loss: Loss): void {
    of.race = null;
    const next = afterLoss(of.plan, loss, { attemptsMax: this.options.attemptsMax, repeatable: true });
    if (next === null) this.#giveUp(of);
    else this.#leaseAgain(of, next);
  }

  #leaseAgain(of: RequestLife, next: Repeat): void {
    this.#lease(of, { ...of.leaseRequest, ...next, again: true }, (answer) => this.#answered(of, answer));
  }

  // Hedging, as `src/dispatch/hedge.ts`.

  #late(first: AttemptLife): void {
    const { of } = first;
    if (first.ended || first.firstTokenAtMs !== null || of.closed) return;
    const race = createRace();
    of.race = race;
    if (!raceLate(race)) return;
    this.#lease(of, { ...of.leaseRequest, excluded: [...of.plan.tried], purpose: "hedge" }, (answer) => {
      const isUsable =
        answer.kind === "leased" && !of.plan.tried.includes(answer.heldLease.grant.endpointId) && !of.closed;
      const next = raceLeased(race, isUsable);
      if (answer.kind === "leased" && next === "dispatch") return this.#dispatch(of, answer.heldLease, "second");
      if (answer.kind === "leased") of.edge.leases.giveBack(answer.heldLease);
      // The first one failed while this one was asked for.
      return first.ended && !of.closed && of.loss !== null ? this.#repeat(of, of.loss) : undefined;
    });
  }

  #abort(life: AttemptLife): void {
    this.world.cancel(life.attempt);
    life.firstTokenAtMs ??= this.world.nowMs;
    this.#end(life, "cancelled");
  }

  /** The client is gone. */
  #leave(life: RequestLife): void {
    if (life.closed) return;
    for (const attempt of life.attempts) {
      if (attempt.ended) continue;
      this.world.cancel(attempt.attempt);
      this.#end(attempt, "cancelled");
    }
    this.#giveUp(life);
  }

  #end(life: AttemptLife, outcome: AttemptOutcome): void {
    if (life.ended) return;
    life.ended = true;
    this.running.delete(life.attempt);
    const { world } = this;
    const endpoint = world.attempts.endpointOf(life.attempt);
    const tripMs = world.tripMs(world.requests.region[life.of.request] ?? 0, endpoint);
    const headersMs = world.scenario.headersWithSlot ? tripMs + this.#waitedMs(life, tripMs) : tripMs;
    life.of.edge.leases.settle(life.heldLease, endOf(life, outcome, world.nowMs, headersMs));
  }

  /** How long it stood in the engine's own queue, ms; 0 before it had its slot. */
  #waitedMs({ attempt, sentAtMs }: AttemptLife, tripMs: number): number {
    const startedMs = this.world.attempts.startedMs[attempt] ?? Number.NaN;
    return Number.isNaN(startedMs) ? 0 : Math.max(0, startedMs - sentAtMs - tripMs / 2);
  }

  #giveUp(life: RequestLife): void {
    this.#close(life);
    if (this.world.outcomes.outcome[life.request] !== OUTCOME.open) return;
    this.watch?.closed(life.request);
    this.world.fail(life.request);
  }

  #close(life: RequestLife): void {
    life.closed = true;
    this.open.delete(life);
  }
}
