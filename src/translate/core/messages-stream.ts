/**
 * Decides which events of Anthropic's Messages a stream of chat completions becomes.
 *
 * Model. One block is open at a time; it closes when something of another kind comes. The message begins with the first
 * piece that says something, because by then an engine that counts as it goes has told what the prompt had. It ends
 * when the model has ended and its usage is known, or nothing more comes.
 * Source: Anthropic's reference of streaming. Rejected: to hold all calls until the end, where two of them could be
 * written at once. No engine does, and their input would not stream; one that did is ended with an error.
 */
import { errorOf, headOf, pieceOf, saysTextAlone, usageOf } from "./chat-answer.ts";
import type { CallPiece, ChatError, ChatHead, ChatPiece, ChatUsage } from "./chat-answer.ts";
import { isObject } from "../../lib/json-object.ts";
import { parsed } from "./json.ts";
import { messageError, messageHead, messageUsage, stopOf, usageThought } from "./messages-answer.ts";
import { eventText } from "./stream-port.ts";
import type { StreamTranslator } from "./stream-port.ts";
import { createTextTemplate, learn, literalIn } from "./text-template.ts";
import type { TextTemplate } from "./text-template.ts";

type Open = "thinking" | "text" | "call";

type State = {
  readonly promptTokens: number;
  head: ChatHead | null;
  hasBegun: boolean;
  isOver: boolean;
  usage: ChatUsage | null;
  finish: ChatPiece | null;
  open: Open | null;
  /** Index of the open block, or of the last one. */
  block: number;
  /** Which call is open, or was last. */
  callIndex: number;
  callId: string;
  hasCalls: boolean;
  readonly template: TextTemplate;
};

/** `promptTokens`: what the prompt is thought to have, for an engine that tells it only at the end. */
export function messagesStream(promptTokens: number): StreamTranslator {
  const state: State = {
    promptTokens,
    head: null,
    hasBegun: false,
    isOver: false,
    usage: null,
    finish: null,
    open: null,
    block: -1,
    callIndex: -1,
    callId: "",
    hasCalls: false,
    template: createTextTemplate(),
  };
  return {
    take: (data) => (state.isOver ? "" : take(state, data)),
    end: () => (state.isOver || state.finish === null ? "" : endMessage(state)),
  };
}

function take(state: State, data: string): string {
  const literal = state.open === "text" && state.finish === null ? literalIn(state.template, data) : null;
  if (literal !== null) return literal === EMPTY ? "" : deltaOf(state, "text", literal);
  if (data.trim() === "[DONE]") return state.finish === null ? "" : endMessage(state);
  const value = parsed(data);
  if (!isObject(value)) return "";
  const error = errorOf(value, 500);
  if (error !== null) return failed(state, error);
  state.head ??= headOf(value);
  const usage = usageOf(value);
  state.usage = usage ?? state.usage;
  const piece = pieceOf(value);
  if (piece !== null && usage === null && saysTextAlone(piece)) learn(state.template, data, piece.text);
  const said = piece === null ? "" : tell(state, piece);
  // Behind the end of the answer comes its usage, and nothing else.
  return !state.isOver && state.finish !== null && usage !== null && piece === null ? said + endMessage(state) : said;
}

function tell(state: State, piece: ChatPiece): string {
  const { reasoning, text, refusal, calls, finish } = piece;
  let told = "";
  if (!state.hasBegun && (reasoning !== "" || text !== "" || refusal !== "" || calls.length > 0 || finish !== null)) {
    told += startMessage(state);
  }
  if (reasoning !== "") told += opened(state, "thinking") + delta(state, "thinking", reasoning);
  if (text !== "") told += opened(state, "text") + delta(state, "text", text);
  if (refusal !== "") told += opened(state, "text") + delta(state, "text", refusal);
  for (const call of calls) told += state.isOver ? "" : tellCall(state, call);
  if (finish !== null) state.finish = piece;
  return told;
}

function startMessage(state: State): string {
  state.hasBegun = true;
  const { head, usage, promptTokens } = state;
  const known = usage ?? usageThought(promptTokens);
  const message = {
    ...messageHead(head ?? { id: "", model: "", created: 0 }),
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: messageUsage(known),
  };
  return eventText("message_start", `,"message":${JSON.stringify(message)}`);
}

const STARTS = {
  thinking: `{"type":"thinking","thinking":"","signature":""}`,
  text: `{"type":"text","text":""}`,
} as const;

function opened(state: State, kind: "thinking" | "text"): string {
  return state.open === kind ? "" : openBlock(state, kind, STARTS[kind]);
}

function openBlock(state: State, kind: Open, block: string): string {
  const closed = closeBlock(state);
  state.block += 1;
  state.open = kind;
  return closed + eventText("content_block_start", `,"index":${state.block},"content_block":${block}`);
}

function closeBlock(state: State): string {
  if (state.open === null) return "";
  state.open = null;
  return eventText("content_block_stop", `,"index":${state.block}`);
}

/** Up to its text, which is a JSON string. */
const DELTAS: Readonly<Record<Open, string>> = {
  thinking: `{"type":"thinking_delta","thinking":`,
  text: `{"type":"text_delta","text":`,
  call: `{"type":"input_json_delta","partial_json":`,
};

const delta = (state: State, kind: Open, text: string): string => deltaOf(state, kind, JSON.stringify(text));

/** `literal`: a JSON string. */
const deltaOf = ({ block }: State, kind: Open, literal: string): string =>
  eventText("content_block_delta", `,"index":${block},"delta":${DELTAS[kind]}${literal}}`);

/** A JSON string that says nothing. */
const EMPTY = '""';

function tellCall(state: State, { index, id, name, arguments: args }: CallPiece): string {
  const isOpen = state.open === "call" && index === state.callIndex && (id === "" || id === state.callId);
  let told = "";
  if (!isOpen) {
    // More of a call that has ended: blocks cannot be written at once.
    if (name === "")
      return failed(state, { status: 502, message: "The endpoint wrote two tool calls at once.", code: null });
    state.callIndex = index;
    state.callId = id;
    state.hasCalls = true;
    told = openBlock(state, "call", JSON.stringify({ type: "tool_use", id, name, input: {} }));
  }
  return args === "" ? told : told + delta(state, "call", args);
}

function failed(state: State, error: ChatError): string {
  state.isOver = true;
  return `event: error\ndata: ${JSON.stringify(messageError(error))}\n\n`;
}

function endMessage(state: State): string {
  state.isOver = true;
  const { finish, usage, promptTokens, hasCalls } = state;
  const ended = stopOf(finish ?? { finish: null, stopText: null }, hasCalls);
  const known = usage ?? usageThought(promptTokens);
  return (
    closeBlock(state) +
    eventText("message_delta", `,"delta":${JSON.stringify(ended)},"usage":${JSON.stringify(messageUsage(known))}`) +
    eventText("message_stop", "")
  );
}
