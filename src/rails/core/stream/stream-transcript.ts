/**
 * Streams of what was said in a sound: OpenAI's events, and vLLM's, which are chunks of a chat.
 *
 * Model. Pieces come as `….delta`, then `….done` has all of the text once more; a segment is a text of its own. Both are
 * filtered from their beginning, so they come out as their pieces did. All else is read as of a server's own API. Rejected:
 * to read all of it so, by which the whole text goes on where another one has ended, and hides its end.
 * Source: the events of OpenAI's transcriptions, `transcript.text.*`; vLLM's `transcription.chunk`.
 */
import { wordOf } from "../../../lib/json-object.ts";
import type { Json } from "./stream-events.ts";
import type { Reading, StreamFormat } from "./stream-format.ts";
import { NOTHING_READ } from "./stream-format.ts";
import { anyFormat } from "./stream-any.ts";
import { chatFormat } from "./stream-openai.ts";

const CHANNEL = "transcript";

export function transcriptFormat(): StreamFormat {
  const [any, chat] = [anyFormat(), chatFormat()];
  let isChat = false;
  return {
    read: (event) => {
      if (Array.isArray(event["choices"])) return chat.read(event);
      return readEvent(event) ?? any.read(event);
    },
    note: (event, isShown) => {
      isChat ||= Array.isArray(event["choices"]);
      chat.note(event, isShown);
    },
    closing: () => (isChat ? chat.closing() : any.closing()),
    // vLLM's stream has one, and its clients end without it too.
    hasDoneMarker: false,
  };
}

/** Null: it is none of OpenAI's. */
function readEvent(event: Json): Reading | null {
  const type = wordOf(event["type"]);
  if (!type.startsWith("transcript.text.")) return null;
  if (type.endsWith(".delta") && typeof event["delta"] === "string") {
    const { logprobs: _logprobs, ...rest } = event;
    const site = {
      channel: CHANNEL,
      group: CHANNEL,
      kind: CHANNEL,
      isArguments: false,
      holder: event,
      member: "delta",
      repeats: [event],
      carry: (text: string) => ({ event: type, data: { ...rest, delta: text } }),
    };
    return { ...NOTHING_READ, sites: [site] };
  }
  if (typeof event["text"] !== "string") return null;
  const copies = [{ holder: event, member: "text", form: "text" as const, repeats: [event] }];
  return { sites: [], ends: type.endsWith(".done") ? "all" : [], copies };
}
