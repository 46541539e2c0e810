/** Turns an answer that has begun into the client's response, with the headers that explain it. */
import type { HeaderRecord } from "../wire/headers.ts";
import {
  ATTEMPTS,
  DECISION,
  ENDPOINT,
  forwardableResponseHeaders,
  OVERHEAD_MS,
  RAILS,
  RAILS_SAVED_MS,
  REASON,
  REGION,
  SERVER_TIMING,
} from "../wire/headers.ts";
import { credentialsOf } from "../../backends/targets.ts";
import { railHeaders } from "../rails/rail-headers.ts";
import type { LeaseReason } from "../routing/core/lease-client/edge-lease.ts";
import type { BegunAnswer } from "../dispatch/begun-answer.ts";
import type { Authenticated } from "./edge-request.ts";
import type { Answer } from "../wire/refusal.ts";
import { dress } from "../wire/replies.ts";
import type { Onward } from "../dispatch/told-answer.ts";
import { answerRailed, railedFormat } from "../rails/output-rails.ts";
import type { Checked } from "../rails/check.ts";
import type { RailingNoted } from "../rails/railing.ts";
import { noteRailed } from "../sight/see.ts";
import type { Seen } from "../sight/seen.ts";
import type { EdgePool } from "../dispatch/runtime.ts";

export type Explained = {
  readonly pool: EdgePool;
  readonly reason: LeaseReason | "failover" | "hedge";
  readonly attempts: number;
  /** Path at the endpoint. */
  readonly path: string;
  /** From the request's arrival to the dispatch that was answered, ms. */
  readonly overheadMs: number;
  /** The decision behind it as a header, for a request that asked to have it explained. */
  readonly decision: string | null;
  /** How it goes on to the client; null: as it is. */
  readonly onward: Onward | null;
  /** What the input rails said. */
  readonly checked: Checked;
  /** Adds where its limits stand, and in which protocol it was asked. */
  readonly tell: (headers: HeaderRecord) => void;
  /** What sending the request beside its rails has saved, ms; null: it was sent after them. */
  readonly savedMs: number | null;
};

/** Statuses whose response may have no body object at all. */
const BODILESS = new Set([101, 204, 205, 304]);

export function answerBegun(edge: Authenticated, begun: BegunAnswer, explained: Explained): Response | Promise<Answer> {
  const { endpoint, status, body } = begun;
  const headers = forwardableResponseHeaders(begun.headers, credentialsOf(endpoint.target));
  headers[ENDPOINT] = endpoint.config.id;
  headers[REGION] = begun.region;
  headers[REASON] = explained.reason;
  headers[ATTEMPTS] = String(explained.attempts);
  headers[OVERHEAD_MS] = String(explained.overheadMs);
  const upstreamMs = Date.now() - begun.sentAtMs;
  headers[SERVER_TIMING] = `router;dur=${explained.overheadMs};desc="${explained.reason}", upstream;dur=${upstreamMs}`;
  const { rails, timing } = railHeaders(explained.checked.records);
  if (rails !== "") {
    headers[RAILS] = rails;
    headers[SERVER_TIMING] += timing;
  }
  if (explained.savedMs !== null) headers[RAILS_SAVED_MS] = String(explained.savedMs);
  if (explained.decision !== null) headers[DECISION] = explained.decision;
  explained.tell(headers);
  dress(headers, edge.requestId, edge.runtime.config);
  if (begun.socket !== null) return new Response(null, { status: 101, headers, webSocket: begun.socket.connect() });
  const { pool, checked, path } = explained;
  const format = railedFormat(pool, path, checked, status);
  if (format !== null) {
    const behind = explained.onward === null || !begun.isEvents ? null : explained.onward.run();
    return answerRailed({ edge, pool, begun, format, checked, headers, noted: notedBy(edge.seen), behind });
  }
  if (body.kind === "whole") edge.seen.bytesOut = body.bytes?.byteLength ?? 0;
  if (body.kind === "whole") return new Response(BODILESS.has(status) ? null : body.bytes, { status, headers });
  if (begun.isEvents) headers["x-accel-buffering"] = "no";
  const { onward } = explained;
  const readable = onward === null || !begun.isEvents ? body.pipe().readable : onward.pipe(body);
  return new Response(readable, { status, headers });
}

function notedBy(seen: Seen): RailingNoted {
  return {
    found(records, isRunning) {
      seen.outputRails = records;
      seen.isRailing = isRunning;
    },
    stopped(reason) {
      seen.stoppedBy = reason;
    },
    ended: () => noteRailed(seen),
  };
}
