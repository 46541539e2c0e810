/**
 * Decides which headers cross the router, in both directions, and how our own are spelt.
 *
 * Model: a deny list of names and prefixes, plus whatever `Connection` lists (RFC 9110 7.6.1). Everything else is the
 * client's and passes, because an unknown header may matter to a GPU server. What a client could use to pose as the
 * edge, to pick an endpoint, or to hand its credentials to a GPU, does not pass. Names with an underscore are dropped:
 * CGI-like servers read `x_forwarded_for` as `x-forwarded-for`. Sources: RFC 9110, W3C Trace Context.
 * Rejected: an allow list, which breaks every custom worker that reads its own header.
 */
import { quotes } from "./credential-forms.ts";
import type { Place } from "../routing/core/pool.ts";

export const REQUEST_ID = "x-request-id";
/** Which every client of Anthropic's API sends. */
export const ANTHROPIC_VERSION = "anthropic-version";
/** The same id under the name that Anthropic's SDKs read. */
export const REQUEST_ID_ANTHROPIC = "request-id";
export const ENDPOINT = "x-warmpath-endpoint";
export const REGION = "x-warmpath-region";
export const REASON = "x-warmpath-reason";
export const ATTEMPTS = "x-warmpath-attempts";
export const OVERHEAD_MS = "x-warmpath-overhead-ms";
/** Request: "1" asks for `DECISION` in the answer; for operators only. */
export const EXPLAIN = "x-warmpath-explain";
/** The routing decision as JSON (`decision-header.ts`). */
export const DECISION = "x-warmpath-decision";
/** Pools that could not serve the request, and why: `dispatch/core/fallback.ts`. */
export const FALLBACK = "x-warmpath-fallback";
/** Pool that a split has led the request to. */
export const SPLIT = "x-warmpath-split";
/** What each input rail said, and how long it took: `rail-headers.ts`. */
export const RAILS = "x-warmpath-rails";
/** The answer was translated, from which protocol, and what of the request was left out. */
export const TRANSLATED = "x-warmpath-translated";
/** How much sooner the answer was there because the request was sent beside its rails, ms. */
export const RAILS_SAVED_MS = "x-warmpath-rails-saved-ms";
export const SERVER_TIMING = "server-timing";
export const TRACEPARENT = "traceparent";
/** Development only: where the client is, "lat,lon" or a region id. */
export const PLACE = "x-warmpath-place";
/**
 * Request: names the session that it belongs to, the first of them that is there. Ours, then what agents send (Claude
 * Code; OpenCode and Workers AI; Codex in two spellings), the most specific first.
 */
export const SESSION_HEADERS = [
  "x-warmpath-session",
  "x-claude-code-session-id",
  "x-session-affinity",
  "x-session-id",
  "session-id",
  "session_id",
] as const;
/** Request: the class in which it waits for a slot. */
export const PRIORITY = "x-warmpath-priority";
/** Request: the same by RFC 9218; for the endpoint too. */
export const URGENCY = "priority";
/** Request: the model of a form that tells it behind its file. */
export const MODEL = "x-warmpath-model";
/** Request: how long its client waits for an answer to begin, s. */
export const TIMEOUT = "x-warmpath-timeout";
/** The same, as Stainless' SDKs say it: those for JavaScript, those for Python. */
export const SDK_TIMEOUTS = ["x-stainless-timeout", "x-stainless-read-timeout"] as const;
/** Request: where a client may send its key; what stands in any of them is tried, so a placeholder does no harm. */
export const KEY_HEADERS = ["authorization", "x-api-key", "api-key"] as const;
/** A browser's WebSocket sends no headers: OpenAI's clients name their key among the subprotocols that they offer. */
const KEY_PROTOCOL = /(?:^|,)\s*openai-insecure-api-key\.([^,\s]+)/;

/** What a client presents as a key, in every place where it may. */
export function keysIn(headers: Headers): readonly string[] {
  const [, key] = KEY_PROTOCOL.exec(headers.get("sec-websocket-protocol") ?? "") ?? [];
  return [...KEY_HEADERS.map((name) => headers.get(name)), key].filter((value) => typeof value === "string");
}
/** What becomes of the stream if its endpoint dies, where the pool has `onCut`. */
export const ON_CUT = "x-warmpath-on-cut";
/** Request: "true" asks for a stream that its client may come back to. */
export const RESUMABLE = "x-warmpath-resumable";
/** Answer: the name of such a stream. */
export const STREAM = "x-warmpath-stream";
/** Request: the last event that the client had (WHATWG HTML, 9.2.4). */
export const EVENT_STREAM_ID = "last-event-id";
/** Set on every dispatch; a request that arrives with it came from a router, so an endpoint leads back to us. */
export const HOP = "x-warmpath-hop";

/** What a browser may read, for Access-Control-Expose-Headers. */
export const EXPOSED_HEADERS: readonly string[] = [
  REQUEST_ID,
  REQUEST_ID_ANTHROPIC,
  ENDPOINT,
  REGION,
  REASON,
  ATTEMPTS,
  OVERHEAD_MS,
  DECISION,
  FALLBACK,
  SPLIT,
  RAILS,
  RAILS_SAVED_MS,
  TRANSLATED,
  STREAM,
  ON_CUT,
  SERVER_TIMING,
  "retry-after",
  "retry-after-ms",
  "x-should-retry",
  "ratelimit",
  "ratelimit-policy",
];

export type HeaderEntry = readonly [name: string, value: string];

/** Never cross a proxy, in either direction. Content-Length is the runtime's: it knows how the body is framed. */
const HOP_BY_HOP = words(`
  connection keep-alive proxy-connection proxy-authenticate proxy-authorization proxy-authentication-info
  te trailer transfer-encoding upgrade content-length http2-settings
`);
export const REQUEST_DROPPED = new Set([
  ...HOP_BY_HOP,
  ...words(`
    host expect authorization x-api-key api-key x-goog-api-key cookie
    forwarded x-forwarded x-host x-real-ip true-client-ip x-client-ip x-cluster-client-ip fastly-client-ip via
    x-rewrite-url x-http-method x-http-method-override x-method-override
    accept-encoding content-encoding origin referer x-runpod-worker-id x-request-id request-id
    openai-organization openai-project
    sec-websocket-key sec-websocket-version sec-websocket-extensions sec-websocket-accept sec-websocket-protocol
  `),
]);
/** `proxy-` as a whole; `sec-fetch-` and `sec-ch-` describe a browser that the GPU never meets. */
export const REQUEST_DROPPED_PREFIXES = [
  "x-forwarded-",
  "x-original-",
  "x-envoy-",
  "cf-",
  "x-warmpath-",
  "proxy-",
  "sec-fetch-",
  "sec-ch-",
];

/**
 * Cookies and redirects would lead a client past the router; CORS, transport security and authentication are ours.
 * `Content-Encoding` stays: the runtime encodes again what it decoded.
 */
export const RESPONSE_DROPPED = new Set([
  ...HOP_BY_HOP,
  ...words(`
    set-cookie set-cookie2 location content-location refresh www-authenticate authentication-info
    authorization x-api-key api-key
    server x-powered-by via alt-svc strict-transport-security nel report-to reporting-endpoints public-key-pins
    x-request-id request-id server-timing traceresponse
    sec-websocket-accept sec-websocket-extensions
  `),
]);
export const RESPONSE_DROPPED_PREFIXES = ["cf-", "x-warmpath-", "proxy-", "access-control-"];

/** Headers by lower-case name: what `fetch` and `Response` take without another object in between. */
export type HeaderRecord = Record<string, string>;

/** What of a client's request an endpoint may see. */
export function forwardableRequestHeaders(entries: Iterable<HeaderEntry>): HeaderRecord {
  return forwardable(entries, REQUEST_DROPPED, REQUEST_DROPPED_PREFIXES);
}

/** Forwarded of one request at most: a package sends some twenty. */
export const REQUEST_HEADERS_MAX = 100;
/** Names and values: what nginx takes; Node takes half of it, uvicorn twice. */
export const REQUEST_HEADER_BYTES_MAX = 32_768;

/** The bound that they are beyond; null: they may go on. */
export function headersBeyond(headers: HeaderRecord): string | null {
  const entries = Object.entries(headers);
  if (entries.length > REQUEST_HEADERS_MAX) return `REQUEST_HEADERS_MAX (${REQUEST_HEADERS_MAX})`;
  // The runtime gives a value's bytes as characters.
  const bytes = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  return bytes > REQUEST_HEADER_BYTES_MAX ? `REQUEST_HEADER_BYTES_MAX (${REQUEST_HEADER_BYTES_MAX})` : null;
}

/** What of an endpoint's response a client may see. `credentials`: whatever quotes one of these forms does not pass. */
export function forwardableResponseHeaders(
  entries: Iterable<HeaderEntry>,
  credentials: readonly string[] = [],
): HeaderRecord {
  return forwardable(entries, RESPONSE_DROPPED, RESPONSE_DROPPED_PREFIXES, credentials);
}

/** One pass and one object: this runs twice for every request. */
function forwardable(
  entries: Iterable<HeaderEntry>,
  dropped: ReadonlySet<string>,
  prefixes: readonly string[],
  credentials: readonly string[] = [],
): HeaderRecord {
  const kept: HeaderRecord = {};
  const listed: string[] = [];
  for (const [anyCase, value] of entries) {
    const name = anyCase.toLowerCase();
    if (name === "connection") listed.push(...tokens(value));
    if (dropped.has(name) || name.includes("_") || prefixes.some((prefix) => name.startsWith(prefix))) continue;
    if (credentials.length > 0 && quotes(value, credentials)) continue;
    kept[name] = value;
  }
  for (const name of listed) delete kept[name];
  return kept;
}

const tokens = (value: string): string[] => value.split(",").map((token) => token.trim().toLowerCase());

export type Traceparent = { readonly traceId: string; readonly parentId: string; readonly sampled: boolean };

/** W3C Trace Context level 1; a later version is read by its first four fields. null: start a new trace. */
export function parseTraceparent(value: string | null): Traceparent | null {
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.{0,200})?$/.exec(value ?? "");
  if (match === null) return null;
  const [, version, traceId = "", parentId = "", flags = "00", rest] = match;
  if (version === "ff" || (version === "00" && rest !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return null;
  return { traceId, parentId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The header for our own dispatch inside the caller's trace. `spanId`: 16 lower-case hex digits, not all zero. */
export function childTraceparent(incoming: Omit<Traceparent, "parentId">, spanId: string): string {
  return `00-${incoming.traceId}-${spanId}-${incoming.sampled ? "01" : "00"}`;
}

/** Value of the development header: a region id, or "lat,lon" in degrees. null when it is neither. */
export function parsePlace(value: string, regions: ReadonlyMap<string, Place>): Place | null {
  const region = regions.get(value.trim());
  if (region !== undefined) return { lat: region.lat, lon: region.lon };
  const match = /^\s*(-?\d{1,3}(?:\.\d{1,9})?)\s*,\s*(-?\d{1,3}(?:\.\d{1,9})?)\s*$/.exec(value);
  if (match === null) return null;
  const [lat, lon] = [Number(match[1]), Number(match[2])];
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? { lat, lon } : null;
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
