/** Turns an answer that has begun into the client's response, with the headers that explain it. */
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
import { endAttempt } from "../dispatch/dispatch.ts";
import type { AttemptResult } from "../dispatch/attempt.ts";
import { isEventStream } from "../dispatch/answer-format.ts";
import type { Authenticated } from "./edge-request.ts";
import type { Answer } from "../wire/refusal.ts";
import { dress } from "../wire/replies.ts";
import { answerRailed, railedFormat } from "../rails/output-rails.ts";
import type { Checked } from "../rails/check.ts";
import { relay } from "../dispatch/relay.ts";
import type { EdgePool } from "../dispatch/runtime.ts";

export type Explained = {
  readonly pool: EdgePool;
  readonly reason: LeaseReason | "failover" | "hedge";
  readonly attempts: number;
  /** From the request's arrival to the dispatch that was answered, ms. */
  readonly overheadMs: number;
  /** The decision behind it as a header, for a request that asked to have it explained. */
  readonly decision: string | null;
  /** What the input rails said. */
  readonly checked: Checked;
  /** What sending the request beside its rails has saved, ms; null: it was sent after them. */
  readonly savedMs: number | null;
};

/** Statuses whose response may have no body object at all. */
const BODILESS = new Set([101, 204, 205, 304]);

export function answerBegun(
  edge: Authenticated,
  begunResult: Extract<AttemptResult, { kind: "begun" }>,
  explained: Explained,
): Response | Promise<Answer> {
  const { attempt, response, begun } = begunResult;
  const isEvents = isEventStream(response.headers.get("content-type") ?? "");
  const headers = forwardableResponseHeaders(response.headers, credentialsOf(attempt.endpoint.target));
  const { endpointId, region } = attempt.heldLease.grant;
  headers[ENDPOINT] = endpointId;
  headers[REGION] = region;
  headers[REASON] = explained.reason;
  headers[ATTEMPTS] = String(explained.attempts);
  headers[OVERHEAD_MS] = String(explained.overheadMs);
  const upstreamMs = Date.now() - attempt.sentAtMs;
  headers[SERVER_TIMING] = `router;dur=${explained.overheadMs};desc="${explained.reason}", upstream;dur=${upstreamMs}`;
  const { rails, timing } = railHeaders(explained.checked.records);
  if (rails !== "") {
    headers[RAILS] = rails;
    headers[SERVER_TIMING] += timing;
  }
  if (explained.savedMs !== null) headers[RAILS_SAVED_MS] = String(explained.savedMs);
  if (explained.decision !== null) headers[DECISION] = explained.decision;
  dress(headers, edge.requestId, edge.desk.runtime.config);
  const { status } = response;
  const { pool, checked } = explained;
  const format = railedFormat(pool, attempt.outgoing.path, checked, status);
  if (format !== null && !BODILESS.has(status)) {
    return answerRailed({ edge, pool, attempt, begun, format, checked, status, headers, isEvents });
  }
  if (begun.kind === "whole") {
    endAttempt(attempt, status < 400 ? "served" : "client_fault");
    return new Response(BODILESS.has(status) ? null : begun.bytes, { status, headers });
  }
  if (isEvents) headers["x-accel-buffering"] = "no";
  return new Response(relay(attempt, begun, isEvents), { status, headers });
}
