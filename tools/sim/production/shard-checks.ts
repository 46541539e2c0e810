/**
 * Checks every call of a shard: what it granted, to whom, for what, and what it was told.
 *
 * Model. One account per incarnation of a shard, because budgets, breakers and tombstones live as long as its memory. The
 * limits are computed here again from the figures that the core documents, so that a mistake in the core shows.
 */
import { HEDGE_RULE, purposeOf, RETRY_RULE, spentMax } from "../../../src/routing/core/shard/budget.ts";
import {
  breakerStanding,
  DISPUTES_MAX,
  EJECT_MS,
  EJECT_MS_MAX,
  FAILURES_MAX,
} from "../../../src/routing/core/endpoint/breaker.ts";
import type { EndpointView } from "../../../src/routing/core/endpoint/endpoint-view.ts";
import { inFlight } from "../../../src/routing/core/shard/leases.ts";
import { BACKLOG_SHARE, LEAD_FACTOR, LEAD_TRIPS } from "../../../src/routing/core/cost/plan.ts";
import { BOUND_WITHIN_MS } from "../../../src/routing/core/shard/shard-queue.ts";
import { HEDGE_FILL_MAX } from "../../../src/routing/core/endpoint/first-byte.ts";
import { allViews, ownViews, type Effect } from "../../../src/routing/core/shard/shard.ts";
import type { AcquireOutcome, AcquireRequest, Grant, Settlement } from "../../../src/routing/core/shard-messages.ts";
import { sweep } from "../../../src/routing/core/shard/shard-settle.ts";
import { netMs } from "../../../src/routing/core/cost/terms/net.ts";
import { creditIds } from "../../../src/routing/core/lease-client/lease-cache.ts";
import { EDGE } from "../attempts.ts";
import type { LeaseFacts, Ledger } from "./ledger.ts";
import type { RequestLife } from "./requests.ts";
import type { ProductionRouter } from "./router.ts";
import type { SimShard } from "./sim-shard.ts";
import type { Asked } from "./watch.ts";

/** Between two wake-ups of an endpoint by one incarnation, ms (`WAKE_GAP_MS_MIN` of the core). */
const WAKE_GAP_MS = 1_000;

/** Over the whole range that chance has. */
const DRAWS = [0, 0.5, 0.999] as const;

type Rest = { failures: number; disputes: number; openings: number; untilMs: number };

/** What one incarnation of a shard has done. */
type Incarnation = {
  /** Requests in its queue when the call began. */
  heldBefore: number;
  /** Those that were granted while the pool had no slots to spare. */
  retries: number;
  hedges: number;
  served: number;
  /** By endpoint: failures, disputes and ejections in a row, and until when it rests. */
  readonly rests: Map<string, Rest>;
  readonly wokenMs: Map<string, number>;
  /** Requests that it holds or held, by lease. */
  readonly queued: Map<string, AcquireRequest>;
  /** By peer: highest epoch absorbed. */
  readonly epochs: Map<string, number>;
};

export class ShardChecks {
  readonly #router: ProductionRouter;
  readonly #ledger: Ledger;
  readonly #shards = new Map<SimShard, Incarnation>();
  /** By the lease that is asked for: the region from which not one byte has come. */
  readonly #avoided = new Map<string, string>();
  /** Those that took a digest in this event while they held requests, and whom it let go. */
  readonly #heard = new Map<SimShard, readonly string[]>();

  constructor(router: ProductionRouter, ledger: Ledger) {
    this.#router = router;
    this.#ledger = ledger;
  }

  /** A request is about to ask a shard for a lease. */
  asks(life: RequestLife, { leaseId, excluded }: AcquireRequest): void {
    const last = life.attempts.findLast(({ isBeside }) => !isBeside);
    // One that is to come back there has nowhere else to go.
    if (last === undefined || last.hasHeaders || !excluded.includes(last.endpointId)) return;
    const outcome = this.#ledger.byAttempt.get(last.attempt)?.outcome ?? null;
    if (outcome === "failed" || outcome === "late") this.#avoided.set(leaseId, last.region);
  }

  called(shard: SimShard, effects: readonly Effect[], asked: Asked | null): void {
    const incarnation = this.#of(shard);
    const granted: Granted[] = [];
    for (const effect of effects) {
      if (effect.kind === "resolved") this.#resolved(shard, effect.leaseId, granted);
      // A warm one is only kept warm.
      if (effect.kind === "wake" && shard.state.endpoints.get(effect.endpointId)?.warmth !== "warm") {
        const lastMs = incarnation.wokenMs.get(effect.endpointId) ?? -Infinity;
        if (this.#ledger.nowMs - lastMs < WAKE_GAP_MS)
          this.#ledger.broken("wake-once", `${effect.endpointId} is woken again`);
        incarnation.wokenMs.set(effect.endpointId, this.#ledger.nowMs);
      }
    }
    if (asked !== null) this.#answered(shard, asked, granted);
    const isFull = this.#wasFull(shard, effects.length + granted.length + credits(granted));
    for (const one of granted) this.#checkGrant(shard, one, isFull);
    this.#checkAdmission(shard, granted);
    incarnation.heldBefore = shard.state.queue.size;
  }

  absorbed(shard: SimShard): void {
    if (shard.state.queue.size > 0) this.#heard.set(shard, this.#freed(shard));
    const { epochs } = this.#of(shard);
    for (const [region, { set }] of shard.state.peers) {
      const known = epochs.get(region) ?? 0;
      if (set.epoch < known) this.#ledger.broken("epoch", `${region}: epoch ${set.epoch} after ${known}`);
      epochs.set(region, Math.max(known, set.epoch));
    }
  }

  /** Whom a digest lets go is gone once all that followed from it has happened. */
  checkHeard(): void {
    for (const [shard, freed] of this.#heard) {
      const kept = freed.find((leaseId) => shard.state.queue.has(leaseId));
      if (kept !== undefined) this.#ledger.broken("heard", `${shard.name} still holds ${kept}, whom a digest let go`);
    }
    this.#heard.clear();
  }

  /** Whom a look at the queue lets go now. A plan draws among what is equal: only whom every draw lets go. */
  #freed({ state }: SimShard): readonly string[] {
    const freed = DRAWS.map((draw) => {
      const effects = sweep(structuredClone(state), this.#ledger.nowMs, () => draw);
      return effects.flatMap((effect) => (effect.kind === "resolved" ? [effect.leaseId] : []));
    });
    return freed.reduce((all, one) => all.filter((leaseId) => one.includes(leaseId)));
  }

  evicting(shard: SimShard): void {
    this.#shards.delete(shard);
  }

  #resolved(shard: SimShard, leaseId: string, granted: Granted[]): void {
    const outcome = shard.state.resolved.get(leaseId)?.outcome;
    const request = this.#of(shard).queued.get(leaseId);
    // A doubled acquire may have been queued again by a later incarnation, which then hears that the lease is held.
    const isHeld = (this.#ledger.leases.get(leaseId)?.heldSinceMs ?? null) !== null;
    if (outcome?.kind === "granted" && request !== undefined && !isHeld) {
      granted.push({ grant: outcome.grant, request, isDirect: false });
    }
    if (outcome !== undefined && request !== undefined && !isHeld) this.#checkAvoided(shard, request, outcome);
    if (outcome?.kind === "spill" && request?.hop === 1) this.#ledger.broken("one-hop", `${leaseId} was passed on`);
  }

  #answered(shard: SimShard, { request, reply, isNew }: Asked, granted: Granted[]): void {
    const { outcome } = reply;
    if (isNew) this.#checkAvoided(shard, request, outcome);
    const { queued } = this.#of(shard);
    if (outcome.kind === "queued" && !queued.has(outcome.leaseId)) this.#checkPlace(shard, outcome.leaseId);
    if (outcome.kind === "queued") queued.set(outcome.leaseId, request);
    if (outcome.kind === "spill" && request.hop === 1)
      this.#ledger.broken("one-hop", `${request.leaseId} was passed on`);
    const { queueDepthMax } = this.#router.options;
    if (shard.state.queue.size > queueDepthMax) this.#ledger.broken("queue-bound", `${shard.state.queue.size} wait`);
    // A doubled acquire may be answered with what its own call has just let out of the queue: that is one grant.
    const isNoted = granted.some(({ grant }) => grant.leaseId === request.leaseId);
    if (outcome.kind === "granted" && isNew && !isNoted) {
      granted.push({ grant: outcome.grant, request, isDirect: !request.ahead });
    }
  }

  /** By what the shard sees as it decides: whoever has room when a doubled message comes had none then. */
  #checkAvoided(shard: SimShard, { leaseId, hop, excluded, purpose }: AcquireRequest, outcome: AcquireOutcome): void {
    const silent = this.#avoided.get(leaseId);
    if (silent === undefined || hop !== 0 || purpose !== "retry") return;
    const to = outcome.kind === "granted" ? outcome.grant.region : outcome.kind === "spill" ? outcome.region : null;
    if (to !== silent) return;
    const isPanic = outcome.kind === "granted" && outcome.grant.reason === "panic";
    const room = allViews(shard.state, this.#ledger.nowMs).find(
      ({ id, region, standing, warmth, inFlight: taken, capacity }) =>
        region !== silent &&
        standing === "admitting" &&
        warmth === "warm" &&
        (isPanic || taken < capacity) &&
        !excluded.includes(id),
    );
    if (room !== undefined) {
      const has = isPanic ? "admits" : "has room";
      this.#ledger.broken("avoids-silence", `${leaseId} goes to ${silent} again, and ${room.id} ${has}`);
    }
  }

  /** Who was sent here by another shard stands where it would if it had waited here all the time. */
  #checkPlace(shard: SimShard, leaseId: string): void {
    const waitedMs = this.#ledger.followed.get(leaseId);
    const sinceMs = shard.state.queue.get(leaseId)?.sinceMs;
    if (waitedMs === undefined || sinceMs === undefined) return;
    if (Math.abs(this.#ledger.nowMs - waitedMs - sinceMs) > 1)
      this.#ledger.broken("place", `${leaseId} has waited ${waitedMs} ms elsewhere and stands since ${sinceMs}`);
  }

  /** Were so many slots taken before the call, in which it gave away at most `given`, that a retry has to be paid for. */
  #wasFull(shard: SimShard, given: number): boolean {
    const open = allViews(shard.state, this.#ledger.nowMs).filter(
      ({ standing, warmth }) => standing === "admitting" && warmth === "warm",
    );
    const capacity = open.reduce((sum, view) => sum + view.capacity, 0);
    const taken = open.reduce((sum, view) => sum + view.inFlight, 0);
    return taken - given >= HEDGE_FILL_MAX * capacity;
  }

  #checkGrant(shard: SimShard, { grant, request, isDirect }: Granted, isFull: boolean): void {
    const incarnation = this.#of(shard);
    const purpose = purposeOf(request);
    if (request.excluded.includes(grant.endpointId)) {
      this.#ledger.broken("attempts-max", `${grant.endpointId} was tried by ${request.leaseId}`);
    }
    for (const id of [grant.leaseId, ...creditIds(grant)]) {
      const known = this.#ledger.leases.get(id);
      if (known !== undefined && known.toldMs !== null && known.toldEpoch === shard.state.leases.epoch) {
        this.#ledger.broken("live-again", `${id} ended and is granted again`);
      }
      const direct = isDirect && id === grant.leaseId;
      if (known === undefined || known.epoch !== grant.epoch) this.#ledger.note(id, grant, direct);
    }
    if (purpose === "retry" && isFull) incarnation.retries += 1;
    if (purpose === "hedge" && request.lateForMs === undefined) incarnation.hedges += 1;
    const { retries, hedges, served } = incarnation;
    if (retries > spentMax(RETRY_RULE, served))
      this.#ledger.broken("budget", `${retries} retries for ${served} served`);
    if (hedges > spentMax(HEDGE_RULE, served)) this.#ledger.broken("budget", `${hedges} hedges for ${served} served`);
  }

  /** Of all that one call granted for an endpoint, the last grant saw the most leases: one of them must allow them all. */
  #checkAdmission(shard: SimShard, granted: readonly Granted[]): void {
    if (granted.length === 0) return;
    const { world, pool } = this.#router;
    const views = ownViews(shard.state, this.#ledger.nowMs);
    const incarnation = this.#of(shard);
    const open = views.filter(({ standing, warmth }) => standing === "admitting" && warmth === "warm");
    const boundWithinMs = pool.spec.endpoints.some(({ region }) => region !== shard.name) ? BOUND_WITHIN_MS : 0;
    const backlogMs = (incarnation.heldBefore + 1) / Math.max(1e-9, perMs(open));
    for (const endpointId of new Set(granted.map(({ grant }) => grant.endpointId))) {
      const live = inFlight(shard.state.leases, endpointId);
      const slots = world.scenario.endpoints[pool.indexOf.get(endpointId) ?? -1]?.slots ?? 0;
      const view = views.find(({ id }) => id === endpointId);
      const breaker = shard.state.endpoints.get(endpointId)?.breaker;
      if (view === undefined || breaker === undefined) {
        this.#ledger.broken("capacity", `${endpointId} is not of ${shard.name}`);
        continue;
      }
      const capacity = Math.min(slots, view.capacity);
      const its = granted.filter(({ grant }) => grant.endpointId === endpointId);
      const seen = { ...view, capacity };
      const over = Math.max(...its.map(({ request }) => overCommit(seen, request, { backlogMs, boundWithinMs })));
      if (live > capacity + over)
        this.#ledger.broken("capacity", `${endpointId}: ${live} live, ${capacity} + ${over} allowed`);
      const isHalfOpen = breakerStanding(breaker, this.#ledger.nowMs) === "half_open";
      if (live > 1 && isHalfOpen)
        this.#ledger.broken("half-open", `${endpointId}: ${live} live while one is to try it`);
      if (its.every(({ grant }) => grant.reason === "panic")) continue;
      if (view.standing !== "admitting") this.#ledger.broken("admitting-only", `${endpointId} is ${view.standing}`);
      const rest = incarnation.rests.get(endpointId)?.untilMs ?? -Infinity;
      if (this.#ledger.isLossless && this.#ledger.nowMs < rest)
        this.#ledger.broken("breaker", `${endpointId} rests until ${rest}`);
    }
  }

  /** The end of a lease reaches its shard. */
  told(shard: SimShard, settlement: Settlement, seen: Set<string>): void {
    const { leaseId, outcome } = settlement;
    const incarnation = this.#of(shard);
    const facts = this.#ledger.leases.get(leaseId);
    if (seen.has(leaseId)) this.#ledger.broken("settled-once", `${leaseId} is settled twice in one message`);
    seen.add(leaseId);
    if (facts === undefined) {
      // Of a queued request that went elsewhere, or of a grant that was lost with its shard, nothing is known here.
      if (outcome !== "unused") this.#ledger.broken("settled-once", `${leaseId} is settled and was never granted`);
      return;
    }
    if (facts.heldSinceMs !== null && facts.outcome !== outcome) {
      this.#ledger.broken("true-outcome", `${leaseId} ended as ${facts.outcome ?? "nothing"}, told is ${outcome}`);
    }
    this.#ledger.everTold.add(leaseId);
    this.#checkTruth(facts, settlement);
    const epoch = shard.state.leases.epoch;
    if (facts.toldMs !== null && facts.toldEpoch === epoch) return;
    facts.toldMs = this.#ledger.nowMs;
    facts.toldEpoch = epoch;
    this.#learn(incarnation, facts, outcome);
  }

  /** What is told of an attempt is what the world did to it. */
  #checkTruth({ id, attempt, sent }: LeaseFacts, { outcome, ttftMs, heldMs }: Settlement): void {
    if (attempt === null) return;
    const { world, options } = this.#router;
    // Nothing came of what was put back for a higher class.
    const isPutBack = options.says.length > 0 && sent?.ending === "given_up" && !sent.hasBegun;
    const firstMs = world.attempts.firstTokenMs[attempt] ?? NaN;
    const sentMs = world.attempts.dispatchedMs[attempt] ?? NaN;
    const ended = world.attempts.edge[attempt];
    if (outcome === "served" && ended !== EDGE.ended)
      this.#ledger.broken("true-outcome", `${id} is told as served and was not`);
    if (outcome === "unused" && !isPutBack) this.#ledger.broken("true-outcome", `${id} is told as unused and was used`);
    if (outcome === "failed" && ended === EDGE.ended) this.#ledger.broken("true-outcome", `${id} was served`);
    if (outcome === "served" && ttftMs !== null && Math.abs(firstMs - sentMs - ttftMs) > 1) {
      this.#ledger.broken("true-outcome", `${id}: first token after ${firstMs - sentMs} ms, told are ${ttftMs}`);
    }
    if (ttftMs !== null && ttftMs > heldMs + 1)
      this.#ledger.broken("true-outcome", `${id} ended before its first token`);
  }

  /** The breaker by the checkers' own count. Only while no lease can expire unseen, which teaches a shard nothing. */
  #learn(incarnation: Incarnation, { endpointId }: LeaseFacts, outcome: string): void {
    if (outcome === "served") incarnation.served += 1;
    if (!this.#ledger.isLossless) return;
    const rest = incarnation.rests.get(endpointId) ?? {
      failures: 0,
      disputes: 0,
      openings: 0,
      untilMs: -Infinity,
    };
    incarnation.rests.set(endpointId, rest);
    if (this.#ledger.nowMs < rest.untilMs) return;
    if (outcome === "served" || outcome === "client_fault") {
      rest.failures = 0;
      rest.disputes = 0;
      rest.openings = 0;
    }
    if (outcome === "failed" || outcome === "cut") rest.failures += 1;
    else if (outcome === "disputed") rest.disputes += 1;
    else return;
    // On trial what is disputed is a failure too.
    const isOver = rest.failures >= FAILURES_MAX || rest.disputes >= DISPUTES_MAX;
    if (rest.openings === 0 && !isOver) return;
    rest.openings += 1;
    rest.untilMs = this.#ledger.nowMs + Math.min(EJECT_MS_MAX, EJECT_MS * 2 ** (rest.openings - 1));
  }

  /** What came back after its rest starts anew. */
  cameBack(shard: SimShard, endpointId: string): void {
    const rest = this.#of(shard).rests.get(endpointId);
    if (rest === undefined || this.#ledger.nowMs < rest.untilMs || rest.openings === 0) return;
    rest.failures = 0;
    rest.disputes = 0;
    rest.openings = 0;
  }

  #of(shard: SimShard): Incarnation {
    const known = this.#shards.get(shard);
    if (known !== undefined) return known;
    const fresh: Incarnation = {
      retries: 0,
      hedges: 0,
      served: 0,
      rests: new Map(),
      wokenMs: new Map(),
      queued: new Map(),
      heldBefore: 0,
      epochs: new Map(),
    };
    this.#shards.set(shard, fresh);
    return fresh;
  }
}

const credits = (granted: readonly Granted[]): number => granted.reduce((sum, { grant }) => sum + grant.credits, 0);

type Granted = { readonly grant: Grant; readonly request: AcquireRequest; readonly isDirect: boolean };

/**
 * Leases beyond its capacity that a shard may admit for an endpoint, as `plan.ts` documents it: what frees while the
 * request travels, times LEAD_FACTOR, and BACKLOG_SHARE of what waits; or what ends within `boundWithinMs`, where other
 * regions may serve it. `backlogMs`: time that all that waits needs.
 */
function overCommit(
  view: EndpointView,
  request: AcquireRequest,
  { backlogMs, boundWithinMs }: { readonly backlogMs: number; readonly boundWithinMs: number },
): number {
  const leadMs = LEAD_TRIPS * netMs(view, request);
  const waitMsMax = Math.max(boundWithinMs, LEAD_FACTOR * leadMs + BACKLOG_SHARE * backlogMs);
  return Math.ceil((waitMsMax * view.capacity) / view.occupancyMs);
}

const perMs = (views: readonly EndpointView[]): number =>
  views.reduce((sum, { capacity, occupancyMs }) => sum + capacity / occupancyMs, 0);
