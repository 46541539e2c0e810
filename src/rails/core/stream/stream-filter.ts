/** The text filter of one channel of an answer: plain text in, what may be shown out. `stream-text.ts` decides. */
import { createTally } from "./stream-record.ts";
import type { StreamTally } from "./stream-record.ts";
import type { StreamScanner } from "./stream-scanner.ts";
import { createTextState, flushText, heldCharsOf, pushText } from "./stream-text.ts";
import type { StreamBlock, TextSink } from "./stream-text.ts";

export type TextFilter = {
  /** The next piece; returns what may be shown now, which is the piece itself for ordinary text. */
  push(piece: string): string;
  /** What was held, decided as if the text ended here. */
  flush(): string;
  /** Set once a rail has blocked; nothing is released from then on. */
  blocked(): StreamBlock | null;
  heldChars(): number;
};

export function createTextFilter(scanners: readonly StreamScanner[], tally: StreamTally = createTally()): TextFilter {
  const state = createTextState(scanners, tally);
  let out = "";
  const sink: TextSink = {
    text: (text) => {
      out = out === "" ? text : out + text;
    },
    replaced: (_text, _start, replacement) => {
      out += replacement;
    },
  };
  const taken = (): string => {
    const text = out;
    out = "";
    return text;
  };
  return {
    push: (piece) => {
      pushText(state, piece, sink);
      return taken();
    },
    flush: () => {
      flushText(state, sink);
      return taken();
    },
    blocked: () => state.blocked,
    heldChars: () => heldCharsOf(state),
  };
}
