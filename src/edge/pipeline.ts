/**
 * The path of one request: read it, run its rails while the lease is acquired, send it, retry once before the first
 * byte, and pass the answer on.
 *
 * Neither the rails nor the lease waits for the other; a refused request gives its lease back unused. Nothing is sent
 * anywhere before both are there.
 */
import type { LeaseWish } from "../core/edge-lease.ts";
import { inputTokensEstimate, readInferenceBody } from "../protocol/openai.ts";
import type { InferencePath } from "../protocol/openai.ts";
import {
  childTraceparent,
  forwardableRequestHeaders,
  HOP,
  parseTraceparent,
  REQUEST_ID,
  TRACEPARENT,
} from "../protocol/headers.ts";
import { answerBegun } from "./answer.ts";
import { attemptOnce } from "./dispatch.ts";
import type { AttemptResult, Outgoing } from "./dispatch.ts";
import { parseJson, readBody, writeJson } from "./body.ts";
import type { Authenticated, Refusal } from "./edge-request.ts";
import { refuse } from "./edge-request.ts";
import { checkInput } from "./input-rails.ts";
import type { Checked } from "./input-rails.ts";
import { lease, settle } from "./lease-desk.ts";
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
    repeatable: true,
  });
}

/** Any other request to a pool: every method, path and body. */
export async function passThrough(edge: Authenticated, pool: EdgePool, path: string): Promise<Response> {
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
  return send(edge, { pool, method: request.method, path, bytes, json, stream, isInference: false, repeatable });
}

async function send(edge: Authenticated, parcel: Parcel): Promise<Response> {
  const { desk, requestId } = edge;
  const { config } = desk.runtime;
  const { place, key } = placeOf(edge.request, config, edge.dev);
  const wish: LeaseWish = {
    pool: parcel.pool.spec,
    client: place,
    clientKey: key,
    inputTokens: inputTokensEstimate(parcel.bytes?.byteLength ?? 0),
    excluded: [],
    explain: false,
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
    const result = await attemptOnce(desk, holding, endpoint, outgoing);
    if (result.kind === "begun") {
      const why = tried.length > 1 ? "failover" : reason;
      return answerBegun(edge, result, {
        reason: why,
        attempts: tried.length,
        overheadMs: result.attempt.sentAtMs - edge.startedAtMs,
      });
    }
    lost = result;
    const mayRepeat = (parcel.repeatable || !result.maybeProcessed) && !outgoing.clientGone.aborted;
    if (!mayRepeat || tried.length >= parcel.pool.config.attemptsMax)
      return refuse(requestId, config, failed(lost, tried));
    answer = await lease(desk, parcel.pool, { ...wish, excluded: tried });
  }
}

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
    firstByteTimeoutMs: parcel.stream ? config.ttfbTimeoutMs : executionMs,
    clientGone: request.signal,
  };
}

/** Gives a lease back under which nothing was sent. */
function giveBack(edge: Authenticated, answer: LeaseAnswer): void {
  if (answer.kind !== "leased") return;
  settle(edge.desk, answer.holding, {
    outcome: "unused",
    heldMs: 0,
    ttftMs: null,
    headersMs: null,
    clientKey: "",
    inputTokens: 0,
  });
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
