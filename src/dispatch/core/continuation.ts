/**
 * Decides whether a stream that breaks off may be gone on with at another endpoint, and how the two become one.
 *
 * Model. The text so far is a *prefill*: the beginning of the assistant's message, which the next endpoint goes on with. The
 * first stream passes as it came and is read beside that; of the next ones each event is told under the first one's id,
 * without its role, with summed usage. What a prefill cannot carry forbids it: tools, structured output, reasoning,
 * log probabilities, more than one answer. Whitespace at the end of the text is left out of the prefill, because chat templates
 * trim it, and what the model writes of it anew is left out of the stream.
 * How many tokens were delivered is what the endpoint has said, else one for each event with text: never more than there
 * were. Source: docs/decisions/0046. Rejected: to count tokens by a tokenizer, which every model has another of.
 */
import { isObject } from "../../lib/json-object.ts";
import type { JsonObject } from "../../lib/json-object.ts";
import { withData } from "../../lib/sse-write.ts";
import { readEvent } from "../../lib/sse.ts";
import { errorIn } from "./answer-protocol.ts";
import type { AnswerProtocol } from "./answer-protocol.ts";
import { usageIn } from "./answer-usage.ts";
import type { AnswerUsage } from "./answer-usage.ts";
import { parsed } from "./token-timing.ts";

/** Further endpoints that one answer may be gone on with: a request that ended three may be why. */
export const CONTINUATIONS_MAX = 2;

/** A text beyond this is not sent as a prefill, UTF-16 units: some quarter of a million tokens. */
export const CONTINUED_UNITS_MAX = 1024 * 1024;

/** Members of a request that a prefill cannot honour: each shapes the answer as a whole, or asks for more than its text. */
const SHAPING: readonly string[] = `tools functions tool_choice function_call audio web_search_options
  guided_json guided_regex guided_choice guided_grammar guided_whitespace_pattern structured_outputs
  structural_tag json_schema grammar regex ebnf
  logprobs top_logprobs prompt_logprobs echo suffix use_beam_search return_token_ids
  continue_final_message prompt_embeds`.split(/\s+/);

/** Which part of the request forbids it; null: none does. */
export function forbiddenBy(protocol: AnswerProtocol | null, body: JsonObject): string | null {
  if (protocol !== "chat" && protocol !== "completions") return "protocol";
  if (body["stream"] !== true) return "stream";
  const shaping = SHAPING.find((name) => isSaid(body[name]));
  if (shaping !== undefined) return shaping;
  for (const name of ["n", "best_of"]) if (isSaid(body[name]) && body[name] !== 1) return name;
  const format = body["response_format"];
  if (isSaid(format) && !(isObject(format) && format["type"] === "text")) return "response_format";
  const modalities = body["modalities"];
  if (isSaid(modalities) && !(Array.isArray(modalities) && modalities.every((one) => one === "text"))) {
    return "modalities";
  }
  if (protocol === "chat") return isOpenChat(body["messages"]) ? null : "messages";
  if (textPrompt(body["prompt"]) === null) return "prompt";
  // Without it the endpoint's own default counts, which nobody here knows.
  return typeof body["max_tokens"] === "number" ? null : "max_tokens";
}

const isSaid = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== false && !(Array.isArray(value) && value.length === 0);

/** Its last message is nobody's beginning yet. */
const isOpenChat = (messages: unknown): boolean => {
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : null;
  return isObject(last) && last["role"] !== "assistant";
};

function textPrompt(prompt: unknown): string | null {
  const only: unknown = Array.isArray(prompt) && prompt.length === 1 ? prompt[0] : prompt;
  return typeof only === "string" ? only : null;
}

/** What the client has of the answer by now. Written in place. */
export type Joint = {
  readonly protocol: "chat" | "completions";
  /** How many further endpoints have gone on with it. */
  continued: number;
  /** What names the answer, from its first chunk; null: none has come. */
  head: JsonObject | null;
  hasRole: boolean;
  text: string;
  /** Of the text, what the next one was not sent, and may write again. */
  trimmed: string;
  /** Why nobody can go on with it; null: nothing speaks against it. */
  stopper: string | null;
  /** The endpoint's own error, as a part of the stream; null: it told none. */
  error: string | null;
  hasFinished: boolean;
  isDone: boolean;
  /** Tokens delivered by the endpoints before this one. */
  before: number;
  /** Events with text of this one, and what it says of its tokens; null: nothing. */
  deltas: number;
  told: number | null;
  /** Of the prompt, as the first one has told; null: it has not. */
  promptTokens: number | null;
  /** What was told of all of them; null: nothing. */
  usage: AnswerUsage | null;
};

export const createJoint = (protocol: Joint["protocol"]): Joint => ({
  protocol,
  continued: 0,
  head: null,
  hasRole: false,
  text: "",
  trimmed: "",
  stopper: null,
  error: null,
  hasFinished: false,
  isDone: false,
  before: 0,
  deltas: 0,
  told: null,
  promptTokens: null,
  usage: null,
});

/** What of a part of the stream goes to the client; empty: nothing. */
export function passPart(joint: Joint, part: string): string {
  const event = readEvent(part);
  if (event === null) return part;
  if (event.data.trim() === "[DONE]") {
    // Behind an error it ends nothing.
    if (joint.error !== null) return "";
    joint.isDone = true;
    return part;
  }
  const value = parsed(event.data);
  if (event.event === "error" || errorIn(value) !== null) {
    joint.error = part;
    const status = errorIn(value)?.status ?? 500;
    if (status < 500) joint.stopper ??= "error";
    return "";
  }
  if (!isObject(value)) {
    joint.stopper ??= "chunk";
    return part;
  }
  return passChunk(joint, part, value);
}

const HEAD = ["id", "object", "created", "model", "system_fingerprint", "service_tier"] as const;

function passChunk(joint: Joint, part: string, value: JsonObject): string {
  const isFirst = joint.continued === 0;
  joint.head ??= Object.fromEntries(HEAD.filter((name) => name in value).map((name) => [name, value[name]]));
  const { usage } = value;
  const choices = Array.isArray(value["choices"]) ? (value["choices"] as readonly unknown[]) : [];
  const passed = choices.map((choice) => passChoice(joint, choice));
  if (isObject(usage)) noteUsage(joint, usage);
  const told = isObject(usage) ? summed(joint, usage) : usage;
  if (isObject(told)) joint.usage = usageIn({ usage: told });
  if (isFirst) return part;
  const changed: Record<string, unknown> = { ...value, ...joint.head };
  if (isObject(usage)) changed["usage"] = told;
  changed["choices"] = passed;
  const isEmpty = choices.length > 0 && !isObject(usage) && passed.every((choice) => choice === null);
  return isEmpty ? "" : withData(part, JSON.stringify({ ...changed, choices: passed.filter((one) => one !== null) }));
}

/** Null: there is nothing in it that the client has not had. */
function passChoice(joint: Joint, choice: unknown): unknown {
  if (!isObject(choice) || (choice["index"] ?? 0) !== 0) {
    joint.stopper ??= "choices";
    return choice;
  }
  if (isSaid(choice["logprobs"])) joint.stopper ??= "logprobs";
  const isEnd = isText(choice["finish_reason"]);
  if (isEnd) joint.hasFinished = true;
  if (joint.protocol === "completions") {
    const text = takeText(joint, choice["text"]);
    return text === "" && !isEnd ? null : { ...choice, text };
  }
  const { role, content, ...more } = isObject(choice["delta"]) ? choice["delta"] : {};
  const beside = Object.entries(more).find(([, said]) => isSaid(said) && said !== "");
  if (beside !== undefined) joint.stopper ??= beside[0];
  const text = takeText(joint, content);
  const isNewRole = isText(role) && !joint.hasRole;
  joint.hasRole ||= isNewRole;
  if (text === "" && !isEnd && beside === undefined && !isNewRole) return null;
  return { ...choice, delta: { ...(isNewRole ? { role } : {}), ...more, ...(text === "" ? {} : { content: text }) } };
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

/** Without what is written a second time. */
function takeText(joint: Joint, said: unknown): string {
  if (!isText(said)) return "";
  joint.deltas += 1;
  let text = said;
  while (joint.trimmed !== "" && text !== "" && text[0] === joint.trimmed[0]) {
    joint.trimmed = joint.trimmed.slice(1);
    text = text.slice(1);
  }
  // The model goes on in another way.
  if (text !== "") joint.trimmed = "";
  joint.text += text;
  if (joint.text.length > CONTINUED_UNITS_MAX) joint.stopper ??= "length";
  return text;
}

function noteUsage(joint: Joint, usage: JsonObject): void {
  const { completion_tokens: told, prompt_tokens: prompt } = usage;
  if (typeof told === "number") joint.told = told;
  if (joint.continued === 0 && typeof prompt === "number" && prompt > 0) joint.promptTokens = prompt;
}

/**
 * Of all endpoints: what the last one counts as its prompt has the text before it, which is the answer's. The sum stays as that
 * one counts, unless the first one has told the prompt.
 */
function summed(joint: Joint, usage: JsonObject): JsonObject {
  const { completion_tokens: own, prompt_tokens: sent } = usage;
  if (joint.continued === 0 || typeof own !== "number" || typeof sent !== "number") return usage;
  const prompt = joint.promptTokens ?? Math.max(1, sent - joint.before);
  const completion = joint.before + own;
  const details = usage["prompt_tokens_details"];
  const cached = isObject(details) && typeof details["cached_tokens"] === "number" ? details["cached_tokens"] : null;
  return {
    ...usage,
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...(cached === null || !isObject(details)
      ? {}
      : { prompt_tokens_details: { ...details, cached_tokens: Math.min(cached, prompt) } }),
  };
}

/** What follows an end that was none: `finish`, what is written where the answer has all its tokens. */
export type AfterCut =
  | { readonly kind: "continue"; readonly tokens: number }
  | { readonly kind: "finish"; readonly events: string }
  | { readonly kind: "fail"; readonly why: string };

/** The stream has broken off, or told an error. */
export function afterCut(joint: Joint, body: JsonObject): AfterCut {
  // The model has ended, and only the marker is missing.
  if (joint.hasFinished) return { kind: "finish", events: DONE };
  if (joint.stopper !== null) return { kind: "fail", why: joint.stopper };
  const tokens = joint.before + (joint.told ?? joint.deltas);
  const most = limitOf(body);
  if (most !== null && tokens >= most) return { kind: "finish", events: `${lengthEvent(joint)}${DONE}` };
  return joint.continued < CONTINUATIONS_MAX ? { kind: "continue", tokens } : { kind: "fail", why: "again" };
}

const DONE = "data: [DONE]\n\n";

function lengthEvent({ head, protocol }: Joint): string {
  const end = { index: 0, logprobs: null, finish_reason: "length" };
  const choice = protocol === "chat" ? { ...end, delta: {} } : { ...end, text: "" };
  return `data: ${JSON.stringify({ ...head, choices: [choice] })}\n\n`;
}

const LIMITS = ["max_completion_tokens", "max_tokens"] as const;

function limitOf(body: JsonObject): number | null {
  const limits = LIMITS.map((name) => body[name]).filter((limit) => typeof limit === "number");
  return limits.length === 0 ? null : Math.min(...limits);
}

/** The next endpoint is there. `tokens`: delivered by now. */
export function goOn(joint: Joint, tokens: number): void {
  joint.continued += 1;
  joint.trimmed = joint.protocol === "chat" ? joint.text.slice(prefillOf(joint).length) : "";
  joint.error = null;
  joint.before = tokens;
  joint.deltas = 0;
  joint.told = null;
}

/** Whitespace, and half of a character, at the end. */
const TRIMMED = /[\s\ud800-\udbff]+$/;

const prefillOf = ({ protocol, text }: Joint): string => (protocol === "chat" ? text.replace(TRIMMED, "") : text);

/** How an endpoint is told that a message has begun: by vLLM's and SGLang's members, or by the message alone. */
export type Prefill = "flags" | "message";

/** The request for the rest. */
export function continuedBody(body: JsonObject, joint: Joint, tokens: number, by: Prefill): JsonObject {
  const changed: Record<string, unknown> = { ...body };
  for (const name of LIMITS) {
    const limit = body[name];
    if (typeof limit === "number") changed[name] = limit - tokens;
  }
  const { min_tokens: least } = body;
  if (typeof least === "number") changed["min_tokens"] = Math.max(0, least - tokens);
  const text = prefillOf(joint);
  if (text === "") return changed;
  if (joint.protocol === "completions") return { ...changed, prompt: (textPrompt(body["prompt"]) ?? "") + text };
  const messages = [...(body["messages"] as readonly unknown[]), { role: "assistant", content: text }];
  const flags = by === "flags" ? { continue_final_message: true, add_generation_prompt: false } : {};
  return { ...changed, messages, ...flags };
}
