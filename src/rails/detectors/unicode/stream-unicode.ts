/** The rail `unicode` over text that is being generated: a word that may turn out to be disguised waits for its end. */
import type { SpanAction } from "../../core/spans.ts";
import { scannerOf } from "../../core/stream/stream-scanner.ts";
import type { StreamScanner } from "../../core/stream/stream-scanner.ts";
import { INVISIBLE, classOf } from "../../core/text/code-points.ts";
import { findUnicode } from "./unicode.ts";

export function unicodeScanner(action: SpanAction, rail = "unicode"): StreamScanner {
  return scannerOf({ rail, action, find: (text) => findUnicode(text), holdFrom: holdForeignWord });
}

/** A word is longer only if it is no word. */
const FOREIGN_CHARS_MAX = 64;

/** The last word, if it has a character that could turn out to be out of place in it. */
function holdForeignWord(text: string, from: number): number {
  const least = Math.max(from, text.length - FOREIGN_CHARS_MAX);
  let isForeign = false;
  let at = text.length;
  for (; at > least; at -= 1) {
    const code = text.charCodeAt(at - 1);
    if (code <= 0x20) break;
    // Scripts with look-alikes of Latin letters come before the Indic ones; beyond, only what nobody sees counts.
    isForeign ||= (code >= 0x370 && code < 0x900) || (code >= 0x80 && isInvisible(code));
  }
  return isForeign ? at : text.length;
}

/** Half of a pair may be of one that is. */
function isInvisible(code: number): boolean {
  return (code >= 0xd800 && code < 0xe000) || (classOf(code) & INVISIBLE) !== 0;
}
