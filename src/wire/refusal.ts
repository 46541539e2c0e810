/**
 * Why a request gets no answer: a value from wherever it is decided until the door, which alone makes an answer of it.
 */
import type { ErrorReason } from "./errors.ts";

export type Refusal = {
  readonly reason: ErrorReason;
  /** Public text in place of the table's; ours, never an exception's. */
  readonly detail?: string;
  readonly param?: string;
  readonly retryAfterMs?: number;
  readonly headers?: readonly (readonly [string, string])[];
};

/** What a handler comes to. */
export type Answer = Response | Refusal;
