/**
 * Decides what a client is told when the router itself refuses or fails: one closed table from reason to answer.
 *
 * Model: reason → status, code, type, retryable, message. A message is written here once and says what to do; no
 * exception text, URL, key or prompt can reach it.
 * Source: what openai, AI SDK and LangChain do with each form (docs/reference/sources.md, What SDKs do with a stream): they retry
 * every 5xx, 408, 409 and 429, and stop for good on words about money. So a policy refusal is 4xx and never 409.
 * Rejected: a message at the place of each refusal, where nobody sees whether two of them agree.
 */
export type ErrorType =
  | "authentication_error"
  | "permission_error"
  | "not_found_error"
  | "invalid_request_error"
  | "rate_limit_error"
  | "overloaded_error"
  | "api_error";

export type ErrorSpec = {
  readonly status: number;
  /** Stable, for programs. */
  readonly code: string;
  readonly type: ErrorType;
  /** May the same request succeed later, unchanged? */
  readonly retryable: boolean;
  /** A decision about this request, not a failure: such a reason is 4xx and never 409. */
  readonly isPolicy: boolean;
  readonly title: string;
  /** Public: what happened and what to do. */
  readonly message: string;
};

const spec = (
  [status, code, type]: readonly [number, string, ErrorType],
  kind: "policy, final" | "policy, retry" | "failure, final" | "failure, retry",
  title: string,
  message: string,
): ErrorSpec => ({
  status,
  code,
  type,
  retryable: kind.endsWith("retry"),
  isPolicy: kind.startsWith("policy"),
  title,
  message,
});

const table = {
  unauthorized: spec(
    [401, "invalid_api_key", "authentication_error"],
    "policy, final",
    "No valid API key",
    "The API key is missing or not valid. Send it as: Authorization: Bearer wp_… (or as x-api-key, or api-key).",
  ),
  key_expired: spec(
    [401, "key_expired", "authentication_error"],
    "policy, final",
    "The API key has expired",
    "This API key has expired. Ask the operator for a new one.",
  ),
  keys_unavailable: spec(
    [503, "keys_unavailable", "api_error"],
    "failure, retry",
    "The API key cannot be checked now",
    "Whether this API key is good cannot be told at the moment. Send the request again after the time in Retry-After.",
  ),
  not_recorded: spec(
    [503, "not_recorded", "api_error"],
    "failure, retry",
    "The order could not be recorded",
    "Nothing was done, because this order could not be recorded. Send it again after the time in Retry-After.",
  ),
  forbidden: spec(
    [403, "forbidden", "permission_error"],
    "policy, final",
    "Not allowed with this key",
    "This API key may not do this. Use a key with the scope that the operation needs.",
  ),
  unknown_model: spec(
    [404, "model_not_found", "not_found_error"],
    "failure, final",
    "Unknown model",
    "No pool serves this model. GET /v1/models lists the models there are.",
  ),
  unknown_pool: spec(
    [404, "pool_not_found", "not_found_error"],
    "failure, final",
    "Unknown pool",
    "There is no pool of this name. Check the path: /p/{pool}/{path}.",
  ),
  path_not_open: spec(
    [403, "path_not_open", "permission_error"],
    "policy, final",
    "The pool does not open this path",
    "This pool does not open this path. The operator opens more with the option paths.",
  ),
  not_found: spec(
    [404, "not_found", "not_found_error"],
    "failure, final",
    "Not found",
    "Nothing is served at this path.",
  ),
  method_not_allowed: spec(
    [405, "method_not_allowed", "invalid_request_error"],
    "failure, final",
    "Method not allowed",
    "This path does not take this method. The Allow header lists those that it takes.",
  ),
  body_too_large: spec(
    [413, "body_too_large", "invalid_request_error"],
    "policy, final",
    "The body is too large",
    "The request body is larger than this deployment accepts. Send a shorter request.",
  ),
  headers_too_large: spec(
    [431, "headers_too_large", "invalid_request_error"],
    "policy, final",
    "The headers are too large",
    "The request has more headers, or longer ones, than go on to an endpoint. Send fewer.",
  ),
  body_timeout: spec(
    [408, "body_timeout", "api_error"],
    "failure, retry",
    "The body came too slowly",
    "The request body was not there in time. Send it faster, or send less.",
  ),
  unsupported_media_type: spec(
    [415, "unsupported_media_type", "invalid_request_error"],
    "failure, final",
    "Unsupported media type",
    "The body must be JSON. Send it with: Content-Type: application/json",
  ),
  invalid_json: spec(
    [400, "invalid_json", "invalid_request_error"],
    "failure, final",
    "The body is not JSON",
    "The request body could not be parsed as JSON. Check it for a missing quote or a trailing comma.",
  ),
  invalid_request: spec(
    [400, "invalid_request", "invalid_request_error"],
    "failure, final",
    "The request is not valid",
    "A field of the request is missing or of the wrong type. The field is named in error.param.",
  ),
  request_keeps_failing: spec(
    [422, "request_keeps_failing", "invalid_request_error"],
    "policy, final",
    "The request keeps failing",
    "This request has failed at several GPU endpoints, which served others meanwhile. Change it, or send it again in half a minute.",
  ),
  request_ends_endpoints: spec(
    [422, "request_ends_endpoints", "invalid_request_error"],
    "policy, final",
    "GPU endpoints end under this request",
    "GPU endpoints have stopped while they worked on this request, several times, and served others. It is not sent again for a while. Change it.",
  ),
  blocked_by_guardrail: spec(
    [400, "blocked_by_guardrail", "invalid_request_error"],
    "policy, final",
    "Blocked by a guardrail",
    "A guardrail refused this request. Change its content before you send it again.",
  ),
  guardrail_unavailable: spec(
    [503, "guardrail_unavailable", "api_error"],
    "failure, retry",
    "A guardrail did not answer",
    "A guardrail that must see this request could not decide in time. Send the request again.",
  ),
  guardrail_unread: spec(
    [400, "unread_by_guardrail", "invalid_request_error"],
    "policy, final",
    "A guardrail cannot read the request",
    "A guardrail must read the whole request and cannot. Send text as plain JSON in UTF-8.",
  ),
  guardrail_unread_type: spec(
    [415, "unread_type_by_guardrail", "invalid_request_error"],
    "policy, final",
    "A guardrail cannot read this type of content",
    "A guardrail must read the whole request, and this type of content it cannot. Send text as plain JSON in UTF-8.",
  ),
  rate_limited: spec(
    [429, "rate_limited", "rate_limit_error"],
    "policy, retry",
    "Too many requests",
    "This key sends more than its limit allows. Wait for the time in Retry-After.",
  ),
  rate_limit_exceeded: spec(
    [429, "rate_limit_exceeded", "rate_limit_error"],
    "policy, retry",
    "A rate limit is reached",
    "This key or its tenant sends more than its limits allow. Wait for the time in Retry-After.",
  ),
  insufficient_quota: spec(
    [429, "insufficient_quota", "rate_limit_error"],
    "policy, final",
    "The quota is used up",
    "This key or its tenant has used what it may in this day or month. Ask the operator for more, or wait for the next.",
  ),
  request_beyond_limit: spec(
    [400, "request_beyond_limit", "invalid_request_error"],
    "policy, final",
    "The request is beyond a limit",
    "This one request may come to more than a limit of its key or tenant allows at all. Ask for fewer tokens.",
  ),
  limits_unavailable: spec(
    [503, "limits_unavailable", "overloaded_error"],
    "failure, retry",
    "The limits cannot be looked up",
    "Whoever keeps the limits of this key's tenant does not answer. Wait for the time in Retry-After.",
  ),
  saturated: spec(
    [429, "saturated", "overloaded_error"],
    "policy, retry",
    "All GPUs are busy",
    "Every GPU that could serve this request in time is busy. Wait for the time in Retry-After.",
  ),
  no_endpoint: spec(
    [503, "no_endpoint", "overloaded_error"],
    "failure, retry",
    "No endpoint is available",
    "No GPU endpoint of this pool takes requests now. Wait for the time in Retry-After.",
  ),
  warming_up: spec(
    [503, "warming_up", "overloaded_error"],
    "failure, retry",
    "The model is loading",
    "A GPU is starting for this model. Wait for the time in Retry-After.",
  ),
  upstream_failed: spec(
    [502, "upstream_failed", "api_error"],
    "failure, retry",
    "The GPU endpoint failed",
    "The GPU endpoint failed before it answered. Send the request again; if it keeps failing, the operator reads why in the log, and in GET /admin/fleet as lastFailure.",
  ),
  credential_refused: spec(
    [502, "credential_refused", "api_error"],
    "failure, final",
    "The GPU endpoint refuses this router",
    "The GPU endpoint does not accept the router's own credential. Sending again does not help: the operator finds the secret to correct in GET /admin/fleet, as lastFailure.",
  ),
  pool_down: spec(
    [503, "pool_down", "overloaded_error"],
    "failure, retry",
    "Every endpoint is down",
    "No GPU endpoint of this pool can be reached. Wait for the time in Retry-After.",
  ),
  upstream_timeout: spec(
    [504, "upstream_timeout", "api_error"],
    "failure, retry",
    "The GPU endpoint took too long",
    "The GPU endpoint gave no answer in time. Send the request again, or ask for fewer tokens.",
  ),
  client_deadline: spec(
    [504, "client_deadline", "api_error"],
    "failure, retry",
    "The time that the client gave is over",
    "No answer had begun when the time was over that the request itself gives it. Give it more, or ask for fewer tokens.",
  ),
  upstream_cut: spec(
    [502, "upstream_cut", "api_error"],
    "failure, retry",
    "The answer broke off",
    "The GPU endpoint broke off in the middle of the answer; what came before is incomplete. Send the request again.",
  ),
  request_loop: spec(
    [508, "request_loop", "api_error"],
    "failure, final",
    "The request came back",
    "An endpoint of this pool leads back to this router. The operator must correct its URL.",
  ),
  misconfigured: spec(
    [503, "misconfigured", "api_error"],
    "failure, final",
    "The deployment is not complete",
    "This deployment lacks a setting or a secret. The operator finds it in the log under this request id.",
  ),
  shutting_down: spec(
    [503, "shutting_down", "overloaded_error"],
    "failure, retry",
    "The router is shutting down",
    "This router is shutting down. Send the request again: another one, or this one after its restart, will answer.",
  ),
  stream_lost: spec(
    [503, "stream_lost", "api_error"],
    "failure, retry",
    "The stream was lost",
    "What kept this stream ended before the answer did, or nobody followed it for too long. Send the request again.",
  ),
  internal: spec(
    [500, "internal", "api_error"],
    "failure, retry",
    "Internal error",
    "The router failed. Send the request again; if it fails again, report the request id.",
  ),
  idempotency_conflict: spec(
    [422, "idempotency_conflict", "invalid_request_error"],
    "failure, final",
    "The idempotency key is taken",
    "This Idempotency-Key was sent with another request before. Send a new key with a new request.",
  ),
  queue_paused: spec(
    [503, "queue_paused", "overloaded_error"],
    "failure, retry",
    "The queue is paused",
    "The operator has paused this queue: it takes no new jobs now. Wait for the time in Retry-After.",
  ),
  job_not_retryable: spec(
    [400, "job_not_retryable", "invalid_request_error"],
    "failure, final",
    "The job cannot be retried",
    "Only a job that failed or timed out can be retried. Look at its status.",
  ),
  job_failed: spec(
    [502, "job_failed", "api_error"],
    "failure, final",
    "The job failed",
    "The job ended without an answer. Its status says why; POST to its retry path runs it again.",
  ),
  job_cancelled: spec(
    [410, "job_cancelled", "invalid_request_error"],
    "failure, final",
    "The job was cancelled",
    "The job was cancelled, so it has no answer.",
  ),
  job_timed_out: spec(
    [504, "job_timed_out", "api_error"],
    "failure, final",
    "The job took too long",
    "The job ran into one of its deadlines. Its status says which; POST to its retry path runs it again.",
  ),
  jobs_only: spec(
    [400, "jobs_only", "invalid_request_error"],
    "policy, final",
    "This pool takes jobs only",
    "GPU workers pull the jobs of this pool, and nothing answers at once. Send Prefer: respond-async, or POST /v2/{pool}/run.",
  ),
  storage_full: spec(
    [507, "storage_full", "overloaded_error"],
    "failure, retry",
    "The queue's storage is full",
    "The queue has no room to store anything more; what it has can be read. Wait for the time in Retry-After.",
  ),
} satisfies Record<string, ErrorSpec>;

export type ErrorReason = keyof typeof table;

export const ERRORS: Readonly<Record<ErrorReason, ErrorSpec>> = table;
