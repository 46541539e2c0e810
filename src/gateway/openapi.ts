/** `GET /openapi.json`: what the router serves, for machines. The same for every deployment, so it needs no key. */
import { openApiText } from "../wire/openapi-text.ts";
import type { Answer } from "../wire/refusal.ts";
import { dress } from "../wire/replies.ts";
import type { HeaderRecord } from "../wire/headers.ts";
import type { EdgeRequest } from "./edge-request.ts";

export function openApi({ requestId, runtime }: EdgeRequest): Answer {
  if (openApiText === "") return { reason: "not_found", detail: "The document is made by the build: npm run build." };
  const headers: HeaderRecord = { "content-type": "application/json", "cache-control": "public, max-age=3600" };
  dress(headers, requestId, runtime.config);
  return new Response(openApiText, { headers });
}
