/** How the page's own questions are answered: nobody keeps the answer, and no other site reads it. */
import type { HeaderRecord } from "../../wire/headers.ts";
import { dress } from "../../wire/replies.ts";
import type { EdgeRequest } from "../edge-request.ts";

const PRIVATE_HEADERS: HeaderRecord = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
};

/** Without the config's CORS: that opens the API, and this is not part of it. */
export function answerPrivate({ requestId }: EdgeRequest, value: unknown): Response {
  const headers: HeaderRecord = { "content-type": "application/json", ...PRIVATE_HEADERS };
  dress(headers, requestId, null);
  return new Response(JSON.stringify(value), { headers });
}
