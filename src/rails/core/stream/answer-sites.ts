/**
 * Decides which members of a complete answer are generated text, for the four protocols: each is looked at by itself, as
 * it would be in a stream. All else is read as well (`answer-rest.ts`). The same list serves answers that are not
 * streamed and the copies of whole texts that streams of the Responses API repeat.
 */
import { asRecord, recordsIn } from "./stream-events.ts";
import type { Json } from "./stream-events.ts";
import type { RailedFormat } from "./stream-events.ts";
import { assertNever } from "../../../lib/invariant.ts";

export type AnswerSite = {
  readonly holder: Json;
  readonly member: string;
  /** `arguments`: JSON as text. `value`: JSON as a value. */
  readonly form: "text" | "arguments" | "value";
  /** Holders of the members in `REPEATING`, which repeat the text. */
  readonly repeats: readonly Json[];
};

/** Tokens with their probabilities or ids: they give away what was redacted. */
export const REPEATING: readonly string[] = ["logprobs", "token_ids"];

/** Members of a chat message or delta that are text. */
export const CHAT_TEXTS: readonly string[] = ["reasoning_content", "reasoning", "content", "refusal"];

export function answerSites(format: RailedFormat, body: Json): AnswerSite[] {
  switch (format) {
    case "chat":
      return recordsIn(body["choices"]).flatMap(chatSites);
    case "completions":
      return recordsIn(body["choices"]).flatMap((choice) => site(choice, "text", "text", [choice]));
    case "responses":
      return responseSites(body);
    case "anthropic":
      return recordsIn(body["content"]).flatMap(blockSites);
    case "transcript":
    case "any":
      return [];
    default:
      return assertNever(format);
  }
}

function site(
  holder: Json | null,
  member: string,
  form: AnswerSite["form"],
  repeats: readonly Json[] = [],
): AnswerSite[] {
  if (holder === null) return [];
  const value = holder[member];
  const isThere =
    form === "value" ? typeof value === "object" && value !== null : typeof value === "string" && value !== "";
  return isThere ? [{ holder, member, form, repeats }] : [];
}

function chatSites(choice: Json): AnswerSite[] {
  const message = asRecord(choice["message"]);
  if (message === null) return [];
  return [
    ...CHAT_TEXTS.flatMap((member) => site(message, member, "text", [choice])),
    ...recordsIn(message["content"]).flatMap((part) => site(part, "text", "text", [choice])),
    ...site(asRecord(message["audio"]), "transcript", "text"),
    ...site(asRecord(message["function_call"]), "arguments", "arguments", [choice]),
    ...recordsIn(message["tool_calls"]).flatMap((call) => [
      ...site(asRecord(call["function"]), "arguments", "arguments", [choice]),
      ...site(asRecord(call["custom"]), "input", "text", [choice]),
    ]),
  ];
}

/** A response object of the Responses API. */
export function responseSites(response: Json): AnswerSite[] {
  return [...recordsIn(response["output"]).flatMap(itemSites), ...site(response, "output_text", "text")];
}

/** An item of its output: a message, a call, reasoning. */
export function itemSites(item: Json): AnswerSite[] {
  return [
    ...recordsIn(item["content"]).flatMap(partSites),
    ...recordsIn(item["summary"]).flatMap(partSites),
    ...site(item, "arguments", "arguments"),
    ...site(item, "input", "text"),
    ...site(item, "code", "text"),
  ];
}

export function partSites(part: Json): AnswerSite[] {
  return [...site(part, "text", "text", [part]), ...site(part, "refusal", "text", [part])];
}

/** A content block of the Messages API. */
function blockSites(block: Json): AnswerSite[] {
  return [...site(block, "text", "text"), ...site(block, "thinking", "text"), ...site(block, "input", "value")];
}
