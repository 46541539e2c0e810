/**
 * The core as the shells of a simulated shard and of a simulated edge call it: every call is told to whoever watches, and does what it does without.
 *
 * Model. The shell that ships knows of no watcher, and performs what a call returned right after it: so a look at each
 * call, before and after, sees what a look into the shell would see.
 */
import type { Effect } from "../../../src/routing/core/shard/shard.ts";
import type { Asking, LeaseRequest, LeaseStep } from "../../../src/routing/core/lease-client/edge-lease.ts";
import type { LeaseCalls } from "../../../src/routing/host/lease-ports.ts";
import type { ShardCalls } from "../../../src/routing/host/shard-ports.ts";
import type { RequestLife } from "./requests.ts";
import type { SimShard } from "./sim-shard.ts";
import type { Asked, Watch } from "./watch.ts";

export type Seeing = {
  readonly shard: SimShard;
  readonly watch: Watch | null;
  /** Somebody who awaits a grant is about to have its answer. */
  readonly resolved: () => void;
};

export function seenCalls(core: ShardCalls, { shard, watch, resolved }: Seeing): ShardCalls {
  const seen = <Effects extends readonly Effect[]>(effects: Effects, asked: Asked | null = null): Effects => {
    watch?.called(shard, effects, asked);
    if (effects.some(({ kind }) => kind === "resolved")) resolved();
    return effects;
  };
  return {
    ...core,
    absorbDigest: (state, set, now) => {
      core.absorbDigest(state, set, now);
      watch?.absorbed(shard);
    },
    acquire: (state, request, now, rng) => {
      const isNew = !state.leases.live.has(request.leaseId) && !state.resolved.has(request.leaseId);
      watch?.carried(shard, request.carry);
      const { reply, effects } = core.acquire(state, request, now, rng);
      return { reply, effects: seen(effects, { request, reply, isNew }) };
    },
    applyReport: (state, report, now, rng) => {
      watch?.carried(shard, report);
      return seen(core.applyReport(state, report, now, rng));
    },
    applyProbe: (state, endpointId, result, now, rng, askedMs) => {
      const wasDown = state.endpoints.get(endpointId)?.health === "down";
      const effects = core.applyProbe(state, endpointId, result, now, rng, askedMs);
      if (wasDown && state.endpoints.get(endpointId)?.health === "up") watch?.cameBack(shard, endpointId);
      return seen(effects);
    },
    sweep: (state, now, rng) => seen(core.sweep(state, now, rng)),
  };
}

/** The calls are made for this request. */
export type SeeingEdge = { readonly life: RequestLife; readonly watch: Watch };

export function seenLeaseCalls(core: LeaseCalls, { life, watch }: SeeingEdge): LeaseCalls {
  const seen = <Step extends LeaseStep>(step: Step): Step => {
    if (step.kind === "ask") watch.asks(life, step.asking.request);
    if (step.kind === "leased") {
      life.leases.push(step.heldLease);
      watch.leased(step.heldLease);
    }
    return step;
  };
  const followed = <Step extends LeaseStep>(step: Step, waitedMs: number): Step => {
    if (step.kind === "ask" && step.asking.request.hop === 1) watch.followed(step.asking.request.leaseId, waitedMs);
    return seen(step);
  };
  /** Since it stands in line: one that was put back also before it asked this time. */
  const waited = ({ waitedMs = 0 }: LeaseRequest, { askedAtMs }: Asking, now: number): number =>
    now - askedAtMs + waitedMs;
  return {
    ...core,
    beginLease: (leaseCache, leaseRequest, now) => {
      const begun = core.beginLease(leaseCache, leaseRequest, now);
      seen(begun.step);
      return begun;
    },
    onReply: (leaseCache, leaseRequest, asking, reply, at) =>
      followed(core.onReply(leaseCache, leaseRequest, asking, reply, at), waited(leaseRequest, asking, at.now)),
    onSilence: (leaseCache, leaseRequest, at) => seen(core.onSilence(leaseCache, leaseRequest, at)),
    onAwaited: (leaseCache, leaseRequest, asking, outcome, at) => {
      if (outcome === null) watch.unanswered(asking.request.leaseId);
      const step = core.onAwaited(leaseCache, leaseRequest, asking, outcome, at);
      return followed(step, waited(leaseRequest, asking, at.now));
    },
    settleHeldLease: (leaseCache, heldLease, settlement) => {
      const isHeld = leaseCache.heldLeases.has(heldLease.leaseId);
      const isFirst = core.settleHeldLease(leaseCache, heldLease, settlement);
      // To end an attempt again is no mistake: the first word stands.
      if (isHeld) watch.settled(heldLease, settlement.outcome);
      return isFirst;
    },
  };
}
