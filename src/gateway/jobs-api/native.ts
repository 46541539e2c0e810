/**
 * The plain surface of jobs: `/v1/jobs/{id}` with its result, events, cancel and retry. A job's name tells its pool, so no
 * look-up comes before the queue; another tenant's job, and a pool that does not exist, are 404 like any unknown id.
 */
import type { JobCall } from "./job-call.ts";
import type { JobStatus, JobView } from "../../jobs/core/messages.ts";
import { parseJobName } from "../../jobs/wire/jobs-ids.ts";
import { parsePrefer } from "../../jobs/wire/jobs-prefer.ts";
import { readPage } from "../../jobs/wire/jobs-runpod.ts";
import { answerOf, isEnded, nativeJob } from "../../jobs/wire/jobs-view.ts";
import type { HeaderRecord } from "../../wire/headers.ts";
import type { Operation } from "../../jobs/core/rate.ts";
import { dress } from "../../wire/replies.ts";
import { answerJson } from "../edge-request.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import type { Authenticated } from "../edge-request.ts";
import { answerStored, NO_QUEUE, refuseProblem, UNKNOWN_JOB } from "./answers.ts";
import { unknownAction } from "../../wire/not-found.ts";
import { events } from "./events.ts";
import { queueOf } from "./queue.ts";
import type { JobQueueStub } from "./queue.ts";
import { admitCall } from "./rates.ts";

type Action = { readonly operation: Operation; readonly handle: (call: JobCall) => Promise<Answer> };

/** By method and what follows the job's name. */
const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ["GET ", { operation: "status", handle: show }],
  ["GET result", { operation: "status", handle: result }],
  ["GET events", { operation: "stream", handle: events }],
  ["DELETE ", { operation: "cancel", handle: cancel }],
  ["POST cancel", { operation: "cancel", handle: cancel }],
  ["POST retry", { operation: "retry", handle: retry }],
]);

/** Segments after `/v1/jobs`. */
export async function nativeRoute(edge: Authenticated, segments: readonly string[]): Promise<Answer> {
  const [text = "", action = "", ...more] = segments;
  const { method } = edge.request;
  if (text === "" || text === "dead-letters") return list(edge, text === "dead-letters");
  if (text === "dead-webhooks") return deadWebhooks(edge, segments.slice(1));
  const known = more.length === 0 ? ACTIONS.get(`${method} ${action}`) : undefined;
  const name = parseJobName(text);
  if (known === undefined) {
    const actions = [...ACTIONS.keys()].filter((one) => !one.endsWith(" "));
    return unknownAction("/v1/jobs/{id}", `${method} ${[action, ...more].join("/")}`, actions);
  }
  if (name === null || !edge.runtime.pools.has(name.poolId)) return UNKNOWN_JOB;
  return counted(edge, name.poolId, known.operation, (queue) => known.handle({ edge, queue, ...name }));
}

async function counted(
  edge: Authenticated,
  poolId: string,
  operation: Operation,
  handle: (queue: JobQueueStub) => Promise<Answer>,
): Promise<Answer> {
  const queue = queueOf(edge, poolId);
  if (queue === null) return NO_QUEUE;
  const jobs = edge.runtime.pools.get(poolId)?.config.jobs;
  const pool = { id: poolId, ...(jobs === undefined ? {} : { jobs }) };
  const ticket = admitCall({ tenant: edge.identity.tenant, pool, operation }, Date.now());
  if (ticket.kind === "refused") {
    return { reason: "rate_limited", retryAfterMs: ticket.retryAfterMs };
  }
  try {
    return await answerStored(edge, async () => handle(queue));
  } finally {
    ticket.release();
  }
}

async function show({ edge, queue, poolId, jobId }: JobCall): Promise<Answer> {
  const view = await queue.view(edge.identity.tenant, jobId, waitMsOf(edge));
  return view === null ? UNKNOWN_JOB : answerJson(edge, nativeJob(view, poolId));
}

/** `Prefer: wait=n` holds the answer until the job has ended, for up to n seconds. */
const waitMsOf = (edge: Authenticated): number => parsePrefer(edge.request.headers.get("prefer")).waitMs ?? 0;

async function result({ edge, queue, poolId, jobId }: JobCall): Promise<Answer> {
  const view = await queue.view(edge.identity.tenant, jobId, waitMsOf(edge));
  if (view === null) return UNKNOWN_JOB;
  return isEnded(view.status) ? answerResult(edge, view, poolId) : answerPending(edge, view, poolId, []);
}

type Extra = readonly (readonly [string, string])[];

/** The job goes on: 202, where it is, and how to follow it. */
export function answerPending(edge: Authenticated, view: JobView, poolId: string, extra: Extra): Response {
  const body = nativeJob(view, poolId);
  const headers: HeaderRecord = {
    "content-type": "application/json",
    "cache-control": "no-store",
    location: `/v1/jobs/${String(body["id"])}`,
    "retry-after": "1",
    ...Object.fromEntries(extra),
  };
  dress(headers, edge.requestId, edge.runtime.config);
  return new Response(JSON.stringify(body), { status: 202, headers });
}

/** The answer as it would have been without a job; how the job ended, where it ended without one. */
export function answerResult(edge: Authenticated, view: JobView, poolId: string, extra: Extra = []): Answer {
  const refusal = endedWithout(view);
  if (refusal !== null) return { ...refusal, headers: extra };
  const { text, contentType } =
    isClientFault(view) && view.output === null
      ? { text: view.error ?? "", contentType: view.answer.contentType }
      : answerOf(view);
  const headers: HeaderRecord = {
    "content-type": contentType,
    "content-location": `/v1/jobs/${String(nativeJob(view, poolId)["id"])}/result`,
    ...Object.fromEntries(extra),
  };
  dress(headers, edge.requestId, edge.runtime.config);
  const status = view.answer?.status ?? 200;
  return new Response(status === 204 ? null : text, { status, headers });
}

type ClientFault = JobView & { readonly answer: NonNullable<JobView["answer"]> };

/** The endpoint refused the request itself; the text of its refusal is the job's error. */
const isClientFault = (view: JobView): view is ClientFault =>
  view.status === "failed" && view.answer !== null && view.answer.status >= 400 && view.answer.status < 500;

function endedWithout(view: JobView): Refusal | null {
  switch (view.status) {
    case "cancelled":
      return { reason: "job_cancelled" };
    case "timed_out":
    case "expired":
      return { reason: "job_timed_out" };
    case "failed": {
      // What the endpoint said to the client's own mistake is the answer, as it is without a job.
      if (isClientFault(view)) return null;
      return { reason: "job_failed", ...(view.error === null ? {} : { detail: `The job failed: ${view.error}` }) };
    }
    case "queued":
    case "running":
    case "retrying":
    case "completed":
      return null;
  }
}

async function cancel({ edge, queue, poolId, jobId }: JobCall): Promise<Answer> {
  const view = await queue.cancel(edge.identity.tenant, jobId);
  return view === null ? UNKNOWN_JOB : answerJson(edge, nativeJob(view, poolId));
}

async function retry({ edge, queue, poolId, jobId }: JobCall): Promise<Answer> {
  const view = await queue.retry(edge.identity.tenant, jobId);
  if (view === "not_retryable") return { reason: "job_not_retryable" };
  return view === null ? UNKNOWN_JOB : answerJson(edge, nativeJob(view, poolId));
}

export const STATUSES: ReadonlySet<string> = new Set<JobStatus>([
  "queued",
  "running",
  "retrying",
  "completed",
  "failed",
  "cancelled",
  "timed_out",
  "expired",
]);

export const isStatus = (text: string): text is JobStatus => STATUSES.has(text);

/** The pool that a list is about; null: none is named and there is more than one. */
function poolOf({ query, runtime }: Authenticated): string | null {
  const { pools } = runtime;
  const poolId = new URLSearchParams(query).get("pool") ?? (pools.size === 1 ? [...pools.keys()][0] : undefined);
  return poolId === undefined || !pools.has(poolId) ? null : poolId;
}

const NO_POOL = refuseProblem({ param: "pool", problem: "pool must name a pool: each has its own queue." });

/** `GET /v1/jobs/dead-webhooks?pool=…`; `POST /v1/jobs/dead-webhooks/{id}/replay?pool=…`. */
async function deadWebhooks(edge: Authenticated, [id, action, ...more]: readonly string[]): Promise<Answer> {
  const { method } = edge.request;
  const poolId = poolOf(edge);
  if (poolId === null) return NO_POOL;
  const { tenant } = edge.identity;
  if (method === "GET" && id === undefined) {
    return counted(edge, poolId, "requests", async (queue) =>
      answerJson(edge, { object: "list", data: await queue.deadDeliveries(tenant) }),
    );
  }
  if (method !== "POST" || id === undefined || action !== "replay" || more.length > 0) {
    const [known, asked] = [["GET dead-webhooks", "POST dead-webhooks/{id}/replay"], [id, action, ...more].join("/")];
    return unknownAction("/v1/jobs/dead-webhooks", `${method} ${asked}`, known);
  }
  return counted(edge, poolId, "retry", async (queue) =>
    (await queue.replayDelivery(tenant, id))
      ? answerJson(edge, { webhookId: id, replayed: true })
      : { reason: "not_found", detail: "There is no such delivery, or its receiver wants no more." },
  );
}

/** `GET /v1/jobs?pool=…[&status=…]`; `GET /v1/jobs/dead-letters?pool=…`. */
async function list(edge: Authenticated, onlyDead: boolean): Promise<Answer> {
  if (edge.request.method !== "GET") {
    return { reason: "method_not_allowed", headers: [["allow", "GET"]] };
  }
  const query = new URLSearchParams(edge.query);
  const poolId = poolOf(edge);
  if (poolId === null) return NO_POOL;
  const status = query.get("status");
  if (status !== null && !isStatus(status)) {
    return refuseProblem({ param: "status", problem: `status must be one of ${[...STATUSES].join(", ")}.` });
  }
  const page = readPage(query);
  if (!page.ok) return refuseProblem(page.error);
  const { offset, limit } = page.value;
  return counted(edge, poolId, "requests", async (queue) => {
    const { tenant } = edge.identity;
    const views = onlyDead
      ? (await queue.deadLetters(tenant)).slice(offset, offset + limit + 1)
      : await queue.list(tenant, { offset, limit: limit + 1, status });
    const jobs = views.slice(0, limit).map((view) => nativeJob(view, poolId));
    return answerJson(edge, { object: "list", data: jobs, offset, limit, hasMore: views.length > limit });
  });
}
