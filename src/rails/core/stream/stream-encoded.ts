/**
 * Looks for what a text that is being generated says by other letters, such as base64 or full-width ones.
 *
 * Model. A run of letters that codes are made of is decoded (`text/views.ts`) and looked at when it has ended, and
 * before that whenever it has grown by half. Some of it was shown by then, so a redaction comes too late and counts as a
 * flag; a block ends the answer.
 * Rejected: to hold every long run back. A link, a hash, a file in base64 would stand still.
 */
import { viewsOf } from "../text/views.ts";
import { foundBy } from "./stream-guard.ts";
import { leftAction, noteFinding } from "./stream-record.ts";
import type { StreamTally } from "./stream-record.ts";
import type { StreamScanner } from "./stream-scanner.ts";
import type { TextFilter } from "./stream-filter.ts";
import type { StreamBlock } from "./stream-text.ts";

/** A longer run is looked at in parts of this length, each with the end of the one before. */
const RUN_CHARS_MAX = 4_096;
const OVERLAP_CHARS = 512;

/** Shorter ones hide nothing. */
const RUN_CHARS_MIN = 16;

/** A run is looked at again when it is this much longer: all looks together are some three of the whole. */
const GROWTH = 1.5;

/** The same filter, beside which the text's runs are decoded. */
export function decoding(filter: TextFilter, scanners: readonly StreamScanner[], tally: StreamTally): TextFilter {
  let run = "";
  let lookAtChars = RUN_CHARS_MIN;
  let blocked: StreamBlock | null = null;
  const look = (text: string): void => {
    for (const view of text.length < RUN_CHARS_MIN ? [] : viewsOf(text)) {
      for (const scanner of scanners) {
        const { rail, action } = scanner;
        const [first] = foundBy(scanner, view.text, tally);
        if (first === undefined) continue;
        noteFinding(tally, rail, first.type, leftAction(action));
        if (action === "block") blocked ??= { rail, reasons: [`${rail}:${first.type}`] };
      }
    }
  };
  return {
    push(piece) {
      const end = runStart(piece);
      if (end > 0) {
        look(run + piece.slice(0, end));
        run = "";
        lookAtChars = RUN_CHARS_MIN;
      }
      run += piece.slice(end);
      if (run.length >= lookAtChars) {
        look(run);
        if (run.length > RUN_CHARS_MAX) run = run.slice(-OVERLAP_CHARS);
        lookAtChars = run.length * GROWTH;
      }
      return blocked === null ? filter.push(piece) : "";
    },
    flush() {
      look(run);
      run = "";
      return blocked === null ? filter.flush() : "";
    },
    blocked: () => filter.blocked() ?? blocked,
    heldChars: () => filter.heldChars(),
  };
}

/** Where the run begins that goes on behind the piece: 0 if it began before. */
function runStart(piece: string): number {
  let at = piece.length;
  while (at > 0 && isCode(piece.charCodeAt(at - 1))) at -= 1;
  return at;
}

/**
 * Letters and digits, and what stands between them in base64, percent signs and escapes; control characters; and all
 * beyond ASCII but blanks, for letters in disguise.
 */
const isCode = (code: number): boolean => (code < 128 ? CODES[code] === 1 : !isBlank(code));
const CODES = Uint8Array.from({ length: 128 }, (_, code) =>
  /(?![\t\n\r])[A-Za-z0-9+/=_%\\&#;.@\p{Cc}-]/u.test(String.fromCharCode(code)) ? 1 : 0,
);

/** The blanks of Unicode, and the full stops and commas of scripts that are written without any. */
const isBlank = (code: number): boolean =>
  code === 0xa0 || (code >= 0x2000 && code < 0x200b) || code === 0x2028 || code === 0x2029 || isMark(code);
const isMark = (code: number): boolean => code === 0xff0c || (code >= 0x3000 && code < 0x3003);
