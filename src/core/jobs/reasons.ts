/**
 * Decides what the end of an attempt means for its job, by the reason: `again` (a failure that another endpoint may not
 * have), `returned` (nothing ran, so no attempt is used up), `final` (it would fail anywhere).
 *
 * The table is closed: a reason that nobody classified does not compile. Source: the typed infrastructure errors of fal,
 * facts on Runpod's capacity answers. Rejected: a status code as the reason, since the same 400 is a client's mistake
 * from one server and "no worker" from another; adapters decide that, once.
 */

export type FailureReason =
  | "endpoint_lost"
  | "worker_lost"
  | "timeout_first_byte"
  | "upstream_5xx"
  | "capacity"
  | "released"
  | "upstream_4xx"
  | "handler_error"
  | "output_too_large"
  | "blocked";

/** Ends of a job that no attempt reported. */
export type EndReason = FailureReason | "start_deadline" | "run_deadline" | "ttl" | "purged" | "cancelled_by_user";

export type FailureClass = "again" | "returned" | "final";

const CLASSES: Readonly<Record<FailureReason, FailureClass>> = {
  endpoint_lost: "again",
  worker_lost: "again",
  timeout_first_byte: "again",
  upstream_5xx: "again",
  // The endpoint had no room: it never saw the input.
  capacity: "returned",
  // Handed back unstarted: a GPU worker drains, or the shard had no slot after all.
  released: "returned",
  upstream_4xx: "final",
  // The handler ran to its end and said no; only the user knows whether asking again helps (redrive).
  handler_error: "final",
  output_too_large: "final",
  blocked: "final",
};

export const failureClass = (reason: FailureReason): FailureClass => CLASSES[reason];

/** How often a job may come back without having run. At the backoff's cap of 30 s that is four hours of no room. */
export const RETURNS_MAX = 1_000;
