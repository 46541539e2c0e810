/**
 * Decides how ids of stored responses are told under other names, in a stream and in a whole answer, and all other text
 * stays as it came.
 *
 * Model. An id is known by the first event, or from before; from then on it is replaced wherever it stands as a whole JSON
 * string. A text that a model writes cannot hold it so: there quotes are escaped. What may be the beginning of one at the end
 * of a piece is held until the next.
 * Rejected: to parse and write each event, which costs many times as much and loses the digits of long numbers.
 */
import type { TextRun } from "./told.ts";
import { isObject } from "../../lib/json-object.ts";
import { objectOf, parsed } from "./json.ts";
import { readEvent, splitEvents, createSseSplitter } from "../../lib/sse.ts";

export type Rename = (id: string) => string;

/** Of a response, or of the event that brings one: its own id, and that of the one before it. */
function idsIn(value: unknown): readonly string[] {
  const event = objectOf(value);
  const { id, previous_response_id: previous, object } = isObject(event["response"]) ? event["response"] : event;
  return [object === "response" ? id : null, previous].filter(
    (one): one is string => typeof one === "string" && one !== "",
  );
}

const quoted = (id: string): string => JSON.stringify(id);

/** `text`: JSON. */
export function renameWhole(text: string, rename: Rename, known: readonly string[] = []): string {
  const ids = new Set([...known, ...idsIn(parsed(text))]);
  return [...ids].reduce((told, id) => told.replaceAll(quoted(id), quoted(rename(id))), text);
}

/** `known`: ids that are known before the first event. */
export function renameStream(rename: Rename, known: readonly string[] = []): TextRun {
  const ids = new Set(known);
  const splitter = createSseSplitter();
  let isLooking = true;
  let held = "";
  return {
    push(text) {
      held += text;
      if (isLooking) {
        const parts = splitEvents(splitter, text);
        const first = (parts.ok ? parts.value : parts.error.events).map(readEvent).find((event) => event !== null);
        if (first === undefined && parts.ok) return "";
        isLooking = false;
        if (first !== undefined) for (const id of idsIn(parsed(first.data))) ids.add(id);
      }
      const pairs = [...ids].map((id) => [quoted(id), quoted(rename(id))] as const);
      const told = pairs.reduce((changed, [from, to]) => changed.replaceAll(from, to), held);
      const keep = Math.max(0, ...pairs.map(([from]) => beginningAtEnd(told, from)));
      held = told.slice(told.length - keep);
      return told.slice(0, told.length - keep);
    },
    end() {
      const rest = held;
      held = "";
      return rest;
    },
  };
}

/** Characters at the end of the text that may be the beginning of `word`. */
function beginningAtEnd(text: string, word: string): number {
  for (let length = Math.min(word.length - 1, text.length); length > 0; length -= 1) {
    if (text.endsWith(word.slice(0, length))) return length;
  }
  return 0;
}
