/**
 * Makes the record of a request that has ended, of what was kept of it while it ran. A part of the bundle.
 */
import { protocolOf } from "../dispatch/answer-format.ts";
import type { AnswerProtocol } from "../dispatch/core/answer-protocol.ts";
import type { Trail, Tried } from "../dispatch/trail.ts";
import type { RailRecord } from "../rails/core/engine.ts";
import { parseShardName } from "../routing/core/shard-name.ts";
import { costOf, pricesOf } from "../tenants/core/amounts.ts";
import type { Trace } from "../dispatch/outgoing.ts";
import type { AttemptRecord, GenAiOperation, RailSaid, RequestRecord, RequestTimes } from "./core/record.ts";
import { lossOf } from "./loss.ts";
import { outcomeOf } from "./outcome.ts";
import { routeName } from "./route-name.ts";
import type { Seen, SeenEnd } from "./seen.ts";

/** Those that the door lets in. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Null: nothing was asked of a model, and nothing refused. */
export function recordOf(seen: Seen, end: SeenEnd): RequestRecord | null {
  const { startedAtMs, trail, waits } = seen;
  const { route, leadsToEndpoint } = routeName(seen.path, end.host.runtime.config);
  if (!leadsToEndpoint && end.refused === null) return null;
  const { attempts, answeredBy } = trail;
  const { outcome, reason } = outcomeOf({ ...end, stoppedBy: seen.stoppedBy, answered: answeredBy });
  const { joined } = trail;
  const usage = (joined === undefined ? answeredBy?.usage : joined.usage) ?? {};
  const bytesOut = joined?.bytesOut ?? answeredBy?.bytesOut ?? seen.bytesOut;
  const grant = answeredBy?.heldLease.grant;
  return {
    id: seen.id,
    traceId: seen.trace?.traceId ?? null,
    span: spanOf(seen.trace),
    atMs: startedAtMs,
    method: METHODS.has(seen.method) ? seen.method : "other",
    route,
    operation: operationOf(seen),
    tenant: seen.identity?.tenant ?? null,
    keyId: seen.identity?.keyId ?? null,
    pool: seen.pool?.config.id ?? null,
    model: seen.model,
    stream: seen.stream,
    priority: seen.priority,
    colo: seen.colo,
    clientRegion: waits.home === null ? null : (parseShardName(waits.home)?.region ?? null),
    outcome,
    reason,
    status: end.status,
    endpoint: grant?.endpointId ?? null,
    region: grant?.region ?? null,
    why: answeredBy === null ? null : whyOf(trail, attempts.indexOf(answeredBy)),
    ...(joined === undefined ? {} : { continued: joined.continued }),
    attempts: attempts.map((attempt, index) => attemptRecord(seen, attempt, index)),
    rails: [
      ...seen.rails.map((one) => saidBy(one, "input")),
      ...(seen.outputRails?.() ?? []).map((one) => saidBy(one, "output")),
    ],
    ms: timesOf(seen, end),
    tokens: { in: usage.promptTokens ?? null, cached: usage.cachedTrue ?? null, out: usage.outputTokens ?? null },
    costMicros: costMicrosOf(seen, outcome, bytesOut),
    bytes: { in: seen.bytesIn, out: bytesOut },
    ...(seen.way !== undefined && (seen.way.split !== null || seen.way.fell.length > 0) ? { way: seen.way } : {}),
  };
}

/** A meter has to be told how it ended. */
function costMicrosOf(
  { meter, pool, stream, trail, answersAsked: requests }: Seen,
  outcome: string,
  bytesOut: number | null,
): number | null {
  const { answeredBy } = trail;
  const isAnswered = answeredBy !== null && (answeredBy.status ?? 200) < 400;
  const usage = (trail.joined === undefined ? answeredBy?.usage : trail.joined.usage) ?? null;
  const billed = meter?.settle({ outcome, isAnswered, usage, bytesOut, isEvents: stream });
  const prices = pricesOf(pool?.config.prices);
  if (prices === null) return null;
  const isUntold = usage?.promptTokens === undefined && usage?.outputTokens === undefined;
  const isUnknown = isUntold && isAnswered && prices.request === undefined;
  // Of tokens that nobody has counted, nothing is no cost.
  if (billed !== undefined) return billed === 0 && isUnknown && prices.input + prices.output > 0 ? null : billed;
  if (!isAnswered) return 0;
  if (isUnknown) return null;
  const { promptTokens: input = 0, cachedTrue: cached = 0, outputTokens: output = 0 } = usage ?? {};
  return costOf({ input, cached: Math.min(input, cached), output, requests }, prices);
}

/** OpenTelemetry has no word for the others. */
const OPERATIONS: Readonly<Partial<Record<AnswerProtocol, GenAiOperation>>> = {
  chat: "chat",
  responses: "chat",
  anthropic: "chat",
  completions: "text_completion",
  embeddings: "embeddings",
};

function operationOf({ method, path, jobPath }: Seen): GenAiOperation | null {
  const protocol = protocolOf(method, jobPath ?? path);
  return protocol === null ? null : (OPERATIONS[protocol] ?? null);
}

const spanOf = (trace: Trace | null): RequestRecord["span"] =>
  trace === null ? null : { id: trace.spanId, parentId: trace.parentId, sampled: trace.sampled };

function timesOf({ startedAtMs, trail, waits, railsMs }: Seen, end: SeenEnd): RequestTimes {
  const { attempts, answeredBy } = trail;
  const beganBy = trail.joined?.first ?? answeredBy;
  const endedAtMs = attempts.reduce((last, { endedAtMs: at }) => Math.max(last, at ?? 0), end.atMs);
  const hasAsked = waits.home !== null;
  const since = (atMs: number | null | undefined): number | null =>
    atMs === null || atMs === undefined ? null : Math.max(0, atMs - startedAtMs);
  return {
    overhead: since(beganBy?.sentAtMs),
    lease: hasAsked ? waits.leaseMs : null,
    queue: hasAsked ? waits.queueMs : null,
    rails: railsMs,
    ttft: since(beganBy?.firstTokenAtMs),
    total: Math.max(0, endedAtMs - startedAtMs),
  };
}

/** Without what was said. */
export function attemptRecord({ startedAtMs, trail }: Seen, attempt: Tried, index: number): AttemptRecord {
  const { heldLease, sentAtMs, firstByteAtMs, headersAtMs, endedAtMs, status, bounds } = attempt;
  const firstAtMs = firstByteAtMs ?? headersAtMs;
  return {
    endpoint: heldLease.grant.endpointId,
    region: heldLease.grant.region,
    why: whyOf(trail, index),
    sentMs: sentAtMs - startedAtMs,
    firstByteMs: firstAtMs === null ? null : firstAtMs - startedAtMs,
    endedMs: (endedAtMs ?? sentAtMs) - startedAtMs,
    status,
    lost: lossOf(attempt, attempt === trail.answeredBy, trail.answeredBy !== null),
    hedge: bounds.isHedge === true,
    said: null,
  };
}

/** What was put back is still on its first way. */
function whyOf({ attempts, reason }: Trail, index: number): string {
  if (attempts[index]?.bounds.isHedge === true) return "hedge";
  const isFirst = attempts.slice(0, index).every(({ left }) => left === "put_back");
  return isFirst ? (reason ?? "nearest_warm") : "failover";
}

function saidBy({ rail, status, verdict, shadow, tookMs, reasons }: RailRecord, stage: RailSaid["stage"]): RailSaid {
  // Its stage is a member of its own here.
  const name = stage === "output" ? rail.replace(/^output\./, "") : rail;
  return { rail: name, stage, status, action: verdict, shadow, ms: tookMs, rules: reasons };
}
