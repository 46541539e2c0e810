/**
 * Runpod's job operations on one pool. Success is exactly 200: its SDK takes every other status for an answer without a
 * job (docs/reference/sources.md, Runpod queue). Long polls wait in the queue, never in a loop here.
 */
import { DRAIN_SEQ } from "../../jobs/core/messages.ts";
import type { JobView } from "../../jobs/core/messages.ts";
import { POLICY_RANGES, RETENTION_ASYNC_MS, RETENTION_SYNC_MS } from "../../jobs/core/policy.ts";
import { isJobId, runpodJobId, runpodSyncJobId } from "../../jobs/wire/jobs-ids.ts";
import { readJobOptions } from "../../jobs/wire/jobs-options.ts";
import {
  readPage,
  readRunRequest,
  readWaitMs,
  RUN_BODY_BYTES_MAX,
  RUNSYNC_BODY_BYTES_MAX,
  RUNSYNC_WAIT_MS_MAX,
  STATUS_WAIT_MS_MAX,
  STREAM_HOLD_MS,
} from "../../jobs/wire/jobs-runpod.ts";
import type { RunRequest } from "../../jobs/wire/jobs-runpod.ts";
import { isEnded, runpodHealth, runpodJob, runpodStream } from "../../jobs/wire/jobs-view.ts";
import { workOf } from "../../jobs/wire/jobs-work.ts";
import type { JobWork } from "../../jobs/core/messages.ts";
import { runpodStatus } from "../../jobs/core/runpod-status.ts";
import { parseJson } from "../../wire/body.ts";
import { answerJson } from "../edge-request.ts";
import type { Authenticated } from "../edge-request.ts";
import { refuseBody } from "../../access/within.ts";
import { refuseReach } from "../../dispatch/reach.ts";
import { readBody } from "../read-body.ts";
import type { EdgePool } from "../../dispatch/runtime.ts";
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import { refuseProblem, UNKNOWN_JOB } from "./answers.ts";
import { exactJson } from "./exact-json.ts";
import { jobPathOf } from "./job-path.ts";
import type { JobQueueStub } from "./queue.ts";
import { checkRun } from "./rails.ts";
import { policyOf, submitJob } from "./submit.ts";

/** One call of the job API: who asks, of which pool, and where its jobs are. */
export type PoolCall = {
  readonly edge: Authenticated;
  readonly pool: EdgePool;
  readonly queue: JobQueueStub;
  readonly query: URLSearchParams;
};

export async function run(call: PoolCall): Promise<Answer> {
  const submitted = await submitRun(call, "run");
  if (!submitted.ok) return submitted.error;
  return answerJson(call.edge, { id: submitted.value.id, status: runpodStatus(submitted.value.status) });
}

export async function runSync(call: PoolCall): Promise<Answer> {
  const { edge, queue, query } = call;
  const waitMs = readWaitMs(query.get("wait"), RUNSYNC_WAIT_MS_MAX);
  if (waitMs === null) return NO_WAIT;
  const submitted = await submitRun(call, "runsync");
  if (!submitted.ok) return submitted.error;
  const job = submitted.value;
  const view = isEnded(job.status) ? job : await queue.view(edge.identity.tenant, job.id, waitMs);
  return view === null ? UNKNOWN_JOB : answerJson(edge, runpodJob(view, Date.now()));
}

async function submitRun({ edge, pool }: PoolCall, operation: "run" | "runsync"): Promise<Result<JobView, Refusal>> {
  const isSync = operation === "runsync";
  const bytesMax = isSync ? RUNSYNC_BODY_BYTES_MAX : RUN_BODY_BYTES_MAX;
  const bytes = await readBody(edge, bytesMax);
  if (!bytes.ok) return bytes;
  const json = parseJson(bytes.value);
  if (json === null) return err({ reason: "invalid_json" });
  if (typeof json !== "object") {
    return err(refuseProblem({ param: null, problem: "The body must be a JSON object." }));
  }
  const options = readJobOptions(edge.request.headers, Date.now(), edge.dev);
  if (!options.ok) return err(refuseProblem(options.error));
  const railed = await checkRun(edge, pool, json);
  if (railed.kind === "refused") return err(railed.refusal);
  const body = exactJson(bytes.value, json, railed.body);
  const request = readRunRequest(body, edge.dev);
  if (!request.ok) return err(refuseProblem(request.error));
  const work = runWork(edge, pool, request.value);
  if (!work.ok) return work;
  const uuid = crypto.randomUUID();
  const { webhook, policy } = request.value;
  const submitted = await submitJob(edge, pool, {
    jobId: isSync ? runpodSyncJobId(uuid) : runpodJobId(uuid),
    work: work.value,
    policy: policyOf(options.value, policy, isSync ? RETENTION_SYNC_MS : RETENTION_ASYNC_MS),
    webhook: webhook === null ? options.value.webhook : { url: webhook, form: "runpod", events: [] },
    tags: options.value.tags,
    idempotencyKey: options.value.idempotencyKey,
    batchId: null,
  });
  return submitted.kind === "refused" ? err(submitted.refusal) : ok(submitted.job);
}

/** What the input calls, if its client may, with what only a pulling GPU worker is given. */
export function runWork(
  edge: Authenticated,
  pool: EdgePool,
  { input, s3Config }: Pick<RunRequest, "input" | "s3Config">,
): Result<JobWork, Refusal> {
  const work = workOf(input, { model: pool.config.models[0] ?? pool.config.id, jobPath: jobPathOf(pool) });
  if (!work.ok) return err(refuseProblem(work.error));
  const { kind, method, path, body } = work.value;
  const json = kind === "runpod" ? input : parseText(body);
  const refusal = refuseBody(edge.identity, { pool, path, json });
  if (refusal !== null) return err(refusal);
  // The path of a job that names none is the config's.
  const closed = kind === "runpod" ? null : refuseReach(edge, pool, { method, path, from: "client" });
  if (closed !== null) return err(closed);
  return s3Config === null ? work : ok({ ...work.value, s3Config });
}

export async function status({ edge, queue, query }: PoolCall, jobId: string): Promise<Answer> {
  const { tenant } = edge.identity;
  const ttl = query.get("ttl");
  if (ttl !== null) {
    const ttlMs = Number(ttl);
    const { max } = POLICY_RANGES.ttlMs;
    if (!Number.isSafeInteger(ttlMs) || ttlMs < 0 || ttlMs > max) {
      return refuseProblem({ param: "ttl", problem: `ttl must be whole milliseconds, 0 to ${max}.` });
    }
    if (!isJobId(jobId) || !(await queue.keepFor(tenant, jobId, ttlMs))) return UNKNOWN_JOB;
  }
  return answerView(edge, isJobId(jobId) ? await queue.view(tenant, jobId, 0) : null);
}

export async function statusSync({ edge, queue, query }: PoolCall, jobId: string): Promise<Answer> {
  const waitMs = readWaitMs(query.get("wait"), STATUS_WAIT_MS_MAX);
  if (waitMs === null) return NO_WAIT;
  return answerView(edge, isJobId(jobId) ? await queue.view(edge.identity.tenant, jobId, waitMs) : null);
}

export async function stream({ edge, queue }: PoolCall, jobId: string): Promise<Answer> {
  const page = isJobId(jobId) ? await queue.stream(edge.identity.tenant, jobId, DRAIN_SEQ, STREAM_HOLD_MS) : null;
  return page === null ? UNKNOWN_JOB : answerJson(edge, runpodStream(page));
}

export async function cancel({ edge, queue }: PoolCall, jobId: string): Promise<Answer> {
  return answerView(edge, isJobId(jobId) ? await queue.cancel(edge.identity.tenant, jobId) : null);
}

export async function retry({ edge, queue }: PoolCall, jobId: string): Promise<Answer> {
  const view = isJobId(jobId) ? await queue.retry(edge.identity.tenant, jobId) : null;
  if (view === "not_retryable") return { reason: "job_not_retryable" };
  if (view === null) return UNKNOWN_JOB;
  return answerJson(edge, { id: view.id, status: runpodStatus(view.status) });
}

export async function purgeQueue({ edge, queue }: PoolCall): Promise<Answer> {
  return answerJson(edge, { removed: await queue.purge(edge.identity.tenant), status: "completed" });
}

export async function health({ edge, queue }: PoolCall): Promise<Answer> {
  return answerJson(edge, runpodHealth(await queue.health(edge.identity.tenant)));
}

export async function requests({ edge, queue, query }: PoolCall): Promise<Answer> {
  const page = readPage(query);
  if (!page.ok) return refuseProblem(page.error);
  const { offset, limit } = page.value;
  // One more than the page tells whether there are more.
  const views = await queue.list(edge.identity.tenant, { offset, limit: limit + 1, status: null });
  const now = Date.now();
  const shown = views.slice(0, limit).map((view) => runpodJob(view, now));
  return answerJson(edge, { requests: shown, offset, limit, hasMore: views.length > limit });
}

function answerView(edge: Authenticated, view: JobView | null): Answer {
  return view === null ? UNKNOWN_JOB : answerJson(edge, runpodJob(view, Date.now()));
}

/** Of a body that was written here, or is none. */
const parseText = (text: string): unknown => (text === "" ? null : JSON.parse(text));

const NO_WAIT = refuseProblem({ param: "wait", problem: "wait must be milliseconds." });
