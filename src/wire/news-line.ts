/**
 * What an operator reads of an endpoint that failed or changed its standing: one line of JSON in the log, and
 * `lastFailure` of `GET /admin/fleet`. JSON, because whoever collects the log filters it by pool and endpoint.
 *
 * What the endpoint sent is redacted here and nowhere else (`failure-text.ts`).
 */
import type { LastFailure, NewsLine } from "../routing/core/shard/news.ts";
import type { EndpointConfig } from "../config/config.ts";
import { failureText } from "./failure-text.ts";

/** Where the line comes from, and what must not be in it. */
export type NewsPlace = {
  readonly pool: string;
  readonly region: string;
  readonly auth: EndpointConfig["auth"];
  /** The same for its health check. */
  readonly healthAuth: EndpointConfig["auth"];
  /** What is sent to the endpoint as credential, and it may quote. */
  readonly credentials: readonly string[];
};

export type ShownFailure = {
  /** How the attempt ended; `probe`: a health check. */
  readonly kind: LastFailure["kind"];
  /** Null: no answer came. */
  readonly status: number | null;
  readonly text: string;
  readonly atMs: number;
  readonly ageMs: number;
  /** Failures of this kind in a row, with the same status. */
  readonly count: number;
  /** The request that met it; absent: a health check, or not known. */
  readonly requestId?: string;
  /** What to do about it, where that is known. */
  readonly hint?: string;
};

export function shownFailure(failure: LastFailure, place: NewsPlace, now: number): ShownFailure {
  const { kind, status, text, atMs, count, requestId } = failure;
  const hint = hintOf(failure, place);
  const shown = failureText(text, place.credentials);
  const of = requestId === undefined ? {} : { requestId };
  const told = { kind, status, text: shown, atMs, ageMs: Math.max(0, now - atMs), count, ...of };
  return hint === null ? told : { ...told, hint };
}

/** One line for the log. */
export function newsLine(line: NewsLine, place: NewsPlace, now: number): string {
  const { event, endpointId: endpoint } = line;
  const where = { event, pool: place.pool, region: place.region, endpoint };
  if (line.event === "request_refused") {
    const { request, kills, endpoints, refusedForMs } = line;
    return JSON.stringify({ ...where, request, kills, endpoints, refusedForMs });
  }
  const { failure } = line;
  const shown = failure === null ? null : shownFailure(failure, place, now);
  if (line.event === "endpoint_failed") return JSON.stringify({ ...where, ...shown, times: line.times });
  return JSON.stringify({ ...where, from: line.from, to: line.to, lastFailure: shown });
}

/** 401 and 403 are never the client's: its own key ends at the router. */
function hintOf({ status, kind }: LastFailure, place: NewsPlace): string | null {
  if (status !== 401 && status !== 403) return null;
  const auth = kind === "probe" ? place.healthAuth : place.auth;
  return auth === null
    ? "The endpoint wants a credential, and its `auth` in the config names none."
    : `The endpoint refuses our credential: check the secret ${auth.secret}.`;
}
