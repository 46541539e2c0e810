/** How every answer of ours is dressed, and what becomes of a refusal at the door. */
import type { Config } from "../config/config.ts";
import { ERROR_FORMS } from "./error-forms.ts";
import type { ErrorForm } from "./error-forms.ts";
import { errorBody, errorHeaders, ERRORS } from "./errors.ts";
import { EXPOSED_HEADERS, REQUEST_ID, REQUEST_ID_ANTHROPIC } from "./headers.ts";
import type { HeaderRecord } from "./headers.ts";
import type { Refusal } from "./refusal.ts";

export function refuse(requestId: string, config: Config | null, refusal: Refusal, form: ErrorForm): Response {
  const { reason, retryAfterMs, headers: extra = [], ...detail } = refusal;
  const retry = retryAfterMs === undefined ? {} : { retryAfterMs };
  const headers: HeaderRecord = Object.fromEntries([...errorHeaders(reason, retryAfterMs), ...extra]);
  dress(headers, requestId, config);
  const body = errorBody(reason, { ...detail, ...retry, requestId });
  return new Response(JSON.stringify(ERROR_FORMS[form](body, requestId)), { status: ERRORS[reason].status, headers });
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
