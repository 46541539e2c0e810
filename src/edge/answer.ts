/** Turns an answer that has begun into the client's response, with the headers that explain it. */
import { decisionHeader } from "../protocol/decision-header.ts";
import {
  ATTEMPTS,
  DECISION,
  ENDPOINT,
  forwardableResponseHeaders,
  OVERHEAD_MS,
  REASON,
  REGION,
  SERVER_TIMING,
} from "../protocol/headers.ts";
import type { Leased, LeaseReason } from "../core/edge-lease.ts";
import { endAttempt } from "./dispatch.ts";
import type { AttemptResult } from "./dispatch.ts";
import type { EdgeRequest } from "./edge-request.ts";
import { dress } from "./edge-request.ts";
import { relay } from "./relay.ts";

export type Explained = {
  readonly reason: LeaseReason | "failover" | "hedge";
  readonly attempts: number;
  /** From the request's arrival to the dispatch that was answered, ms. */
  readonly overheadMs: number;
  /** The decision behind it, for a request that asked to have it explained. */
  readonly decision: Leased | null;
};

/** Statuses whose response may have no body object at all. */
const BODILESS = new Set([101, 204, 205, 304]);

export function answerBegun(
  edge: EdgeRequest,
  begunResult: Extract<AttemptResult, { kind: "begun" }>,
  explained: Explained,
): Response {
  const { attempt, response, begun } = begunResult;
  const isEvents = (response.headers.get("content-type") ?? "").startsWith("text/event-stream");
  const headers = forwardableResponseHeaders(response.headers);
  const { endpointId, region } = attempt.holding.grant;
  headers[ENDPOINT] = endpointId;
  headers[REGION] = region;
  headers[REASON] = explained.reason;
  headers[ATTEMPTS] = String(explained.attempts);
  headers[OVERHEAD_MS] = String(explained.overheadMs);
  const upstreamMs = Date.now() - attempt.sentAtMs;
  headers[SERVER_TIMING] = `router;dur=${explained.overheadMs};desc="${explained.reason}", upstream;dur=${upstreamMs}`;
  if (explained.decision !== null) {
    const { reason, attempts, decision } = explained;
    headers[DECISION] = decisionHeader({ endpointId, reason, attempts, decision });
  }
  dress(headers, edge.requestId, edge.desk.runtime.config);
  const { status } = response;
  if (begun.kind === "whole") {
    endAttempt(attempt, status < 400 ? "served" : "client_fault");
    return new Response(BODILESS.has(status) ? null : begun.bytes, { status, headers });
  }
  if (isEvents) headers["x-accel-buffering"] = "no";
  return new Response(relay(attempt, begun, isEvents), { status, headers });
}
