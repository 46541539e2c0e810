/**
 * Decides how an answer of chat completions is told as one of OpenAI's Responses.
 *
 * Model. Reasoning, then the message, then calls, each an item with an id of its own made from the answer's. What the request asked
 * for is echoed, as that API does; nothing is kept, and it says so (`store`).
 * Source: OpenAI's reference of Responses.
 */
import { headOf, pieceOf, usageOf } from "./chat-answer.ts";
import type { CallPiece, ChatError, ChatHead, ChatUsage } from "./chat-answer.ts";
import { objectOf, parsed } from "./json.ts";
import type { JsonObject } from "../../lib/json-object.ts";
import { customTools } from "./responses-request.ts";

/** What is echoed, with what stands where a request says nothing. */
const ECHOED: JsonObject = {
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  metadata: {},
  parallel_tool_calls: true,
  prompt_cache_key: null,
  reasoning: { effort: null, summary: null },
  temperature: null,
  text: { format: { type: "text" } },
  tool_choice: "auto",
  tools: [],
  top_p: null,
  truncation: "disabled",
  user: null,
};

/** What of a request its answer needs. */
export type ResponsesGiven = { readonly echoed: JsonObject; readonly custom: ReadonlySet<string> };

export const responsesGiven = (body: JsonObject): ResponsesGiven => ({
  echoed: Object.fromEntries(Object.entries(ECHOED).map(([name, absent]) => [name, body[name] ?? absent])),
  custom: customTools(body),
});

export type Ending = {
  readonly status: "completed" | "incomplete";
  readonly incomplete_details: { readonly reason: string } | null;
};

const CUT_SHORT: Readonly<Record<string, string>> = { length: "max_output_tokens", content_filter: "content_filter" };

export function endingOf(finish: string | null): Ending {
  const reason = finish !== null && Object.hasOwn(CUT_SHORT, finish) ? CUT_SHORT[finish] : undefined;
  return reason === undefined
    ? { status: "completed", incomplete_details: null }
    : { status: "incomplete", incomplete_details: { reason } };
}

const responseUsage = ({ prompt, cached, output, reasoning }: ChatUsage) => ({
  input_tokens: prompt,
  input_tokens_details: { cached_tokens: cached },
  output_tokens: output,
  output_tokens_details: { reasoning_tokens: reasoning },
  total_tokens: prompt + output,
});

export function responseObject(
  { id, model, created }: ChatHead,
  { echoed }: ResponsesGiven,
  said: {
    readonly status: "in_progress" | Ending["status"];
    readonly incomplete_details: Ending["incomplete_details"];
    readonly output: readonly object[];
    readonly usage: ChatUsage | null;
  },
): object {
  return {
    id: responseId(id),
    object: "response",
    created_at: created,
    status: said.status,
    background: false,
    error: null,
    incomplete_details: said.incomplete_details,
    model,
    output: said.output,
    previous_response_id: null,
    ...echoed,
    service_tier: "default",
    store: false,
    usage: said.usage === null ? null : responseUsage(said.usage),
  };
}

/** By its name it can be told from one that an endpoint has made, and may keep. */
export const TOLD_RESPONSE = "resp_chat_";

const responseId = (id: string): string => TOLD_RESPONSE + id;

export const itemId = (kind: "rs" | "msg" | "fc" | "ctc", { id }: ChatHead, at: number): string =>
  `${kind}_${id}_${at}`;

export const textContent = (text: string) => ({ type: "output_text", text, annotations: [], logprobs: [] });

export const messageItem = (id: string, status: string, content: readonly object[]) => ({
  id,
  type: "message",
  status,
  role: "assistant",
  content,
});

export const reasoningItem = (id: string, status: string, content: readonly object[]) => ({
  id,
  type: "reasoning",
  status,
  summary: [],
  content,
});

export const reasoningText = (text: string) => ({ type: "reasoning_text", text });

/** Of a custom tool the text alone; what the model wrote in place of it, as it wrote it. */
export function customInput(args: string): string {
  const input = objectOf(parsed(args))["input"];
  return typeof input === "string" ? input : args;
}

export function callItem(
  head: ChatHead,
  at: number,
  { id, name, arguments: args }: Pick<CallPiece, "id" | "name" | "arguments">,
  { status, isCustom }: { readonly status: string; readonly isCustom: boolean },
): object {
  return isCustom
    ? { id: itemId("ctc", head, at), type: "custom_tool_call", status, call_id: id, name, input: customInput(args) }
    : { id: itemId("fc", head, at), type: "function_call", status, call_id: id, name, arguments: args };
}

/** `value`: a whole answer of chat completions. */
export function chatToResponse(value: unknown, given: ResponsesGiven): object {
  const answer = objectOf(value);
  const head = headOf(answer);
  const { reasoning = "", text = "", refusal = "", calls = [], finish = null } = pieceOf(answer) ?? {};
  const ending = endingOf(finish);
  // Only what was written last can have been cut short.
  const items: ((status: string, at: number) => object)[] = [];
  if (reasoning !== "") {
    items.push((status, at) => reasoningItem(itemId("rs", head, at), status, [reasoningText(reasoning)]));
  }
  const content = [
    ...(text === "" ? [] : [textContent(text)]),
    ...(refusal === "" ? [] : [{ type: "refusal", refusal }]),
  ];
  if (content.length > 0) items.push((status, at) => messageItem(itemId("msg", head, at), status, content));
  for (const call of calls) {
    items.push((status, at) => callItem(head, at, call, { status, isCustom: given.custom.has(call.name) }));
  }
  const output = items.map((item, at) => item(at === items.length - 1 ? ending.status : "completed", at));
  return responseObject(head, given, { ...ending, output, usage: usageOf(answer) });
}

/** As it is told over HTTP. */
export const responsesError = ({ status, message, code }: ChatError) => ({
  error: {
    message,
    type: status < 500 ? "invalid_request_error" : "server_error",
    param: null,
    code: code ?? String(status),
  },
});
