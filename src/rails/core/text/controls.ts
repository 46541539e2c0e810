/**
 * Decides how a text reads without the control characters that stand inside of its words, and halves of pairs: nothing
 * is seen of them, and the words are whole for who reads them.
 *
 * Model. Tab and the ends of lines are blanks and stay. A control character between letters or digits of ASCII gives
 * the reason to read the whole text without them; colours of a terminal (`ESC [ 3 1 m`) stand before a bracket, which is
 * none. Rejected: the normal form, which leaves text of plain ASCII as it is for good reason.
 */
import { CHARS, isIn } from "./char-class.ts";
import type { NormalText } from "./normalise.ts";
import { OffsetMap } from "./offset-map.ts";

/** None but tab and the ends of lines, DEL and those of Latin-1 included, and a half of a pair without the other. */
const CONTROL = /(?![\t\n\r])[\p{Cc}\p{Cs}]/u;
const CONTROLS = new RegExp(CONTROL.source, "gu");

/** For who does not read the view: false only where there is none. */
export const mayHaveControls = (text: string): boolean => CONTROL.test(text);

/** Null: none stands inside of a word. */
export function withoutControls(text: string): NormalText | null {
  if (!mayHaveControls(text)) return null;
  const map = new OffsetMap();
  let view = "";
  let from = 0;
  let isReason = false;
  for (const { index } of text.matchAll(CONTROLS)) {
    view += text.slice(from, index);
    // One of several in a row has a letter before it, and the last of them one behind.
    isReason ||= isIn(view.charCodeAt(view.length - 1), CHARS.alnum) && isIn(text.charCodeAt(index + 1), CHARS.alnum);
    map.add(view.length, view.length, index, index + 1);
    from = index + 1;
  }
  if (!isReason) return null;
  return { text: view + text.slice(from), isSame: false, original: (start, end) => map.toOld(start, end) };
}
