/** One dispatch of a request to an endpoint, and what came of it. */
import type { AnswerUsage } from "./core/answer-usage.ts";
import type { AttemptFailure } from "../routing/core/shard-messages.ts";
import type { HeldLease } from "../routing/core/lease-client/lease-cache.ts";
import type { Begun } from "./begin-answer.ts";
import type { Desk } from "./lease-desk.ts";
import type { EdgeEndpoint } from "./runtime.ts";
import type { Outgoing } from "./outgoing.ts";

/** An attempt under way. */
export type Attempt = {
  readonly desk: Desk;
  readonly heldLease: HeldLease;
  readonly endpoint: EdgeEndpoint;
  readonly outgoing: Outgoing;
  readonly sentAtMs: number;
  readonly controller: AbortController;
  timer: ReturnType<typeof setTimeout> | null;
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
  hasLeft: boolean;
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

export type AttemptResult =
  | {
      readonly kind: "begun";
      readonly attempt: Attempt;
      readonly response: Response;
      readonly begun: Begun;
      /** It says that the request is too long for the endpoint's context: another one's may be longer. */
      readonly isTooLong: boolean;
    }
  /** May be repeated elsewhere; its lease is settled, unless it is `undecided` or found no room. */
  | LostAttempt;

export type LostAttempt = {
  readonly kind: "lost";
  readonly attempt: Attempt;
  readonly why: "capacity" | "failed" | "timeout" | "left";
  readonly maybeProcessed: boolean;
  /** Not one byte came back: its whole region may be cut off. */
  readonly silent: boolean;
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
