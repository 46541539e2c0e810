/** What is known of one request while it is sent, and what comes of it. */
import type { AttemptPlan, Repeat } from "./core/attempt-plan.ts";
import type { LateTimes } from "../routing/core/endpoint/first-byte.ts";
import type { Leased, LeaseReason, LeaseRequest } from "../routing/core/lease-client/edge-lease.ts";
import type { Refusal } from "../wire/refusal.ts";
import type { AttemptResult, BegunAttempt, LostAttempt } from "./attempt.ts";
import type { FailingRequests } from "./core/failing-requests.ts";
import type { LeaseClient } from "../routing/host/lease-client.ts";
import type { Bounds, Upstream } from "./upstream.ts";

/** One request as the endpoints get it. */
export type Dispatch<Reply> = {
  readonly leases: LeaseClient;
  readonly pool: PoolRules;
  readonly leaseRequest: LeaseRequest;
  readonly upstream: Upstream<Reply>;
  readonly bounds: Bounds;
  /** May an attempt that may have been processed be repeated. */
  readonly repeatable: boolean;
  /** Whose request it is. */
  readonly tenant: string;
};

/** What of a pool bounds its requests. */
export type PoolRules = {
  readonly config: { readonly attemptsMax: number; readonly patienceMs: number; readonly queueWaitMsMax: number };
  /** Requests that keep failing. */
  readonly failing: FailingRequests;
};

export type Outcome<Reply> = BegunOutcome<Reply> | { readonly kind: "refused"; readonly refusal: Refusal };

export type BegunOutcome<Reply> = {
  readonly kind: "begun";
  readonly result: BegunAttempt<Reply>;
  readonly reason: LeaseReason | "failover" | "hedge";
  readonly attempts: number;
  readonly lease: Leased;
};

/** Written in place. */
export type Course<Reply> = {
  readonly dispatch: Dispatch<Reply>;
  readonly plan: AttemptPlan;
  readonly losses: Losses;
  /** The first endpoint that said it, in its own words: they are the client's when nobody has a longer context. */
  tooLong: BegunOutcome<Reply> | null;
  /** Which request it is, where it may be what ends endpoints; null: nothing speaks for that. */
  suspect: string | null;
};

/** What the lost attempts of one request have in common. Written in place, by `losses.ts`. */
export type Losses = {
  last: LostAttempt["why"] | null;
  /** Answered with errors of their endpoints' own. */
  readonly undecided: LostAttempt[];
  /** Refused for want of room. */
  readonly refusals: LostAttempt[];
  /** Each endpoint that was asked refused our own credential: asking again is in vain. */
  credentialRefused: boolean;
  /** The last was sent although nobody admits, and nobody was there. */
  poolDown: boolean;
};

/** What follows an attempt, or that there was no lease for one. */
export type Next<Reply> = { readonly ends: Outcome<Reply> } | { readonly asks: Repeat };

export type HedgePlan<Reply> = {
  /** When the first attempt is late. */
  readonly late: LateTimes;
  readonly pool: PoolRules;
  readonly leaseRequest: LeaseRequest;
  readonly upstream: Upstream<Reply>;
  /** Endpoints dispatched to; the second one's is added when it is. */
  readonly tried: string[];
};

export type Hedged<Reply> = {
  readonly result: AttemptResult<Reply>;
  /** The second attempt answered. */
  readonly isHedge: boolean;
};
