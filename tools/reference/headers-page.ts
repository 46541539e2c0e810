/**
 * The reference of headers: what a client may send, what it gets, and what passes to an endpoint and back. The names
 * are the code's; one of ours that the code uses and nobody told of here is an error.
 */
import type { LeaseReason } from "../../src/routing/core/lease-client/edge-lease.ts";
import * as names from "../../src/wire/headers.ts";
import { code, generatedFrom, page, table } from "./page.ts";

type Row = readonly [name: string, meaning: string];

const REQUEST: readonly Row[] = [
  [
    "authorization",
    "`Bearer wp_…`: the client's key. `x-api-key` and `api-key` do the same; a placeholder in one of them does no harm.",
  ],
  ["x-api-key", "As `authorization`, without `Bearer`."],
  ["api-key", "As `x-api-key`."],
  [names.EXPLAIN, "`1`, with a key of the scope `admin`: the answer carries the decision in `x-warmpath-decision`."],
  [
    names.PRIORITY,
    "`high`, `normal` or `low`: the class in which it waits for a slot, up to the key's `priorityMax`. Of a job also 0 (first) to 9.",
  ],
  [
    names.URGENCY,
    "RFC 9218: `u=0` to `u=7` chooses the class where `x-warmpath-priority` does not. It passes to the endpoint.",
  ],
  [
    names.TIMEOUT,
    "How long the client waits for an answer to begin (a whole answer: to be there), s, above 0 to 86400, such as `30` or `2.5`; `limits.clientTimeoutMsMax` at most. It waits for a slot and for an endpoint no longer than that, is not sent again after it, and is then refused as `client_deadline`.",
  ],
  ...names.SDK_TIMEOUTS.map((name): Row => [
    name,
    "The same, as Stainless' SDKs (openai, anthropic) send it by themselves, where `x-warmpath-timeout` is not there.",
  ]),
  [
    names.MODEL,
    "The model of a form (`multipart/form-data`) that tells it behind a file of more than `limits.uploadHeadBytesMax` bytes. `?model=` does the same.",
  ],
  ["x-warmpath-session", "Names the session, so that its turns find their cache again."],
  ...names.SESSION_HEADERS.slice(1).map((name): Row => [
    name,
    "The same, as an agent or a gateway sends it. The first of these that is there counts.",
  ]),
  [
    names.RESUMABLE,
    "`true`: the answer's stream can be gone on with after a lost connection ([streams that survive](../how-to/streams-that-survive.md)).",
  ],
  [
    names.EVENT_STREAM_ID,
    "Of such a stream: the `id` of the last event that the client had; with `GET /v1/streams/{name}`, or with the same `POST`.",
  ],
  [names.TRACEPARENT, "W3C Trace Context: the dispatch to the endpoint is a child of it."],
  ["prefer", "`respond-async` makes the request a job, answered 202; `wait=n` first waits up to n s."],
  ["x-warmpath-on-busy", "`job`: becomes a job only instead of a refusal for want of room."],
  ["idempotency-key", "Of a job: the same key and request is the same job, for 24 h."],
  ["x-warmpath-start-timeout", "Of a job: seconds until its latest start."],
  ["x-warmpath-run-timeout", "Of a job: seconds that one attempt may run."],
  ["x-warmpath-ttl", "Of a job: seconds until it is deleted, in whatever state."],
  ["x-warmpath-no-retry", "Of a job: `1` for one attempt only."],
  ["x-warmpath-start-at", "Of a job: earliest start, Unix seconds or a date-time with its offset."],
  ["x-warmpath-tags", "Of a job: `name=value, …`."],
  ["x-warmpath-webhook", "Of a job: the URL that is told of it."],
  ["x-warmpath-webhook-events", "Of a job: which events are told."],
  [
    "x-warmpath-csrf",
    "Of the dashboard's session: its token, with everything that is not a GET ([the API](admin-api.md)).",
  ],
  [names.PLACE, "Development only: where the client is, `lat,lon` or a region's id."],
  [names.HOP, "Set by the router on its dispatches. A request that arrives with it is refused as `request_loop`."],
];

const RESPONSE: readonly Row[] = [
  [names.REQUEST_ID, "Names the request in logs."],
  [names.REQUEST_ID_ANTHROPIC, "The same id, where Anthropic's SDKs read it."],
  [names.ENDPOINT, "Which endpoint answered."],
  [names.REGION, "The endpoint's region."],
  [names.REASON, "Why that endpoint: see below."],
  [names.ATTEMPTS, "Endpoints that were asked for this request."],
  [names.OVERHEAD_MS, "From the request's arrival to the dispatch that was answered, ms."],
  [names.DECISION, "The whole decision as JSON; only where it was asked for."],
  [
    names.FALLBACK,
    "Pools that could not serve it, in the order in which they were asked: `from=pool; reason=down`, also `cold`, `full`, `late` or `failed`. Absent: its own pool answered.",
  ],
  [names.SPLIT, "Of a model that several pools share: the pool that it was led to."],
  [names.RAILS, "What each input rail said: `name=verdict;ms`, and how it failed."],
  [names.RAILS_SAVED_MS, "How much sooner the answer was there because the request was sent beside its rails, ms."],
  [
    names.TRANSLATED,
    'The endpoint does not speak the client\'s protocol: it was asked in `chat`, and this was left out of the request: `chat;dropped="cache_control"`.',
  ],
  [
    names.ON_CUT,
    'Of a stream, where the pool has `onCut: "continue"`: `continue`, or `error;why="tools"`: which part of the request forbids it ([streams that survive](../how-to/streams-that-survive.md#an-endpoint-dies)).',
  ],
  [names.STREAM, "The name of a stream that can be gone on with."],
  [names.SERVER_TIMING, "`router` and `upstream` in ms, and one entry for each rail."],
  ["retry-after", "With 429, 503 and 507: seconds, 1 to 60, true to what is known."],
  ["retry-after-ms", "The same in ms, for SDKs that read it."],
  ["x-should-retry", "`false` where the same request will not succeed later."],
  ["x-ratelimit-limit-requests", "The limit of requests in a minute, where the key or its tenant has one."],
  ["x-ratelimit-remaining-requests", "What is left of it, at the tighter of key and tenant."],
  ["x-ratelimit-reset-requests", "Until all of it is there again, as `1s` or `6m0s`."],
  ["x-ratelimit-limit-tokens", "The limit of tokens in a minute, likewise."],
  ["x-ratelimit-remaining-tokens", "What is left of it."],
  ["x-ratelimit-reset-tokens", "Until all of it is there again."],
  ["ratelimit-policy", 'The same limits as the IETF\'s draft writes them: `"requests";q=100;w=60`.'],
  ["ratelimit", 'What is left: `"requests";r=50;t=30`.'],
  ["location", "With 202: the job."],
  ["preference-applied", "What of `Prefer` was done."],
];

const REASONS: Readonly<Record<LeaseReason | "failover" | "hedge", string>> = {
  nearest_warm: "No warm endpoint is nearer.",
  spill: "Every nearer warm endpoint is full.",
  cheaper: "A nearer warm endpoint has a slot, but would answer later.",
  cold_start: "Nothing warm would answer sooner than this cold start.",
  panic: "Too few endpoints take traffic, so ejection is ignored.",
  snapshot: "The shard was not heard in time: decided from what it last said.",
  static: "Nothing is known of the fleet: decided from the config.",
  failover: "The endpoint that was asked first failed before its first byte.",
  hedge: "The endpoint that was asked first was late, and this one was sooner.",
};

/** `sources`: texts of the code, in which every header of ours is looked for. */
export function headersPage(sources: () => readonly string[]) {
  return { path: "docs/reference/headers.md", source: "src/wire/headers.ts", text: () => headersReference(sources()) };
}

export function headersReference(sources: readonly string[]): string {
  const told = new Set([...REQUEST, ...RESPONSE].map(([name]) => name));
  const used = sources.flatMap((text) => text.match(/(?<=")x-warmpath-[a-z-]*[a-z](?=")/g) ?? []);
  const untold = [...new Set([...used, ...names.EXPOSED_HEADERS])].filter((name) => !told.has(name));
  if (untold.length > 0) throw new Error(`tools/reference/headers-page.ts does not tell of ${untold.join(", ")}`);
  const rows = (list: readonly Row[]) => list.map(([name, meaning]) => [code(name), meaning]);
  const listed = (list: Iterable<string>) => [...new Set(list)].toSorted().map(code).join(" ");
  return page(
    "# Headers",
    generatedFrom("`src/wire/headers.ts`"),
    "## Requests",
    "What the router reads. Headers of its own are never sent to an endpoint.",
    table(["header", "meaning"], rows(REQUEST)),
    "## Answers",
    `With \`cors\` in the config browsers may read them: ${listed(names.EXPOSED_HEADERS)}.`,
    table(["header", "meaning"], rows(RESPONSE)),
    "### Values of `x-warmpath-reason`",
    table(["value", "meaning"], rows(Object.entries(REASONS))),
    "## What passes to an endpoint",
    `Everything else that the client sends, at most ${names.REQUEST_HEADERS_MAX} headers of ${names.REQUEST_HEADER_BYTES_MAX.toLocaleString("en-US")} bytes together; beyond that it is 431. Not passed, so that nobody poses as the edge or hands a credential to a GPU: ${listed(names.REQUEST_DROPPED)}, whatever \`Connection\` names, every name with an underscore, and all that begin with ${listed(names.REQUEST_DROPPED_PREFIXES)}.`,
    "The endpoint's own credential, `traceparent` and `x-warmpath-hop` are added.",
    "## What passes back",
    `Everything else that the endpoint sends, except ${listed(names.RESPONSE_DROPPED)} and all that begin with ${listed(names.RESPONSE_DROPPED_PREFIXES)}. A header that quotes the endpoint's credential does not pass.`,
  );
}
