/**
 * Runpod's stock worker protocol: an unmodified container that calls `runpod.serverless.start` takes its jobs here.
 *
 * Read in its source (docs/reference/sources.md, Runpod workers): the client asks for a job for up to 90 s; an answer that it no longer waits
 * for would lose the job until its lease ends, so the hold is well below that, and what was taken for a worker that has
 * left goes back at once. It sends JSON as form data, repeats on any status of 400 and above, and must not repeat a late
 * result for ever: that one is answered 200 and not taken. Who may take sees every tenant's inputs of the pool, so it
 * needs a scope of its own.
 */
import type { TakenJob } from "../../jobs/core/messages.ts";
import { isJobId, isWorkerId } from "../../jobs/wire/jobs-ids.ts";
import { CHUNK_BODY_BYTES_MAX, RESULT_BODY_BYTES_MAX, TAKE_COUNT_MAX } from "../../jobs/wire/jobs-runpod.ts";
import { valueOf } from "../../jobs/wire/jobs-view.ts";
import { readLooseJson } from "../../wire/json-text.ts";
import { dress } from "../../wire/replies.ts";
import { answerJson } from "../edge-request.ts";
import type { EdgeRequest } from "../edge-request.ts";
import type { HeaderRecord } from "../../wire/headers.ts";
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import { refuseProblem } from "./answers.ts";
import type { PoolCall } from "./runpod.ts";
import { readBody } from "../read-body.ts";

/** The client gives up at 90 s; a slow network and a slow start of its clock fit in between. */
const TAKE_HOLD_MS = 60_000;
/** The client's own list is at most 64 KiB long. */
const PING_JOBS_MAX = 1_024;

export async function take(call: PoolCall, workerId: string): Promise<Answer> {
  const taken = await takeFor(call, workerId, 1);
  if (!taken.ok) return taken.error;
  const [job] = taken.value;
  return job === undefined ? nothing(call.edge) : answerJson(call.edge, wireJob(job));
}

export async function takeBatch(call: PoolCall, workerId: string): Promise<Answer> {
  const wanted = Number(call.query.get("batch_size") ?? "1");
  if (!Number.isSafeInteger(wanted) || wanted < 1) {
    return refuseProblem({ param: "batch_size", problem: "batch_size must be a whole number from 1." });
  }
  const taken = await takeFor(call, workerId, Math.min(wanted, TAKE_COUNT_MAX));
  if (!taken.ok) return taken.error;
  return taken.value.length === 0 ? nothing(call.edge) : answerJson(call.edge, taken.value.map(wireJob));
}

async function takeFor(
  { edge, queue, query }: PoolCall,
  workerId: string,
  count: number,
): Promise<Result<readonly TakenJob[], Refusal>> {
  if (!isWorkerId(workerId)) return err(NO_WORKER);
  // The stock client always says whether it runs a job; one that does not say is taken to.
  const holdsNothing = query.get("job_in_progress") === "0";
  const taking = queue.take(workerId, count, TAKE_HOLD_MS, holdsNothing).then(async (jobs) => {
    if (edge.request.signal.aborted && jobs.length > 0)
      await queue.giveBack(
        workerId,
        jobs.map(({ id }) => id),
      );
    return jobs;
  });
  // A worker that leaves ends its handler at once; what comes for it must still go back. One that closes its connection
  // without a reset is not seen to leave: its lease ends instead.
  edge.ctx.waitUntil(taking);
  return ok(await taking);
}

const wireJob = ({ id, input, webhook, s3Config }: TakenJob) => ({
  id,
  input: valueOf(input),
  ...(webhook === null ? {} : { webhook }),
  ...(s3Config === undefined ? {} : { s3Config: valueOf(s3Config) }),
});

/** `{output?, error?}` ends the job; `{status: "IN_PROGRESS", output}` is progress. */
export async function done({ edge, queue }: PoolCall, workerId: string, jobId: string): Promise<Answer> {
  const body = await readForm(edge, RESULT_BODY_BYTES_MAX);
  if (!body.ok) return body.error;
  if (!isWorkerId(workerId) || !isJobId(jobId)) return NO_WORKER;
  const { output, error, status } = body.value.members;
  const outcome = await queue.done(workerId, jobId, {
    output: output === undefined ? null : JSON.stringify(output),
    error: error === undefined || error === null ? null : errorText(error),
    isProgress: status === "IN_PROGRESS",
    ...(body.value.isExact ? {} : { note: "non_finite_numbers" }),
  });
  return answerJson(edge, { status: outcome });
}

/** `{output}`: one chunk; `{error}` would end it, and comes by `done` as well. */
export async function chunk({ edge, queue }: PoolCall, workerId: string, jobId: string): Promise<Answer> {
  const body = await readForm(edge, CHUNK_BODY_BYTES_MAX);
  if (!body.ok) return body.error;
  if (!isWorkerId(workerId) || !isJobId(jobId)) return NO_WORKER;
  const { output } = body.value.members;
  if (output === undefined) return answerJson(edge, { status: "ok" });
  return answerJson(edge, { status: await queue.chunk(workerId, jobId, JSON.stringify(output)) });
}

export async function ping({ edge, queue, query }: PoolCall, workerId: string): Promise<Answer> {
  if (!isWorkerId(workerId)) return NO_WORKER;
  const ids = (query.get("job_id") ?? "").split(",", PING_JOBS_MAX).filter(isJobId);
  await queue.ping(workerId, ids);
  return answerJson(edge, { status: "ok" });
}

export async function stop({ edge, queue }: PoolCall, workerId: string): Promise<Answer> {
  if (!isWorkerId(workerId)) return NO_WORKER;
  const jobsToStop = await queue.stops(workerId, TAKE_HOLD_MS);
  return jobsToStop.length === 0 ? nothing(edge) : answerJson(edge, { jobsToStop });
}

/** `isExact` false: numbers that JSON has not are null in it. */
type Form = { readonly members: Readonly<Record<string, unknown>>; readonly isExact: boolean };

/** JSON, whatever the content type says: the client calls it form data. */
async function readForm(edge: EdgeRequest, bytesMax: number): Promise<Result<Form, Refusal>> {
  const bytes = await readBody(edge, bytesMax);
  if (!bytes.ok) return bytes;
  const json = readLooseJson(new TextDecoder().decode(bytes.value));
  if (json === null || typeof json.value !== "object" || json.value === null || Array.isArray(json.value)) {
    return err({ reason: "invalid_json" });
  }
  return ok({ members: json.value as Readonly<Record<string, unknown>>, isExact: json.isExact });
}

const errorText = (error: unknown): string => (typeof error === "string" ? error : JSON.stringify(error));

function nothing({ requestId, runtime }: EdgeRequest): Response {
  const headers: HeaderRecord = {};
  dress(headers, requestId, runtime.config);
  return new Response(null, { status: 204, headers });
}

const NO_WORKER = refuseProblem({ param: "workerId", problem: "The path must name the worker and the job." });
