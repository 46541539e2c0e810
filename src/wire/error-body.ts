/**
 * Decides how a row of the table of errors is written: OpenAI's `error` object, which every SDK reads, with RFC 9457
 * members beside it. `error-forms.ts` dresses it for clients that read another.
 *
 * Source: docs/reference/sources.md, What SDKs do with a stream: clients wait for `Retry-After` only up to 60 s. A refusal that
 * is final says `x-should-retry: false`.
 * Rejected: `application/problem+json` alone, which openai reports as "no body".
 */
import { ERRORS } from "./errors.ts";
import type { ErrorReason, ErrorType } from "./errors.ts";

/** Seconds on the wire. Clients ignore or refuse longer waits, and 0 would be a retry storm. */
const RETRY_AFTER_SECONDS_MIN = 1;
const RETRY_AFTER_SECONDS_MAX = 60;
/** A slot usually frees within a second; a client that hears nothing better waits this long. */
const RETRY_AFTER_MS_DEFAULT = 1000;
/** Long enough for one sentence of ours. */
export const DETAIL_CHARS_MAX = 500;

export type ErrorDetail = {
  /** Public text that replaces the table's message; must be ours, never an exception's. */
  readonly detail?: string;
  /** Field of the request that is at fault. */
  readonly param?: string;
  readonly requestId: string;
  readonly retryAfterMs?: number;
};

export type ErrorBody = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly retryAfterMs?: number;
  readonly error: WireError;
};

type WireError = {
  readonly message: string;
  readonly type: ErrorType;
  readonly param: string | null;
  readonly code: string;
};

/** The body of an error answer; serialise as it is. */
export function errorBody(reason: ErrorReason, { detail, param, requestId, retryAfterMs }: ErrorDetail): ErrorBody {
  const { status, code, title } = ERRORS[reason];
  const error = wireError(reason, detail, param);
  return {
    type: `urn:warmpath:error:${code}`,
    title,
    status,
    detail: error.message,
    instance: `urn:warmpath:request:${encodeURIComponent(requestId)}`,
    ...(sendsRetryAfter(status) ? { retryAfterMs: boundedRetryMs(reason, retryAfterMs) } : {}),
    error,
  };
}

/** Headers of an error answer. `retryAfterMs`: the router's estimate; 429 and 503 always carry one, 1 to 60 s. */
export function errorHeaders(reason: ErrorReason, retryAfterMs?: number): [name: string, value: string][] {
  const { status, retryable } = ERRORS[reason];
  const headers: [string, string][] = [
    ["content-type", "application/json"],
    ["cache-control", "no-store"],
  ];
  if (status === 401) headers.push(["www-authenticate", 'Bearer realm="warmpath"']);
  if (!retryable) headers.push(["x-should-retry", "false"]);
  if (sendsRetryAfter(status)) {
    const waitMs = boundedRetryMs(reason, retryAfterMs);
    const seconds = Math.max(RETRY_AFTER_SECONDS_MIN, Math.ceil(waitMs / 1000));
    headers.push(["retry-after", String(seconds)], ["retry-after-ms", String(waitMs)]);
  }
  return headers;
}

/**
 * What ends an OpenAI stream that broke: the one form that every SDK reports as an error. A clean end would be taken
 * for success. The first line break ends a line that was cut.
 */
export function midStreamError(reason: ErrorReason, detail?: string): string {
  return `\n\ndata: ${JSON.stringify({ error: wireError(reason, detail) })}\n\ndata: [DONE]\n\n`;
}

const sendsRetryAfter = (status: number): boolean => status === 429 || status === 503 || status === 507;

/** Whole ms. A final 503 gets the longest wait, because some clients retry every 5xx whatever they are told. */
function boundedRetryMs(reason: ErrorReason, retryAfterMs: number | undefined): number {
  const maxMs = RETRY_AFTER_SECONDS_MAX * 1000;
  if (!ERRORS[reason].retryable) return maxMs;
  const wantedMs = retryAfterMs === undefined || Number.isNaN(retryAfterMs) ? RETRY_AFTER_MS_DEFAULT : retryAfterMs;
  return Math.min(maxMs, Math.max(1, Math.ceil(wantedMs)));
}

export function wireError(reason: ErrorReason, detail?: string, param?: string): WireError {
  const { message, type, code } = ERRORS[reason];
  const text = detail?.replace(/\p{Cc}+/gu, " ").slice(0, DETAIL_CHARS_MAX);
  return { message: text === undefined || text === "" ? message : text, type, param: param ?? null, code };
}
