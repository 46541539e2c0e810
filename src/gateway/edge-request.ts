/** One client request on its way through the pipeline. */
import type { Identity } from "../wire/api-keys.ts";
import type { HeaderRecord } from "../wire/headers.ts";
import { dress } from "../wire/replies.ts";
import type { ShardOf } from "../dispatch/platform.ts";
import type { EdgeEnv, Runtime, Waiting } from "../dispatch/runtime.ts";
import type { LeaseClient } from "../routing/host/lease-client.ts";
import type { Seen } from "../sight/seen.ts";

export type EdgeRequest = {
  readonly request: Request<unknown, IncomingRequestCfProperties>;
  /** Path of the URL, in the one spelling of `request-target.ts`: nothing behind the door reads the URL again. */
  readonly path: string;
  /** Query with its question mark, or empty. */
  readonly query: string;
  readonly requestId: string;
  readonly startedAtMs: number;
  readonly dev: boolean;
  /** A stream is kept of it: its client's own request came before, and was counted where floods are. */
  readonly isKept: boolean;
  readonly runtime: Runtime;
  readonly env: EdgeEnv;
  readonly ctx: Waiting;
  readonly shardOf: ShardOf;
  /** The isolate's, for this request. */
  readonly leases: LeaseClient;
  /** What is to be told of it when it has ended. */
  readonly seen: Seen;
};

/** What a handler tells of its order, for the record of how it ended. */
export type Told = {
  /** Number of the record that asked; null: it is not recorded. */
  readonly of: number | null;
  before: unknown;
  /** Default: what is answered. */
  after: unknown;
  /** Somebody has recorded the end already. */
  isEnded: boolean;
};

export type Authenticated = EdgeRequest & {
  readonly identity: Identity;
  /** Of an order that is recorded: what its handler has to say for the record. */
  readonly told?: Told;
};

export function answerJson({ requestId, runtime }: EdgeRequest, value: unknown): Response {
  const headers: HeaderRecord = { "content-type": "application/json" };
  dress(headers, requestId, runtime.config);
  return new Response(JSON.stringify(value), { headers });
}

/** Which methods a path has: for who asks without the headers of a preflight. */
export function answerOptions({ requestId, runtime }: EdgeRequest, allow: string): Response {
  const headers: HeaderRecord = { allow };
  dress(headers, requestId, runtime.config);
  return new Response(null, { status: 204, headers });
}
