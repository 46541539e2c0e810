/**
 * What a job's work is on the wire: the request for an endpoint, the input for a GPU worker that pulls, and what an
 * answer means for the job.
 *
 * A `runpod` job is posted as Runpod's handlers get one, `{"id", "input"}`; its answer is the output, or carries it as
 * `output`, and `{"error": …}` is a failure, as it is for a handler. An `http` job is sent as it came, and its answer is
 * the output: JSON as it is, anything else as one JSON string.
 */
import type { JobWork } from "../core/messages.ts";
import type { OutputNote } from "../core/events.ts";
import type { FailureReason } from "../core/reasons.ts";
import { protocolOf } from "../../dispatch/answer-format.ts";
import type { Outgoing, Trace } from "../../dispatch/outgoing.ts";
import type { Trail } from "../../dispatch/trail.ts";
import { readLooseJson } from "../../wire/json-text.ts";
import { HOP, REQUEST_ID, TRACEPARENT } from "../../wire/headers.ts";

/** Jobs have no client place: what they measure is kept under this name. */
export const JOBS_CLIENT_KEY = "jobs";

export function outgoingOf(
  work: JobWork,
  jobId: string,
  limits: {
    readonly firstByteTimeoutMs: number;
    readonly connectTimeoutMs: number;
    readonly stallTimeoutMs: number;
    readonly signal: AbortSignal;
    readonly trail: Trail;
    readonly trace: Trace | null;
  },
): Outgoing {
  const isRunpod = work.kind === "runpod";
  const text = isRunpod
    ? `{"id":${JSON.stringify(jobId)},"input":${work.body === "" ? "null" : work.body}}`
    : work.body;
  const hasBody = work.method !== "GET" && work.method !== "HEAD";
  const body = hasBody ? new TextEncoder().encode(text) : null;
  const headers: Record<string, string> = { ...work.headers, [REQUEST_ID]: jobId, [HOP]: "1" };
  // Each attempt has its own.
  delete headers[TRACEPARENT];
  if (isRunpod) headers["content-type"] = "application/json";
  return {
    method: work.method,
    path: work.path,
    headers,
    body,
    stream: work.stream,
    firstByteTimeoutMs: limits.firstByteTimeoutMs,
    connectTimeoutMs: limits.connectTimeoutMs,
    stallTimeoutMs: limits.stallTimeoutMs,
    // Its work is never done twice but by its own rules.
    mayLeave: false,
    protocol: isRunpod ? null : protocolOf(work.method, work.path),
    // Any path but the inference ones is the client's own: its errors must not eject an endpoint.
    isClientsPath: !isRunpod && !work.path.startsWith("/v1/"),
    clientGone: limits.signal,
    trail: limits.trail,
    trace: limits.trace,
  };
}

/** JSON text of `input` for a GPU worker that pulls. */
export const workerInput = ({ input, body }: JobWork): string => input ?? (body === "" ? "null" : body);

export type Ended =
  | { readonly kind: "finished"; readonly output: string | null; readonly note?: OutputNote }
  | { readonly kind: "failed"; readonly reason: FailureReason; readonly message: string };

/** What the whole answer of an endpoint means. */
export function readAnswer(work: JobWork, status: number, text: string): Ended {
  if (status >= 300) {
    const reason = status >= 500 ? "upstream_5xx" : "upstream_4xx";
    return { kind: "failed", reason, message: text === "" ? `the endpoint answered ${status}` : text };
  }
  return work.kind === "runpod" ? readResult(text) : finished(text);
}

/** JSON text as it is, with null for numbers that JSON has not; any other text as a JSON string; nothing as null. */
function finished(text: string): Ended {
  if (text === "") return { kind: "finished", output: null };
  const json = readLooseJson(text);
  if (json === null) return { kind: "finished", output: JSON.stringify(text) };
  return json.isExact
    ? { kind: "finished", output: text }
    : { kind: "finished", output: JSON.stringify(json.value), note: "non_finite_numbers" };
}

/** A handler's answer: `{"error"}` fails, `{"output"}` is unwrapped, all else is the output. */
function readResult(text: string): Ended {
  const json = readLooseJson(text);
  const value = json?.value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return finished(text);
  const { error, output, status } = value as { error?: unknown; output?: unknown; status?: unknown };
  if (error !== undefined && error !== null) {
    return {
      kind: "failed",
      reason: "handler_error",
      message: typeof error === "string" ? error : JSON.stringify(error),
    };
  }
  if (status === "FAILED") return { kind: "failed", reason: "handler_error", message: "the handler failed" };
  if (output === undefined) return finished(text);
  const note = json?.isExact === true ? {} : ({ note: "non_finite_numbers" } as const);
  return { kind: "finished", output: JSON.stringify(output), ...note };
}

/** JSON text as it is; any other text as a JSON string; nothing as null. */
export function asJson(text: string): string | null {
  if (text === "") return null;
  return readLooseJson(text)?.isExact === true ? text : JSON.stringify(text);
}
