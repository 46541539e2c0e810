/**
 * The shell of an edge isolate in the simulator: what `src/dispatch/lease-desk.ts` does, in virtual time and without promises.
 *
 * Model. One lease cache. A lease is had at once from a credit, else from a shard within the pool's patience, else decided
 * alone; settlements ride on the next acquire or go in a flush of their own.
 */
import type {
  Asking,
  Leased,
  LeaseStep,
  LeaseRequest,
  Refused,
} from "../../../src/routing/core/lease-client/edge-lease.ts";
import { LEASES_MAX } from "../../../src/routing/core/shard/leases.ts";
import type { Rng } from "../../../src/lib/rng.ts";
import type { AcquireReply, AwaitOutcome, Settlement } from "../../../src/routing/core/shard-messages.ts";
import { parseShardName } from "../../../src/routing/core/shard-name.ts";
import { REPORT_MAX, isOwedAWord, rideMs, shardsOwed } from "../../../src/routing/core/lease-client/lease-cache.ts";
import type { HeldLease, LeaseCache } from "../../../src/routing/core/lease-client/lease-cache.ts";
import { stream } from "../chance.ts";
import type { World } from "../world.ts";
import type { CoreCalls } from "./core-calls.ts";
import type { ProductionOptions } from "./options.ts";
import type { SimShard } from "./sim-shard.ts";
import type { Watch } from "./watch.ts";
import type { Wire } from "./wire.ts";

/** As in `src/dispatch/lease-desk.ts`, each with its reason there. */
const QUEUE_MARGIN_MS = 1_000;
const FLUSH_LIFE_MS = 1_000;
const FLUSH_MESSAGES_MAX = LEASES_MAX / REPORT_MAX;

export type LeaseAnswer = Leased | Refused;

export type AttemptEnd = Omit<Settlement, "leaseId" | "endpointId" | "epoch" | "inFlightAtGrant">;

export type EdgeSetup = {
  readonly world: World;
  readonly wire: Wire;
  readonly core: CoreCalls;
  readonly options: ProductionOptions;
  readonly watch: Watch | null;
  /** Index of its region. */
  readonly region: number;
  readonly isolateId: string;
  readonly shardOf: (region: string) => SimShard | null;
};

export class EdgeHost {
  readonly leaseCache: LeaseCache;
  readonly region: number;
  readonly #setup: EdgeSetup;
  readonly #rng: Rng;
  #flushUntilMs = 0;

  constructor(setup: EdgeSetup) {
    this.#setup = setup;
    this.region = setup.region;
    this.leaseCache = setup.core.createLeaseCache(setup.isolateId);
    this.#rng = stream(setup.world.seed, `edge ${setup.isolateId}`);
  }

  get #now(): number {
    return this.#setup.world.nowMs;
  }

  /** Gets a lease for a request; `done` is called once, now or later. */
  lease(request: number, leaseRequest: LeaseRequest, done: (answer: LeaseAnswer) => void): void {
    const { step, refill } = this.#setup.core.beginLease(this.leaseCache, leaseRequest, this.#now);
    if (refill !== null) this.#fill(refill);
    this.#follow(request, leaseRequest, step, done);
  }

  settle(heldLease: HeldLease, end: AttemptEnd): void {
    const { core, watch } = this.#setup;
    const { endpointId, epoch, inFlightAtGrant } = heldLease.grant;
    const settlement = { leaseId: heldLease.leaseId, endpointId, epoch, inFlightAtGrant, ...end };
    const isFirst = core.settleHeldLease(this.leaseCache, heldLease, settlement);
    watch?.settled(this, heldLease, end.outcome);
    if (!isFirst || this.#now < this.#flushUntilMs) return;
    const delayMs = rideMs(this.leaseCache, heldLease, this.#now);
    this.#flushUntilMs = this.#now + delayMs + FLUSH_LIFE_MS;
    if (delayMs === 0) this.flush();
    else this.#setup.wire.later(delayMs, () => this.flush());
  }

  returnLease(heldLease: HeldLease): void {
    const nothing = { heldMs: 0, ttftMs: null, headersMs: null, clientKey: "", inputTokens: 0 };
    this.settle(heldLease, { outcome: "unused", ...nothing });
  }

  touch(heldLease: HeldLease): void {
    this.#setup.core.touch(heldLease, this.#now);
    if (this.#now >= heldLease.confirmDueMs) this.flush();
  }

  flush(): void {
    this.#flushUntilMs = 0;
    for (const shard of shardsOwed(this.leaseCache, this.#now)) this.#tell(shard, FLUSH_MESSAGES_MAX);
  }

  #tell(shard: string, messagesLeft: number): void {
    const { core } = this.#setup;
    if (messagesLeft === 0) return;
    const report = core.takeReport(this.leaseCache, shard, this.#now);
    if (report.settled.length === 0 && report.held.length === 0) return;
    const host = this.#hostOf(shard);
    if (host === null) return;
    this.#setup.wire.call<null>(
      { from: this.region, to: host.region },
      {
        serve: (reply) => {
          host.report(report);
          reply(null);
        },
        onReply: () => this.#tell(shard, messagesLeft - 1),
        onFail: () => core.restoreReport(this.leaseCache, shard, report),
        doubles: true,
      },
    );
  }

  #follow(request: number, leaseRequest: LeaseRequest, step: LeaseStep, done: (answer: LeaseAnswer) => void): void {
    if (step.kind === "ask") return this.#askWithin(request, leaseRequest, step.asking, done);
    if (step.kind === "await") return this.#awaitSlot(request, leaseRequest, step, done);
    if (step.kind !== "leased") return done(step);
    this.#setup.watch?.leased(this, request, step.heldLease);
    done(step);
    if (isOwedAWord(step.heldLease, this.#now)) this.flush();
    return undefined;
  }

  #askWithin(request: number, leaseRequest: LeaseRequest, asking: Asking, done: (answer: LeaseAnswer) => void): void {
    const { core, wire, options } = this.#setup;
    const { leaseCache } = this;
    let open = true;
    const goOn = (reply: AcquireReply | null): void => {
      open = false;
      const at = { now: this.#now, rng: this.#rng };
      const step =
        reply === null
          ? core.onSilence(leaseCache, leaseRequest, at)
          : core.onReply(leaseCache, leaseRequest, asking, reply, at);
      this.#follow(request, leaseRequest, step, done);
    };
    wire.later(options.patienceMs + asking.tripMs, () => {
      if (open) goOn(null);
    });
    this.#acquire(asking, (reply) => {
      if (open) return goOn(reply);
      if (reply === null) return undefined;
      core.onLateReply(leaseCache, asking, reply, this.#now);
      return this.flush();
    });
  }

  #fill(asking: Asking): void {
    this.#acquire(asking, (reply) => {
      if (reply !== null) this.#setup.core.onRefilled(this.leaseCache, asking, reply, this.#now);
    });
  }

  /** Null when the call failed. */
  #acquire(asking: Asking, done: (reply: AcquireReply | null) => void): void {
    const failed = (): void => {
      this.#setup.core.onCallFailed(this.leaseCache, asking);
      done(null);
    };
    const host = this.#hostOf(asking.shard);
    if (host === null) return failed();
    return this.#setup.wire.call<AcquireReply>(
      { from: this.region, to: host.region },
      { serve: (reply) => reply(host.acquire(asking.request)), onReply: done, onFail: failed, doubles: true },
    );
  }

  #awaitSlot(
    request: number,
    leaseRequest: LeaseRequest,
    { asking, leaseId }: Extract<LeaseStep, { kind: "await" }>,
    done: (answer: LeaseAnswer) => void,
  ): void {
    const { core, wire, options, watch } = this.#setup;
    let open = true;
    const goOn = (outcome: AwaitOutcome | null): void => {
      if (!open) return;
      open = false;
      if (outcome === null) watch?.unanswered(this, request);
      const step = core.onAwaited(this.leaseCache, leaseRequest, asking, outcome, { now: this.#now, rng: this.#rng });
      this.#follow(request, leaseRequest, step, done);
    };
    wire.later(options.queueWaitMsMax + QUEUE_MARGIN_MS, () => goOn(null));
    const host = this.#hostOf(asking.shard);
    if (host === null) return goOn(null);
    return wire.call<AwaitOutcome>(
      { from: this.region, to: host.region },
      {
        serve: (reply, fail) => host.awaitGrant(leaseId, reply, fail),
        onReply: goOn,
        onFail: () => goOn(null),
      },
    );
  }

  #hostOf(shard: string): SimShard | null {
    return this.#setup.shardOf(parseShardName(shard)?.region ?? "");
  }
}
