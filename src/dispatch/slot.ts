/**
 * A slot of an endpoint for whoever sends once, and repeats nothing: a lease, where it leads, and one attempt.
 */
import type { Leased, LeaseRequest, Refused } from "../routing/core/lease-client/edge-lease.ts";
import { poisonHeard } from "../routing/core/lease-client/lease-cache-leave.ts";
import type { LeaseClient } from "../routing/host/lease-client.ts";
import type { Refusal } from "../wire/refusal.ts";
import { endLost } from "./attempt-end.ts";
import { attemptOnce } from "./attempt-once.ts";
import type { LostAttempt } from "./attempt.ts";
import { begunAnswer } from "./begun-answer.ts";
import type { BegunAnswer } from "./begun-answer.ts";
import { wayTo } from "./http-upstream.ts";
import type { Outgoing } from "./outgoing.ts";
import type { EdgeEndpoint, EdgePool } from "./runtime.ts";
import { wayOf } from "./way-of.ts";

/** A free slot of an endpoint. One of its exits is taken, once. */
export type Slot = {
  readonly kind: "slot";
  readonly endpoint: EdgeEndpoint;
  readonly send: (outgoing: Outgoing, of?: Sending) => Promise<Sent>;
  /** Nothing is sent. */
  readonly giveBack: () => void;
  /** Nothing can be sent: nobody is there. */
  readonly noteGone: () => void;
};

type Sending = {
  /** Of what is sent, where that was not known when the slot was asked for. */
  readonly inputTokens?: number;
  /**
   * Tells which request it is, so that it is held against it where its endpoint ends, and it is refused where endpoints end
   * under it (`poison.ts`). Absent: neither.
   */
  readonly request?: () => Promise<string>;
};

type Sent =
  | { readonly kind: "begun"; readonly answer: BegunAnswer }
  /** It answered, and this is to be said in its place. */
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | Lost;

/** Nobody repeats it, so its lease is settled. */
export type Lost = { readonly kind: "lost" } & Pick<LostAttempt, "why" | "silent" | "retryAfterMs">;

export async function takeSlot(
  leases: LeaseClient,
  pool: EdgePool,
  leaseRequest: LeaseRequest,
): Promise<Slot | Refused> {
  const answer = await leases.take(leaseRequest, pool.config.patienceMs);
  if (answer.kind !== "leased") return answer;
  const { heldLease, reason } = answer;
  const endpoint = wayOf(leases, heldLease, (endpointId) => pool.endpoints.get(endpointId) ?? null, null);
  return endpoint === null
    ? { kind: "no_endpoint" }
    : slotAt(leases, { heldLease, reason, pool: pool.spec.id }, endpoint);
}

type Held = Pick<Leased, "heldLease" | "reason"> & { readonly pool: string };

/** Do endpoints end under it; where they may, the lease remembers which request it was. */
async function isPoison(leases: LeaseClient, { heldLease, pool }: Held, request: () => Promise<string>) {
  const heard = poisonHeard(leases.memory.leaseCache, pool, leases.ports.clock.now());
  if (heard.length === 0) return false;
  const known = await request();
  const told = heard.find((one) => one.request === known);
  if (told === undefined) return false;
  if (told.forMs > 0) return true;
  heldLease.suspect = known;
  return false;
}

function slotAt(leases: LeaseClient, held: Held, endpoint: EdgeEndpoint): Slot {
  const { heldLease, reason } = held;
  return {
    kind: "slot",
    endpoint,
    async send(outgoing, { inputTokens, request } = {}) {
      if (request !== undefined && (await isPoison(leases, held, request))) {
        leases.giveBack(heldLease);
        return { kind: "refused", refusal: { reason: "request_ends_endpoints" } };
      }
      if (inputTokens !== undefined) heldLease.askedWith = { ...heldLease.askedWith, inputTokens };
      const way = wayOf(leases, heldLease, () => wayTo(endpoint, outgoing, request), outgoing.clientGone);
      if (way === null) return { kind: "lost", why: "left", silent: true, retryAfterMs: null };
      const { trail } = outgoing;
      if (trail !== undefined) trail.reason ??= reason;
      const result = await attemptOnce(leases, heldLease, way, outgoing);
      if (result.kind === "begun") {
        if (trail !== undefined) trail.answeredBy = result.attempt;
        const { reply } = result;
        return reply.kind === "own" ? { kind: "begun", answer: begunAnswer(result, reply) } : reply;
      }
      endLost(result);
      const { why, silent, retryAfterMs } = result;
      return { kind: "lost", why, silent, retryAfterMs };
    },
    giveBack: () => leases.giveBack(heldLease),
    noteGone: () => leases.giveBack(heldLease, "failed"),
  };
}
