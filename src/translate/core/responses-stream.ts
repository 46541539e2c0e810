/**
 * Decides which events of OpenAI's Responses a stream of chat completions becomes.
 *
 * Model. One item is open at a time, and in it at most one part; both close when something of another kind comes. All that was
 * written is kept, because the last event repeats it. Every event has the next number.
 * Source: OpenAI's reference of streaming events. Rejected: to tell a custom tool's input while it comes, which would need a
 * reader of half a JSON text; it is told in one piece when its call has ended.
 */
import { errorOf, headOf, pieceOf, saysTextAlone, usageOf } from "./chat-answer.ts";
import type { CallPiece, ChatError, ChatHead, ChatPiece, ChatUsage } from "./chat-answer.ts";
import { isObject } from "../../lib/json-object.ts";
import { parsed } from "./json.ts";
import * as answer from "./responses-answer.ts";
import type { Ending, ResponsesGiven } from "./responses-answer.ts";
import { eventText } from "./stream-port.ts";
import type { StreamTranslator } from "./stream-port.ts";
import { createTextTemplate, learn, literalIn, textOfLiteral } from "./text-template.ts";
import type { TextTemplate } from "./text-template.ts";

type Kind = "reasoning" | "text" | "refusal" | "call";

/** The item that is open. */
type Open = {
  readonly kind: Kind;
  readonly id: string;
  readonly call: CallPiece | null;
  /** Content of a message that is complete. */
  readonly content: object[];
  /** Pieces of what is open. */
  written: string[];
};

type State = {
  readonly given: ResponsesGiven;
  head: ChatHead;
  hasHead: boolean;
  hasBegun: boolean;
  isOver: boolean;
  sequence: number;
  usage: ChatUsage | null;
  finish: string | null;
  open: Open | null;
  readonly output: object[];
  readonly template: TextTemplate;
};

export function responsesStream(given: ResponsesGiven): StreamTranslator {
  const state: State = {
    given,
    head: { id: "", model: "", created: 0 },
    hasHead: false,
    hasBegun: false,
    isOver: false,
    sequence: 0,
    usage: null,
    finish: null,
    open: null,
    output: [],
    template: createTextTemplate(),
  };
  return {
    take: (data) => (state.isOver ? "" : take(state, data)),
    end: () => (state.isOver || state.finish === null ? "" : endResponse(state)),
  };
}

function take(state: State, data: string): string {
  const { open } = state;
  const literal = open?.kind === "text" && state.finish === null ? literalIn(state.template, data) : null;
  if (open !== null && literal !== null) return literal === '""' ? "" : writeOn(state, open, "text", literal);
  if (data.trim() === "[DONE]") return state.finish === null ? "" : endResponse(state);
  const value = parsed(data);
  if (!isObject(value)) return "";
  const error = errorOf(value, 500);
  if (error !== null) return failed(state, error);
  if (!state.hasHead) {
    state.head = headOf(value);
    state.hasHead = true;
  }
  const usage = usageOf(value);
  state.usage = usage ?? state.usage;
  const piece = pieceOf(value);
  if (piece !== null && usage === null && saysTextAlone(piece)) learn(state.template, data, piece.text);
  if (piece !== null) return tell(state, piece);
  // Behind the end of the answer comes its usage, and nothing else.
  return state.finish !== null && usage !== null ? endResponse(state) : "";
}

function tell(state: State, { reasoning, text, refusal, calls, finish }: ChatPiece): string {
  let told = state.hasBegun ? "" : begin(state);
  if (reasoning !== "") told += write(state, "reasoning", reasoning);
  if (text !== "") told += write(state, "text", text);
  if (refusal !== "") told += write(state, "refusal", refusal);
  for (const call of calls) told += state.isOver ? "" : tellCall(state, call);
  if (finish !== null) state.finish = finish;
  return told;
}

/** `rest`: members as JSON, from the comma on. */
function event(state: State, type: string, rest: string): string {
  const told = eventText(type, `,"sequence_number":${state.sequence}${rest}`);
  state.sequence += 1;
  return told;
}

const json = (value: unknown): string => JSON.stringify(value);

const IN_PROGRESS = { status: "in_progress", incomplete_details: null, output: [], usage: null } as const;

function begin(state: State): string {
  state.hasBegun = true;
  const response = json(answer.responseObject(state.head, state.given, IN_PROGRESS));
  return (
    event(state, "response.created", `,"response":${response}`) +
    event(state, "response.in_progress", `,"response":${response}`)
  );
}

/** How a piece of each kind is told: its events, and the part that it stands in. */
const PARTS = {
  reasoning: { name: "response.reasoning_text", done: "text", more: "", part: answer.reasoningText },
  text: { name: "response.output_text", done: "text", more: `,"logprobs":[]`, part: answer.textContent },
  refusal: {
    name: "response.refusal",
    done: "refusal",
    more: "",
    part: (refusal: string) => ({ type: "refusal", refusal }),
  },
} as const;

function write(state: State, kind: "reasoning" | "text" | "refusal", text: string): string {
  const told = state.open?.kind === kind ? "" : openPart(state, kind);
  const { open } = state;
  return open === null ? told : told + writeOn(state, open, kind, json(text));
}

/** More of the part that is open. `literal`: a JSON string. */
function writeOn(state: State, open: Open, kind: "reasoning" | "text" | "refusal", literal: string): string {
  open.written.push(textOfLiteral(literal));
  const { name, more } = PARTS[kind];
  return event(state, `${name}.delta`, `${placeOf(state, open)},"delta":${literal}${more}`);
}

/** Where a piece stands. */
const placeOf = ({ output }: State, { id, content }: Open): string =>
  `,"item_id":"${id}","output_index":${output.length},"content_index":${content.length}`;

function openPart(state: State, kind: "reasoning" | "text" | "refusal"): string {
  const { open, head, output } = state;
  let told = "";
  // A refusal behind a text is another part of the same message.
  if (open !== null && open.kind !== "reasoning" && open.kind !== "call" && kind !== "reasoning") {
    told = closePart(state, open);
    state.open = { ...open, kind, written: [] };
  } else {
    told = closeItem(state, "completed");
    const id = answer.itemId(kind === "reasoning" ? "rs" : "msg", head, output.length);
    state.open = { kind, id, call: null, content: [], written: [] };
    told += added(state, itemOf(state, state.open, "in_progress"));
  }
  const part = json(PARTS[kind].part(""));
  return told + event(state, "response.content_part.added", `${placeOf(state, state.open)},"part":${part}`);
}

const added = (state: State, item: object): string =>
  event(state, "response.output_item.added", `,"output_index":${state.output.length},"item":${json(item)}`);

function itemOf({ given, head, output }: State, { kind, id, call, content, written }: Open, status: string): object {
  if (call === null) {
    return kind === "reasoning" ? answer.reasoningItem(id, status, content) : answer.messageItem(id, status, content);
  }
  const isCustom = given.custom.has(call.name);
  return answer.callItem(head, output.length, { ...call, arguments: written.join("") }, { status, isCustom });
}

function tellCall(state: State, call: CallPiece): string {
  const { open, given, output, head } = state;
  const known = open?.call ?? null;
  let told = "";
  if (known === null || call.index !== known.index || (call.id !== "" && call.id !== known.id)) {
    // More of a call that has ended.
    if (call.name === "") {
      return failed(state, { status: 502, message: "The endpoint wrote two tool calls at once.", code: null });
    }
    told = (state.hasBegun ? "" : begin(state)) + closeItem(state, "completed");
    const id = answer.itemId(given.custom.has(call.name) ? "ctc" : "fc", head, output.length);
    state.open = { kind: "call", id, call, content: [], written: [] };
    told += added(state, itemOf(state, state.open, "in_progress"));
  }
  const now = state.open;
  if (call.arguments === "" || now === null) return told;
  now.written.push(call.arguments);
  if (given.custom.has(now.call?.name ?? "")) return told;
  const place = `,"item_id":"${now.id}","output_index":${output.length}`;
  return told + event(state, "response.function_call_arguments.delta", `${place},"delta":${json(call.arguments)}`);
}

/** Of a message, or of reasoning. */
function closePart(state: State, open: Open): string {
  if (open.kind === "call") return "";
  const { name, done, more, part } = PARTS[open.kind];
  const text = open.written.join("");
  const place = placeOf(state, open);
  const whole = part(text);
  const told =
    event(state, `${name}.done`, `${place},"${done}":${json(text)}${more}`) +
    event(state, "response.content_part.done", `${place},"part":${json(whole)}`);
  open.content.push(whole);
  return told;
}

function closeItem(state: State, status: string): string {
  const { open, output } = state;
  if (open === null) return "";
  const told = open.call === null ? closePart(state, open) : closeCall(state, open, open.call);
  const item = itemOf(state, open, status);
  state.open = null;
  const ended = event(state, "response.output_item.done", `,"output_index":${output.length},"item":${json(item)}`);
  output.push(item);
  return told + ended;
}

function closeCall(state: State, { id, written }: Open, { name }: CallPiece): string {
  const args = written.join("");
  const place = `,"item_id":"${id}","output_index":${state.output.length}`;
  if (!state.given.custom.has(name)) {
    return event(
      state,
      "response.function_call_arguments.done",
      `${place},"name":${json(name)},"arguments":${json(args)}`,
    );
  }
  const input = json(answer.customInput(args));
  return (
    event(state, "response.custom_tool_call_input.delta", `${place},"delta":${input}`) +
    event(state, "response.custom_tool_call_input.done", `${place},"input":${input}`)
  );
}

function failed(state: State, { status, message, code }: ChatError): string {
  state.isOver = true;
  const { sequence } = state;
  // The second form is what OpenAI's own package looks for.
  const told = { type: "error", code: code ?? String(status), message, param: null, sequence_number: sequence };
  return `event: error\ndata: ${json({ ...told, error: { message, type: "server_error", code: told.code, param: null } })}\n\n`;
}

function endResponse(state: State): string {
  state.isOver = true;
  const ending: Ending = answer.endingOf(state.finish);
  const told = (state.hasBegun ? "" : begin(state)) + closeItem(state, ending.status);
  const { head, given, output, usage } = state;
  const response = answer.responseObject(head, given, { ...ending, output, usage });
  return told + event(state, `response.${ending.status}`, `,"response":${json(response)}`);
}
