/** What the simulator remembers of a request and of each of its attempts, beside what the shells that ship remember. */
import type { LeaseRequest } from "../../../src/routing/core/lease-client/edge-lease.ts";
import type { HeldLease } from "../../../src/routing/core/lease-client/lease-cache.ts";
import type { FailureReason } from "../router.ts";
import type { SimEdge } from "./sim-edge.ts";

/** Written in place. */
export type RequestLife = {
  readonly request: number;
  readonly edge: SimEdge;
  readonly leaseRequest: LeaseRequest;
  /** Its client is gone. */
  readonly gone: AbortController;
  /** Every lease that it was ever given. */
  readonly leases: HeldLease[];
  readonly attempts: SimAttempt[];
};

/** Why an attempt is over; `timeout`: its own edge gave it up. */
export type Ending = FailureReason | "ended" | "given_up";

/** An attempt as the world runs it. Written in place. */
export type SimAttempt = {
  readonly of: RequestLife;
  /** The world's. */
  readonly attempt: number;
  readonly endpointId: string;
  readonly region: string;
  readonly sentAtMs: number;
  /** It was sent while another one ran. */
  readonly isBeside: boolean;
  hasHeaders: boolean;
  hasBegun: boolean;
  /** When its edge knew that it is over; null: it runs. */
  overAtMs: number | null;
  ending: Ending | null;
};
