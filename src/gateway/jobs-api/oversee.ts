/**
 * What operators see of the queues, over all tenants: `GET /admin/jobs`, and below `/admin/jobs/{pool}` the jobs, dead
 * letters, webhooks and pulling workers, with what runs one of them again.
 *
 * An input or an answer is its tenant's and is shown nowhere here. What an endpoint or a GPU worker said of a failure is
 * redacted as a line of the log is.
 */
import type { JobStatus } from "../../jobs/core/messages.ts";
import type { OperatorJob, OperatorJobWhole, RedriveOrder } from "../../jobs/core/operator.ts";
import { isJobId, parseJobName } from "../../jobs/wire/jobs-ids.ts";
import { readPage } from "../../jobs/wire/jobs-runpod.ts";
import { askInTime } from "../../sight/ask-in-time.ts";
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { parseJson } from "../../wire/body.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import { answerJson } from "../edge-request.ts";
import type { Authenticated } from "../edge-request.ts";
import { readBody } from "../read-body.ts";
import { refuseProblem, UNKNOWN_JOB } from "./answers.ts";
import { isStatus, STATUSES } from "./native.ts";
import { queueOf } from "./queue.ts";
import type { JobQueueStub } from "./queue.ts";

/** Ids in one order, and its bytes: an id has 44 characters. */
const ORDER_IDS_MAX = 500;
const ORDER_BYTES_MAX = 65_536;

type PoolOrder = { readonly edge: Authenticated; readonly poolId: string; readonly queue: JobQueueStub };
type Handler = (order: PoolOrder, id: string) => Promise<Answer>;

/** By method and what follows the pool; `*` is an id. */
export const OVERSEEN: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ["GET ", async ({ edge, poolId, queue }) => answerJson(edge, { pool: poolId, ...(await queue.summary()) })],
  ["GET jobs", listed],
  ["GET dead-letters", deadLetters],
  ["GET jobs/*", one],
  ["POST jobs/*/cancel", cancel],
  ["POST jobs/*/retry", retry],
  ["POST redrive", redrive],
  ["GET webhooks", async (order) => webhooks(order, false)],
  ["GET dead-webhooks", async (order) => webhooks(order, true)],
  ["POST dead-webhooks/*/replay", replay],
  ["POST replay", replayAll],
  ["GET workers", workers],
]);

/** `GET /admin/jobs`: every pool's queue; what does not answer in time is null. */
export async function overview(edge: Authenticated): Promise<Answer> {
  const pools = [...edge.runtime.pools.keys()].map(async (poolId) => {
    const queue = queueOf(edge, poolId);
    const asked = queue === null ? null : await askInTime(async () => queue.summary());
    return { pool: poolId, queue: asked?.ok === true ? asked.value : null };
  });
  return answerJson(edge, { object: "list", data: await Promise.all(pools) });
}

async function listed({ edge, queue }: PoolOrder): Promise<Answer> {
  const query = new URLSearchParams(edge.query);
  const words = query.get("status")?.split(",") ?? null;
  const states = words?.filter(isStatus) ?? null;
  if (states !== null && states.length < (words?.length ?? 0)) {
    return refuseProblem({ param: "status", problem: `status must be some of ${[...STATUSES].join(", ")}.` });
  }
  return page(edge, queue, states, query);
}

async function deadLetters({ edge, queue }: PoolOrder): Promise<Answer> {
  return page(edge, queue, ["failed", "timed_out"], new URLSearchParams(edge.query));
}

async function page(
  edge: Authenticated,
  queue: JobQueueStub,
  states: readonly JobStatus[] | null,
  query: URLSearchParams,
): Promise<Answer> {
  const read = readPage(query);
  if (!read.ok) return refuseProblem(read.error);
  const { offset, limit } = read.value;
  const tenant = query.get("tenant");
  const jobs = await queue.listAll({ tenant, states, offset, limit: limit + 1 });
  const data = await Promise.all(jobs.slice(0, limit).map(shownJob));
  return answerJson(edge, { object: "list", data, offset, limit, hasMore: jobs.length > limit });
}

async function one({ edge, queue }: PoolOrder, id: string): Promise<Answer> {
  const job = await queue.look(id);
  return job === null ? UNKNOWN_JOB : answerJson(edge, await shownWhole(job));
}

async function cancel({ edge, queue }: PoolOrder, id: string): Promise<Answer> {
  const job = await queue.look(id);
  if (job === null) return UNKNOWN_JOB;
  await queue.cancel(job.tenant, id);
  return one({ edge, queue, poolId: "" }, id);
}

async function retry(order: PoolOrder, id: string): Promise<Answer> {
  const { refused } = await order.queue.redriveAll({ ids: [id] });
  const [problem] = refused;
  if (problem === undefined) return one(order, id);
  return problem.why === "unknown" ? UNKNOWN_JOB : { reason: "job_not_retryable" };
}

/** `{"ids": [...]}`, or `{"all": true, "tenant"?: "…"}`. */
async function redrive({ edge, queue }: PoolOrder): Promise<Answer> {
  const body = await orderOf(edge);
  if (!body.ok) return body.error;
  const ids = idsIn(body.value["ids"]);
  const { tenant = null } = body.value;
  const isTenant = tenant === null || typeof tenant === "string";
  const order: RedriveOrder | null =
    ids !== null ? { ids: ids.map(bareId) } : body.value["all"] === true && isTenant ? { tenant } : null;
  if (order === null) {
    const problem = `Name ids, 1 to ${ORDER_IDS_MAX} of them, or say {"all": true}, with a tenant or without.`;
    return refuseProblem({ param: "ids", problem });
  }
  return answerJson(edge, await queue.redriveAll(order));
}

async function webhooks({ edge, queue }: PoolOrder, onlyDead: boolean): Promise<Answer> {
  const tenant = new URLSearchParams(edge.query).get("tenant");
  const all = await queue.allDeliveries(tenant, onlyDead);
  const data = all.map(({ nextTryMs, ...delivery }) => ({ ...delivery, nextTryAt: instant(nextTryMs) }));
  return answerJson(edge, { object: "list", data });
}

async function replay({ edge, queue }: PoolOrder, webhookId: string): Promise<Answer> {
  const { replayed } = await queue.replayAll([webhookId]);
  return replayed.length > 0 ? answerJson(edge, { webhookId, replayed: true }) : NO_DELIVERY;
}

const NO_DELIVERY: Refusal = {
  reason: "not_found",
  detail: "There is no such dead delivery, or its receiver wants no more.",
};

/** `{"webhookIds": [...]}`. */
async function replayAll({ edge, queue }: PoolOrder): Promise<Answer> {
  const body = await orderOf(edge);
  if (!body.ok) return body.error;
  const ids = idsIn(body.value["webhookIds"]);
  if (ids !== null) return answerJson(edge, await queue.replayAll(ids));
  return refuseProblem({ param: "webhookIds", problem: `Name webhookIds, 1 to ${ORDER_IDS_MAX} of them.` });
}

async function workers({ edge, queue }: PoolOrder): Promise<Answer> {
  const now = Date.now();
  const data = (await queue.workersNow()).map(({ id, seenMs, waiting, jobs }) => ({
    id,
    seenMsAgo: Math.max(0, now - seenMs),
    waiting,
    jobs: jobs.map((job) => job.id),
    held: jobs.map((job) => ({ id: job.id, tenant: job.tenant, since: instant(job.sinceMs) })),
  }));
  return answerJson(edge, { object: "list", data });
}

/** An id as this API tells it, or a name as `/v1/jobs` does. */
const bareId = (text: string): string => parseJobName(text)?.jobId ?? text;

/** Null: it is no id that could be. */
export function idIn(segment: string): string | null {
  const id = bareId(segment);
  // Names of webhooks have dots.
  return isJobId(id) || /^[\w.~-]{1,200}$/.test(id) ? id : null;
}

function idsIn(value: unknown): readonly string[] | null {
  if (!Array.isArray(value) || value.length === 0 || value.length > ORDER_IDS_MAX) return null;
  const ids = value.filter((id): id is string => typeof id === "string");
  return ids.length === value.length ? ids : null;
}

async function orderOf(edge: Authenticated): Promise<Result<Readonly<Record<string, unknown>>, Refusal>> {
  const bytes = await readBody(edge, ORDER_BYTES_MAX);
  if (!bytes.ok) return bytes;
  const json = parseJson(bytes.value);
  if (typeof json !== "object" || json === null || Array.isArray(json)) return err({ reason: "invalid_json" });
  return ok(Object.fromEntries(Object.entries(json)));
}

async function shownJob(job: OperatorJob) {
  const { submittedMs, startedMs, endedMs, deleteMs, endpointId, workerId, error, ...same } = job;
  return {
    ...same,
    submittedAt: instant(submittedMs),
    startedAt: instant(startedMs),
    endedAt: instant(endedMs),
    deletedAt: instant(deleteMs),
    delayMs: startedMs === null ? null : Math.max(0, startedMs - submittedMs),
    executionMs: startedMs === null || endedMs === null ? null : Math.max(0, endedMs - startedMs),
    endpoint: endpointId,
    worker: workerId,
    error: error === null ? null : (await import("../../wire/failure-text.ts")).failureText(error),
  };
}

async function shownWhole({ history, historyDropped, webhook, ...job }: OperatorJobWhole) {
  return {
    ...(await shownJob(job)),
    history: history.map(({ status, atMs, why }) => ({ status, at: instant(atMs), why })),
    historyDropped,
    webhook,
  };
}

const instant = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
