/**
 * Decides what became of a request: exactly one outcome, by total tables over everything that can end one.
 *
 * Model. What the router refused has its outcome by its reason, whoever found it. What an endpoint answered is served, unless
 * its status says otherwise or the answer did not come to its end. A client that left first is `cancelled`, whatever would
 * have become of its request; what a guardrail ended is `blocked`.
 * The router's own failure has no word of its own in the glossary: it is where an operator looks for errors.
 */
import type { AttemptOutcome } from "../routing/core/shard-messages.ts";
import type { ErrorReason } from "../wire/errors.ts";
import type { FailureReason } from "../jobs/core/reasons.ts";
import type { RequestOutcome } from "./core/record.ts";

const BY_REASON: Readonly<Record<ErrorReason, RequestOutcome>> = {
  unauthorized: "refused",
  key_expired: "refused",
  forbidden: "refused",
  unknown_model: "refused",
  unknown_pool: "refused",
  path_not_open: "refused",
  not_found: "refused",
  method_not_allowed: "refused",
  body_too_large: "refused",
  headers_too_large: "refused",
  body_timeout: "refused",
  unsupported_media_type: "refused",
  invalid_json: "refused",
  invalid_request: "refused",
  request_keeps_failing: "refused",
  request_ends_endpoints: "refused",
  idempotency_conflict: "refused",
  job_not_retryable: "refused",
  jobs_only: "refused",
  blocked_by_guardrail: "blocked",
  guardrail_unavailable: "blocked",
  guardrail_unread: "blocked",
  guardrail_unread_type: "blocked",
  request_beyond_limit: "refused",
  rate_limited: "shed",
  rate_limit_exceeded: "shed",
  insufficient_quota: "shed",
  limits_unavailable: "shed",
  saturated: "shed",
  shutting_down: "shed",
  keys_unavailable: "shed",
  not_recorded: "shed",
  queue_paused: "shed",
  storage_full: "shed",
  no_endpoint: "no_endpoint",
  pool_down: "no_endpoint",
  warming_up: "no_endpoint",
  misconfigured: "no_endpoint",
  request_loop: "no_endpoint",
  upstream_timeout: "expired",
  client_deadline: "expired",
  job_timed_out: "expired",
  job_cancelled: "cancelled",
  upstream_failed: "upstream_failed",
  credential_refused: "upstream_failed",
  upstream_cut: "upstream_failed",
  job_failed: "upstream_failed",
  stream_lost: "upstream_failed",
  internal: "upstream_failed",
};

/** Of an attempt of a job. */
const BY_FAILURE: Readonly<Record<FailureReason, RequestOutcome>> = {
  endpoint_lost: "upstream_failed",
  worker_lost: "upstream_failed",
  upstream_5xx: "upstream_failed",
  handler_error: "upstream_failed",
  unreachable: "upstream_failed",
  output_too_large: "upstream_failed",
  timeout_first_byte: "expired",
  capacity: "shed",
  released: "cancelled",
  router_restarted: "cancelled",
  upstream_4xx: "refused",
  blocked: "blocked",
  request_ends_endpoints: "refused",
};

export type Verdict = { readonly outcome: RequestOutcome; readonly reason: string | null };

export type Ending = {
  /** Why the router refused it, or its job's attempt failed; null: it answered. */
  readonly refused: ErrorReason | null;
  readonly failed: FailureReason | null;
  readonly status: number;
  /** Before there was an answer. */
  readonly clientLeft: boolean;
  /** Why output rails ended it in the middle; null: they did not. */
  readonly stoppedBy: ErrorReason | null;
  /** Of the attempt whose answer was taken; null: there is none. */
  readonly answered: { readonly outcome: AttemptOutcome | null; readonly timedOut: boolean } | null;
};

export function outcomeOf({ refused, failed, status, clientLeft, stoppedBy, answered }: Ending): Verdict {
  if (stoppedBy !== null) return { outcome: BY_REASON[stoppedBy], reason: stoppedBy };
  if (refused === "blocked_by_guardrail") return { outcome: "blocked", reason: refused };
  if (clientLeft) return CLIENT_LEFT;
  if (refused !== null) return { outcome: BY_REASON[refused], reason: refused };
  if (failed !== null) return { outcome: BY_FAILURE[failed], reason: failed };
  if (answered?.outcome === "cut") {
    return { outcome: "upstream_failed", reason: answered.timedOut ? "upstream_timeout" : "upstream_cut" };
  }
  // It was at work until its time was over, or until its client left.
  if (answered?.outcome === "cancelled") {
    return answered.timedOut ? { outcome: "expired", reason: "upstream_timeout" } : CLIENT_LEFT;
  }
  if (status >= 500) return { outcome: "upstream_failed", reason: "endpoint_5xx" };
  if (status >= 400) return { outcome: "refused", reason: "endpoint_4xx" };
  return { outcome: "served", reason: null };
}

const CLIENT_LEFT: Verdict = { outcome: "cancelled", reason: "client_left" };
