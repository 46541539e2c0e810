/** Decides in one word why an attempt did not become the answer of its request. */
import type { Tried } from "../dispatch/trail.ts";
import type { AttemptLoss } from "./core/record.ts";

/** What of an attempt tells it. */
export type Lost = Pick<
  Tried,
  "outcome" | "left" | "isUnreachable" | "timedOut" | "isSilent" | "status" | "headersAtMs"
>;

/** `isAnswer`: its answer was taken; `hasAnswer`: another one's was. Null: it was the answer, and came to its end. */
export function lossOf(attempt: Lost, isAnswer: boolean, hasAnswer: boolean): AttemptLoss | null {
  const { outcome } = attempt;
  switch (outcome) {
    // It still runs.
    case null:
      return isAnswer ? null : "cancelled";
    case "served":
      return isAnswer ? null : "overtaken";
    case "client_fault":
      return isAnswer ? null : "too_long";
    case "capacity":
      return "no_room";
    case "failed":
    case "disputed":
      return failureOf(attempt);
    case "late":
      return attempt.timedOut ? "timeout" : "late";
    case "cut":
      return attempt.isSilent ? "silent" : "cut";
    case "unused":
      return attempt.left === "put_back" ? "put_back" : "cancelled";
    case "cancelled":
      if (attempt.left !== null) return attempt.left === "put_back" ? "put_back" : "left";
      if (attempt.timedOut) return "timeout";
      if (attempt.status !== null && !isAnswer) return failureOf(attempt);
      return !isAnswer && hasAnswer ? "overtaken" : "cancelled";
    default:
      return outcome satisfies never;
  }
}

function failureOf({ status, isUnreachable, timedOut }: Lost): AttemptLoss {
  if (status === 401 || status === 403) return "credential_refused";
  if (status === 429) return "no_room";
  if (status !== null) return "server_error";
  if (isUnreachable) return "unreachable";
  return timedOut ? "timeout" : "connection_failed";
}
