/**
 * `Prefer: respond-async` on any POST to a model or a pool: the request becomes a job and the answer is 202 with its place
 * (RFC 7240), or the whole answer where it is done within `wait`. With `x-warmpath-on-busy: job` the request is tried at
 * once, as if nothing had been asked, and becomes a job only instead of a refusal for want of room.
 *
 * The body is read here, and handed on as it was to whoever serves it now.
 */
import { protocolOf } from "../../dispatch/answer-format.ts";
import { RETENTION_ASYNC_MS } from "../../jobs/core/policy.ts";
import type { JobWork } from "../../jobs/core/messages.ts";
import { forwardableRequestHeaders, headersBeyond } from "../../wire/headers.ts";
import { nativeJobId } from "../../jobs/wire/jobs-ids.ts";
import { IDEMPOTENCY_KEY, ON_BUSY, readJobOptions } from "../../jobs/wire/jobs-options.ts";
import { parsePrefer, preferenceApplied } from "../../jobs/wire/jobs-prefer.ts";
import type { Preference } from "../../jobs/wire/jobs-prefer.ts";
import { isEnded } from "../../jobs/wire/jobs-view.ts";
import { INFERENCE_PATHS, readInferenceBody } from "../../wire/openai.ts";
import { withoutLastSlash } from "../../wire/request-target.ts";
import { parseJson, writeJson } from "../../wire/body.ts";
import type { Authenticated } from "../edge-request.ts";
import { unknownModel, unknownPool } from "../../wire/not-found.ts";
import { refuseBody } from "../../access/within.ts";
import { refuseReach } from "../../dispatch/reach.ts";
import { readBody } from "../read-body.ts";
import type { EdgePool } from "../../dispatch/runtime.ts";
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import type { ErrorReason } from "../../wire/errors.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import { answerStored, NO_QUEUE, refuseProblem } from "./answers.ts";
import { answerPending, answerResult } from "./native.ts";
import { hasQueues, queueOf } from "./queue.ts";
import { besideOf } from "../beside.ts";
import { unreadOf } from "../unread.ts";
import { checkJob } from "./rails.ts";
import { admitCall } from "./rates.ts";
import { policyOf, submitJob } from "./submit.ts";

/** Serves the request now. */
export type ServeNow = (edge: Authenticated) => Promise<Answer>;

/** The router's own refusals that mean "not now", or "not at once": the request itself was good. */
const BUSY: ReadonlySet<ErrorReason> = new Set<ErrorReason>(["saturated", "no_endpoint", "warming_up", "jobs_only"]);

export async function asJob(edge: Authenticated, serveNow: ServeNow): Promise<Answer> {
  const { request, runtime } = edge;
  const preference = parsePrefer(request.headers.get("prefer"));
  const onBusy = request.headers.get(ON_BUSY)?.trim().toLowerCase() === "job";
  // A preference may be ignored, and is where nothing could keep it.
  // A job keeps its body and its answer as text: no form, and no sound.
  const isBytes =
    protocolOf("POST", edge.path) === "speech" || /^\s*multipart\//i.test(request.headers.get("content-type") ?? "");
  if ((!preference.isAsync && !onBusy) || isBytes || !hasPool(edge) || !hasQueues(edge)) return serveNow(edge);
  const { bodyBytesMax } = runtime.config.limits;
  const bytes = await readBody(edge, bodyBytesMax, "limits.bodyBytesMax");
  if (!bytes.ok) return bytes.error;
  const enqueue = async (): Promise<Answer> => answerStored(edge, async () => submit(edge, bytes.value, preference));
  if (!onBusy) return enqueue();
  // Where the client is, and whether it has left, are copied along.
  const again = new Request(request, { method: "POST", body: bytes.value }) as typeof request;
  // It was unpacked.
  again.headers.delete("content-encoding");
  const answer = await serveNow({ ...edge, request: again });
  return !(answer instanceof Response) && BUSY.has(answer.reason) ? enqueue() : answer;
}

/** Does the path lead to a pool at all? Others have no use for a job. */
function hasPool({ path, runtime }: Authenticated): boolean {
  const plain = withoutLastSlash(path);
  return isInference(plain) || path.startsWith("/p/") || runtime.config.routes.has(plain);
}

const isInference = (path: string): boolean => INFERENCE_PATHS.some((one) => one === path);

async function submit(edge: Authenticated, bytes: ArrayBuffer, preference: Preference): Promise<Answer> {
  const { request, identity } = edge;
  const json = parseJson(bytes);
  const target = targetOf(edge, json);
  if (!target.ok) return target.error;
  const { pool, path } = target.value;
  const poolId = pool.config.id;
  const queue = queueOf(edge, poolId);
  if (queue === null) return NO_QUEUE;
  const options = readJobOptions(request.headers, Date.now(), edge.dev);
  if (!options.ok) return refuseProblem(options.error);
  const ticket = admitCall({ tenant: identity.tenant, pool: pool.config, operation: "run" }, Date.now());
  if (ticket.kind === "refused") {
    return { reason: "rate_limited", retryAfterMs: ticket.retryAfterMs };
  }
  ticket.release();
  const work = await workOf(edge, pool, { path, bytes, json });
  if (!work.ok) return work.error;
  const submitted = await submitJob(edge, pool, {
    jobId: nativeJobId(crypto.randomUUID()),
    work: work.value,
    policy: policyOf(options.value, null, RETENTION_ASYNC_MS),
    webhook: options.value.webhook,
    tags: options.value.tags,
    idempotencyKey: options.value.idempotencyKey,
    batchId: null,
  });
  if (submitted.kind === "refused") return submitted.refusal;
  const waitMs = preference.isAsync ? (preference.waitMs ?? 0) : 0;
  const { job } = submitted;
  const view = waitMs === 0 || isEnded(job.status) ? job : ((await queue.view(identity.tenant, job.id, waitMs)) ?? job);
  const applied = preference.isAsync ? ([["preference-applied", preferenceApplied(preference)]] as const) : [];
  return isEnded(view.status) && waitMs > 0
    ? answerResult(edge, view, poolId, applied)
    : answerPending(edge, view, poolId, applied);
}

/** A request as a job, whoever submits it: its pool, and its work with what the rails have left of its body. */
export async function jobOfRequest(
  edge: Authenticated,
  bytes: ArrayBuffer,
): Promise<Result<{ readonly pool: EdgePool; readonly work: JobWork }, Refusal>> {
  const json = parseJson(bytes);
  const target = targetOf(edge, json);
  if (!target.ok) return target;
  const { pool, path } = target.value;
  const work = await workOf(edge, pool, { path, bytes, json });
  return work.ok ? ok({ pool, work: work.value }) : work;
}

type Target = { readonly pool: EdgePool; readonly path: string };

/** Which pool, and which path there: as the synchronous request would be led, and no further. */
function targetOf(edge: Authenticated, json: unknown): Result<Target, Refusal> {
  const { query, runtime } = edge;
  const { config, pools } = runtime;
  const path = withoutLastSlash(edge.path);
  const inference = INFERENCE_PATHS.find((one) => one === path);
  if (inference !== undefined) {
    if (json === null) return err({ reason: "invalid_json" });
    const read = readInferenceBody(json, inference);
    if (!read.ok) return err(refuseProblem(read.error));
    const model = read.value.model ?? "";
    const pool = pools.get(config.poolIdByModel.get(model) ?? "");
    return pool === undefined ? err(unknownModel(model, config)) : ok({ pool, path });
  }
  const declared = config.routes.get(path);
  if (declared !== undefined) {
    const pool = pools.get(declared.poolId);
    return pool === undefined
      ? err(unknownPool(declared.poolId, config))
      : reached(edge, { pool, path: declared.upstreamPath + query }, "config");
  }
  const [, , id = "", ...rest] = edge.path.split("/");
  const pool = pools.get(id);
  return pool === undefined
    ? err(unknownPool(id, config))
    : reached(edge, { pool, path: `/${rest.join("/")}${query}` }, "client");
}

function reached(edge: Authenticated, target: Target, from: "client" | "config"): Result<Target, Refusal> {
  const closed = refuseReach(edge, target.pool, { method: "POST", path: target.path, from });
  return closed === null ? ok(target) : err(closed);
}

type Body = { readonly path: string; readonly bytes: ArrayBuffer; readonly json: unknown };

async function workOf(
  edge: Authenticated,
  pool: EdgePool,
  { path, bytes, json }: Body,
): Promise<Result<JobWork, Refusal>> {
  const refusal = refuseBody(edge.identity, { pool, path, json });
  if (refusal !== null) return err(refusal);
  const contentType = isInference(path) ? null : edge.request.headers.get("content-type");
  const { [IDEMPOTENCY_KEY]: _key, prefer: _prefer, ...headers } = forwardableRequestHeaders(edge.request.headers);
  const beyond = headersBeyond(headers);
  if (beyond !== null) return err({ reason: "headers_too_large", detail: `The headers are beyond ${beyond}.` });
  const beside = besideOf(path, isInference(path), headers);
  const railed = await checkJob(edge, pool, json, unreadOf(bytes, json, contentType), beside);
  if (railed.kind === "refused") return err(railed.refusal);
  const written = railed.body === json ? bytes : writeJson(railed.body, bytes);
  if (written === null) {
    return err({ reason: "invalid_request", detail: "The body is nested too deep." });
  }
  const body = textOf(written);
  if (body === null) {
    const detail = "A job keeps its body as text: send UTF-8, or send the request without Prefer: respond-async.";
    return err({ reason: "unsupported_media_type", detail });
  }
  if (isInference(path)) headers["content-type"] = "application/json";
  const stream = typeof json === "object" && json !== null && "stream" in json && json.stream === true;
  return ok({ kind: "http", method: "POST", path, headers, body, stream });
}

function textOf(bytes: ArrayBuffer | Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
