/**
 * Drives one real shard and several real lease caches in virtual time over a network that may lose, double and reorder
 * messages. It decides nothing: the shard and the lease caches do, as in production. Same seed, same run.
 */
import { endpointView, slotsOf } from "../../../../src/routing/core/endpoint/endpoint.ts";
import { checkLeaseTable, inFlight } from "../../../../src/routing/core/shard/leases.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import { createShard } from "../../../../src/routing/core/shard/shard.ts";
import type { ShardState } from "../../../../src/routing/core/shard/shard-state.ts";
import type { Effect } from "../../../../src/routing/core/shard/shard.ts";
import { acquire } from "../../../../src/routing/core/shard/shard-acquire.ts";
import type { Grant, Settlement } from "../../../../src/routing/core/shard-messages.ts";
import { applyReport, sweep } from "../../../../src/routing/core/shard/shard-settle.ts";
import {
  claimRefill,
  countRequest,
  createLeaseCache,
  creditIds,
  deposit,
  depositCredits,
  endRefill,
  holdUnconfirmed,
  restoreReport,
  settleHeldLease,
  shardsOwed,
  spendCredit,
  takeReport,
} from "../../../../src/routing/core/lease-client/lease-cache.ts";
import type { HeldLease, LeaseCache } from "../../../../src/routing/core/lease-client/lease-cache.ts";
import { acquireRequest, endpointSpec, poolSpec, settlement } from "./shard-fixture.ts";

export type Network = {
  /** Share of messages, either way, that never arrive, 0..1. */
  readonly loss: number;
  /** Share of messages to the shard that arrive twice, 0..1. */
  readonly doubling: number;
  /** Longest delay of a message, ms; each has its own, so they overtake each other. */
  readonly delayMsMax: number;
};

export type Traffic = {
  readonly seed: number;
  readonly edges: number;
  readonly requests: number;
  /** Longest gap between two requests of the fleet, ms. */
  readonly gapMsMax: number;
  /** Longest time an attempt runs, ms. */
  readonly holdMsMax: number;
  readonly network: Network;
};

export type Run = {
  readonly state: ShardState;
  readonly leaseCaches: readonly LeaseCache[];
  readonly granted: number;
  readonly fromCredits: number;
  readonly shed: number;
  /** Virtual time at the end, ms. */
  readonly now: number;
};

const SHARD = "pool:pool:us";
const KEY = `${SHARD}|here`;
/** Long after the last word of anybody, and beyond the life of any lease. */
const QUIET_MS = 120_000;
const OUTCOMES = ["served", "client_fault", "cancelled", "cut", "unused"] as const;

const POOL = poolSpec(
  [endpointSpec({ concurrencyPerWorker: 12 }), endpointSpec({ id: "e2", concurrencyPerWorker: 6 })],
  { queueDepthMax: 8, queueWaitMsMax: 2_000 },
);

/** `watch` is called after every event; it throws to fail the run. */
export function drive(
  traffic: Traffic,
  watch: (state: ShardState, running: readonly HeldLease[], now: number) => void,
): Run {
  const rng = seededRng(traffic.seed);
  const state = createShard(POOL, "us", 1, 0);
  const leaseCaches = Array.from({ length: traffic.edges }, createLeaseCache);
  const running = new Set<HeldLease>();
  const awaiting = new Map<string, (grant: Grant | null) => void>();
  const due: { atMs: number; run: () => void }[] = [];
  let now = 0;
  const counts = { granted: 0, fromCredits: 0, shed: 0 };
  const upTo = (max: number) => Math.floor(rng() * (max + 1));
  const later = (ms: number, run: () => void) => void due.push({ atMs: now + ms, run });

  /** Sends to the shard; `lost` is called when the sender would see an error. */
  const send = <Reply>(toShard: () => Reply, onReply: (reply: Reply) => void, lost: () => void) => {
    const { loss, doubling, delayMsMax } = traffic.network;
    if (rng() < loss) return later(delayMsMax, lost);
    const replyLost = rng() < loss;
    if (rng() < doubling) later(upTo(delayMsMax), toShard);
    later(upTo(delayMsMax), () => {
      const reply = toShard();
      later(upTo(delayMsMax), replyLost ? lost : () => onReply(reply));
    });
  };

  const perform = (effects: readonly Effect[]) => {
    for (const effect of effects) {
      if (effect.kind !== "resolved") continue;
      const outcome = state.resolved.get(effect.leaseId)?.outcome;
      awaiting.get(effect.leaseId)?.(outcome?.kind === "granted" ? outcome.grant : null);
      awaiting.delete(effect.leaseId);
    }
  };

  const flush = (leaseCache: LeaseCache) => {
    for (const shard of shardsOwed(leaseCache, now)) {
      const report = takeReport(leaseCache, shard, now);
      send(
        () => perform(applyReport(state, report, now, rng)),
        () => {},
        () => restoreReport(leaseCache, shard, report),
      );
    }
  };

  const run = (leaseCache: LeaseCache, heldLease: HeldLease) => {
    counts.granted += 1;
    running.add(heldLease);
    later(upTo(traffic.holdMsMax), () => {
      running.delete(heldLease);
      const end: Partial<Settlement> = {
        leaseId: heldLease.leaseId,
        endpointId: heldLease.grant.endpointId,
        outcome: OUTCOMES[upTo(OUTCOMES.length - 1)] ?? "served",
      };
      settleHeldLease(leaseCache, heldLease, settlement(end));
      flush(leaseCache);
    });
  };

  /** As the edge does: more credits before the last is spent, while no request waits for them. */
  const refill = (leaseCache: LeaseCache, leaseId: string, recentPerSecond: number) => {
    const askedAtMs = now;
    const asked = acquireRequest(leaseId, { ahead: true, recentPerSecond, carry: takeReport(leaseCache, SHARD, now) });
    send(
      () => acquire(state, asked, now, rng).reply.outcome,
      (outcome) => {
        if (outcome.kind !== "granted") return;
        const ids = [outcome.grant.leaseId, ...creditIds(outcome.grant)];
        depositCredits(leaseCache, { key: KEY, shard: SHARD }, outcome.grant, ids, { askedAtMs, now, firstAt: 0 });
        endRefill(leaseCache, KEY, ids.length);
      },
      () => restoreReport(leaseCache, SHARD, asked.carry),
    );
  };

  const request = (leaseCache: LeaseCache, leaseId: string) => {
    const recentPerSecond = countRequest(leaseCache, KEY, now);
    const credit = spendCredit(leaseCache, KEY, SHARD, now);
    if (credit !== null) {
      counts.fromCredits += 1;
      if (claimRefill(leaseCache, KEY, now)) refill(leaseCache, `${leaseId}a`, recentPerSecond);
      return run(leaseCache, credit);
    }
    const askedAtMs = now;
    const asked = acquireRequest(leaseId, { recentPerSecond, carry: takeReport(leaseCache, SHARD, now) });
    send(
      () => {
        const { reply, effects } = acquire(state, asked, now, rng);
        perform(effects);
        return reply.outcome;
      },
      (outcome) => {
        if (outcome.kind === "granted") run(leaseCache, deposit(leaseCache, KEY, SHARD, outcome.grant, askedAtMs, now));
        else if (outcome.kind !== "queued") counts.shed += 1;
        else {
          const redeem = (grant: Grant | null) => {
            if (grant === null) counts.shed += 1;
            else
              later(upTo(traffic.network.delayMsMax), () =>
                run(leaseCache, holdUnconfirmed(leaseCache, KEY, SHARD, grant, now)),
              );
          };
          const resolved = state.resolved.get(leaseId)?.outcome;
          if (resolved !== undefined) redeem(resolved.kind === "granted" ? resolved.grant : null);
          else if (state.queue.has(leaseId)) awaiting.set(leaseId, redeem);
          else redeem(null);
        }
      },
      () => restoreReport(leaseCache, SHARD, asked.carry),
    );
  };

  let atMs = 0;
  for (let i = 0; i < traffic.requests; i++) {
    atMs += upTo(traffic.gapMsMax);
    const edge = upTo(traffic.edges - 1);
    due.push({ atMs, run: () => request(leaseCaches[edge] ?? createLeaseCache("edge"), `edge${edge}-${i}`) });
  }
  const stopAtMs = atMs + traffic.holdMsMax + QUIET_MS;
  const tick = () => {
    for (const leaseCache of leaseCaches) flush(leaseCache);
    perform(sweep(state, now, rng));
    if (now < stopAtMs) later(100, tick);
  };
  tick();
  while (due.length > 0) {
    const next = due.reduce((first, one, i) => (one.atMs < (due[first]?.atMs ?? 0) ? i : first), 0);
    const [event] = due.splice(next, 1);
    if (event === undefined) break;
    now = event.atMs;
    event.run();
    checkLeaseTable(state.leases);
    watch(state, [...running], now);
  }
  return { state, leaseCaches, ...counts, now };
}

/** Live leases of each endpoint beside the slots that it has now, and those that it has when all is well. */
export function loadOf(
  state: ShardState,
  now: number,
): { id: string; live: number; capacity: number; slots: number }[] {
  return [...state.endpoints].map(([id, endpoint]) => {
    const live = inFlight(state.leases, id);
    return { id, live, capacity: endpointView(endpoint, live, now).capacity, slots: slotsOf(endpoint) };
  });
}
