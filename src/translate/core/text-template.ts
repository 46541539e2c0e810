/**
 * Reads a chunk that says one more piece of text without parsing it, where it is like one before but for that text.
 *
 * Model. An engine writes the same chunk again and again, and in it another text. Of one that was parsed, what stands before its
 * text and behind it is kept. Of a chunk that begins and ends so, what is in between is its text, as a JSON string: with the same
 * characters before it the reader of JSON stands in the same place, and a text without an unescaped quote does not leave it.
 * A text is taken only in the one spelling that `JSON.stringify` has, so that what is told of it does not depend on the way.
 * Rejected: looking for `"content":"`, which may stand in a text.
 */
import { pieceOf } from "./chat-answer.ts";
import { isObject } from "../../lib/json-object.ts";
import { parsed } from "./json.ts";

export type TextTemplate = {
  before: string;
  after: string;
  /** How often one was looked for: an engine whose chunks differ in more is not looked at for ever. */
  tries: number;
};

const TRIES_MAX = 4;

/** Stands in for a text, and in no text. */
const PROBE = "\u0001";

/** What `JSON.stringify` writes: it escapes these alone by a letter, and other controls and halves of a pair by number. */
// oxlint-disable-next-line no-control-regex -- these are what JSON forbids in a string
const PLAIN = /^(?:[^"\\\u0000-\u001f\ud800-\udfff]|\\["\\bfnrt])*$/u;

export const createTextTemplate = (): TextTemplate => ({ before: "", after: "", tries: 0 });

/** `data`: of a chunk that says this text and nothing else. */
export function learn(template: TextTemplate, data: string, text: string): void {
  if (template.tries === TRIES_MAX) return;
  template.tries += 1;
  const literal = JSON.stringify(text);
  const at = data.lastIndexOf(literal);
  if (at === -1) return;
  const before = data.slice(0, at + 1);
  const after = data.slice(at + literal.length - 1);
  // Another place may have the same characters.
  const probed = parsed(before + JSON.stringify(PROBE).slice(1, -1) + after);
  if (!isObject(probed) || pieceOf(probed)?.text !== PROBE) return;
  template.before = before;
  template.after = after;
}

/** The text of a chunk as a JSON string, in its quotes; null: it has to be parsed. */
export function literalIn({ before, after }: TextTemplate, data: string): string | null {
  if (before === "" || data.length < before.length + after.length) return null;
  if (!data.startsWith(before) || !data.endsWith(after)) return null;
  const text = data.slice(before.length, data.length - after.length);
  return PLAIN.test(text) ? `"${text}"` : null;
}

/** What such a string says. */
export const textOfLiteral = (literal: string): string =>
  literal.includes("\\") ? (JSON.parse(literal) as string) : literal.slice(1, -1);
