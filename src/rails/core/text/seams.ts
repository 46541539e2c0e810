/**
 * Decides where a text may go on in the next one: a key that is cut over parts of a message, or over messages.
 *
 * Model. Texts that stand one behind the other and have one role are read together where the last word of one and the
 * first of the next look like halves of something that is no word: long enough, and with a digit or a sign in it as keys
 * and addresses have. Read is a window of the end of the one and of what follows. What is found across such
 * a place is in all the texts that it touches. A text that says "and now the second half" between them is not seen
 * through, nor are pieces with blanks around them, out of order, or of several roles.
 * Rejected: all texts as one, which joins the end of every message to the next and reads the whole body twice.
 */
import type { TextPart } from "../rail.ts";

/** Read before and behind a seam: more than a key with its name. */
export const SEAM_CHARS = 256;

/** Seams of one body; a conversation has few messages that end within a word. */
export const SEAMS_MAX = 512;

/** Contents of messages and of their parts. Prompts of a batch are not read one behind the other. */
const CONTENT = /(?:^|\.)(?:content(?:\[\d+\])?|text)(?:~\d+)?$/;

type Piece = { readonly path: string; readonly at: number; readonly from: number; readonly chars: number };

/** A text over a seam, and where its pieces come from: `at` in this text, `from` in the part. */
export type Seam = { readonly text: string; readonly pieces: readonly Piece[] };

export function* seamsOf(parts: readonly TextPart[]): Generator<Seam> {
  const byRole = new Map<string, TextPart[]>();
  for (const part of parts) {
    if (!CONTENT.test(part.path)) continue;
    const own = byRole.get(part.role);
    if (own === undefined) byRole.set(part.role, [part]);
    else own.push(part);
  }
  let seams = 0;
  for (const own of byRole.values()) {
    for (let index = 0; index + 1 < own.length && seams < SEAMS_MAX; index += 1) {
      const seam = seamAt(own, index);
      if (seam === null) continue;
      seams += 1;
      yield seam;
    }
  }
}

function seamAt(parts: readonly TextPart[], index: number): Seam | null {
  const one = parts[index];
  if (one === undefined) return null;
  const from = Math.max(0, one.text.length - SEAM_CHARS);
  let text = one.text.slice(from);
  const seamAtChar = text.length;
  const pieces: Piece[] = [{ path: one.path, at: 0, from, chars: seamAtChar }];
  const end = seamAtChar + SEAM_CHARS;
  for (const part of parts.slice(index + 1, index + 1 + SEAM_CHARS)) {
    const piece = part.text.slice(0, end - text.length);
    pieces.push({ path: part.path, at: text.length, from: 0, chars: piece.length });
    text += piece;
    if (text.length >= end) break;
  }
  return mayGoOn(lastWord(one.text), firstWord(text.slice(seamAtChar))) ? { text, pieces } : null;
}

/** For who knows no roles: false of each of several texts only if none of them goes on in another. */
export function hasOddEdge(text: string): boolean {
  const last = lastWord(text);
  return ODD.test(withoutPause(last)) || last.length >= UNBROKEN_CHARS_MIN || ODD.test(withoutPause(firstWord(text)));
}

/** The same of several together, and nearer: where one ends within a word, does the next begin as a key may go on. */
export function mayGoOnAmong(texts: readonly string[]): boolean {
  const firsts = texts.slice(1).map((text) => ({ text, word: firstWord(text) }));
  const isAddress = firsts.some(({ word }) => word.includes("@"));
  // Behind a text that is one word, the word goes on in the next text.
  const isOdd = firsts.some(({ text, word }) => ODD.test(word.length === text.length ? word : withoutPause(word)));
  return texts.slice(0, -1).some((text) => {
    const last = lastWord(text);
    if (last === "" || (isPaused(last) && !isAddress)) return false;
    return isOdd || last.length >= UNBROKEN_CHARS_MIN || ODD.test(last);
  });
}

/** Both halves together: no key is shorter. An address may be. */
const WHOLE_CHARS_MIN = 12;

/** A pause behind so long a word is no end of a sentence. */
const UNBROKEN_CHARS_MIN = 24;

/** What prose has in few words, and keys and addresses in all. */
const ODD = /[0-9@_/+=:.~]/;

function mayGoOn(last: string, first: string): boolean {
  if (last === "" || first === "") return false;
  const isAddress = last.includes("@") || first.includes("@");
  if (last.length + first.length < WHOLE_CHARS_MIN && !isAddress) return false;
  return (
    (isAddress || !isPaused(last)) &&
    (last.length >= UNBROKEN_CHARS_MIN || ODD.test(last) || ODD.test(withoutPause(first)))
  );
}

/** Can this be the rest of a key that is a key without it. A word is not; the last letters of a key may be, and are left. */
export const looksCut = (half: string): boolean => ODD.test(withoutPause(half)) || /[a-z][A-Z]|[A-Z]{2}/.test(half);

/** It ends a sentence, and is no address. */
const isPaused = (last: string): boolean =>
  withoutPause(last) !== last && last.length < UNBROKEN_CHARS_MIN && !last.includes("@");

/** Up to the last blank of the window. */
function lastWord(text: string): string {
  let from = text.length;
  while (from > 0 && text.length - from < SEAM_CHARS && isVisible(text.charCodeAt(from - 1))) from -= 1;
  return text.slice(from);
}

function firstWord(text: string): string {
  let end = 0;
  while (end < text.length && end < SEAM_CHARS && isVisible(text.charCodeAt(end))) end += 1;
  return text.slice(0, end);
}

/** Of a word, without the signs that end a sentence, a quote or an emphasis. */
function withoutPause(word: string): string {
  let end = word.length;
  while (end > 0 && ".!?,;:)\"'`*".includes(word.charAt(end - 1))) end -= 1;
  return word.slice(0, end);
}

function isVisible(code: number): boolean {
  return code > 0x20 && code < 0x7f;
}
