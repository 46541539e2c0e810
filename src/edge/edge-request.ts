/** One client request on its way through the pipeline, and how every answer to it is dressed. */
import type { Identity } from "../protocol/api-keys.ts";
import { errorBody, errorHeaders, ERRORS } from "../protocol/errors.ts";
import type { ErrorReason } from "../protocol/errors.ts";
import { EXPOSED_HEADERS, REQUEST_ID, REQUEST_ID_ANTHROPIC } from "../protocol/headers.ts";
import type { HeaderRecord } from "../protocol/headers.ts";
import type { Config } from "../protocol/config.ts";
import type { Desk } from "./lease-desk.ts";

export type EdgeRequest = {
  readonly request: Request<unknown, IncomingRequestCfProperties>;
  /** Path of the URL, in the one spelling of `request-target.ts`: nothing behind the door reads the URL again. */
  readonly path: string;
  /** Query with its question mark, or empty. */
  readonly query: string;
  readonly requestId: string;
  readonly startedAtMs: number;
  readonly dev: boolean;
  readonly desk: Desk;
};

export type Authenticated = EdgeRequest & { readonly identity: Identity };

export type Refusal = {
  readonly reason: ErrorReason;
  /** Public text in place of the table's; ours, never an exception's. */
  readonly detail?: string;
  readonly param?: string;
  readonly retryAfterMs?: number;
  readonly headers?: readonly (readonly [string, string])[];
};

export function refuse(requestId: string, config: Config | null, refusal: Refusal): Response {
  const { reason, retryAfterMs, headers: extra = [], ...detail } = refusal;
  const retry = retryAfterMs === undefined ? {} : { retryAfterMs };
  const headers: HeaderRecord = Object.fromEntries([...errorHeaders(reason, retryAfterMs), ...extra]);
  dress(headers, requestId, config);
  const body = errorBody(reason, { ...detail, ...retry, requestId });
  return new Response(JSON.stringify(body), { status: ERRORS[reason].status, headers });
}

export function answerJson({ requestId, desk }: EdgeRequest, value: unknown): Response {
  const headers: HeaderRecord = { "content-type": "application/json" };
  dress(headers, requestId, desk.runtime.config);
  return new Response(JSON.stringify(value), { headers });
}

const EXPOSED = EXPOSED_HEADERS.join(", ");

/** What every answer carries. */
export function dress(headers: HeaderRecord, requestId: string, config: Config | null): void {
  headers[REQUEST_ID] = requestId;
  headers[REQUEST_ID_ANTHROPIC] = requestId;
  const cors = config?.cors ?? null;
  if (cors === null) return;
  headers["access-control-allow-origin"] = cors.allowOrigin;
  headers["access-control-expose-headers"] = EXPOSED;
}
