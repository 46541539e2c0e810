/**
 * The path of one request: read it, run its rails while the lease is acquired, send it, retry or hedge once before the
 * first byte, and pass the answer on.
 *
 * Neither the rails nor the lease waits for the other; a refused request gives its lease back unused. Nothing is sent
 * anywhere before both are there.
 */
import type { LeaseWish } from "../core/edge-lease.ts";
import { hedgeDelayMs } from "../core/first-byte.ts";
import { inputTokensEstimate, readInferenceBody } from "../protocol/openai.ts";
import type { InferencePath } from "../protocol/openai.ts";
import {
  childTraceparent,
  EXPLAIN,
  forwardableRequestHeaders,
  HOP,
  parseTraceparent,
  REQUEST_ID,
  TRACEPARENT,
} from "../protocol/headers.ts";
import { AFFINITY_TOKENS_MIN, affinityKeyOf } from "./affinity-key.ts";
import { answerBegun } from "./answer.ts";
import { attemptOnce } from "./dispatch.ts";
import type { AttemptResult, Outgoing } from "./dispatch.ts";
import { parseJson, readBody, writeJson } from "./body.ts";
import type { Authenticated, Refusal } from "./edge-request.ts";
import { refuse } from "./edge-request.ts";
import { attemptHedged } from "./hedge.ts";
import type { Hedged } from "./hedge.ts";
import { checkInput } from "./input-rails.ts";
import type { Checked } from "./input-rails.ts";
import { lease, returnLease } from "./lease-desk.ts";
import type { LeaseAnswer } from "./lease-desk.ts";
import { placeOf } from "./place.ts";
import type { EdgePool } from "./runtime.ts";

/** What is known of a request before anything is done with it. */
type Parcel = {
  readonly pool: EdgePool;
  readonly method: string;
  readonly path: string;
  readonly bytes: ArrayBuffer | null;
  /** The parsed body; null when it is not JSON, and no rail can read it. */
  readonly json: unknown;
  readonly stream: boolean;
  /** One of the `/v1` paths, whose body this router understands. */
  readonly isInference: boolean;
  /** Named in the request itself, under `/p`: any path that there is at the endpoint. */
  readonly isClientsPath: boolean;
  /** May an attempt that may have been processed be repeated. */
  readonly repeatable: boolean;
};

/** `POST /v1/…`: the pool is chosen by `model`. */
export async function infer(edge: Authenticated, path: InferencePath): Promise<Response> {
  const { config, pools } = edge.desk.runtime;
  const bytes = await readBody(edge.request, config.limits.bodyBytesMax);
  if (!bytes.ok) return refuseTooLarge(edge);
  const json = parseJson(bytes.value);
  if (json === null) return refuse(edge.requestId, config, { reason: "invalid_json" });
  const read = readInferenceBody(json, path);
  if (!read.ok) {
    const { param, problem } = read.error;
    return refuse(edge.requestId, config, {
      reason: "invalid_request",
      detail: problem,
      ...(param === null ? {} : { param }),
    });
  }
  const poolId = config.poolIdByModel.get(read.value.model);
  const pool = poolId === undefined ? undefined : pools.get(poolId);
  if (pool === undefined) return refuse(edge.requestId, config, { reason: "unknown_model", param: "model" });
  const { stream } = read.value;
  return send(edge, {
    pool,
    method: "POST",
    path,
    bytes: bytes.value,
    json,
    stream,
    isInference: true,
    isClientsPath: false,
    repeatable: true,
  });
}

/** Any other request to a pool: every method, path and body. `pathFrom`: who named the path at the endpoint. */
export async function passThrough(
  edge: Authenticated,
  pool: EdgePool,
  path: string,
  pathFrom: "client" | "config",
): Promise<Response> {
  const { request, desk } = edge;
  if (request.headers.get("upgrade") !== null) {
    return refuse(edge.requestId, desk.runtime.config, {
      reason: "invalid_request",
      detail: "WebSockets are not supported yet.",
    });
  }
  const hasBody = request.method !== "GET" && request.method !== "HEAD";
  const read = hasBody ? await readBody(request, desk.runtime.config.limits.bodyBytesMax) : null;
  if (read !== null && !read.ok) return refuseTooLarge(edge);
  const bytes = read?.value ?? null;
  // Whatever the content type says: a body that a model could read as JSON is read as JSON here.
  const json = bytes === null ? null : parseJson(bytes);
  const stream = typeof json === "object" && json !== null && "stream" in json && json.stream === true;
  // Only the endpoint knows what an unknown POST does, so it is not done twice.
  const repeatable = request.method !== "POST" && request.method !== "PATCH";
  const { method } = request;
  const isClientsPath = pathFrom === "client";
  return send(edge, { pool, method, path, bytes, json, stream, isInference: false, isClientsPath, repeatable });
}

async function send(edge: Authenticated, parcel: Parcel): Promise<Response> {
  const { desk, requestId } = edge;
  const { config } = desk.runtime;
  const { place, key } = placeOf(edge.request, config, edge.dev);
  const inputTokens = inputTokensEstimate(parcel.bytes?.byteLength ?? 0);
  const wish: LeaseWish = {
    pool: parcel.pool.spec,
    client: place,
    clientKey: key,
    inputTokens,
    affinityKey: inputTokens < AFFINITY_TOKENS_MIN ? null : affinityOf(edge, parcel, inputTokens),
    excluded: [],
    explain: isExplained(edge),
  };
  const leasing = lease(desk, parcel.pool, wish);
  const checked = checkInput(parcel.pool.config.rails.input, parcel.json);
  if (checked.verdict.verdict === "block") {
    desk.ctx.waitUntil(leasing.then((answer) => giveBack(edge, answer)));
    return refuse(requestId, config, blocked(checked));
  }
  const body =
    checked.body === parcel.json ? parcel.bytes : writeJson(checked.body, parcel.bytes ?? new ArrayBuffer(0));
  if (body === null && parcel.bytes !== null) {
    desk.ctx.waitUntil(leasing.then((answer) => giveBack(edge, answer)));
    return refuse(requestId, config, { reason: "invalid_request", detail: "The body is nested too deep." });
  }
  const outgoing = outgoingOf(edge, parcel, body, wish);
  const answering = attempts(edge, parcel, wish, outgoing, leasing);
  // A client that leaves ends its handler at once; what is waited for goes on, and gives the lease back.
  desk.ctx.waitUntil(answering);
  return answering;
}

function affinityOf({ desk, request, identity }: Authenticated, parcel: Parcel, inputTokens: number) {
  return affinityKeyOf(desk.runtime.affinitySecret, {
    mode: parcel.pool.config.affinity,
    tenant: identity.tenant,
    headers: request.headers,
    json: parcel.json,
    hasPrompt: parcel.isInference && parcel.path !== "/v1/embeddings",
    inputTokens,
  });
}

async function attempts(
  edge: Authenticated,
  parcel: Parcel,
  wish: LeaseWish,
  outgoing: Outgoing,
  leasing: Promise<LeaseAnswer>,
): Promise<Response> {
  const { desk, requestId } = edge;
  const { config } = desk.runtime;
  const tried: string[] = [];
  let answer = await leasing;
  let lost: Extract<AttemptResult, { kind: "lost" }> | null = null;
  for (;;) {
    if (answer.kind !== "leased")
      return refuse(requestId, config, lost === null ? noLease(answer) : failed(lost, tried));
    const { holding, reason } = answer;
    if (outgoing.clientGone.aborted) {
      giveBack(edge, answer);
      return refuse(requestId, config, { reason: "internal" });
    }
    const endpoint = parcel.pool.endpoints.get(holding.grant.endpointId);
    // A shard of another version may name an endpoint that this version does not know.
    if (endpoint === undefined) {
      giveBack(edge, answer);
      return refuse(requestId, config, { reason: "no_endpoint" });
    }
    tried.push(endpoint.config.id);
    const afterMs: number | null =
      lost === null && mayHedge(parcel) ? hedgeDelayMs(holding.grant, wish.inputTokens) : null;
    const { result, isHedge }: Hedged =
      afterMs === null
        ? { result: await attemptOnce(desk, holding, endpoint, outgoing), isHedge: false }
        : await attemptHedged(desk, holding, endpoint, outgoing, { afterMs, pool: parcel.pool, wish, tried });
    if (result.kind === "begun") {
      return answerBegun(edge, result, {
        reason: isHedge ? "hedge" : lost === null ? reason : "failover",
        attempts: tried.length,
        overheadMs: result.attempt.sentAtMs - edge.startedAtMs,
        decision: wish.explain ? answer : null,
      });
    }
    lost = result;
    const mayRepeat = (parcel.repeatable || !result.maybeProcessed) && !outgoing.clientGone.aborted;
    if (!mayRepeat || tried.length >= parcel.pool.config.attemptsMax)
      return refuse(requestId, config, failed(lost, tried));
    const avoidRegion = lost.silent ? holding.grant.region : null;
    answer = await lease(desk, parcel.pool, { ...wish, excluded: tried, avoidRegion });
  }
}

/** The first byte of a whole answer is its end: it does not tell a slow endpoint from a long answer. */
const mayHedge = ({ stream, repeatable, pool }: Parcel): boolean => stream && repeatable && pool.config.attemptsMax > 1;

function outgoingOf(edge: Authenticated, parcel: Parcel, body: Outgoing["body"], wish: LeaseWish): Outgoing {
  const { request, requestId } = edge;
  const headers = forwardableRequestHeaders(request.headers);
  headers[REQUEST_ID] = requestId;
  headers[HOP] = "1";
  // An inference body was read as JSON, whatever it was called, and so must the endpoint read it.
  if (parcel.isInference) headers["content-type"] = "application/json";
  const trace = parseTraceparent(headers[TRACEPARENT] ?? null);
  if (trace === null) delete headers[TRACEPARENT];
  else headers[TRACEPARENT] = childTraceparent(trace, spanId());
  const { config } = parcel.pool;
  const executionMs = Math.max(...config.endpoints.map(({ executionTimeoutMs }) => executionTimeoutMs));
  return {
    method: parcel.method,
    path: parcel.path,
    headers,
    body,
    inputTokens: wish.inputTokens,
    clientKey: wish.clientKey,
    affinity: wish.affinityKey ?? null,
    stream: parcel.stream,
    isClientsPath: parcel.isClientsPath,
    firstByteTimeoutMs: parcel.stream ? config.ttfbTimeoutMs : executionMs,
    clientGone: request.signal,
  };
}

/** Where the fleet's endpoints are and how they do is for operators: a key that may only infer asks in vain. */
const isExplained = ({ request, identity, dev }: Authenticated): boolean =>
  request.headers.get(EXPLAIN) === "1" && (dev || identity.scopes.includes("admin"));

/** Gives a lease back under which nothing was sent. */
function giveBack(edge: Authenticated, answer: LeaseAnswer): void {
  if (answer.kind === "leased") returnLease(edge.desk, answer.holding);
}

function blocked({ verdict }: Checked): Refusal {
  const [rail] = verdict.blockedBy;
  if (verdict.blockedBy.length === 1 && rail === "size") {
    return {
      reason: "body_too_large",
      detail: "The request has more text than this pool accepts. Send a shorter one.",
    };
  }
  const didNotFinish = verdict.skipped.some(({ rail: name }) => name === rail);
  if (didNotFinish) return { reason: "guardrail_unavailable" };
  return {
    reason: "blocked_by_guardrail",
    detail: `The guardrail "${verdict.blockedBy.join('", "')}" refused this request. Change its content before you send it again.`,
  };
}

function noLease(answer: Exclude<LeaseAnswer, { kind: "leased" }>): Refusal {
  switch (answer.kind) {
    case "shed":
      return { reason: "saturated", retryAfterMs: answer.retryAfterMs };
    // Never of a first attempt, which is free.
    case "over_budget":
      return { reason: "saturated" };
    case "warming_up":
      return { reason: "warming_up", retryAfterMs: answer.retryAfterMs };
    case "no_endpoint":
      return { reason: "no_endpoint" };
  }
}

function failed({ why }: Extract<AttemptResult, { kind: "lost" }>, tried: readonly string[]): Refusal {
  const headers = [["x-warmpath-attempts", String(tried.length)]] as const;
  switch (why) {
    case "capacity":
      return { reason: "saturated", headers };
    case "timeout":
      return { reason: "upstream_timeout", headers };
    case "failed":
      return { reason: "upstream_failed", headers };
  }
}

function refuseTooLarge(edge: Authenticated): Response {
  const { config } = edge.desk.runtime;
  const detail = `The request body is larger than ${config.limits.bodyBytesMax} bytes. Send a shorter request.`;
  return refuse(edge.requestId, config, { reason: "body_too_large", detail });
}

/** 16 hex digits, not all zero. */
function spanId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => (byte | 1).toString(16).padStart(2, "0")).join("");
}
