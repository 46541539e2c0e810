/** One dispatch of a request to an endpoint, and what came of it. */
import type { AnswerUsage } from "./core/answer-usage.ts";
import type { AttemptFailure, AttemptOutcome } from "../routing/core/shard-messages.ts";
import type { HeldLease } from "../routing/core/lease-client/lease-cache.ts";
import type { Departure, LeaseClient } from "../routing/host/lease-client.ts";
import type { Bounds, Way } from "./upstream.ts";

/** An attempt under way. Written in place, by the modules of its life alone. */
export type Attempt = {
  readonly leases: LeaseClient;
  readonly heldLease: HeldLease;
  readonly way: Way<unknown>;
  readonly bounds: Bounds;
  readonly sentAtMs: number;
  readonly controller: AbortController;
  /** Cancels its timer; null: none runs. */
  cancelTimer: (() => void) | null;
  /** Its lease is settled, and nothing watches it any more. */
  isEnded: boolean;
  /** How it was settled; null: it was not. */
  outcome: AttemptOutcome | null;
  /** When it ended, or failed; null: neither. */
  endedAtMs: number | null;
  /** Of the answer; null: none came. */
  status: number | null;
  /** Bytes of its answer, where somebody counted; else null. */
  bytesOut: number | null;
  hasBegun: boolean;
  /** Somebody sees its answer to the end. */
  isTaken: boolean;
  /** The first byte, or the end, did not come in time. */
  timedOut: boolean;
  /** When it has been silent for too long; Infinity while nobody listens. */
  silentAtMs: number;
  isSilent: boolean;
  /** When it is late, unless its first byte is here; Infinity when nobody wants to know. */
  lateAtMs: number;
  readonly onLate: Lateness["onLate"] | null;
  /** When to see whether the endpoint can be reached at all; Infinity once its headers are here. */
  connectAtMs: number;
  /** Nothing at the endpoint answers. */
  isUnreachable: boolean;
  /** When to see whether its endpoint is to be left; Infinity once an answer is coming, or where it may not be repeated. */
  leaveAtMs: number;
  /** Why it was given up for its shard; null: it was not. */
  left: Departure | null;
  headersAtMs: number | null;
  /** First byte of a stream's body. */
  firstByteAtMs: number | null;
  firstTokenAtMs: number | null;
  /** What its end says of the prompt; told with it. */
  usage: AnswerUsage | null;
  /** When an endpoint without room wants to be asked again, ms; told with its end. */
  retryAfterMs: number | null;
  /** Which request it was, of one that was refused for want of room; told with its end. */
  request: string | null;
  /** What it showed when it failed, for operators; told with its end. */
  failure: AttemptFailure | null;
};

/**
 * Called when there is no first byte `afterMs` after the dispatch; returns the instant at which it wants to be called again
 * if there is none by then, or Infinity.
 */
export type Lateness = { readonly afterMs: number; readonly onLate: (attempt: Attempt) => number };

export type AttemptResult<Reply> = BegunAttempt<Reply> | LostAttempt;

export type BegunAttempt<Reply> = {
  readonly kind: "begun";
  readonly attempt: Attempt;
  readonly reply: Reply;
  readonly status: number;
  /** It says that the request is too long for the endpoint's context: another one's may be longer. */
  readonly isTooLong: boolean;
  /** What is still to come, to be taken by one of its exits; null: all is here, and the lease is settled. */
  readonly open: OpenAnswer | null;
};

/**
 * The rest of an answer that has begun. It is taken by one of these exits, once; each settles the lease when it is over, and
 * aborts what is left.
 */
export type OpenAnswer = {
  /** Resolves, with what the pump says, once the lease is settled. */
  readonly run: (pump: Pump<AttemptOutcome>) => Promise<AttemptOutcome>;
  /** Takes a part, if the pump says null: the rest is open again, for another exit. Null: it was the end. */
  readonly part: (pump: Pump<AttemptOutcome | null>) => Promise<OpenAnswer | null>;
  /** Nobody wants the rest. */
  readonly discard: (outcome: AttemptOutcome) => void;
};

/** Sees an answer through, and resolves with how it ended. */
export type Pump<Ended> = (attempt: Attempt) => Promise<Ended>;

/** May be repeated elsewhere; its lease is settled, unless it is `undecided` or found no room. */
export type LostAttempt = {
  readonly kind: "lost";
  readonly attempt: Attempt;
  readonly why: "capacity" | "failed" | "timeout" | "left" | "put_back";
  readonly maybeProcessed: boolean;
  /** Not one byte came back. */
  readonly silent: boolean;
  /** It broke off, or was too late, before its answer had begun; headers may have come. */
  readonly cutOff: boolean;
  /** Status of its error answer; null: none came. */
  readonly status: number | null;
  /** When the endpoint that had no room wants to be asked again, ms; null: it did not say. */
  readonly retryAfterMs: number | null;
  /**
   * It answered with an error of its own, which may be the request's fault: whoever repeats the request knows better, and
   * ends it (`endAttempt`). If nobody does within BLAME_MS, it has failed.
   */
  readonly undecided: boolean;
};
