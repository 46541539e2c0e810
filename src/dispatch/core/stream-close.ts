/**
 * Decides what is written behind a stream of events that broke off, so that a client takes it for broken.
 *
 * Model. A stream that stopped inside an event is closed so that the event parses: the clients' packages parse every
 * event before they look for an error, and a half one ends in an exception that is none of their API errors. So the
 * JSON that has begun is completed, and where the protocol puts errors beside the data it gets the error. A stream that
 * stopped after the model's own end is whole, and gets the marker that it lacks.
 * Source: WHATWG HTML 9.2.6 for lines and fields; the stream readers of the openai and anthropic packages.
 * Rejected: to forward whole events only, which needs a look at every chunk (docs/explanation/performance.md).
 */
import type { AnswerProtocol } from "./answer-protocol.ts";
import { closeJson } from "./json-close.ts";
import { readEvent, readTail } from "../../lib/sse.ts";
import { endState } from "./stream-end.ts";
import type { Tail } from "./stream-end.ts";

/** How the protocol tells an error in a stream. */
export type StreamError = {
  /** Members that make an error of the data of any event: of two members of one name, the last counts. */
  readonly members: string;
  /** Name that an event with them must have; null: any. */
  readonly name: string | null;
  /** What follows such an event. */
  readonly after: string;
  /** Events that tell it, from the beginning of an event on. */
  readonly events: string;
};

/** What is written behind a stream that broke off. `isWhole`: the answer was there. */
export type Closing = { readonly text: string; readonly isWhole: boolean };

const DONE = "[DONE]";
const EVENT_END = "\n\n";

/** What follows when the model has ended; nothing where that is the end itself. */
const LAST_EVENT: Readonly<Partial<Record<AnswerProtocol, string>>> = {
  chat: `data: ${DONE}${EVENT_END}`,
  completions: `data: ${DONE}${EVENT_END}`,
  anthropic: `event: message_stop\ndata: {"type":"message_stop"}${EVENT_END}`,
};

export function closeStream(tail: Tail, error: StreamError): Closing {
  const { protocol } = tail;
  const { rest } = readTail(tail.text, tail.isCut);
  const state = endState(tail);
  const last = LAST_EVENT[protocol];
  const hasMarker = last?.includes(DONE) === true;
  if (state === "done" || state === "failed") return { text: rest === "" ? "" : EVENT_END, isWhole: state === "done" };
  if (state === "finished" && rest.trim() === "") return { text: EVENT_END + (last ?? ""), isWhole: true };
  const data = readEvent(rest)?.data ?? null;
  // Servers begin to write the marker only when everything else has been written.
  if (hasMarker && data !== null && data !== "" && DONE.startsWith(data.trimEnd())) {
    return { text: DONE.slice(data.trimEnd().length) + EVENT_END, isWhole: true };
  }
  if (data !== null && data !== "" && endState({ protocol, text: rest + EVENT_END, isCut: false }) === "done") {
    return { text: EVENT_END, isWhole: true };
  }
  return { text: closeEvent(rest, data, error), isWhole: false };
}

function closeEvent(rest: string, data: string | null, { members, name, after, events }: StreamError): string {
  // Of two names of one event, the last counts.
  const end = (name === null ? "" : `\nevent: ${name}`) + EVENT_END + after;
  // An empty field of this name is an event already.
  if (/(?:^|[\r\n])data$/.test(rest)) return `:{${members}}${end}`;
  if (data === null || /[\r\n]$/.test(rest)) return EVENT_END + events;
  const closed = data.trim() === "" ? `{${members}}` : closeJson(data, members);
  return closed === null || closed === "" ? EVENT_END + events : closed + end;
}
