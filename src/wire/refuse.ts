/**
 * What becomes of a refusal at the door. With the table of errors it is loaded with the first refusal, and not at
 * start.
 */
import type { Config } from "../config/config.ts";
import { ERROR_FORMS } from "./error-forms.ts";
import type { ErrorForm } from "./error-forms.ts";
import { errorBody, errorHeaders } from "./error-body.ts";
import { ERRORS } from "./errors.ts";
import type { HeaderRecord } from "./headers.ts";
import type { Refusal } from "./refusal.ts";
import { dress } from "./replies.ts";

export function refuse(requestId: string, config: Config | null, refusal: Refusal, form: ErrorForm): Response {
  const { reason, retryAfterMs, headers: extra = [], ...detail } = refusal;
  const retry = retryAfterMs === undefined ? {} : { retryAfterMs };
  const headers: HeaderRecord = Object.fromEntries([...errorHeaders(reason, retryAfterMs), ...extra]);
  dress(headers, requestId, config);
  const body = errorBody(reason, { ...detail, ...retry, requestId });
  return new Response(JSON.stringify(ERROR_FORMS[form](body, requestId)), { status: ERRORS[reason].status, headers });
}
