/** Tells answers of chat completions on: a stream as text, piece by piece, and a whole answer. */
import { createSseSplitter, readEvent, splitEvents, withoutBom } from "../../lib/sse.ts";
import { errorOf } from "./chat-answer.ts";
import type { StreamTranslator } from "./stream-port.ts";
import type { Back, Translation } from "./translations.ts";

/** What becomes of a text on its way. */
export type TextRun = {
  /** What goes on in place of a piece of it. */
  readonly push: (text: string) => string;
  /** What is written behind the last of it. */
  readonly end: () => string;
};

/** A comment keeps a stream alive, in every protocol. */
const COMMENT = ":\n\n";

const TOO_LONG = JSON.stringify({ error: { message: "The endpoint wrote an event that is too long.", code: 502 } });

/** What one event says follows from it alone, and a comment stays one, however the stream was cut into pieces. */
export function toldStream(translator: StreamTranslator): TextRun {
  const splitter = createSseSplitter();
  let isAtStart = true;
  return {
    push(text) {
      if (text === "") return "";
      const split = splitEvents(splitter, isAtStart ? withoutBom(text) : text);
      isAtStart = false;
      let told = "";
      for (const part of split.ok ? split.value : split.error.events) {
        const event = readEvent(part);
        if (event !== null) told += translator.take(event.data);
        else if (part.startsWith(":")) told += COMMENT;
      }
      // Beyond the longest event nothing more can be read.
      return split.ok ? told : told + translator.take(TOO_LONG);
    },
    end: () => translator.end(),
  };
}

/** Null: it is neither an answer nor an error. */
export function toldWhole({ error }: Translation, back: Back, status: number, value: unknown): object | null {
  const told = status < 300 ? back.whole(value) : null;
  if (told !== null) return told;
  const failure = errorOf(value, status);
  if (failure !== null) return error({ ...failure, status });
  // A page of a proxy's, in place of an error: in the client's form it says as much.
  return status < 400 ? null : error({ status, message: `The endpoint answered ${status}.`, code: null });
}
