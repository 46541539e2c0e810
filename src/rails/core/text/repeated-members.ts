/**
 * Decides whether an object in a JSON text has two members of one name. Parsers differ in which of them they take, so
 * one of the two is what a rail reads and the other may be what a model reads.
 *
 * Model. A parsed value has each name once. So the names in the text are counted, and the names in the value: a text
 * that repeats none has as many as its value. Names are strings before a colon; strings are found by their quotes with
 * `indexOf`, which the runtime does at the speed of memory, and nothing is built.
 * Rejected: a second parser, which would be slower than the first on every request.
 */
import { isRawJSON } from "../../../lib/json-source.ts";

/** `value`: what `JSON.parse` made of `text`. Linear in both. */
export function hasRepeatedMembers(text: string, value: unknown): boolean {
  return namesIn(text) !== membersOf(value);
}

const BACKSLASH = 0x5c;
const COLON = 0x3a;
const SPACE = 0x20;

function namesIn(text: string): number {
  let names = 0;
  for (let from = text.indexOf('"'); from !== -1;) {
    const end = endOfString(text, from);
    let at = end + 1;
    // Space, tab and line breaks are all that may stand there.
    while (text.charCodeAt(at) <= SPACE) at += 1;
    if (text.charCodeAt(at) === COLON) names += 1;
    from = text.indexOf('"', at);
  }
  return names;
}

/** The quote that ends the string which begins at `from`: the next one with an even number of backslashes before it. */
function endOfString(text: string, from: number): number {
  let end = text.indexOf('"', from + 1);
  for (; end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}

/** Not by recursion: a body may be nested deeper than the stack. */
function membersOf(value: unknown): number {
  let members = 0;
  const open: unknown[] = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== "object" || next === null || isRawJSON(next)) continue;
    const inner: readonly unknown[] = Array.isArray(next) ? next : Object.values(next);
    if (!Array.isArray(next)) members += inner.length;
    for (const item of inner) if (typeof item === "object" && item !== null) open.push(item);
  }
  return members;
}
