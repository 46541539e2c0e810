/**
 * Decides what the end of an attempt means for its job, by its reason.
 *
 * Model. Each reason has a class:
 * - `again`: a failure that another endpoint may not have.
 * - `returned`: nothing ran, so no attempt is used up.
 * - `final`: it would fail anywhere.
 * - `unreached`: the connection was refused, so most likely nothing ran.
 * - `restarted`: the attempt ended with the router that waited for it.
 * The last two are excused a few times, and then count as `again`: the job itself may be what takes an endpoint, or the
 * router, down. The table is closed: a reason that nobody classified does not compile.
 * Source: the typed infrastructure errors of fal; Runpod's capacity answers (docs/reference/sources.md, Runpod load balancing).
 * Rejected: a status code as the reason. The same 400 is a client's mistake from one server, and "no worker" from
 * another; adapters decide that, once.
 */

export type FailureReason =
  | "endpoint_lost"
  | "worker_lost"
  | "timeout_first_byte"
  | "upstream_5xx"
  | "capacity"
  | "released"
  | "unreachable"
  | "router_restarted"
  | "upstream_4xx"
  | "handler_error"
  | "output_too_large"
  | "blocked"
  | "request_ends_endpoints";

/** Ends of a job that no attempt reported. */
export type EndReason = FailureReason | "start_deadline" | "run_deadline" | "ttl" | "purged" | "cancelled_by_user";

export type FailureClass = "again" | "returned" | "unreached" | "restarted" | "final";

const CLASSES: Readonly<Record<FailureReason, FailureClass>> = {
  endpoint_lost: "again",
  worker_lost: "again",
  timeout_first_byte: "again",
  upstream_5xx: "again",
  // The endpoint had no room: it never saw the input.
  capacity: "returned",
  // Handed back unstarted: a GPU worker drains, or the shard had no slot after all.
  released: "returned",
  // Not one byte came back, at once, and a look right after it found nobody there.
  unreachable: "unreached",
  router_restarted: "restarted",
  upstream_4xx: "final",
  // The handler ran to its end and said no; only the user knows whether asking again helps (redrive).
  handler_error: "final",
  output_too_large: "final",
  blocked: "final",
  // Endpoints stopped under it, in this job or in others of the same input.
  request_ends_endpoints: "final",
};

export const failureClass = (reason: FailureReason): FailureClass => CLASSES[reason];

/** How often a job may come back without having run. At the backoff's cap of 30 s that is four hours of no room. */
export const RETURNS_MAX = 1_000;

/**
 * How often an attempt that reached nobody is not counted. The queue sends nothing to an endpoint of which it knows
 * that it is not there, so one outage takes one or two of these from a job.
 */
export const UNREACHED_MAX = 10;

/**
 * How often an attempt that ended with the router is not counted: a week of deploys, and no endless loop of crashes.
 */
export const RESTARTS_MAX = 10;
