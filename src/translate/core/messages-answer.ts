/**
 * Decides how an answer of chat completions is told as one of Anthropic's Messages.
 *
 * Model. Thinking first, then text, then calls, as their own models write them. What was cached is counted beside the rest
 * there, and within it here. Thinking has no signature, which its reader must not check.
 * Source: Anthropic's references of Messages and of errors.
 */
import { headOf, pieceOf, usageOf } from "./chat-answer.ts";
import type { ChatError, ChatHead, ChatPiece, ChatUsage } from "./chat-answer.ts";
import { isObject } from "../../lib/json-object.ts";
import { objectOf, parsed } from "./json.ts";

const STOPS: Readonly<Record<string, string>> = {
  stop: "end_turn",
  length: "max_tokens",
  tool_calls: "tool_use",
  function_call: "tool_use",
  content_filter: "refusal",
};

export type Stop = { readonly stop_reason: string; readonly stop_sequence: string | null };

/** `hasCalls`: some engines say "stop" behind a call. */
export function stopOf({ finish, stopText }: Pick<ChatPiece, "finish" | "stopText">, hasCalls: boolean): Stop {
  if (hasCalls && finish === "stop") return { stop_reason: "tool_use", stop_sequence: null };
  if (finish === "stop" && stopText !== null) return { stop_reason: "stop_sequence", stop_sequence: stopText };
  const known = finish !== null && Object.hasOwn(STOPS, finish) ? STOPS[finish] : undefined;
  return { stop_reason: known ?? "end_turn", stop_sequence: null };
}

export const messageUsage = ({ prompt, cached, output }: ChatUsage) => ({
  input_tokens: Math.max(0, prompt - cached),
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: cached,
  output_tokens: output,
});

export const messageHead = ({ id, model }: ChatHead) => ({
  id: `msg_${id}`,
  type: "message",
  role: "assistant",
  model,
});

const thinkingBlock = (thinking: string) => ({ type: "thinking", thinking, signature: "" });

/** The input of a call that was cut short is no JSON: then the model's own words are kept. */
function inputOf(args: string): object {
  const value = args.trim() === "" ? {} : parsed(args);
  return isObject(value) ? value : { arguments: args };
}

/** Where an engine has not counted, or not yet. */
export const usageThought = (prompt: number): ChatUsage => ({ prompt, cached: 0, output: 0, reasoning: 0 });

/** `value`: a whole answer of chat completions. */
export function chatToMessage(value: unknown): object {
  const answer = objectOf(value);
  const piece = pieceOf(answer);
  const { reasoning = "", text = "", refusal = "", calls = [], finish = null, stopText = null } = piece ?? {};
  const content = [
    ...(reasoning === "" ? [] : [thinkingBlock(reasoning)]),
    ...[text, refusal].filter((said) => said !== "").map((said) => ({ type: "text", text: said })),
    ...calls.map(({ id, name, arguments: args }) => ({ type: "tool_use", id, name, input: inputOf(args) })),
  ];
  return {
    ...messageHead(headOf(answer)),
    content,
    ...stopOf({ finish, stopText }, calls.length > 0),
    usage: messageUsage(usageOf(answer) ?? usageThought(0)),
  };
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
  529: "overloaded_error",
};

/** `code`: the status that it would have had; for whoever reads it on the way. */
export const messageError = ({ status, message }: ChatError) => ({
  type: "error",
  error: { type: ERROR_TYPES[status] ?? (status < 500 ? "invalid_request_error" : "api_error"), message, code: status },
});
