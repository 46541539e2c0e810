/**
 * Decides how a job looks to its owner: in Runpod's form under `/v2`, in our own under `/v1/jobs`.
 *
 * Model: a projection of the queue's view, nothing is looked up. Output and chunks cross as text; what is JSON is shown
 * as JSON, everything else as a string. Facts: backends.md 1.2, 1.6.
 */
import type { BatchView, JobStatus, JobView, QueueHealth, StreamPage } from "../core/messages.ts";
import { runpodStatus } from "../core/runpod-status.ts";
import { jobName } from "./jobs-ids.ts";
import { parseExact } from "../../wire/json-text.ts";

export const isEnded = (status: JobStatus): boolean =>
  status !== "queued" && status !== "running" && status !== "retrying";

/** The value of a JSON text, or the text itself. */
export function valueOf(text: string): unknown {
  try {
    return parseExact(text);
  } catch {
    return text;
  }
}

/** `now`: ms; the delay of a job that waits grows until it starts. */
export function runpodJob(view: JobView, now: number): Readonly<Record<string, unknown>> {
  const { id, status, delayMs, executionMs, output, error, workerId, endpointId } = view;
  const hasRun = view.startedMs !== null;
  const ranOn = workerId ?? endpointId;
  return {
    id,
    status: runpodStatus(status),
    delayTime: delayMs ?? Math.max(0, (view.endedMs ?? now) - view.submittedMs),
    ...(hasRun ? { executionTime: executionMs ?? Math.max(0, now - (view.startedMs ?? now)) } : {}),
    ...(ranOn === null ? {} : { workerId: ranOn }),
    ...(output === null ? {} : { output: valueOf(output) }),
    ...(error === null ? {} : { error }),
  };
}

/**
 * One read of `/stream`. Runpod's Python client stops only at a final status that it knows, with nothing
 * left to read, and does not know CANCELLED: a cancelled job whose chunks are all read ends as FAILED here,
 * else that client asks for ever.
 */
export function runpodStream({ status, chunks, isEnd }: StreamPage): Readonly<Record<string, unknown>> {
  const word = runpodStatus(status);
  const isDry = isEnd && chunks.length === 0;
  return {
    // The JS client stops at a final status: it must not come before the last chunk.
    status: isEnd || !isEnded(status) ? (isDry && word === "CANCELLED" ? "FAILED" : word) : "IN_PROGRESS",
    stream: chunks.map(({ data }) => ({ output: valueOf(data) })),
  };
}

export const runpodHealth = ({ jobs, workers }: QueueHealth): Readonly<Record<string, unknown>> => ({ jobs, workers });

export function runpodBatch(batch: BatchView, poolId: string): Readonly<Record<string, unknown>> {
  const { createdAtMs, ...same } = batch;
  return { ...same, endpointId: poolId, createdAt: createdAtMs };
}

/** The job object of `/v1/jobs`. */
export function nativeJob(view: JobView, poolId: string): Readonly<Record<string, unknown>> {
  const name = jobName(view.id, poolId);
  const url = `/v1/jobs/${name}`;
  return {
    id: name,
    object: "job",
    status: view.status,
    pool: poolId,
    submittedAt: instant(view.submittedMs),
    startedAt: instant(view.startedMs),
    endedAt: instant(view.endedMs),
    attempts: view.attempts,
    position: view.position,
    delayMs: view.delayMs,
    executionMs: view.executionMs,
    endpoint: view.endpointId,
    worker: view.workerId,
    error: view.error,
    tags: view.tags,
    history: view.history.map(({ status, atMs, why }) => ({ status, at: instant(atMs), why })),
    urls: { status: url, result: `${url}/result`, events: `${url}/events`, cancel: `${url}/cancel` },
  };
}

const instant = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

/** The text of a job's answer and its type: as the endpoint sent it, or the output as JSON. */
export function answerOf({ output, answer }: JobView): { readonly text: string; readonly contentType: string } {
  if (output === null) return { text: "", contentType: answer?.contentType ?? "application/json" };
  if (answer === null || /^[^;]*[/+]json\s*(?:;|$)/i.test(answer.contentType)) {
    return { text: output, contentType: answer?.contentType ?? "application/json" };
  }
  const value = valueOf(output);
  return { text: typeof value === "string" ? value : output, contentType: answer.contentType };
}
