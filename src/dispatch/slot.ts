/**
 * A slot of an endpoint for whoever sends once, and repeats nothing: a lease, where it leads, and one attempt.
 */
import type { Leased, LeaseRequest, Refused } from "../routing/core/lease-client/edge-lease.ts";
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
  /** `inputTokens`: of what is sent, where that was not known when the slot was asked for. */
  readonly send: (outgoing: Outgoing, inputTokens?: number) => Promise<Sent>;
  /** Nothing is sent. */
  readonly giveBack: () => void;
  /** Nothing can be sent: nobody is there. */
  readonly noteGone: () => void;
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
  return endpoint === null ? { kind: "no_endpoint" } : slotAt(leases, { heldLease, reason }, endpoint);
}

function slotAt(
  leases: LeaseClient,
  { heldLease, reason }: Pick<Leased, "heldLease" | "reason">,
  endpoint: EdgeEndpoint,
): Slot {
  return {
    kind: "slot",
    endpoint,
    async send(outgoing, inputTokens) {
      if (inputTokens !== undefined) heldLease.askedWith = { ...heldLease.askedWith, inputTokens };
      const way = wayOf(leases, heldLease, () => wayTo(endpoint, outgoing), outgoing.clientGone);
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
