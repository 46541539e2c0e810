/** The refusals that the job surfaces have in common, and those of a queue that cannot store. */
import type { RequestProblem } from "../../jobs/wire/jobs-runpod.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import { markStorageFull } from "../../jobs/object/full-mark.ts";
import type { EdgeRequest } from "../edge-request.ts";
import { isLocked } from "../../jobs/core/locked.ts";
import { isStorageFull, STORAGE_RETRY_MS } from "../../jobs/core/storage-full.ts";

export const UNKNOWN_JOB: Refusal = {
  reason: "not_found",
  detail: "There is no job of this id. It may have been deleted at the end of its retention.",
};

/** The deployment has no queue: then nobody can have a job. */
export const NO_QUEUE: Refusal = { reason: "misconfigured" };

export function refuseProblem({ param, problem }: RequestProblem): Refusal {
  return { reason: "invalid_request", detail: problem, ...(param === null ? {} : { param }) };
}

/**
 * Answers a call of the queue. A disk without room fails what writes, wherever in the queue that is: SQLite's own words
 * for it come back over the call, and are the one sign there is.
 */
export async function answerStored(edge: EdgeRequest, work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (isLocked(error)) return refuseLocked(edge, error);
    if (!isStorageFull(error)) throw error;
    console.error("the storage of a queue is full", error);
    markStorageFull(Date.now());
  }
  if (edge.request.method !== "GET") return refuseStorageFull();
  // The queue was reset by a write of its own, or by somebody else's; the one that comes after does not write.
  try {
    return await work();
  } catch (error) {
    if (!isStorageFull(error)) throw error;
    return refuseStorageFull();
  }
}

/** The operator finds in the log which key. */
function refuseLocked({ requestId }: EdgeRequest, error: Error): Refusal {
  console.error(`${requestId}: ${error.message}`);
  const detail = "The jobs of this pool are encrypted under a key that the router lacks. Nothing of them is lost.";
  return { reason: "misconfigured", detail };
}

export function refuseStorageFull(retryAfterMs = STORAGE_RETRY_MS): Refusal {
  return { reason: "storage_full", retryAfterMs };
}
