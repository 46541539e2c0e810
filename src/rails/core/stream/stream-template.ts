/**
 * Recognises an event that differs from an earlier one in nothing but its text, and so needs no parsing.
 *
 * Intuition. A server sends the same JSON around every token.
 * Model. Of a parsed event its JSON is kept, with a hole where the text was. A later event that fits has the same
 * structure: what is in the hole has no quote, backslash or control character, so it cannot end its string. There may
 * be two more holes: the number that events of the Responses API count up, and the padding that hides a token's length.
 * Rejected: looking for `"content":"`, which the text itself may contain; and parsing each event, which costs a stream
 * more than twice what passing it on costs (docs/reference/sources.md, Cost of parts).
 */
import { readEvent } from "../../../lib/sse.ts";
import { parseJson } from "./stream-events.ts";
import type { Json } from "./stream-events.ts";

type Hole = "text" | "digits" | "padding";

/** Written in place by `matchTemplate`: where the last event that fitted has its text. */
export type Template = {
  readonly channel: string;
  /** One more than holes. */
  readonly literals: readonly string[];
  readonly holes: readonly Hole[];
  textStart: number;
  textEnd: number;
  paddingStart: number;
  paddingEnd: number;
};

/** A short text may occur in its event more than once; so many of these places are tried as the hole. */
const PLACES_MAX = 8;

/**
 * A template of an event of which `text` is the only piece of text; null if it cannot be one. `siteOf` reads the text
 * of that channel out of an event, null if the event is of another kind.
 */
export function learnTemplate(
  raw: string,
  channel: string,
  text: string,
  siteOf: (event: Json) => string | null,
): Template | null {
  const literal = JSON.stringify(text);
  if (text === "" || literal !== `"${text}"` || raw.includes("\r") || !raw.endsWith("\n\n")) return null;
  // `null` has nothing in it; anything else repeats the text or changes with it.
  if (/"(?:logprobs|token_ids)":(?!\s*(?:null|\[\]))/.test(raw)) return null;
  let at = raw.indexOf(literal);
  for (let places = 0; at !== -1 && places < PLACES_MAX; places += 1) {
    const [before, after] = [raw.slice(0, at), raw.slice(at + literal.length)];
    const probe = `${text}#probe`;
    const event = parseJson(readEvent(`${before}"${probe}"${after}`)?.data ?? "");
    if (event !== null && siteOf(event) === probe) return templateOf(channel, `${before}"`, `"${after}`);
    at = raw.indexOf(literal, at + 1);
  }
  return null;
}

const OTHER_HOLES = /("sequence_number":\s*)[0-9]+|("obfuscation":\s*")[^"\\]*(?=")/g;

function templateOf(channel: string, before: string, after: string): Template {
  const literals: string[] = [];
  const holes: Hole[] = [];
  let literal = "";
  for (const [part, isLast] of [
    [before, false],
    [after, true],
  ] as const) {
    let from = 0;
    for (const match of part.matchAll(OTHER_HOLES)) {
      const lead = match[1] ?? match[2] ?? "";
      literals.push(literal + part.slice(from, match.index + lead.length));
      holes.push(match[1] === undefined ? "padding" : "digits");
      literal = "";
      from = match.index + match[0].length;
    }
    literal += part.slice(from);
    if (isLast) break;
    literals.push(literal);
    holes.push("text");
    literal = "";
  }
  literals.push(literal);
  return { channel, literals, holes, textStart: 0, textEnd: 0, paddingStart: 0, paddingEnd: 0 };
}

/** True if the event is of this form. */
export function matchTemplate(template: Template, raw: string): boolean {
  const { literals, holes } = template;
  let at = 0;
  for (let index = 0; index < literals.length; index += 1) {
    const literal = literals[index] ?? "";
    if (!raw.startsWith(literal, at)) return false;
    at += literal.length;
    const hole = holes[index];
    if (hole === undefined) break;
    const end = hole === "digits" ? digitsEnd(raw, at) : stringEnd(raw, at);
    if (end === -1) return false;
    if (hole === "text") {
      template.textStart = at;
      template.textEnd = end;
    } else if (hole === "padding") {
      template.paddingStart = at;
      template.paddingEnd = end;
    }
    at = end;
  }
  return at === raw.length;
}

/** A number that counts events is shorter than any that a rail looks for. */
const DIGITS_MAX = 7;

function digitsEnd(raw: string, from: number): number {
  let at = from;
  for (let code = raw.charCodeAt(at); code >= 48 && code <= 57; code = raw.charCodeAt(at)) at += 1;
  return at === from || at - from > DIGITS_MAX ? -1 : at;
}

/** The quote that ends the string; -1 if something comes first that must be read with care. */
function stringEnd(raw: string, from: number): number {
  for (let at = from; at < raw.length; at += 1) {
    const code = raw.charCodeAt(at);
    if (code === 34) return at;
    if (code === 92 || code < 0x20) return -1;
  }
  return -1;
}
