/** How the job surfaces answer: the refusals that both have, and Runpod's form of an error under `/v2`. */
import type { ErrorBody } from "../../wire/errors.ts";
import type { RequestProblem } from "../../jobs/wire/jobs-runpod.ts";
import type { Refusal } from "../../wire/refusal.ts";
import { markStorageFull } from "../../jobs/object/full-mark.ts";
import { refuse } from "../../wire/replies.ts";
import type { EdgeRequest } from "../edge-request.ts";
import { isStorageFull, STORAGE_RETRY_MS } from "../../jobs/core/storage-full.ts";

export const NO_SUCH_JOB = "There is no job of this id. It may have been deleted at the end of its retention.";

export function refuseJob(edge: EdgeRequest, refusal: Refusal): Response {
  return refuse(edge.requestId, edge.desk.runtime.config, refusal);
}

export function refuseUnknownJob(edge: EdgeRequest): Response {
  return refuseJob(edge, { reason: "not_found", detail: NO_SUCH_JOB });
}

export function refuseProblem(edge: EdgeRequest, { param, problem }: RequestProblem): Response {
  return refuseJob(edge, { reason: "invalid_request", detail: problem, ...(param === null ? {} : { param }) });
}

export function refuseBody(edge: EdgeRequest, bytesMax: number): Response {
  const detail = `The request body is larger than ${bytesMax} bytes. Send less, or send it by reference.`;
  return refuseJob(edge, { reason: "body_too_large", detail });
}

/** The deployment has no queue: then nobody can have a job. */
export function refuseNoQueue(edge: EdgeRequest): Response {
  return refuseJob(edge, { reason: "misconfigured" });
}

/**
 * Answers a call of the queue. A disk without room fails what writes, wherever in the queue that is: SQLite's own words
 * for it come back over the call, and are the one sign there is.
 */
export async function answerStored(edge: EdgeRequest, work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    if (!isStorageFull(error)) throw error;
    console.error("the storage of a queue is full", error);
    markStorageFull(Date.now());
  }
  if (edge.request.method !== "GET") return refuseStorageFull(edge);
  // The queue was reset by a write of its own, or by somebody else's; the one that comes after does not write.
  try {
    return await work();
  } catch (error) {
    if (!isStorageFull(error)) throw error;
    return refuseStorageFull(edge);
  }
}

export function refuseStorageFull(edge: EdgeRequest, retryAfterMs = STORAGE_RETRY_MS): Response {
  return refuseJob(edge, { reason: "storage_full", retryAfterMs });
}

/**
 * Runpod's clients read `error` as text. Our object stays beside it, as `errorDetail`, with the members of RFC 9457
 * around both. An answer that is no error of ours passes as it is.
 */
export async function inRunpodForm(answer: Response): Promise<Response> {
  if (answer.status < 400 || answer.headers.get("content-type") !== "application/json") return answer;
  const { error, ...rest } = (await answer.json()) as ErrorBody;
  const body = { error: error.message, ...rest, errorDetail: error };
  return new Response(JSON.stringify(body), { status: answer.status, headers: answer.headers });
}
