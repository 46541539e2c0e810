/**
 * What an answer of chat completions says, whole or piece by piece, in the forms that engines write.
 *
 * Model. One choice is read: the protocols that are told from it have one. Reasoning is a member of two names, of which one
 * counts. Usage may stand in any chunk; the last one is right.
 * Source: OpenAI's reference of chat completions; docs/reference/sources.md, Inference servers.
 */
import { isObject } from "../../lib/json-object.ts";
import { isThere, listOf, objectOf, textOf } from "./json.ts";
import type { JsonObject } from "../../lib/json-object.ts";

export type ChatUsage = {
  readonly prompt: number;
  readonly cached: number;
  readonly output: number;
  readonly reasoning: number;
};

/** A piece of a call: its name with the first, then more of its arguments. */
export type CallPiece = {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
};

export type ChatPiece = {
  readonly reasoning: string;
  readonly text: string;
  readonly refusal: string;
  readonly calls: readonly CallPiece[];
  /** Why the model ended; null: it goes on. */
  readonly finish: string | null;
  /** The text that it stopped at, where the engine says it. */
  readonly stopText: string | null;
};

/** What every chunk says of the answer that it is of. */
export type ChatHead = { readonly id: string; readonly model: string; readonly created: number };

export type ChatError = { readonly status: number; readonly message: string; readonly code: string | null };

const NO_CALLS: readonly CallPiece[] = [];

/** Of a chunk, or of a whole answer; null: it has no choice. */
export function pieceOf(value: JsonObject): ChatPiece | null {
  const choice = listOf(value["choices"]).find((one) => (objectOf(one)["index"] ?? 0) === 0);
  if (!isObject(choice)) return null;
  const said = objectOf(choice["delta"] ?? choice["message"]);
  const { finish_reason: finish, stop_reason: stop } = choice;
  return {
    reasoning: textOf(said["reasoning_content"] ?? said["reasoning"]),
    text: textOf(said["content"]),
    refusal: textOf(said["refusal"]),
    calls: Array.isArray(said["tool_calls"]) ? listOf(said["tool_calls"]).map(callPiece) : NO_CALLS,
    finish: typeof finish === "string" && finish !== "" ? finish : null,
    stopText: typeof stop === "string" ? stop : null,
  };
}

/** It is a piece of text, and nothing comes with it. */
export const saysTextAlone = ({ reasoning, text, refusal, calls, finish }: ChatPiece): boolean =>
  text !== "" && reasoning === "" && refusal === "" && calls.length === 0 && finish === null;

function callPiece(value: unknown, at: number): CallPiece {
  const call = objectOf(value);
  const { name, arguments: args } = objectOf(call["function"]);
  const { index } = call;
  return {
    index: typeof index === "number" ? index : at,
    id: textOf(call["id"]),
    name: textOf(name),
    // Some engines give the object that others write as text.
    arguments: isObject(args) ? JSON.stringify(args) : textOf(args),
  };
}

export const headOf = ({ id, model, created }: JsonObject): ChatHead => ({
  id: textOf(id).replace(/^chatcmpl-/, ""),
  model: textOf(model),
  created: typeof created === "number" ? Math.floor(created) : 0,
});

/** Null: none is told here. */
export function usageOf(value: JsonObject): ChatUsage | null {
  const usage = value["usage"];
  if (!isObject(usage)) return null;
  const { prompt_tokens_details: read, completion_tokens_details: written } = usage;
  return {
    prompt: count(usage["prompt_tokens"]),
    cached: count(objectOf(read)["cached_tokens"]),
    output: count(usage["completion_tokens"]),
    reasoning: count(objectOf(written)["reasoning_tokens"] ?? usage["reasoning_tokens"]),
  };
}

const count = (value: unknown): number => (typeof value === "number" && value >= 0 ? value : 0);

/** The error that stands in place of an answer, or in the midst of one; null: none does. */
export function errorOf(value: unknown, status: number): ChatError | null {
  const body = objectOf(value);
  const { error, object } = body;
  if (!isThere(error) && object !== "error") return null;
  const told = isObject(error) ? error : body;
  const code = told["code"];
  const named = Number(code);
  return {
    status: Number.isInteger(named) && named >= 400 && named < 600 ? named : status,
    message: textOf(told["message"]) || textOf(error) || "The endpoint ended with an error.",
    code: typeof code === "string" ? code : null,
  };
}
