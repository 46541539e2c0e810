/**
 * The shell of an edge isolate in the simulator: what `src/dispatch/lease-desk.ts` does, in virtual time and without promises.
 *
 * Model. One wallet. A lease is had at once from a credit, else from a shard within the pool's patience, else decided
 * alone; settlements ride on the next acquire or go in a flush of their own.
 */
import type {
  Asking,
  Leased,
  LeaseStep,
  LeaseWish,
  Refused,
} from "../../../src/routing/core/lease-client/edge-lease.ts";
import { LEASES_MAX } from "../../../src/routing/core/shard/leases.ts";
import type { Rng } from "../../../src/lib/rng.ts";
import type { AcquireReply, AwaitOutcome, Settlement } from "../../../src/routing/core/shard-messages.ts";
import { parseShardName } from "../../../src/routing/core/shard-name.ts";
import { CARRY_MAX, isOwedAWord, rideMs, shardsOwed } from "../../../src/routing/core/lease-client/wallet.ts";
import type { Holding, Wallet } from "../../../src/routing/core/lease-client/wallet.ts";
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
const FLUSH_MESSAGES_MAX = LEASES_MAX / CARRY_MAX;

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
  readonly wallet: Wallet;
  readonly region: number;
  readonly #setup: EdgeSetup;
  readonly #rng: Rng;
  #flushUntilMs = 0;

  constructor(setup: EdgeSetup) {
    this.#setup = setup;
    this.region = setup.region;
    this.wallet = setup.core.createWallet(setup.isolateId);
    this.#rng = stream(setup.world.seed, `edge ${setup.isolateId}`);
  }

  get #now(): number {
    return this.#setup.world.nowMs;
  }

  /** Gets a lease for a request; `done` is called once, now or later. */
  lease(request: number, wish: LeaseWish, done: (answer: LeaseAnswer) => void): void {
    const { step, refill } = this.#setup.core.beginLease(this.wallet, wish, this.#now);
    if (refill !== null) this.#fill(refill);
    this.#follow(request, wish, step, done);
  }

  settle(holding: Holding, end: AttemptEnd): void {
    const { core, watch } = this.#setup;
    const { endpointId, epoch, inFlightAtGrant } = holding.grant;
    const settlement = { leaseId: holding.leaseId, endpointId, epoch, inFlightAtGrant, ...end };
    const isFirst = core.settleHolding(this.wallet, holding, settlement);
    watch?.settled(this, holding, end.outcome);
    if (!isFirst || this.#now < this.#flushUntilMs) return;
    const delayMs = rideMs(this.wallet, holding, this.#now);
    this.#flushUntilMs = this.#now + delayMs + FLUSH_LIFE_MS;
    if (delayMs === 0) this.flush();
    else this.#setup.wire.later(delayMs, () => this.flush());
  }

  returnLease(holding: Holding): void {
    const nothing = { heldMs: 0, ttftMs: null, headersMs: null, clientKey: "", inputTokens: 0 };
    this.settle(holding, { outcome: "unused", ...nothing });
  }

  touch(holding: Holding): void {
    this.#setup.core.touch(holding, this.#now);
    if (this.#now >= holding.confirmDueMs) this.flush();
  }

  flush(): void {
    this.#flushUntilMs = 0;
    for (const shard of shardsOwed(this.wallet, this.#now)) this.#tell(shard, FLUSH_MESSAGES_MAX);
  }

  #tell(shard: string, messagesLeft: number): void {
    const { core } = this.#setup;
    if (messagesLeft === 0) return;
    const carry = core.takeCarry(this.wallet, shard, this.#now);
    if (carry.settled.length === 0 && carry.held.length === 0) return;
    const host = this.#hostOf(shard);
    if (host === null) return;
    this.#setup.wire.call<null>(
      { from: this.region, to: host.region },
      {
        serve: (reply) => {
          host.report(carry);
          reply(null);
        },
        onReply: () => this.#tell(shard, messagesLeft - 1),
        onFail: () => core.restoreCarry(this.wallet, shard, carry),
        doubles: true,
      },
    );
  }

  #follow(request: number, wish: LeaseWish, step: LeaseStep, done: (answer: LeaseAnswer) => void): void {
    if (step.kind === "ask") return this.#askWithin(request, wish, step.asking, done);
    if (step.kind === "await") return this.#awaitSlot(request, wish, step, done);
    if (step.kind !== "leased") return done(step);
    this.#setup.watch?.leased(this, request, step.holding);
    done(step);
    if (isOwedAWord(step.holding, this.#now)) this.flush();
    return undefined;
  }

  #askWithin(request: number, wish: LeaseWish, asking: Asking, done: (answer: LeaseAnswer) => void): void {
    const { core, wire, options } = this.#setup;
    const { wallet } = this;
    let open = true;
    const goOn = (reply: AcquireReply | null): void => {
      open = false;
      const at = { now: this.#now, rng: this.#rng };
      const step = reply === null ? core.onSilence(wallet, wish, at) : core.onReply(wallet, wish, asking, reply, at);
      this.#follow(request, wish, step, done);
    };
    wire.later(options.patienceMs + asking.tripMs, () => {
      if (open) goOn(null);
    });
    this.#acquire(asking, (reply) => {
      if (open) return goOn(reply);
      if (reply === null) return undefined;
      core.onLateReply(wallet, asking, reply, this.#now);
      return this.flush();
    });
  }

  #fill(asking: Asking): void {
    this.#acquire(asking, (reply) => {
      if (reply !== null) this.#setup.core.onRefilled(this.wallet, asking, reply, this.#now);
    });
  }

  /** Null when the call failed. */
  #acquire(asking: Asking, done: (reply: AcquireReply | null) => void): void {
    const failed = (): void => {
      this.#setup.core.onCallFailed(this.wallet, asking);
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
    wish: LeaseWish,
    { asking, leaseId }: Extract<LeaseStep, { kind: "await" }>,
    done: (answer: LeaseAnswer) => void,
  ): void {
    const { core, wire, options, watch } = this.#setup;
    let open = true;
    const goOn = (outcome: AwaitOutcome | null): void => {
      if (!open) return;
      open = false;
      if (outcome === null) watch?.unanswered(this, request);
      const step = core.onAwaited(this.wallet, wish, asking, outcome, { now: this.#now, rng: this.#rng });
      this.#follow(request, wish, step, done);
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
