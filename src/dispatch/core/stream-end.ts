/**
 * Decides from the last text of a stream of events whether it ended as an answer ends.
 *
 * Model. Only a tail is looked at. An end is an event that says so; that a connection was closed in good order is none:
 * most clients' packages take half an answer for a whole one when it ends so.
 */
import { eventMeaning } from "./answer-protocol.ts";
import type { AnswerProtocol } from "./answer-protocol.ts";
import { readTail } from "../../lib/sse.ts";

/** The last of a stream. */
export type Tail = {
  readonly protocol: AnswerProtocol;
  readonly text: string;
  /** Something came before it, so it may begin inside an event. */
  readonly isCut: boolean;
};

/**
 * `done`: nothing more will come. `finished`: the model has ended, and usage or a marker may follow. `failed`: the
 * endpoint itself said so. `open`: it is no end. `unknown`: no whole event is in the tail.
 */
export type EndState = "done" | "finished" | "failed" | "open" | "unknown";

export function endState({ protocol, text, isCut }: Tail): EndState {
  const { events } = readTail(text, isCut);
  if (isCut && events.length === 0) return "unknown";
  let state: EndState = "open";
  for (const event of events) {
    switch (eventMeaning(protocol, event)) {
      case "error":
        return "failed";
      case "done":
        return "done";
      case "finish":
        state = "finished";
        break;
      case "output":
      case "nothing":
        break;
    }
  }
  return state;
}
