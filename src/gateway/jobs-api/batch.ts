/** Runpod's batches: made as a draft, filled, finalized, read, cancelled. Facts: backends.md 1.2. */
import { RETENTION_ASYNC_MS } from "../../jobs/core/policy.ts";
import type { BatchRefusal, BatchView, SubmitRequest } from "../../jobs/core/messages.ts";
import { batchIdOf, isJobId, runpodJobId } from "../../jobs/wire/jobs-ids.ts";
import { readJobOptions } from "../../jobs/wire/jobs-options.ts";
import { BATCH_BODY_BYTES_MAX, readBatchRequests, readPage } from "../../jobs/wire/jobs-runpod.ts";
import type { RunRequest } from "../../jobs/wire/jobs-runpod.ts";
import { runpodBatch, runpodJob } from "../../jobs/wire/jobs-view.ts";
import { parseJson } from "../../wire/body.ts";
import { answerJson } from "../edge-request.ts";
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import { refuseProblem, refuseStorageFull, UNKNOWN_JOB } from "./answers.ts";
import { checkJob } from "./rails.ts";
import { runWork } from "./runpod.ts";
import type { PoolCall } from "./runpod.ts";
import { limitJob, policyOf, requestOf } from "./submit.ts";
import { readBody } from "../read-body.ts";

/** `POST batch`: with a list of requests, or empty. */
export async function createBatch(call: PoolCall): Promise<Answer> {
  const { edge, queue } = call;
  const batchId = batchIdOf(crypto.randomUUID());
  const requests = await readRequests(call, batchId);
  if (!requests.ok) return requests.error;
  const made = await queue.createBatch(edge.identity.tenant, batchId);
  if (made === "limited" || requests.value.length === 0) return answerBatch(call, made);
  return answerBatch(call, await queue.addToBatch(edge.identity.tenant, batchId, requests.value));
}

export async function addToBatch(call: PoolCall, batchId: string): Promise<Answer> {
  if (!isJobId(batchId)) return answerBatch(call, "unknown");
  const requests = await readRequests(call, batchId);
  if (!requests.ok) return requests.error;
  return answerBatch(call, await call.queue.addToBatch(call.edge.identity.tenant, batchId, requests.value));
}

export async function finalizeBatch(call: PoolCall, batchId: string): Promise<Answer> {
  if (!isJobId(batchId)) return answerBatch(call, "unknown");
  return answerBatch(call, await call.queue.finalizeBatch(call.edge.identity.tenant, batchId));
}

export async function cancelBatch(call: PoolCall, batchId: string): Promise<Answer> {
  if (!isJobId(batchId)) return answerBatch(call, "unknown");
  return answerBatch(call, await call.queue.cancelBatch(call.edge.identity.tenant, batchId));
}

export async function batch(call: PoolCall, batchId: string): Promise<Answer> {
  const view = isJobId(batchId) ? await call.queue.batch(call.edge.identity.tenant, batchId) : null;
  return answerBatch(call, view ?? "unknown");
}

export async function batchRequests({ edge, queue, query }: PoolCall, batchId: string): Promise<Answer> {
  const page = readPage(query);
  if (!page.ok) return refuseProblem(page.error);
  const found = isJobId(batchId) ? await queue.batchJobs(edge.identity.tenant, batchId, page.value) : null;
  if (found === null) return UNKNOWN_JOB;
  const { offset, limit } = page.value;
  const { jobs, total } = found;
  const now = Date.now();
  const requests = jobs.map((job) => runpodJob(job, now));
  return answerJson(edge, { requests, total, offset, limit, hasMore: offset + jobs.length < total });
}

async function readRequests(call: PoolCall, batchId: string): Promise<Result<readonly SubmitRequest[], Refusal>> {
  const { edge } = call;
  const bytes = await readBody(edge, BATCH_BODY_BYTES_MAX);
  if (!bytes.ok) return bytes;
  if (bytes.value.byteLength === 0) return ok([]);
  const json = parseJson(bytes.value);
  if (json === null) return err({ reason: "invalid_json" });
  const list = readBatchRequests(json, edge.dev);
  if (!list.ok) return err(refuseProblem(list.error));
  const requests: SubmitRequest[] = [];
  for (const item of list.value) {
    const request = await toSubmit(call, item, batchId);
    if (!request.ok) return request;
    requests.push(request.value);
  }
  return ok(requests);
}

async function toSubmit(
  { edge, pool }: PoolCall,
  item: RunRequest,
  batchId: string,
): Promise<Result<SubmitRequest, Refusal>> {
  const railed = await checkJob(edge, pool, { input: item.input });
  if (railed.kind === "refused") return err(railed.refusal);
  const { input } = railed.body as { readonly input: unknown };
  const work = runWork(edge, pool, { input, s3Config: item.s3Config });
  if (!work.ok) return work;
  const limited = await limitJob(edge, pool, work.value);
  if ("reason" in limited) return err(limited);
  const options = readJobOptions(edge.request.headers, Date.now(), edge.dev);
  if (!options.ok) return err(refuseProblem(options.error));
  const submit = await requestOf(edge, {
    jobId: runpodJobId(crypto.randomUUID()),
    work: limited,
    policy: policyOf(options.value, item.policy, RETENTION_ASYNC_MS),
    webhook: item.webhook === null ? options.value.webhook : { url: item.webhook, form: "runpod", events: [] },
    tags: options.value.tags,
    // A key names one job; the requests of a batch are many.
    idempotencyKey: null,
    batchId,
  });
  return ok(submit);
}

function answerBatch({ edge, pool }: PoolCall, outcome: BatchView | BatchRefusal): Answer {
  if (typeof outcome === "object") return answerJson(edge, runpodBatch(outcome, pool.config.id));
  switch (outcome) {
    case "unknown":
      return { reason: "not_found", detail: "There is no batch of this id." };
    case "closed":
      return { reason: "invalid_request", detail: "The batch was finalized or cancelled before." };
    case "full":
      return refuseStorageFull();
    case "limited": {
      const detail = "Too many requests in the batch, batches open, or jobs queued. Wait until some have ended.";
      return { reason: "rate_limited", detail };
    }
  }
}
