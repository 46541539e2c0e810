/** One client request on its way through the pipeline. */
import type { Identity } from "../wire/api-keys.ts";
import type { HeaderRecord } from "../wire/headers.ts";
import { dress } from "../wire/replies.ts";
import type { Desk } from "../dispatch/lease-desk.ts";

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

export function answerJson({ requestId, desk }: EdgeRequest, value: unknown): Response {
  const headers: HeaderRecord = { "content-type": "application/json" };
  dress(headers, requestId, desk.runtime.config);
  return new Response(JSON.stringify(value), { headers });
}
