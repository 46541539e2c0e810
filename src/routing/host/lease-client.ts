/**
 * Gets the leases for attempts, and tells the shards how attempts ended, wherever it runs: the calls around
 * `core/lease-client/edge-lease.ts`, which decides, and the pool's patience.
 *
 * Model. One client is what a request, or a queue of jobs, has of its isolate: the memory is the isolate's, the ports are
 * its own, because a request may not await another one's calls. A lease is had at once from a credit, else from a shard
 * within the pool's patience, else decided alone; settlements ride on the next acquire or go in a flush of their own. The
 * Worker, the jobs' dispatcher and the simulator run this same class, each over ports of its own.
 */
import type { Asking, Leased, LeaseRequest, LeaseStep, Refused } from "../core/lease-client/edge-lease.ts";
import { REPORT_MAX, isOwedAWord, rideMs, shardsOwed } from "../core/lease-client/lease-cache.ts";
import type { HeldLease } from "../core/lease-client/lease-cache.ts";
import { settlementOf } from "../core/lease-client/lease-cache-end.ts";
import { noteSent } from "../core/lease-client/lease-cache-line.ts";
import type { AcquireReply, AttemptEnd, AttemptOutcome, AwaitOutcome } from "../core/shard-messages.ts";
import { LEASES_MAX } from "../core/shard/leases.ts";
import { waited, within } from "./clock.ts";
import { LEASE_CALLS } from "./lease-ports.ts";
import type { LeaseCalls, LeaseMemory, LeasePorts } from "./lease-ports.ts";

/** A queued request waits for its grant this much longer than the shard's own bound, ms. */
const QUEUE_MARGIN_MS = 1_000;
/** Messages to one shard in one flush: enough for every lease that it may have out. */
export const FLUSH_MESSAGES_MAX = LEASES_MAX / REPORT_MAX;
/** A flush that has not come back after this no longer keeps others from being sent, ms. */
const FLUSH_LIFE_MS = 1_000;

/** `leave`: its endpoint became down or ejected; `put_back`: its place is for a request of a higher class. */
export type Departure = "leave" | "put_back";

export type LeaseAnswer = Leased | Refused;

export class LeaseClient {
  readonly memory: LeaseMemory;
  readonly ports: LeasePorts;
  readonly #core: LeaseCalls;

  constructor(memory: LeaseMemory, ports: LeasePorts, core: LeaseCalls = LEASE_CALLS) {
    this.memory = memory;
    this.ports = ports;
    this.#core = core;
  }

  get #now(): number {
    return this.ports.clock.now();
  }

  /**
   * Gets a lease: at once when a credit is at hand, else from a shard, else by deciding alone. `patienceMs`: how long a
   * shard is waited for beyond the trip to it. Never rejects.
   */
  async take(leaseRequest: LeaseRequest, patienceMs: number): Promise<LeaseAnswer> {
    // Its jobs are pulled; it has no shard either.
    if (leaseRequest.pool.endpoints.length === 0) return { kind: "no_endpoint" };
    const { leaseCache } = this.memory;
    const core = this.#core;
    const { waits } = leaseRequest;
    const askedAtMs = this.#now;
    let queuedMs = 0;
    const { step: first, refill } = core.beginLease(leaseCache, leaseRequest, askedAtMs);
    if (refill !== null) this.ports.spawn(this.#fill(refill));
    let step: LeaseStep = first;
    if (waits !== undefined) waits.home ??= shardOf(first);
    while (step.kind === "ask" || step.kind === "await") {
      const { asking } = step;
      if (step.kind === "ask") {
        const reply = await this.#askWithin(asking, patienceMs + asking.tripMs);
        step =
          reply === null
            ? core.onSilence(leaseCache, leaseRequest, this.#at())
            : core.onReply(leaseCache, leaseRequest, asking, reply, this.#at());
        continue;
      }
      const queuedAtMs = this.#now;
      const outcome = await this.#awaitSlot(asking, step.leaseId, leaseRequest.pool.queueWaitMsMax + QUEUE_MARGIN_MS);
      queuedMs += this.#now - queuedAtMs;
      step = core.onAwaited(leaseCache, leaseRequest, asking, outcome, this.#at());
    }
    if (waits !== undefined) {
      waits.leaseMs += this.#now - askedAtMs;
      waits.queueMs += queuedMs;
    }
    // A shard takes back a slot of which nobody says that it was received, and counts only what it hears of.
    if (step.kind === "leased" && isOwedAWord(step.heldLease, this.#now)) this.ports.spawn(this.flush());
    return step;
  }

  /** Ends an attempt, once: told to the shard now, or with the isolate's next acquire. */
  settle(heldLease: HeldLease, end: AttemptEnd): void {
    const { memory } = this;
    if (!this.#core.settleHeldLease(memory.leaseCache, heldLease, settlementOf(heldLease, end))) return;
    this.#flushWithin(rideMs(memory.leaseCache, heldLease, this.#now));
  }

  /** The request under this lease goes to its endpoint now. */
  sent(heldLease: HeldLease): void {
    noteSent(heldLease, this.#now);
  }

  /** The first token of the request under this lease is here: told with another message, or by itself when it is due. */
  begun(heldLease: HeldLease): void {
    const delayMs = this.#core.noteBegun(this.memory.leaseCache, heldLease, this.#now);
    if (delayMs !== null) this.#flushWithin(delayMs);
  }

  /** One flush serves the whole isolate; one that is due sooner comes before it, and one whose request died is replaced. */
  #flushWithin(delayMs: number): void {
    const { memory, ports } = this;
    const now = this.#now;
    const untilMs = now + delayMs + FLUSH_LIFE_MS;
    if (now < memory.flushUntilMs && memory.flushUntilMs <= untilMs) return;
    memory.flushUntilMs = untilMs;
    ports.spawn(delayMs === 0 ? this.flush() : waited(ports.clock, delayMs).then(async () => this.flush()));
  }

  /** Gives a lease back under which nothing was sent. */
  giveBack(heldLease: HeldLease, outcome: AttemptOutcome = "unused"): void {
    this.settle(heldLease, { outcome, heldMs: 0, ttftMs: null, headersMs: null });
  }

  /** The request under this lease lives. To be said at least as often as the lease is to be confirmed. */
  keep(heldLease: HeldLease): void {
    const now = this.#now;
    this.#core.touch(heldLease, now);
    // Another request of the isolate may have confirmed it meanwhile.
    if (now >= heldLease.confirmDueMs) this.ports.spawn(this.flush());
  }

  /** Why an attempt that was sent is to be given up while it has no byte; null: it is not. Asks the shard now and then. */
  hasToLeave(heldLease: HeldLease, sentAtMs: number): Departure | null {
    const step = this.#core.leaveStep(this.memory.leaseCache, heldLease, sentAtMs, this.#now);
    if (step === "ask") this.ports.spawn(this.askNews(heldLease.shard));
    return step === "leave" || step === "put_back" ? step : null;
  }

  /** Sends all that the shards are owed: settlements that found no ride, and confirmations that are due. */
  async flush(): Promise<void> {
    // Whatever is settled from here on needs a flush of its own.
    this.memory.flushUntilMs = 0;
    await Promise.all(shardsOwed(this.memory.leaseCache, this.#now).map(async (shard) => this.#tell(shard)));
  }

  #at() {
    return { now: this.#now, rng: this.ports.rng };
  }

  /** One message after the other until nothing is owed: each is bounded, and after a burst there is more than one holds. */
  async #tell(shard: string): Promise<void> {
    const { leaseCache } = this.memory;
    for (let message = 0; message < FLUSH_MESSAGES_MAX; message++) {
      const report = this.#core.takeReport(leaseCache, shard, this.#now);
      // Another flush, or an acquire, may have told the rest meanwhile.
      if (report.settled.length === 0 && report.held.length === 0 && report.begun === undefined) return;
      try {
        const reply = await this.ports.shardOf(shard).report(report);
        this.#core.noteHeard(leaseCache, shard, reply, this.#now);
      } catch {
        // The rest would fail as well: the next flush or acquire takes it.
        this.#core.restoreReport(leaseCache, shard, report);
        return;
      }
    }
  }

  /** Asks a shard for its news, with nothing to tell. */
  async askNews(shard: string): Promise<void> {
    try {
      const reply = await this.ports.shardOf(shard).report({ settled: [], held: [] });
      // A shard of an older version says nothing.
      this.#core.noteHeard(this.memory.leaseCache, shard, reply, this.#now);
    } catch {
      // It is away: what waits has limits of its own.
    }
  }

  /** One call, for as long as the pool's patience lasts; null when the shard failed or was too slow. */
  async #askWithin(asking: Asking, limitMs: number): Promise<AcquireReply | null> {
    return new Promise((resolve) => {
      let isLate = false;
      const cancel = this.ports.clock.after(limitMs, () => {
        isLate = true;
        resolve(null);
      });
      const answered = this.#acquire(asking).then(async (reply) => {
        cancel();
        if (!isLate) return resolve(reply);
        if (reply === null) return undefined;
        this.#core.onLateReply(this.memory.leaseCache, asking, reply, this.#now);
        return this.flush();
      });
      this.ports.spawn(answered);
    });
  }

  async #fill(asking: Asking): Promise<void> {
    const reply = await this.#acquire(asking);
    if (reply !== null) this.#core.onRefilled(this.memory.leaseCache, asking, reply, this.#now);
  }

  /** Null when the call failed. Never rejects. */
  async #acquire(asking: Asking): Promise<AcquireReply | null> {
    try {
      return await this.ports.shardOf(asking.shard).acquire(asking.request);
    } catch {
      this.#core.onCallFailed(this.memory.leaseCache, asking);
      return null;
    }
  }

  async #awaitSlot({ shard }: Asking, leaseId: string, limitMs: number): Promise<AwaitOutcome | null> {
    try {
      return await within(this.ports.clock, limitMs, this.ports.shardOf(shard).awaitGrant(leaseId));
    } catch {
      return null;
    }
  }
}

/** Whom the first step leads to. */
function shardOf(step: LeaseStep): string | null {
  if (step.kind === "leased") return step.heldLease.shard;
  return "asking" in step ? step.asking.shard : null;
}
