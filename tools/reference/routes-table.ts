/**
 * Every path that the router serves, for the reference and for the tests that ask each of them.
 *
 * Model. Written by hand, because a handler does not know what it is for; `routes-page.ts` holds it to the code's own
 * tables, so that a route without a line is an error.
 */

export type ServedRoute = {
  readonly method: string;
  /** `{name}` is one segment, `{name…}` any number. */
  readonly path: string;
  /** The scope that a key needs; null: no key. */
  readonly scope: "infer" | "admin" | "worker" | null;
  readonly does: string;
};

type Line = readonly [route: string, scope: ServedRoute["scope"], does: string];

const served = (lines: readonly Line[]): readonly ServedRoute[] =>
  lines.map(([route, scope, does]) => {
    const [method = "", path = ""] = route.split(" ");
    return { method, path, scope, does };
  });

export const ROUTE_GROUPS: Readonly<Record<string, readonly ServedRoute[]>> = {
  Inference: served([
    ["POST /v1/chat/completions", "infer", "The pool is chosen by `model`."],
    ["POST /v1/completions", "infer", "The same."],
    ["POST /v1/embeddings", "infer", "The same."],
    [
      "POST /v1/responses",
      "infer",
      "The same: OpenAI's Responses, natively or [told in chat](../how-to/serve-agents.md).",
    ],
    ["GET /v1/responses/{id}", "infer", "A response, from the endpoint that keeps it."],
    ["DELETE /v1/responses/{id}", "infer", "Deletes it there."],
    ["POST /v1/responses/{id}/cancel", "infer", "Cancels it there, if it runs in the background."],
    ["GET /v1/responses/{id}/input_items", "infer", "What it was asked."],
    ["POST /v1/messages", "infer", "The same: Anthropic's Messages, natively or told in chat."],
    ["POST /v1/messages/count_tokens", "infer", "How many tokens a message has, by the endpoint's own tokenizer."],
    ["POST /v1/images/generations", "infer", "The same: pictures, whole or as events."],
    ["POST /v1/images/edits", "infer", "The same, of pictures in a [form](../how-to/media.md), or in JSON."],
    ["POST /v1/images/variations", "infer", "The same, in a form."],
    [
      "POST /v1/audio/transcriptions",
      "infer",
      "The same, of sound in a [form](../how-to/media.md): a long one goes up as it comes.",
    ],
    ["POST /v1/audio/translations", "infer", "The same."],
    [
      "POST /v1/audio/speech",
      "infer",
      "The same: a text as sound, streamed as bytes or, with `stream_format`, as events.",
    ],
    ["POST /v1/moderations", "infer", "The same; the endpoint is the judge."],
    ["POST /v1/rerank", "infer", "The same: documents in the order in which they answer a query (Jina's, vLLM's)."],
    ["POST /v2/rerank", "infer", "The same, as Cohere's clients ask."],
    ["POST /rerank", "infer", "The same, as engines have it at their root, unless `routes` says what the path is."],
    ["POST /v1/score", "infer", "The same: how near texts are."],
    ["POST /v1/tokenize", "infer", "The same: the tokens of a prompt or a chat."],
    ["POST /tokenize", "infer", "The same, at the root."],
    ["POST /v1/detokenize", "infer", "The same: the text of tokens."],
    ["POST /detokenize", "infer", "The same, at the root."],
    [
      "GET /v1/streams/{name}",
      "infer",
      "The rest of a stream that was asked for with `x-warmpath-resumable: true`, after the event that `Last-Event-ID` (or `after`) names ([streams that survive](../how-to/streams-that-survive.md)).",
    ],
    [
      "GET /v1/realtime",
      "infer",
      "A WebSocket: OpenAI's Realtime, the pool chosen by `?model=` ([how](../how-to/connect-a-client.md#websockets-and-realtime)).",
    ],
    [
      "GET /v1/models",
      "infer",
      "What the key may use, with the length of its context where an endpoint tells it, and in `warmpath` its pool and how that is; in Anthropic's form, by pages, with its header `anthropic-version`.",
    ],
    ["GET /v1/models/{model…}", "infer", "One of them, in the same forms."],
    [
      "GET /v1/usage",
      "infer",
      "What the key's tenant has used, by day, key, model and outcome: `from`, `to` (days of UTC, at most 92), `key`, `format` (`json`, `csv`).",
    ],
    [
      "ANY /p/{pool}/{path…}",
      "infer",
      "An endpoint's own path, with any body, or a WebSocket, as far as the pool [opens it](../explanation/security.md#paths-at-an-endpoint).",
    ],
  ]),
  "Files and batches": served([
    [
      "POST /v1/files",
      "infer",
      "Uploads a file as a form: `file`, `purpose`, `expires_after[anchor]`, `expires_after[seconds]`.",
    ],
    ["GET /v1/files", "infer", "The tenant's files: `after`, `limit`, `order`, `purpose`."],
    ["GET /v1/files/{id}", "infer", "One file."],
    ["GET /v1/files/{id}/content", "infer", "Its bytes."],
    ["DELETE /v1/files/{id}", "infer", "Deletes it."],
    [
      "POST /v1/batches",
      "infer",
      "Makes a file's lines the tenant's jobs: `input_file_id`, `endpoint`, `completion_window` ([how](../how-to/run-a-batch.md)).",
    ],
    ["GET /v1/batches", "infer", "The tenant's batches: `after`, `limit`."],
    ["GET /v1/batches/{id}", "infer", "How far a batch is, and where its answers are."],
    ["POST /v1/batches/{id}/cancel", "infer", "Cancels what of it has not ended."],
  ]),
  "Jobs, plain": served([
    ["GET /v1/jobs", "infer", "The tenant's jobs of one pool: `pool`, `status`, `offset`, `limit`."],
    ["GET /v1/jobs/dead-letters", "infer", "Jobs that failed or timed out: `pool`."],
    ["GET /v1/jobs/dead-webhooks", "infer", "Webhooks that could not be delivered: `pool`."],
    ["POST /v1/jobs/dead-webhooks/{id}/replay", "infer", "One of them again."],
    ["GET /v1/jobs/{id}", "infer", "The job; `Prefer: wait=n` holds the answer until it has ended."],
    ["GET /v1/jobs/{id}/result", "infer", "Its answer."],
    ["GET /v1/jobs/{id}/events", "infer", "Its course as server-sent events."],
    ["DELETE /v1/jobs/{id}", "infer", "Cancels it."],
    ["POST /v1/jobs/{id}/cancel", "infer", "Cancels it."],
    ["POST /v1/jobs/{id}/retry", "infer", "A failed or timed-out job again."],
  ]),
  "Jobs, Runpod's queue API": served([
    ["POST /v2/{pool}/run", "infer", "A job; `{id, status}`."],
    ["POST /v2/{pool}/runsync", "infer", "A job, and its answer within `wait`."],
    ["GET /v2/{pool}/status/{id}", "infer", "The job."],
    ["GET /v2/{pool}/status-sync/{id}", "infer", "The job, when it has ended."],
    ["GET /v2/{pool}/stream/{id}", "infer", "Pieces of its answer."],
    ["POST /v2/{pool}/cancel/{id}", "infer", "Cancels it."],
    ["POST /v2/{pool}/retry/{id}", "infer", "A failed or timed-out job again."],
    ["POST /v2/{pool}/purge-queue", "infer", "Removes what waits."],
    ["GET /v2/{pool}/health", "infer", "Jobs and workers, counted."],
    ["GET /v2/{pool}/requests", "infer", "The tenant's jobs, a page at a time."],
    ["POST /v2/{pool}/batch", "infer", "A batch."],
    ["GET /v2/{pool}/batch/{batch}", "infer", "The batch."],
    ["POST /v2/{pool}/batch/{batch}/requests", "infer", "Adds to it."],
    ["GET /v2/{pool}/batch/{batch}/requests", "infer", "What is in it."],
    ["POST /v2/{pool}/batch/{batch}/finalize", "infer", "Nothing more comes."],
    ["POST /v2/{pool}/batch/{batch}/cancel", "infer", "Cancels what waits and runs of it."],
    ["ANY /v2/{pool}/openai/{path…}", "infer", "The pool's ordinary synchronous path."],
  ]),
  "GPU workers that pull": served([
    ["GET /v2/{pool}/job-take/{worker}", "worker", "The next job, held for up to 60 s."],
    ["GET /v2/{pool}/job-take-batch/{worker}", "worker", "Several at once."],
    ["POST /v2/{pool}/job-done/{worker}/{id}", "worker", "Its result."],
    ["POST /v2/{pool}/job-stream/{worker}/{id}", "worker", "A piece of it."],
    ["GET /v2/{pool}/job-stop/{worker}", "worker", "Jobs that the worker is to stop."],
    ["GET /v2/{pool}/ping/{worker}", "worker", "The worker lives."],
  ]),
  Dashboard: served([
    ["GET /dashboard", null, "The page; it shows nothing before somebody signs in."],
    ["GET /dashboard/{file}", null, "Its script, style and icon, by names that hold a hash."],
    ["POST /dashboard/api/session", null, "An admin key for a session's cookie ([how](admin-api.md))."],
    ["GET /dashboard/api/session", "admin", "Whose session it is, and its token."],
    ["DELETE /dashboard/api/session", "admin", "Signs out."],
    ["GET /dashboard/api/snapshot", "admin", "What the page draws, at this instant."],
    ["GET /dashboard/api/models", "admin", "The models that the panel may ask for, as `GET /v1/models` lists them."],
    ["GET /dashboard/api/live", "admin", "A WebSocket with a frame a second."],
    ["GET /dashboard/api/history", "admin", "Figures by the minute, or the hour, for charts: `minutes`, `step`."],
    ["GET /dashboard/api/demo", "admin", "The demo alone: its simulated endpoints."],
    ["POST /dashboard/api/demo", "admin", "The demo alone: kills, slows or cools them, and undoes it."],
    ["POST /dashboard/api/try", "admin", "A request to a model as the key that is signed in, for the page's panel."],
  ]),
  Operators: served([
    ["GET /metrics", "admin", "Figures for Prometheus."],
    [
      "GET /admin/usage",
      "admin",
      "What tenants have used: as `/v1/usage`, of one `tenant`, or of all with a key in the config.",
    ],
    ["GET /admin/fleet", "admin", "Every shard's leases and endpoints; `?probe=1` asks every endpoint first."],
    [
      "POST /admin/explain",
      "admin",
      "Where a request would go now, and why every other endpoint lost; nothing is sent.",
    ],
    ["POST /admin/endpoints/{id}/drain", "admin", "Takes an endpoint out of traffic; what runs there ends."],
    ["POST /admin/endpoints/{id}/undrain", "admin", "Takes it back."],
    ["POST /admin/pools/{pool}/drain", "admin", "Takes all endpoints of a pool out of traffic."],
    ["POST /admin/pools/{pool}/undrain", "admin", "Takes them back."],
    [
      "GET /admin/poison",
      "admin",
      "Requests under which endpoints ended, by hash, with how often, where, and for how long each is refused.",
    ],
    ["DELETE /admin/poison", "admin", "Nothing is held against one of them (`request`), or against any."],
    [
      "POST /admin/shards/{pool}/{region}/restart",
      "admin",
      "Development only: the shard loses its memory, as by an eviction.",
    ],
    ["POST /admin/feed/restart", "admin", "Development only: the feed loses its memory, as by an eviction."],
    ["POST /admin/jobs/{pool}/pause", "admin", "Nothing new starts."],
    ["POST /admin/jobs/{pool}/resume", "admin", "Everything starts and is taken again."],
    ["POST /admin/jobs/{pool}/drain", "admin", "Nothing new is taken."],
    ["POST /admin/jobs/{pool}/limits", "admin", "Limits of the queue, kept over deploys."],
    ["POST /admin/jobs/{pool}/dead-events", "admin", "Events of the pool that could not be delivered."],
    ["POST /admin/jobs/{pool}/replay-event", "admin", "One of them again."],
    ["GET /admin/jobs", "admin", "Every pool's queue: its mode, limits, and jobs by state."],
    ["GET /admin/jobs/{pool}", "admin", "One of them."],
    ["GET /admin/jobs/{pool}/jobs", "admin", "Jobs of every tenant: `status`, `tenant`, `offset`, `limit`."],
    ["GET /admin/jobs/{pool}/jobs/{id}", "admin", "A job with its history, without its input and answer."],
    ["POST /admin/jobs/{pool}/jobs/{id}/cancel", "admin", "Cancels it."],
    ["POST /admin/jobs/{pool}/jobs/{id}/retry", "admin", "Runs it again, if it failed or timed out."],
    ["GET /admin/jobs/{pool}/dead-letters", "admin", "Jobs of every tenant that failed or timed out."],
    ["POST /admin/jobs/{pool}/redrive", "admin", "Many of them again, or all."],
    ["GET /admin/jobs/{pool}/webhooks", "admin", "Webhooks that are on their way, or were given up."],
    ["GET /admin/jobs/{pool}/dead-webhooks", "admin", "Those that were given up."],
    ["POST /admin/jobs/{pool}/dead-webhooks/{id}/replay", "admin", "One of them again."],
    ["POST /admin/jobs/{pool}/replay", "admin", "Many of them again."],
    ["GET /admin/jobs/{pool}/workers", "admin", "GPU workers that pull, and what each holds."],
    [
      "GET /admin/keys",
      "admin",
      "API keys, a page at a time: `tenant`, `after`, `limit`; those of the config beside them.",
    ],
    ["POST /admin/keys", "admin", "Makes a key. It is shown in this answer and never again."],
    ["GET /admin/keys/{id}", "admin", "One key of the registry."],
    [
      "PATCH /admin/keys/{id}",
      "admin",
      "Changes what it may do: `scopes`, `limits`, `models`, `pools`, `addresses`, `priorityMax`, `expiresInSeconds`, `note`; null takes one away.",
    ],
    ["DELETE /admin/keys/{id}", "admin", "Revokes it, everywhere within a minute."],
    ["POST /admin/keys/{id}/rotate", "admin", "Another secret; the one before it goes on for `overlapSeconds`."],
    ["GET /admin/audit", "admin", "What operators did: `since` a number or an instant, `limit`, `format=jsonl`."],
    [
      "DELETE /admin/tenants/{id}/data",
      "admin",
      "Erases what is stored of a tenant: its jobs and webhooks in every pool, its decisions in the feed; `usage=delete` what it used, too.",
    ],
    ["POST /admin/hooks", "admin", "Makes a URL that enqueues its POST body as a job, without a key."],
  ]),
  "Without a key": served([
    ["POST /hooks/{token}", null, "Enqueues its body: the token is the key."],
    ["GET /openapi.json", null, "This list for machines: OpenAPI 3.1, with the shapes of bodies and answers."],
    ["GET /livez", null, "Is the process up."],
    ["GET /readyz", null, "Is its config good, and does it take requests. Also `/healthz`, `/health` and `/ping`."],
  ]),
};

export const ROUTES_SERVED: readonly ServedRoute[] = Object.values(ROUTE_GROUPS).flat();
