/** How the job surfaces answer: the refusals that both have, and Runpod's form of an error under `/v2`. */
import type { ErrorBody } from "../../protocol/errors.ts";
import type { RequestProblem } from "../../protocol/jobs-runpod.ts";
import type { Refusal } from "../edge-request.ts";
import { refuse } from "../edge-request.ts";
import type { EdgeRequest } from "../edge-request.ts";

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
 * Runpod's clients read `error` as text. Our object stays beside it, as `errorDetail`, with the members of RFC 9457
 * around both. An answer that is no error of ours passes as it is.
 */
export async function inRunpodForm(answer: Response): Promise<Response> {
  if (answer.status < 400 || answer.headers.get("content-type") !== "application/json") return answer;
  const { error, ...rest } = (await answer.json()) as ErrorBody;
  const body = { error: error.message, ...rest, errorDetail: error };
  return new Response(JSON.stringify(body), { status: answer.status, headers: answer.headers });
}
