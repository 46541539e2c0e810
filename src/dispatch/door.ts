/**
 * The door of dispatch: what the rest of the house calls to have a request answered by an endpoint.
 *
 * Model. A request is sent under its lease, and again elsewhere where that helps (`attempts.ts`). What comes of it is an
 * answer that has begun (`begun-answer.ts`), or a refusal. `slot.ts` is the door of those who send once. Whoever stands before
 * them settles nothing and aborts nothing by hand.
 */
import type { Leased, LeaseReason, LeaseRequest } from "../routing/core/lease-client/edge-lease.ts";
import { ATTEMPTS, ENDPOINT } from "../wire/headers.ts";
import type { Refusal } from "../wire/refusal.ts";
import { runAttempts } from "./attempts.ts";
import { begunAnswer } from "./begun-answer.ts";
import type { BegunAnswer } from "./begun-answer.ts";
import { httpUpstream } from "./http-upstream.ts";
import type { LeaseAnswer, LeaseClient } from "../routing/host/lease-client.ts";
import type { Outgoing } from "./outgoing.ts";
import { part } from "./part.ts";
import type { EdgePool, Runtime } from "./runtime.ts";

/** Loaded with the first WebSocket. */
const socketPart = part(async () => import("./socket-upstream.ts"));

/** A request that is to be answered. */
export type Dispatch = {
  readonly runtime: Runtime;
  readonly leases: LeaseClient;
  readonly pool: EdgePool;
  readonly leaseRequest: LeaseRequest;
  readonly outgoing: Outgoing;
  /** May an attempt that may have been processed be repeated. */
  readonly repeatable: boolean;
  /** Whose request it is. */
  readonly tenant: string;
};

export type Outcome =
  | {
      readonly kind: "begun";
      readonly answer: BegunAnswer;
      readonly reason: LeaseReason | "failover" | "hedge";
      readonly attempts: number;
      readonly lease: Leased;
    }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** Never rejects but for a bug. */
export async function dispatch(
  { runtime, outgoing, ...request }: Dispatch,
  leasing: Promise<LeaseAnswer>,
): Promise<Outcome> {
  const { socket } = outgoing;
  const upstream =
    socket === undefined
      ? httpUpstream(runtime, request.pool, outgoing, request.tenant)
      : (await socketPart()).socketUpstream(request.pool, outgoing, socket);
  const outcome = await runAttempts({ ...request, upstream, bounds: outgoing }, leasing);
  if (outcome.kind === "refused") return outcome;
  const { result, ...told } = outcome;
  if (outgoing.trail !== undefined) outgoing.trail.answeredBy = result.attempt;
  const { reply } = result;
  if (reply.kind === "own") return { ...told, answer: begunAnswer(result, reply) };
  const headers = [
    [ENDPOINT, result.attempt.way.endpointId],
    [ATTEMPTS, String(outcome.attempts)],
  ] as const;
  return { kind: "refused", refusal: { ...reply.refusal, headers } };
}
