/**
 * Checks a production run against the invariants of the design (its section 11), while it runs and after it.
 *
 * Model. A `Watch` that keeps an account of its own (`ledger.ts`): what was granted, held, dispatched, ended and told. It
 * believes what it sees pass between the hosts, and the world, and compares that with the tables of the core: at every
 * call what concerns the call, every CHECK_MS everything. It changes nothing, so a run is the same with and without it.
 * Some rules hold only while every message arrives; they look away when one was lost.
 * Rejected: stopping at the first violation inside the event, which would show the symptom and hide what follows.
 */
import { BLAME_MS } from "../../../src/dispatch/attempt-lost.ts";
import { WATCH_GAP_MS } from "../../../src/dispatch/attempt-watch.ts";
import { BREAKS_FREE, PUT_BACKS_MAX, REFUSALS_MAX, STALE_MS } from "../../../src/dispatch/core/attempt-plan.ts";
import { CREDIT_LIFE_MS } from "../../../src/routing/core/shard/credits.ts";
import { checkLeaseTable } from "../../../src/routing/core/shard/leases.ts";
import type { Effect } from "../../../src/routing/core/shard/shard.ts";
import { CONFIRM_GRACE_MS } from "../../../src/routing/core/shard/shard-grant.ts";
import { LOCAL_EPOCH } from "../../../src/routing/core/shard-messages.ts";
import type { AcquireRequest, Report } from "../../../src/routing/core/shard-messages.ts";
import type { HeldLease } from "../../../src/routing/core/lease-client/lease-cache.ts";
import { EVENT } from "../event-kinds.ts";
import { OUTCOME } from "../outcomes.ts";
import { Ledger, type LeaseFacts, type Violation } from "./ledger.ts";
import type { RequestLife, SimAttempt } from "./requests.ts";
import type { ProductionRouter } from "./router.ts";
import type { Rule } from "./rules-broken.ts";
import { ShardChecks } from "./shard-checks.ts";
import type { SimShard } from "./sim-shard.ts";
import type { Asked, Watch } from "./watch.ts";

/** Everything is compared this often, ms of virtual time. */
const CHECK_MS = 500;

/** What an edge says of the time that a lease has left is so old at most when it arrives, ms: doubled messages included. */
const CAP_NEWS_MS = 5_000;

/** Without loss, the end of an attempt is known to the shard within this: a ride, a trip, a flush before it, ms. */
const TOLD_MS = 2_500;

export class Checkers implements Watch {
  readonly #router: ProductionRouter;
  readonly #ledger: Ledger;
  readonly #shards: ShardChecks;
  readonly #closed = new Set<number>();
  #nextCheckMs = 0;

  constructor(router: ProductionRouter) {
    this.#router = router;
    this.#ledger = new Ledger(router);
    this.#shards = new ShardChecks(router, this.#ledger);
    router.world.observer = (kind, a) => this.#observe(kind, a);
  }

  get violations(): readonly Violation[] {
    return this.#ledger.violations;
  }

  // Told by the hosts.

  carried(shard: SimShard, report: Report): void {
    const seen = new Set<string>();
    for (const settlement of report.settled) this.#shards.told(shard, settlement, seen);
  }

  called(shard: SimShard, effects: readonly Effect[], asked: Asked | null): void {
    this.#shards.called(shard, effects, asked);
  }

  absorbed(shard: SimShard): void {
    this.#shards.absorbed(shard);
  }

  cameBack(shard: SimShard, endpointId: string): void {
    this.#shards.cameBack(shard, endpointId);
  }

  evicting(shard: SimShard): void {
    this.#shards.evicting(shard);
  }

  asks(life: RequestLife, request: AcquireRequest): void {
    this.#shards.asks(life, request);
  }

  leased(heldLease: HeldLease): void {
    const { leaseId, grant } = heldLease;
    const known = this.#ledger.leases.get(leaseId);
    if (known === undefined && grant.epoch !== LOCAL_EPOCH) {
      this.#ledger.broken("one-attempt", `${leaseId} is held and was never granted`);
    }
    const facts = known ?? this.#ledger.note(leaseId, grant, true);
    if (facts.heldSinceMs !== null) this.#ledger.broken("one-attempt", `${leaseId} is held twice`);
    facts.heldSinceMs = this.#ledger.nowMs;
  }

  followed(leaseId: string, waitedMs: number): void {
    this.#ledger.followed.set(leaseId, waitedMs);
  }

  dispatched(sent: SimAttempt): void {
    const { attempt, endpointId, of } = sent;
    // The shells send nothing without a lease, and tell nobody under which: it is the one that leads there and is free.
    const held = of.leases.map(({ leaseId }) => this.#ledger.leases.get(leaseId));
    const facts = held.find(
      (one) => one !== undefined && one.endpointId === endpointId && one.attempt === null && one.endedMs === null,
    );
    if (facts === undefined) {
      this.#ledger.broken("one-attempt", `attempt ${attempt} goes to ${endpointId} without a lease that is free`);
    } else {
      facts.attempt = attempt;
      facts.sent = sent;
      this.#ledger.byAttempt.set(attempt, facts);
    }
    this.#checkRepeat(sent);
  }

  #checkRepeat({ attempt, endpointId, of: { request, attempts, gone, leaseRequest } }: SimAttempt): void {
    const { world, options } = this.#router;
    const isHigh = leaseRequest.priority === "high";
    const dispatched = [...attempts.map((one) => one.endpointId), endpointId].join(", ");
    const refusals = attempts.filter(({ ending }) => ending === "full").length;
    const givenUpAs = (outcome: string) => (one: SimAttempt) =>
      one.ending === "given_up" && this.#ledger.byAttempt.get(one.attempt)?.outcome === outcome;
    // Taken from an endpoint that is gone, or for a request of a higher class.
    const left = attempts.filter(givenUpAs("cancelled")).length;
    const putBack = attempts.filter(givenUpAs("unused"));
    const mayComeBack = attempts.some((one) => one.ending === "full" || brokeAtOnce(one));
    const breaks = options.attemptsMax > 1 ? Math.min(BREAKS_FREE, attempts.filter(brokeAtOnce).length) : 0;
    const free = refusals + left + putBack.length + breaks + (mayComeBack ? 1 : 0);
    if (attempts.length >= options.attemptsMax + free || refusals > REFUSALS_MAX)
      this.#ledger.broken("attempts-max", `request ${request}: ${dispatched}`);
    if (putBack.length > PUT_BACKS_MAX || putBack.some(({ hasBegun }) => hasBegun) || (isHigh && putBack.length > 0))
      this.#ledger.broken("put-back", `request ${request} was put back ${putBack.length} times`);
    const before = attempts.filter((one) => one.endpointId === endpointId && !putBack.includes(one));
    if (before.length > 1 || before.some((one) => one.ending !== "full" && !brokeAtOnce(one)))
      this.#ledger.broken("attempts-max", `request ${request}: ${dispatched}`);
    const begun = attempts.some((one) => (world.attempts.firstTokenMs[one.attempt] ?? NaN) < this.#ledger.nowMs);
    const isAnswered = (world.outcomes.winner[request] ?? -1) >= 0;
    if (begun && isAnswered) this.#ledger.broken("after-first-token", `request ${request} is dispatched again`);
    if (gone.signal.aborted) this.#ledger.broken("one-outcome", `attempt ${attempt} of a client that is gone`);
  }

  settled({ leaseId }: HeldLease, outcome: string): void {
    const facts = this.#ledger.leases.get(leaseId);
    if (facts === undefined) return;
    if (facts.endedMs !== null) this.#ledger.broken("settled-once", `${leaseId} ends a second time`);
    facts.endedMs = this.#ledger.nowMs;
    facts.outcome = outcome;
  }

  unanswered(leaseId: string): void {
    if (this.#ledger.isLossless) this.#ledger.broken("answered", `${leaseId} was queued and forgotten`);
  }

  closed(request: number): void {
    const { outcomes } = this.#router.world;
    if (this.#closed.has(request) || outcomes.outcome[request] !== OUTCOME.open) {
      this.#ledger.broken("one-outcome", `request ${request} gets another outcome`);
    }
    this.#closed.add(request);
  }

  /** Everything is over: nothing may be left. */
  atRest(): void {
    const { world, upstream, open, shards, options } = this.#router;
    const marks = options.drains ? 1 : 0;
    if (world.outcomes.open > marks || open.size > 0) {
      this.#ledger.broken("comes-to-rest", `${world.outcomes.open - marks} requests have no outcome`);
    }
    const { running } = upstream;
    if (running.size > 0) this.#ledger.broken("comes-to-rest", `${running.size} attempts have no end`);
    for (const shard of shards) {
      if (shard === null) continue;
      const { leases, queue } = shard.state;
      if (leases.live.size > 0) {
        this.#ledger.broken(
          "comes-to-rest",
          `${shard.name}: ${[...leases.live.keys()].slice(0, 3).join(", ")} are live`,
        );
      }
      if (queue.size > 0) this.#ledger.broken("comes-to-rest", `${shard.name}: ${queue.size} wait`);
    }
    this.#checkTold();
    this.#checkAll();
  }

  broken(rule: Rule, what: string): void {
    this.#ledger.broken(rule, what);
  }

  // Everything at once.

  #observe(kind: number, a: number): void {
    const { world } = this.#router;
    this.#shards.checkHeard();
    if (kind === EVENT.reach) {
      if (!this.#ledger.byAttempt.has(a)) this.#ledger.broken("one-attempt", `attempt ${a} has no lease`);
      this.#checkLate(a);
    }
    if (this.#ledger.isFull || world.nowMs < this.#nextCheckMs) return;
    this.#nextCheckMs = world.nowMs + CHECK_MS;
    this.#checkAll();
  }

  #checkLate(attempt: number): void {
    const { attempts, outcomes } = this.#router.world;
    const winner = outcomes.winner[attempts.requestOf(attempt)] ?? -1;
    if (winner < 0 || winner === attempt) return;
    if ((attempts.dispatchedMs[attempt] ?? 0) > (attempts.firstTokenMs[winner] ?? Infinity)) {
      this.#ledger.broken("after-first-token", `attempt ${attempt} after the answer of ${winner}`);
    }
  }

  #checkAll(): void {
    const { shards, edges, upstream } = this.#router;
    for (const shard of shards) if (shard !== null) this.#checkShard(shard);
    for (const [attempt, { of }] of upstream.running) {
      const leaseId = this.#ledger.byAttempt.get(attempt)?.id ?? "";
      if (of.edge.memory.leaseCache.heldLeases.has(leaseId)) continue;
      this.#ledger.broken("held-leases", `${leaseId} has an attempt and is not held`);
    }
    for (const { memory } of edges.flat()) {
      for (const { leaseId } of memory.leaseCache.heldLeases.values()) this.#checkHeld(leaseId);
    }
  }

  /** An edge holds this lease. */
  #checkHeld(leaseId: string): void {
    const sent = this.#ledger.leases.get(leaseId)?.sent ?? null;
    if (sent === null) {
      if (this.#router.options.railsMs === 0) this.#ledger.broken("held-leases", `${leaseId} is held for nothing`);
      return;
    }
    if (sent.overAtMs === null) return;
    // What may be the request's own fault is settled when that is known.
    const isUndecided = !sent.hasBegun && (sent.ending === "error" || sent.ending === "full");
    const graceMs = isUndecided ? BLAME_MS + WATCH_GAP_MS : 0;
    if (this.#ledger.nowMs > sent.overAtMs + graceMs) {
      this.#ledger.broken("settled-at-end", `${leaseId} is held, its attempt was over at ${sent.overAtMs}`);
    }
  }

  #checkShard(shard: SimShard): void {
    const { leases, queue } = shard.state;
    if (queue.size > this.#router.options.queueDepthMax) this.#ledger.broken("queue-bound", `${queue.size} wait`);
    try {
      checkLeaseTable(leases);
    } catch (error) {
      this.#ledger.broken("lease-table", error instanceof Error ? error.message : "unknown");
    }
    for (const lease of leases.live.values()) {
      if (lease.expiresAtMs <= this.#ledger.nowMs) continue;
      const facts = this.#ledger.leases.get(lease.id);
      if (facts === undefined) {
        this.#ledger.broken("settled-once", `${lease.id} is live and was never granted`);
        continue;
      }
      if (facts.toldMs !== null && facts.toldEpoch === leases.epoch) {
        this.#ledger.broken("live-again", `${lease.id} ended at ${facts.toldMs} and is live`);
      }
      const isConfirmed = facts.heldSinceMs !== null || facts.direct;
      const graceMs = CREDIT_LIFE_MS + CONFIRM_GRACE_MS;
      if (!isConfirmed && lease.expiresAtMs > facts.knownSinceMs + graceMs + 1) {
        this.#ledger.broken("unconfirmed", `${lease.id} lives until ${lease.expiresAtMs} and nobody has it`);
      }
      this.#checkLeak(facts);
      const capAtMs = facts.knownSinceMs + this.#router.pool.spec.leaseCapMs + CAP_NEWS_MS;
      if (Math.max(lease.expiresAtMs, lease.capAtMs) > capAtMs)
        this.#ledger.broken("cap", `${lease.id} may live until ${lease.capAtMs}, known since ${facts.knownSinceMs}`);
    }
  }

  /** What no shard has heard of must still be in the outbox of its edge. */
  #checkTold(): void {
    const { edges } = this.#router;
    const outboxes = edges.flat().flatMap(({ memory }) => [...memory.leaseCache.outboxes.values()].flat());
    const kept = new Set(outboxes.map(({ leaseId }) => leaseId));
    for (const { id, endedMs } of this.#ledger.leases.values()) {
      if (endedMs === null || this.#ledger.everTold.has(id) || kept.has(id)) continue;
      this.#ledger.broken("told", `${id} ended at ${endedMs}, which nobody was told`);
    }
  }

  #checkLeak({ id, endedMs, heldSinceMs, knownSinceMs, direct }: LeaseFacts): void {
    if (!this.#ledger.isLossless || !direct) return;
    const sinceMs = heldSinceMs === null ? knownSinceMs : (endedMs ?? Infinity);
    if (this.#ledger.nowMs - sinceMs > TOLD_MS) this.#ledger.broken("leak", `${id} is live, its end was at ${sinceMs}`);
  }
}

/** Its connection broke before anything can have come of it: it may be asked once more. */
const brokeAtOnce = ({ ending, hasHeaders, sentAtMs, overAtMs }: SimAttempt): boolean =>
  (ending === "refused" || ending === "reset" || ending === "given_up") &&
  !hasHeaders &&
  (overAtMs ?? Infinity) - sentAtMs <= STALE_MS;
