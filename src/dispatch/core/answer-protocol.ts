/**
 * Decides what an event, or a whole body, of a model's answer is: output, an end, an error, or nothing yet.
 *
 * Model. Status line and first byte are no answer: engines commit `200 text/event-stream` and then say what broke,
 * proxies answer 200 with a login page. Each protocol has its own word for output and for an end. What is not
 * understood is `nothing`: comments, role chunks, pings, usage, garbage; it is passed on and proves nothing.
 * Source: the streaming references of OpenAI (chat completions, completions, responses) and Anthropic (messages).
 * Rejected: to take the first event for the beginning. Most servers send a role chunk before the prompt has been read.
 */
import type { StreamFormatName } from "../../rails/core/stream/stream-events.ts";
import type { SseEvent } from "../../lib/sse.ts";
import { hasOutput, isText, memberOf, parsed } from "./token-timing.ts";

/**
 * Embeddings are never streamed. `speech`: sound, as bytes or in events; `transcript`: a text, bare or in JSON; `json`: of
 * ranks, scores, tokens and moderations every engine has a shape of its own.
 */
export type AnswerProtocol = StreamFormatName | "embeddings" | "images" | "speech" | "transcript" | "json";

/** May an answer be something else than JSON or events: bytes of this type; the empty type is none. */
export function isOtherAnswer(protocol: AnswerProtocol, type: string): boolean {
  if (/^(?:text\/html|application\/(?:[\w.+-]+\+)?json)\b/i.test(type)) return false;
  return protocol === "transcript" || (protocol === "speech" && !/^text\//i.test(type));
}

/**
 * `output`: a token, or part of one. `finish`: the model has ended (with n > 1, one of its answers). `done`: nothing
 * more will come. `error`: the protocol's own error.
 */
export type EventMeaning = "output" | "finish" | "done" | "error" | "nothing";

export function eventMeaning(
  protocol: AnswerProtocol,
  { event, data }: Pick<SseEvent, "event" | "data">,
): EventMeaning {
  if (data.trim() === "[DONE]") return "done";
  const value = parsed(data);
  if (event === "error" || errorIn(value) !== null) return "error";
  switch (protocol) {
    case "responses":
      return responsesMeaning(value);
    case "anthropic":
      return messagesMeaning(value);
    case "chat":
    case "completions":
    case "embeddings":
    case "json":
      return choicesMeaning(value);
    case "images":
    case "speech":
    case "transcript":
      return typedMeaning(value);
  }
}

/** OpenAI's events of media (`transcript.text.delta`, `image_edit.completed`); vLLM tells transcripts in choices. */
function typedMeaning(value: unknown): EventMeaning {
  const type = memberOf(value, "type");
  if (typeof type !== "string") return choicesMeaning(value);
  if (type.endsWith(".done")) return "done";
  // Of several images each has one.
  if (type.endsWith(".completed")) return "finish";
  return /\.(?:delta|segment|partial_image)$/.test(type) ? "output" : "nothing";
}

function choicesMeaning(value: unknown): EventMeaning {
  const choices = memberOf(value, "choices");
  if (!Array.isArray(choices)) return "nothing";
  if (choices.some((choice) => isText(memberOf(choice, "finish_reason")))) return "finish";
  return choices.some(hasOutput) ? "output" : "nothing";
}

function responsesMeaning(value: unknown): EventMeaning {
  const type = memberOf(value, "type");
  if (type === "response.completed" || type === "response.incomplete") return "done";
  if (type === "response.failed") return "error";
  return typeof type === "string" && type.endsWith(".delta") && isText(memberOf(value, "delta")) ? "output" : "nothing";
}

function messagesMeaning(value: unknown): EventMeaning {
  switch (memberOf(value, "type")) {
    case "message_stop":
      return "done";
    case "message_delta":
      return isText(memberOf(memberOf(value, "delta"), "stop_reason")) ? "finish" : "nothing";
    case "content_block_delta": {
      const delta = memberOf(value, "delta");
      return ["text", "thinking", "partial_json", "signature"].some((name) => isText(memberOf(delta, name)))
        ? "output"
        : "nothing";
    }
    case "content_block_start":
      // A tool's name was generated, and comes before the first byte of its input.
      return isText(memberOf(memberOf(value, "content_block"), "name")) ? "output" : "nothing";
    default:
      return "nothing";
  }
}

/**
 * The error that stands where an answer should: `{"error": …}`, or the older `{"object": "error", …}` and Anthropic's
 * `{"type": "error"}`, which carry it in themselves. `status`: an HTTP status that it names, or null.
 */
export function errorIn(value: unknown): { readonly status: number | null } | null {
  const error = memberOf(value, "error");
  const isOne = memberOf(value, "object") === "error" || memberOf(value, "type") === "error";
  if (!isOne && !isText(error) && (typeof error !== "object" || error === null)) return null;
  const codes = [error, value].flatMap((from) => [memberOf(from, "code"), memberOf(from, "status")]);
  return { status: codes.map(Number).find((code) => Number.isInteger(code) && code >= 400 && code < 600) ?? null };
}

/** Does a whole body have the shape of the protocol's answer. */
function isAnswer(protocol: AnswerProtocol, value: unknown): boolean {
  switch (protocol) {
    case "chat":
    case "completions":
      return isFilled(memberOf(value, "choices"));
    case "embeddings":
    case "images":
      return Array.isArray(memberOf(value, "data"));
    case "transcript":
      return typeof value === "string" || typeof memberOf(value, "text") === "string";
    case "speech":
      return false;
    case "json":
      return typeof value === "object" && value !== null;
    case "responses":
      return memberOf(value, "object") === "response" || Array.isArray(memberOf(value, "output"));
    case "anthropic":
      return memberOf(value, "type") === "message" || Array.isArray(memberOf(value, "content"));
  }
}

const isFilled = (value: unknown): boolean => Array.isArray(value) && value.length > 0;

/** Why a whole body is no answer; null: it is one. `status`: the HTTP status that the error names, or null. */
export type WholeProblem = { readonly kind: "error"; readonly status: number | null } | { readonly kind: "shape" };

export const wholeProblem = (protocol: AnswerProtocol, text: string): WholeProblem | null =>
  problemOf(protocol, parsed(text));

/** The same of a body that was parsed. */
export function problemOf(protocol: AnswerProtocol, value: unknown): WholeProblem | null {
  const error = errorIn(value);
  if (error !== null) return { kind: "error", ...error };
  return isAnswer(protocol, value) ? null : { kind: "shape" };
}
