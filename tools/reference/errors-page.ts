/** The reference of errors: the one table of the router, with what an operator does about each. */
import { ERRORS } from "../../src/wire/errors.ts";
import type { ErrorReason } from "../../src/wire/errors.ts";
import { code, generatedFrom, page, table } from "./page.ts";

/** What the operator does; what the client does is in the message. Empty: nothing, the client is at fault. */
const OPERATOR: Readonly<Record<ErrorReason, string>> = {
  unauthorized: "Compare the key's `hmac` in `keys`, and the pepper it was made with.",
  key_expired: "Make another key with `npm run key`, or move `keys[].expiresAt`.",
  keys_unavailable: "Look at the `KeyRegistry` object, or at the issuer's `jwksUrl`: one of them does not answer.",
  not_recorded: '`admin.unrecorded: "allow"` lets orders through while the registry is down.',
  forbidden: "Give the key the scope in `keys[].scopes`.",
  unknown_model: "Name the model in `pools.*.models`.",
  unknown_pool: "",
  path_not_open: "Open the path in `pools.*.paths`, if clients should reach it.",
  not_found: "",
  method_not_allowed: "",
  body_too_large: "Raise `limits.bodyBytesMax`, or the option of the rail that the message names.",
  headers_too_large: "",
  body_timeout: "Raise `limits.bodyTimeoutMs` for clients on slow lines.",
  unsupported_media_type: "",
  invalid_json: "",
  invalid_request: "",
  request_keeps_failing:
    "Look in the log at what endpoints said of it: a request that ends engines shows a fault of theirs.",
  request_ends_endpoints:
    "`GET /admin/poison` lists such requests, by hash, and the endpoints that ended; the log says `request_refused`. Mend or raise the engine, then `DELETE /admin/poison`.",
  blocked_by_guardrail: "A rule that blocks too much can run in `shadow` first.",
  guardrail_unavailable: "Look in the log for the rail's reason; raise its `timeoutMs`, or choose `onError`.",
  guardrail_unread: '`onError: "open"` lets through what the rail cannot read.',
  guardrail_unread_type: '`onMedia: "open"` lets media through.',
  rate_limit_exceeded: "Raise the limit that the message names, in `tenants.*.limits` or `keys[].limits`.",
  insufficient_quota: "Raise the cap that the message names; `GET /admin/usage` shows what it was used for.",
  request_beyond_limit: "Raise the limit that the message names, if one request may be so large.",
  limits_unavailable: "Look at the object `TENANT_LEDGER`; `onLedgerDown` says what happens while it is away.",
  rate_limited: "Raise the limit in `jobs.rates`.",
  saturated: "Add GPU workers, or `queueDepthMax` and `queueWaitMsMax` if waiting is better than refusing.",
  no_endpoint: "See `GET /admin/fleet`: every endpoint is drained, ejected or down.",
  warming_up: "`workers.min` of 1 keeps one warm; `coldWaitMsMax` lets requests wait longer.",
  stream_lost:
    "A router that ended takes the streams with it that it generated. `limits.resumable.graceMs` is how long one without a follower goes on.",
  upstream_failed: "Read why in the log, and in `GET /admin/fleet` as `lastFailure`.",
  credential_refused: "Correct the secret that `endpoints[].auth` names.",
  pool_down: "Start the endpoints, or look at why the router cannot reach them.",
  client_deadline: "Clients name it by `x-warmpath-timeout`, or their SDK does; no endpoint is blamed.",
  upstream_timeout: "Raise `firstTokenTimeoutMs` or `executionTimeoutMs`, or look at the endpoint's load.",
  upstream_cut: "Look at the endpoint: it ended in the middle of an answer.",
  request_loop: "Correct `endpoints[].url`: it leads back here.",
  misconfigured: "Read the log under the request id: a secret or a setting is missing.",
  shutting_down: "",
  internal: "Read the log under the request id, and report it.",
  idempotency_conflict: "",
  queue_paused: "`POST /admin/jobs/{pool}/resume` takes jobs again.",
  job_not_retryable: "",
  job_failed: "",
  job_cancelled: "",
  job_timed_out: "Raise the job's deadlines, or look at why it waited.",
  jobs_only: "Give the pool endpoints, if requests should be answered at once.",
  storage_full: "Shorten retention and ttl, or split the pool.",
};

export const errorsPage = {
  path: "docs/reference/errors.md",
  source: "the table of errors",
  text: errorsReference,
};

function errorsReference(): string {
  const rows = (Object.keys(ERRORS) as ErrorReason[])
    .map((reason) => ({ reason, ...ERRORS[reason] }))
    .toSorted((a, b) => a.status - b.status)
    .map(({ reason, status, code: name, type, retryable, message }) => [
      String(status),
      code(name),
      code(type),
      retryable ? "yes" : "no",
      message,
      OPERATOR[reason],
    ]);
  return page(
    "# Errors",
    generatedFrom("`src/wire/errors.ts`"),
    "Every refusal and failure of the router itself. An endpoint's own error passes with its status and body. `error.code` is stable and for programs; *again* says whether the same request may succeed later, unchanged.",
    table(["status", "`error.code`", "`error.type`", "again", "what the client reads", "what the operator does"], rows),
    "## The body",
    "OpenAI's `error` object with the members of RFC 9457 beside it, so that every SDK finds the message. Paths of Anthropic's and Runpod's API answer in their own form.",
    '```json shape\n{\n  "type": "urn:warmpath:error:saturated",\n  "title": "All GPUs are busy",\n  "status": 429,\n  "detail": "Every GPU that could serve this request in time is busy. Wait for the time in Retry-After.",\n  "instance": "urn:warmpath:request:req_…",\n  "retryAfterMs": 1200,\n  "error": { "message": "Every GPU …", "type": "overloaded_error", "param": null, "code": "saturated" }\n}\n```',
    "429, 503 and 507 carry `Retry-After` (1 to 60 s) and `retry-after-ms`. What is final carries `x-should-retry: false`.",
    "## In the middle of a stream",
    'A stream that breaks ends with an error that every SDK reports, and never with a clean end: `data: {"error": {…}}`, then `data: [DONE]`. Anthropic\'s streams get `event: error`.',
  );
}
