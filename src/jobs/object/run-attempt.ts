/**
 * One attempt of a pushed job: dispatch under a lease, read the answer to its end, settle the lease once.
 *
 * One attempt is one dispatch: whether there is another one is the job's own matter (`jobs/core/step.ts`), not the
 * dispatch's. A streamed answer is told in chunks while it comes. Rejected: the edge's `relay`, which moves bytes without
 * looking at them; here they are to be kept.
 */
import { wholeProblem } from "../../dispatch/core/answer-protocol.ts";
import type { AnswerProtocol } from "../../dispatch/core/answer-protocol.ts";
import { SSE_EVENT_BYTES_MAX } from "../../lib/sse.ts";
import { firstNonEmptyToken } from "../../dispatch/core/token-timing.ts";
import type { JobWork } from "../core/messages.ts";
import type { OutputNote } from "../core/events.ts";
import type { FailureReason } from "../core/reasons.ts";
import type { HeldLease } from "../../routing/core/lease-client/lease-cache.ts";
import { isEventStream } from "../../dispatch/answer-format.ts";
import { attemptOnce, endAttempt, endLost, keepRunning, noteBytes } from "../../dispatch/dispatch.ts";
import type { Attempt, AttemptResult, LostAttempt } from "../../dispatch/attempt.ts";
import type { Outgoing } from "../../dispatch/outgoing.ts";
import type { Desk } from "../../dispatch/lease-desk.ts";
import type { EdgeEndpoint } from "../../dispatch/runtime.ts";
import { credentialsOf } from "../../../backends/targets.ts";
import { quotes } from "../../wire/credential-forms.ts";
import { createTail, keep, stateOf } from "../../dispatch/stream-tail.ts";
import type { StreamTail } from "../../dispatch/stream-tail.ts";
import type { JobRails } from "./job-rails.ts";
import { asJson, readAnswer } from "./job-work.ts";

type Answer = { readonly status: number; readonly contentType: string };

export type AttemptReport =
  | { readonly kind: "finished"; readonly output: string | null; readonly answer: Answer; readonly note?: OutputNote }
  | {
      readonly kind: "failed";
      readonly reason: FailureReason;
      readonly message: string;
      readonly answer: Answer | null;
      /** JSON text of what the endpoint answered, of a job that is an HTTP request; null: nothing that is the client's. */
      readonly output: string | null;
      readonly retryAfterMs: number;
      /** Not one byte came back, and no time was up. */
      readonly isSilent?: boolean;
    };

export type Course = {
  readonly desk: Desk;
  readonly heldLease: HeldLease;
  readonly endpoint: EdgeEndpoint;
  readonly work: JobWork;
  readonly outgoing: Outgoing;
  /** What looks at the answer before it is kept; null: nothing. */
  readonly rails: JobRails | null;
  /** Most bytes of a whole answer. */
  readonly outputBytesMax: number;
  /** Takes a chunk of a streamed answer; false when there is no room for more. */
  readonly onChunk: (data: string) => boolean;
};

/** Never rejects. An attempt that was aborted reports a failure that nobody waits for any more. */
export async function runAttempt(course: Course): Promise<AttemptReport> {
  const { desk, heldLease, endpoint, outgoing } = course;
  const result = await attemptOnce(desk, heldLease, endpoint, outgoing);
  if (result.kind === "lost") {
    // Nobody repeats it now, so nobody will know better.
    endLost(result);
    return lost(result);
  }
  const { attempt, response, begun } = result;
  const told = response.headers.get("content-type") ?? "";
  const contentType = quotes(told, credentialsOf(endpoint.target)) ? "" : told;
  const answer: Answer = { status: response.status, contentType };
  if (begun.kind === "whole") {
    endAttempt(attempt, response.status < 400 ? "served" : "client_fault");
    const bytes = begun.bytes ?? new Uint8Array(0);
    if (bytes.byteLength > course.outputBytesMax) return tooLarge(course, answer);
    const text = new TextDecoder().decode(bytes);
    // A short stream comes whole, and is a stream nevertheless.
    if (isStreamed(course, answer)) {
      const chunker = chunkerOf(course, contentType, attempt);
      return chunker.take(text) ? chunker.end(answer) : tooLarge(course, answer);
    }
    return reportOf(course, answer, text);
  }
  keepRunning(attempt);
  return readStream(course, attempt, begun, answer);
}

async function readStream(
  course: Course,
  attempt: Attempt,
  begun: Extract<Extract<AttemptResult, { kind: "begun" }>["begun"], { kind: "stream" }>,
  answer: Answer,
): Promise<AttemptReport> {
  const chunker = isStreamed(course, answer) ? chunkerOf(course, answer.contentType, attempt) : collectorOf(course);
  const decoder = new TextDecoder();
  const { protocol } = begun;
  const isEvents = isEventStream(answer.contentType);
  const tail = createTail(protocol);
  const texts: string[] = [];
  try {
    let { first: bytes } = begun;
    for (;;) {
      noteBytes(attempt);
      const text = decoder.decode(bytes, { stream: true });
      if (isEvents) keep(tail, bytes);
      else if (protocol !== null) texts.push(text);
      if (!chunker.take(text)) {
        endAttempt(attempt, "served");
        attempt.controller.abort();
        return tooLarge(course, answer);
      }
      if (chunker.isOver()) {
        endAttempt(attempt, "cancelled");
        attempt.controller.abort();
        return chunker.end(answer);
      }
      const next = await begun.reader.read();
      if (next.done) break;
      bytes = next.value;
    }
    if (!isWhole(protocol, isEvents ? tail : texts.join(""))) throw new Error("the answer has no end");
    endAttempt(attempt, "served");
    return chunker.end(answer);
  } catch {
    endAttempt(attempt, attempt.timedOut && !attempt.isSilent ? "cancelled" : "cut");
    attempt.controller.abort();
    const reason = attempt.timedOut ? "timeout_first_byte" : "endpoint_lost";
    return { kind: "failed", reason, message: "the answer broke off", answer: null, output: null, retryAfterMs: 0 };
  }
}

/** Of what is not known nobody can tell. */
function isWhole(protocol: AnswerProtocol | null, read: StreamTail | string): boolean {
  if (protocol === null) return true;
  if (typeof read === "string") return wholeProblem(protocol, read) === null;
  const state = stateOf(read);
  return state !== "open" && state !== "failed";
}

type Taker = {
  /** False when there is no room for more. */
  readonly take: (text: string) => boolean;
  /** Nothing more of the answer may be kept. */
  readonly isOver: () => boolean;
  readonly end: (answer: Answer) => AttemptReport;
};

/** Rails read what is no stream of events as a whole, whatever was asked for. */
const isStreamed = ({ work, rails }: Course, { status, contentType }: Answer): boolean =>
  work.stream && status < 300 && (rails === null || isEventStream(contentType));

/** The whole answer as one text. */
function collectorOf(course: Course): Taker {
  const { outputBytesMax } = course;
  const parts: string[] = [];
  let length = 0;
  return {
    take(text) {
      length += text.length;
      parts.push(text);
      return length <= outputBytesMax;
    },
    isOver: () => false,
    end: (answer) => reportOf(course, answer, parts.join("")),
  };
}

/** End of an event, with its blank line. */
const EVENT_END = /\r\n\r\n|\n\n|\r\r/g;

/** A streamed answer: one chunk an event, or the pieces of any other text as they come; all of them are the body. */
function chunkerOf(course: Course, contentType: string, attempt: Attempt): Taker {
  const isEvents = isEventStream(contentType);
  const rails = isEvents ? course.rails : null;
  let isOver = false;
  const kept: string[] = [];
  let length = 0;
  let rest = "";
  const pass = (chunk: string): boolean => {
    if (chunk === "") return true;
    length += chunk.length;
    // What is too large for one value can still be read in chunks.
    if (length <= course.outputBytesMax) kept.push(chunk);
    if (isEvents && attempt.firstTokenAtMs === null && hasToken(chunk)) attempt.firstTokenAtMs = Date.now();
    return course.onChunk(chunk);
  };
  const takeEvents = (text: string): boolean => {
    rest += text;
    let from = 0;
    for (const { index, 0: end } of rest.matchAll(EVENT_END)) {
      if (!pass(rest.slice(from, index + end.length))) return false;
      from = index + end.length;
    }
    rest = rest.slice(from);
    return rest.length <= SSE_EVENT_BYTES_MAX;
  };
  return {
    take(text) {
      if (!isEvents) return pass(text);
      if (rails === null) return takeEvents(text);
      const looked = rails.push(text);
      ({ isOver } = looked);
      return takeEvents(looked.out);
    },
    isOver: () => isOver,
    end(answer) {
      const held = rails === null || isOver ? "" : rails.end().out;
      if (!takeEvents(held) || !pass(rest)) return tooLarge(course, answer);
      const output = length <= course.outputBytesMax ? JSON.stringify(kept.join("")) : null;
      return { kind: "finished", output, answer };
    },
  };
}

function hasToken(chunk: string): boolean {
  const data = chunk.split(/\r\n|\n|\r/).filter((line) => line.startsWith("data:"));
  return data.some((line) => firstNonEmptyToken(line.slice("data:".length).trimStart()));
}

function reportOf({ work, rails }: Course, answer: Answer, whole: string): AttemptReport {
  const looked = rails === null || answer.status >= 300 ? null : rails.whole(whole, isEventStream(answer.contentType));
  if (looked?.kind === "refused") return refusedAnswer(looked.message);
  const text = looked?.text ?? whole;
  const ended = readAnswer(work, answer.status, text);
  if (ended.kind === "finished") return { ...ended, answer };
  // The client's own mistake is answered as it would be without a job.
  const isClients = work.kind === "http" && ended.reason === "upstream_4xx";
  return { ...ended, answer, output: isClients ? asJson(text) : null, retryAfterMs: 0 };
}

/** What the guardrails let nobody have. */
export function refusedAnswer(message: string): AttemptReport {
  return { kind: "failed", reason: "blocked", message, answer: null, output: null, retryAfterMs: 0 };
}

function lost({ why, silent, retryAfterMs }: LostAttempt): AttemptReport {
  const common = { kind: "failed", answer: null, output: null, retryAfterMs: retryAfterMs ?? 0 } as const;
  switch (why) {
    case "capacity":
      return { ...common, reason: "capacity", message: "the endpoint had no room" };
    case "timeout":
      return { ...common, reason: "timeout_first_byte", message: "the endpoint did not answer in time" };
    // A job leaves no endpoint (`mayLeave`).
    case "left":
    case "failed":
      return silent
        ? {
            ...common,
            reason: "endpoint_lost",
            message: "the endpoint could not be reached, or broke off",
            isSilent: true,
          }
        : { ...common, reason: "upstream_5xx", message: "the endpoint failed" };
  }
}

function tooLarge({ outputBytesMax }: Course, answer: Answer): AttemptReport {
  const message = `the output is larger than ${outputBytesMax} bytes, which is all that can be kept of it`;
  return { kind: "failed", reason: "output_too_large", message, answer, output: null, retryAfterMs: 0 };
}
