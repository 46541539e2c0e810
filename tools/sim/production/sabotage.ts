/**
 * Planted bugs: what the checkers must find. Each one wraps calls into the core, or the router, from the outside; no code
 * of the core or of the hosts knows of them, and nothing but the tests uses them.
 *
 * Model. A bug is one mistake that a change of the product could make, and the rule that it breaks.
 */
import type { LeaseConfirmation, Settlement } from "../../../src/routing/core/shard-messages.ts";
import { renewLease } from "../../../src/routing/core/shard/leases.ts";
import { CLOSED } from "../../../src/routing/core/endpoint/breaker.ts";
import type { ShardState } from "../../../src/routing/core/shard/shard-state.ts";
import type { Rule } from "./rules-broken.ts";
import type { CoreCalls } from "./core-calls.ts";
import type { Sabotage } from "./soak.ts";

export type PlantedBug = Sabotage & {
  readonly what: string;
  /** One of these must be what is found first. */
  readonly breaks: readonly Rule[];
};

const patched =
  (patch: (core: CoreCalls) => Partial<CoreCalls>) =>
  (core: CoreCalls): CoreCalls => ({ ...core, ...patch(core) });

export const PLANTED_BUGS = {
  "abort-keeps-lease": {
    what: "the lease of a cancelled or failed attempt is not settled",
    breaks: ["held-leases", "leak", "comes-to-rest"],
    core: patched(({ settleHeldLease }) => ({
      settleHeldLease: (leaseCache, heldLease, end) =>
        end.outcome === "served" || end.outcome === "unused" ? settleHeldLease(leaseCache, heldLease, end) : false,
    })),
  },
  "settled-twice": {
    what: "a settlement is applied again under a fresh id",
    breaks: ["settled-once"],
    router: (router) => {
      for (const shard of router.shards) {
        if (shard === null) continue;
        const tell = shard.report.bind(shard);
        shard.report = (report) => {
          const again = report.settled.map((one): Settlement => ({ ...one, leaseId: `${one.leaseId}-again` }));
          return tell({ ...report, settled: [...report.settled, ...again] });
        };
      }
    },
  },
  "retry-after-first-token": {
    what: "an answer that began is asked for again",
    breaks: ["after-first-token", "one-attempt", "crash"],
    router: (router) => {
      const { onFirstToken } = router;
      router.onFirstToken = (attempt) => {
        if (attempt % 7 === 3) router.onFailure(attempt, "reset");
        else onFirstToken.call(router, attempt);
      };
    },
  },
  "stale-epoch": {
    what: "the digest of an earlier incarnation replaces a later one's",
    breaks: ["epoch"],
    core: patched(({ absorbDigest }) => ({
      absorbDigest: (state, set, now) => {
        state.peers.delete(set.region);
        absorbDigest(state, set, now);
      },
    })),
  },
  "free-retries": {
    what: "the budget is not charged for a second attempt",
    breaks: ["budget"],
    core: patched(({ acquire }) => ({
      acquire: (state, request, now, rng) => {
        const { retry, hedge } = state.budgets;
        const before = [retry.milli, hedge.milli] as const;
        const acquired = acquire(state, request, now, rng);
        retry.milli = Math.max(retry.milli, before[0]);
        hedge.milli = Math.max(hedge.milli, before[1]);
        return acquired;
      },
    })),
  },
  "failure-as-latency": {
    what: "a failed attempt is told as served",
    breaks: ["true-outcome"],
    core: patched(({ settleHeldLease }) => ({
      settleHeldLease: (leaseCache, heldLease, end) =>
        settleHeldLease(leaseCache, heldLease, end.outcome === "failed" ? { ...end, outcome: "served" } : end),
    })),
  },
  "credits-never-expire": {
    what: "a grant that nobody confirmed lives as long as a confirmed one",
    breaks: ["unconfirmed"],
    core: patched(({ acquire }) => ({
      acquire: (state, request, now, rng) => {
        const acquired = acquire(state, request, now, rng);
        const ttlMs = state.pool.leaseTtlMs;
        for (const { id, endpointId, spent, epoch } of state.leases.live.values()) {
          if (!spent) renewLease(state.leases, { id, endpointId, epoch, ttlMs, capLeftMs: ttlMs }, now);
        }
        return acquired;
      },
    })),
  },
  "over-capacity": {
    what: "a shard believes in more slots than its endpoints have",
    breaks: ["capacity"],
    core: patched(({ createShard }) => ({
      createShard: (pool, region, epoch, now) => {
        const endpoints = pool.endpoints.map((spec) => ({
          ...spec,
          concurrencyPerWorker: 2 * (spec.concurrencyPerWorker ?? 1) + 4,
        }));
        return createShard({ ...pool, endpoints }, region, epoch, now);
      },
    })),
  },
  "second-hop": {
    what: "a spilled request is passed on again",
    breaks: ["one-hop"],
    core: patched(({ acquire }) => ({
      acquire: (state, request, now, rng) => acquire(state, { ...request, hop: 0 }, now, rng),
    })),
  },
  "revived-tombstone": {
    what: "a lease that ended may be granted or renewed again",
    breaks: ["live-again", "one-attempt"],
    core: patched(({ acquire, applyReport }) => ({
      acquire: (state, request, now, rng) => {
        state.leases.tombstones.clear();
        state.leases.olderTombstones.clear();
        return acquire(state, request, now, rng);
      },
      applyReport: (state, report, now, rng) => {
        state.leases.tombstones.clear();
        state.leases.olderTombstones.clear();
        return applyReport(state, report, now, rng);
      },
    })),
  },
  "never-swept": {
    what: "only messages of edges drop what is due, and none comes any more",
    breaks: ["comes-to-rest"],
    core: patched(({ makeDigest }) => ({
      sweep: () => [],
      applyProbe: () => [],
      makeDigest: (state) => makeDigest(state, 0),
    })),
  },
  "never-touched": {
    what: "a request does not show that it lives, so its lease is taken for an orphan's",
    breaks: ["held-leases"],
    core: patched(() => ({ touch: () => undefined })),
  },
  "tried-again": {
    what: "a retry does not say which endpoint failed",
    breaks: ["attempts-max", "budget"],
    core: patched(({ acquire, beginLease }) => ({
      beginLease: (leaseCache, leaseRequest, now) => beginLease(leaseCache, { ...leaseRequest, excluded: [] }, now),
      acquire: (state, request, now, rng) => acquire(state, { ...request, excluded: [] }, now, rng),
    })),
  },
  "no-ejection": {
    what: "the breaker never opens",
    breaks: ["breaker"],
    core: patched(({ acquire }) => ({
      acquire: (state, request, now, rng) => {
        for (const endpoint of state.endpoints.values()) endpoint.breaker = CLOSED;
        return acquire(state, request, now, rng);
      },
    })),
  },
  "half-open-to-all": {
    what: "an endpoint whose ejection is over takes traffic at once",
    breaks: ["half-open", "breaker", "capacity"],
    core: patched(({ acquire }) => ({
      acquire: (state, request, now, rng) => {
        const tried = [...state.endpoints.values()].map((endpoint) => ({ endpoint, breaker: endpoint.breaker }));
        for (const { endpoint, breaker } of tried) {
          if (breaker.state === "open" && breaker.untilMs <= now) endpoint.breaker = CLOSED;
        }
        const acquired = acquire(state, request, now, rng);
        for (const { endpoint, breaker } of tried) if (endpoint.breaker === CLOSED) endpoint.breaker = breaker;
        return acquired;
      },
    })),
  },
  "endless-queue": {
    what: "the queue has no bound",
    breaks: ["queue-bound"],
    core: patched(({ createShard }) => ({
      createShard: (pool, region, epoch, now) => createShard({ ...pool, queueDepthMax: 1_000_000 }, region, epoch, now),
    })),
  },
  "lost-grant": {
    what: "a queued request is not told that its slot is free",
    breaks: ["answered"],
    core: patched(({ applyReport }) => ({
      applyReport: (state, report, now, rng) =>
        applyReport(state, report, now, rng).filter(({ kind }) => kind !== "resolved"),
    })),
  },
  "unswept-digest": {
    what: "the shell skips the sweep after an exchange of digests",
    breaks: ["heard"],
    core: patched(({ absorbDigest, sweep }) => {
      const heardMs = new WeakMap<ShardState, number>();
      return {
        absorbDigest: (state, set, now) => {
          absorbDigest(state, set, now);
          heardMs.set(state, now);
        },
        sweep: (state, now, rng) => (heardMs.get(state) === now ? [] : sweep(state, now, rng)),
      };
    }),
  },
  "late-grant-kept": {
    what: "a grant that came after the request had gone elsewhere is not given back",
    breaks: ["leak"],
    core: patched(() => ({ onLateReply: () => undefined })),
  },
  "renewed-by-nobody": {
    what: "an edge confirms every lease that it was ever granted",
    breaks: ["settled-once", "live-again", "leak", "comes-to-rest", "unconfirmed"],
    core: patched(({ applyReport }) => {
      const known = new Map<string, LeaseConfirmation>();
      return {
        applyReport: (state, report, now, rng) => {
          for (const { id, endpointId } of state.leases.live.values()) {
            known.set(id, { leaseId: id, endpointId, epoch: 0, capLeftMs: state.pool.leaseTtlMs });
          }
          const held = [...known.values()].filter(({ leaseId }) => !state.leases.live.has(leaseId)).slice(0, 4);
          state.leases.tombstones.clear();
          state.leases.olderTombstones.clear();
          return applyReport(state, { ...report, held: [...report.held, ...held] }, now, rng);
        },
      };
    }),
  },
  "second-wake-up": {
    what: "every need wakes an endpoint that is warming already",
    breaks: ["wake-once"],
    core: patched(({ acquire }) => ({
      acquire: (state, request, now, rng) => {
        for (const endpoint of state.endpoints.values()) {
          if (endpoint.warmth !== "warming") continue;
          endpoint.wokenAtMs = -Infinity;
          endpoint.warmth = "cold";
        }
        return acquire(state, request, now, rng);
      },
    })),
  },
  "endless-lease": {
    what: "a lease has no cap: whoever says that it is held keeps it for ever",
    breaks: ["cap"],
    core: patched(({ createShard }) => ({
      createShard: (pool, region, epoch, now) =>
        createShard({ ...pool, leaseCapMs: 10 * pool.leaseCapMs }, region, epoch, now),
    })),
  },
  "wait-forgotten": {
    what: "a request that is sent to another shard stands last there, however long it has waited",
    breaks: ["place"],
    core: patched(({ acquire }) => ({
      acquire: (state, request, now, rng) => acquire(state, { ...request, waitedMs: 0 }, now, rng),
    })),
  },
  "report-dropped": {
    what: "what a failed call carried is not told again",
    breaks: ["told"],
    core: patched(() => ({ restoreReport: () => undefined, onCallFailed: () => undefined })),
  },
} satisfies Record<string, PlantedBug>;
