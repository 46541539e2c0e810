/**
 * A line of a batch as a request of its tenant: it meets the rails, the limits and the pool that it would have met at the
 * door, becomes a job of low priority, and its answer is what a client of that job would have been given.
 */
import type { Identity } from "../../wire/api-keys.ts";
import { runtimeWithin } from "../../access/within.ts";
import { isDraining } from "../../dispatch/draining.ts";
import { usageIn } from "../../dispatch/core/answer-usage.ts";
import { leasesOf, shardsOf } from "../../dispatch/platform.ts";
import { runtimeOf } from "../../dispatch/runtime.ts";
import type { EdgeEnv, Waiting } from "../../dispatch/runtime.ts";
import { HELD_BACK_MS } from "../../files/core/bounds.ts";
import type { Batch, Usage } from "../../files/core/batch.ts";
import type { Handed, LineAnswer, LinePorts } from "../../files/object/batch-driver.ts";
import type { LineRequest } from "../../files/batch-line.ts";
import { isObject } from "../../lib/json-object.ts";
import { DEFAULT_POLICY, POLICY_RANGES, PRIORITY_LOW } from "../../jobs/core/policy.ts";
import { createSeen } from "../../sight/see.ts";
import { errorBody } from "../../wire/error-body.ts";
import { ERROR_FORMS } from "../../wire/error-forms.ts";
import { ERRORS } from "../../wire/errors.ts";
import type { Answer } from "../../wire/refusal.ts";
import { bytesOf } from "../../wire/text-bytes.ts";
import type { Authenticated } from "../edge-request.ts";
import { errorFormOf } from "../error-form.ts";
import { answerResult } from "../jobs-api/native.ts";
import { queueOf } from "../jobs-api/queue.ts";
import { jobOfRequest } from "../jobs-api/respond-async.ts";
import { submitJob } from "../jobs-api/submit.ts";

type Host = { readonly env: EdgeEnv; readonly ctx: Waiting; readonly tenant: string };

/** Its answer waits for the batch to fetch it, also over a long standstill of the router. */
const POLICY = {
  executionTimeoutMs: DEFAULT_POLICY.executionTimeoutMs,
  ttlMs: POLICY_RANGES.ttlMs.max,
  retentionMs: POLICY_RANGES.ttlMs.max,
  startWithinMs: null,
  priority: PRIORITY_LOW,
  attemptsMax: DEFAULT_POLICY.attemptsMax,
  notBeforeMs: null,
} as const;

export function linePorts(host: Host): LinePorts {
  return {
    isDraining,
    async poolOf(batch, model) {
      const edge = edgeOf(host, batch, batch.id);
      if (edge === null) throw new Error("the config is wrong: no batch goes on");
      return edge.runtime.config.poolIdByModel.get(model) ?? null;
    },
    hand: async (batch, jobId, request) => hand(host, batch, { jobId, request }),
    async answerOf(batch, poolId, job) {
      const edge = edgeOf(host, batch, job.id);
      if (edge === null) throw new Error("the config is wrong: no batch goes on");
      return lineAnswer(edge, answerResult(edge, job, poolId));
    },
    async collect(poolId, asked) {
      const runtime = runtimeOf(host.env, host.ctx);
      const queue = runtime === null ? null : queueOf({ env: host.env, runtime }, poolId);
      if (queue === null) throw new Error("no queue can be reached: no batch goes on");
      return queue.collect(host.tenant, asked);
    },
  };
}

type Line = { readonly jobId: string; readonly request: LineRequest };

async function hand(host: Host, batch: Batch, { jobId, request }: Line): Promise<Handed> {
  const edge = edgeOf(host, batch, jobId);
  if (edge === null) return { kind: "later", afterMs: HELD_BACK_MS.max };
  try {
    const bytes = bytesOf(textOf(request.body));
    const { bodyBytesMax } = edge.runtime.config.limits;
    if (bytes.byteLength > bodyBytesMax) {
      const detail = `The body has more than ${bodyBytesMax} bytes (the option limits.bodyBytesMax).`;
      return refused(edge, { reason: "body_too_large", detail });
    }
    const job = await jobOfRequest(edge, bytes);
    if (!job.ok) return refused(edge, job.error);
    const { pool, work } = job.value;
    const draft = { jobId, work, policy: POLICY, webhook: null, tags: { batch: batch.id } };
    const submitted = await submitJob(edge, pool, { ...draft, idempotencyKey: null, batchId: null });
    if (submitted.kind === "accepted") return { kind: "job", poolId: pool.config.id };
    return refused(edge, submitted.refusal);
  } catch (error) {
    // The queue could not be reached, or cannot store: nothing is known to be wrong with the line.
    console.error(`${jobId} could not be handed to its queue`, error);
    return { kind: "later", afterMs: HELD_BACK_MS.min };
  }
}

/** Nested too deep to be written: then it is no JSON that anything would read. */
function textOf(body: unknown): string {
  try {
    return JSON.stringify(body);
  } catch (error) {
    if (error instanceof RangeError) return "";
    throw error;
  }
}

/** What may pass later is tried later; a quota that is used up may be there again before the window is over. */
function refused(edge: Authenticated, refusal: Exclude<Answer, Response>): Handed {
  const { reason, retryAfterMs = HELD_BACK_MS.min } = refusal;
  if (reason === "insufficient_quota") return { kind: "later", afterMs: HELD_BACK_MS.max };
  if (ERRORS[reason].retryable) return { kind: "later", afterMs: retryAfterMs };
  return { kind: "answered", answer: refusalAnswer(edge, refusal) };
}

async function lineAnswer(edge: Authenticated, answer: Answer): Promise<LineAnswer> {
  if (!(answer instanceof Response)) return refusalAnswer(edge, answer);
  const text = await answer.text();
  const json = parsed(text);
  const isJson = json !== undefined;
  return { status: answer.status, body: isJson ? text : JSON.stringify(text), usage: isJson ? usageOf(json) : null };
}

/** As the door would have told it. */
function refusalAnswer({ path, requestId, runtime }: Authenticated, refusal: Exclude<Answer, Response>): LineAnswer {
  const { reason, headers: _headers, ...detail } = refusal;
  const body = ERROR_FORMS[errorFormOf(path, runtime.config)](errorBody(reason, { ...detail, requestId }), requestId);
  return { status: ERRORS[reason].status, body: JSON.stringify(body), usage: null };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function usageOf(json: unknown): Usage | null {
  const usage = usageIn(json);
  if (usage === null) return null;
  const told = isObject(json) && isObject(json["usage"]) ? json["usage"] : {};
  const details = told["completion_tokens_details"] ?? told["output_tokens_details"];
  const reasoning = isObject(details) ? details["reasoning_tokens"] : 0;
  return {
    input: usage.promptTokens ?? 0,
    cached: usage.cachedTrue ?? 0,
    output: usage.outputTokens ?? 0,
    reasoning: typeof reasoning === "number" ? reasoning : 0,
  };
}

/** The request that the line stands for; null: the config is wrong. */
function edgeOf({ env, ctx }: Host, batch: Batch, requestId: string): Authenticated | null {
  const whole = runtimeOf(env, ctx);
  if (whole === null) return null;
  const identity = batch.identity as Identity;
  const runtime = identity.access === undefined ? whole : runtimeWithin(whole, identity.access);
  const shardOf = shardsOf(env, runtime.config);
  const headers = { "content-type": "application/json" };
  return {
    request: new Request(`http://router${batch.endpoint}`, { method: "POST", headers }) as Authenticated["request"],
    path: batch.endpoint,
    query: "",
    requestId,
    startedAtMs: Date.now(),
    dev: env.WARMPATH_DEV === "1",
    runtime,
    env,
    ctx,
    shardOf,
    leases: leasesOf(runtime, shardOf, ctx),
    seen: createSeen(requestId, "POST"),
    isKept: false,
    identity,
  };
}
