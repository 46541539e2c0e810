/**
 * One attempt of a pushed job: dispatch under a lease, read the answer to its end, settle the lease once.
 *
 * One attempt is one dispatch: whether there is another one is the job's own matter (`jobs/core/step.ts`), not the
 * dispatch's. A streamed answer is told in chunks while it comes. Rejected: the edge's `relay`, which moves bytes without
 * looking at them; here they are to be kept.
 */
import { createSseSplitter, readEvent, restOf, splitEvents } from "../../lib/sse.ts";
import { firstNonEmptyToken } from "../../dispatch/core/token-timing.ts";
import type { JobWork } from "../core/messages.ts";
import type { OutputNote } from "../core/events.ts";
import type { FailureReason } from "../core/reasons.ts";
import { behind, modelRun, withAsked } from "../../translate/core/rename-model.ts";
import type { TextRun } from "../../translate/core/told.ts";
import { isEventStream } from "../../dispatch/answer-format.ts";
import type { AnswerStream, BegunAnswer } from "../../dispatch/begun-answer.ts";
import type { Lost, Slot } from "../../dispatch/slot.ts";
import type { Outgoing } from "../../dispatch/outgoing.ts";
import { credentialsOf } from "../../../backends/targets.ts";
import { quotes } from "../../wire/credential-forms.ts";
import { inputTokensEstimate } from "../../wire/openai.ts";
import type { JobRails } from "./job-rails.ts";
import type { JobBack, JobTelling } from "./job-telling.ts";
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
      /** Its tenant's limits kept it back: nothing is said of endpoints. */
      readonly isLimited?: boolean;
    };

export type Course = {
  readonly slot: Slot;
  readonly work: JobWork;
  readonly outgoing: Outgoing;
  /** Tells which request it is, by a keyed hash; null: nobody can. */
  readonly request: (() => Promise<string>) | null;
  /** What looks at the answer before it is kept; null: nothing. */
  readonly rails: JobRails | null;
  /** How it is asked and told where the endpoint does not speak its protocol, and what then looks at it; null: never. */
  readonly telling: { readonly of: JobTelling; readonly rails: JobRails | null } | null;
  /** Most bytes of a whole answer. */
  readonly outputBytesMax: number;
  /** Takes a chunk of a streamed answer; false when there is no room for more. */
  readonly onChunk: (data: string) => boolean;
};

const ENDS_ENDPOINTS = "endpoints have stopped while they worked on this input, several times: it is not sent again";

/** The answer is here. `back`: what tells it in the job's protocol; null: it is in it. */
type Begun = Course & { readonly back: JobBack | null };

/** Never rejects. An attempt that was aborted reports a failure that nobody waits for any more. */
export async function runAttempt(given: Course): Promise<AttemptReport> {
  const { slot, outgoing, telling, request } = given;
  const inputTokens = inputTokensEstimate(outgoing.body?.byteLength ?? 0);
  const sent = await slot.send(outgoing, { inputTokens, ...(request && { request }) });
  if (sent.kind === "lost") return lost(sent);
  if (sent.kind === "refused") {
    const isPoison = sent.refusal.reason === "request_ends_endpoints";
    const message = isPoison ? ENDS_ENDPOINTS : (sent.refusal.detail ?? sent.refusal.reason);
    const reason = isPoison ? "request_ends_endpoints" : "upstream_4xx";
    return { kind: "failed", reason, message, answer: null, output: null, retryAfterMs: 0 };
  }
  const back = telling?.of.backFrom(slot.endpoint.config.id) ?? null;
  const course: Begun = { ...given, back, ...(back !== null && telling !== null && { rails: telling.rails }) };
  const { headers, status, body } = sent.answer;
  const told = headers.get("content-type") ?? "";
  const own = quotes(told, credentialsOf(slot.endpoint.target)) ? "" : told;
  const contentType = course.rails?.label(own) ?? own;
  const answer: Answer = { status, contentType };
  if (body.kind === "stream") return readStream(course, sent.answer, body, answer);
  const bytes = body.bytes ?? new Uint8Array(0);
  if (bytes.byteLength > course.outputBytesMax) return tooLarge(course, answer);
  const text = new TextDecoder().decode(bytes);
  // A short stream comes whole, and is a stream nevertheless.
  if (isStreamed(course, answer)) {
    const chunker = chunkerOf(course, contentType, sent.answer);
    return chunker.take(text) ? chunker.end(answer) : tooLarge(course, answer);
  }
  return reportOf(course, answer, text, sent.answer.asked);
}

async function readStream(
  course: Begun,
  begun: BegunAnswer,
  body: AnswerStream,
  answer: Answer,
): Promise<AttemptReport> {
  const chunker = isStreamed(course, answer)
    ? chunkerOf(course, answer.contentType, begun)
    : collectorOf(course, begun);
  const decoder = new TextDecoder();
  let isTooLarge = false;
  const end = await body.each((piece) => {
    isTooLarge = !chunker.take(decoder.decode(piece, { stream: true }));
    // It served; what it served is too much for here.
    if (isTooLarge) return "served";
    return chunker.isOver() ? "cancelled" : null;
  });
  if (isTooLarge) return tooLarge(course, answer);
  if (end === "whole" || end === "stopped") return chunker.end(answer);
  const reason = end === "timeout" ? "timeout_first_byte" : "endpoint_lost";
  return { kind: "failed", reason, message: "the answer broke off", answer: null, output: null, retryAfterMs: 0 };
}

type Taker = {
  /** False when there is no room for more. */
  readonly take: (text: string) => boolean;
  /** Nothing more of the answer may be kept. */
  readonly isOver: () => boolean;
  readonly end: (answer: Answer) => AttemptReport;
};

/** Rails read what is no stream of events as a whole, whatever was asked for. */
const isStreamed = ({ work, rails }: Begun, { status, contentType }: Answer): boolean =>
  work.stream && status < 300 && (rails === null || isEventStream(contentType));

/** The whole answer as one text. */
function collectorOf(course: Begun, { asked }: BegunAnswer): Taker {
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
    end: (answer) => reportOf(course, answer, parts.join(""), asked),
  };
}

/** A streamed answer: one chunk an event, or the pieces of any other text as they come; all of them are the body. */
function chunkerOf(course: Begun, contentType: string, begun: BegunAnswer): Taker {
  const isEvents = isEventStream(contentType);
  const rails = isEvents ? course.rails : null;
  const told = isEvents ? toldBy(course, begun.asked) : null;
  let isOver = false;
  let isToken = false;
  const kept: string[] = [];
  let length = 0;
  const splitter = createSseSplitter();
  let blank = "";
  const pass = (chunk: string): boolean => {
    if (chunk === "") return true;
    length += chunk.length;
    // What is too large for one value can still be read in chunks.
    if (length <= course.outputBytesMax) kept.push(chunk);
    if (isEvents && !isToken && hasToken(chunk)) {
      isToken = true;
      begun.noteToken();
    }
    return course.onChunk(chunk);
  };
  const takeEvents = (railed: string): boolean => {
    const split = splitEvents(splitter, told?.push(railed) ?? railed);
    for (const part of split.ok ? split.value : split.error.events) {
      // A line break alone says nothing by itself.
      if (part.trim() === "") blank += part;
      else {
        if (!pass(blank + part)) return false;
        blank = "";
      }
    }
    return split.ok;
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
      if (!takeEvents(held) || !pass(blank + restOf(splitter) + (told?.end() ?? ""))) return tooLarge(course, answer);
      const output = length <= course.outputBytesMax ? JSON.stringify(kept.join("")) : null;
      return { kind: "finished", output, answer };
    },
  };
}

/** What a stream of events passes behind its rails; null: nothing. */
function toldBy({ back }: Begun, asked: string | null): TextRun | null {
  const named = asked === null ? null : modelRun(asked, true);
  if (back === null) return named;
  return named === null ? back.run() : behind(back.run(), named);
}

function hasToken(chunk: string): boolean {
  return firstNonEmptyToken(readEvent(chunk)?.data ?? "");
}

/** `asked`: the client's name of the model, which the answer is to say; null: it says what it says. */
function reportOf(course: Begun, answer: Answer, whole: string, asked: string | null): AttemptReport {
  const { work, rails } = course;
  const { contentType } = answer;
  const isEvents = isEventStream(contentType);
  const looked = rails === null ? null : rails.whole(whole, { isEvents, isError: answer.status >= 300, contentType });
  if (looked?.kind === "refused") return refusedAnswer(looked.message);
  const own = looked?.text ?? whole;
  const railed = course.back === null ? own : inWhole(course.back, answer.status, own, isEvents);
  if (railed === null) return noneAtAll(answer);
  const text = asked === null || answer.status >= 300 ? railed : withAsked(railed, asked, isEvents);
  const ended = readAnswer(work, answer.status, text);
  if (ended.kind === "finished") return { ...ended, answer };
  // The client's own mistake is answered as it would be without a job.
  const isClients = work.kind === "http" && ended.reason === "upstream_4xx";
  return { ...ended, answer, output: isClients ? asJson(text) : null, retryAfterMs: 0 };
}

function inWhole(back: JobBack, status: number, text: string, isEvents: boolean): string | null {
  if (!isEvents) return back.whole(status, text);
  const run = back.run();
  return run.push(text) + run.end();
}

function noneAtAll(answer: Answer): AttemptReport {
  const message = "what the endpoint answered is no chat completion";
  return { kind: "failed", reason: "upstream_5xx", message, answer, output: null, retryAfterMs: 0 };
}

/** What the guardrails let nobody have. */
export function refusedAnswer(message: string): AttemptReport {
  return { kind: "failed", reason: "blocked", message, answer: null, output: null, retryAfterMs: 0 };
}

function lost({ why, silent, retryAfterMs }: Lost): AttemptReport {
  const common = { kind: "failed", answer: null, output: null, retryAfterMs: retryAfterMs ?? 0 } as const;
  switch (why) {
    case "capacity":
      return { ...common, reason: "capacity", message: "the endpoint had no room" };
    case "timeout":
      return { ...common, reason: "timeout_first_byte", message: "the endpoint did not answer in time" };
    // A job leaves no endpoint (`mayLeave`).
    case "left":
    case "put_back":
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
