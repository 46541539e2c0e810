/**
 * Puts personal data back into an answer. The request went out with placeholders instead; where one comes back, it is
 * replaced by what it stands for.
 *
 * Model. Each text has its own restorer. It comes after the rails, so that none of them finds what the client itself
 * has sent. In a tool call's arguments the data is written as JSON.
 */
import { createRestorer, restorePlaceholders } from "../pii-placeholders.ts";
import type { TextFilter } from "./stream-filter.ts";

/** What each placeholder stands for, as text and inside of JSON. */
export type Originals = {
  readonly text: ReadonlyMap<string, string>;
  readonly json: ReadonlyMap<string, string>;
};

export const NO_ORIGINALS: Originals = { text: new Map(), json: new Map() };

export function originalsOf(text: ReadonlyMap<string, string>): Originals {
  if (text.size === 0) return NO_ORIGINALS;
  const json = [...text].map(([name, original]) => [name, JSON.stringify(original).slice(1, -1)] as const);
  return { text, json: new Map(json) };
}

/** The filter itself where there is nothing to put back. */
export function restoring(filter: TextFilter, { text, json }: Originals, isArguments: boolean): TextFilter {
  if (text.size === 0) return filter;
  const restorer = createRestorer(isArguments ? json : text);
  return {
    push: (piece) => restorer.push(filter.push(piece)),
    flush: () => restorer.push(filter.flush()) + restorer.end(),
    blocked: () => filter.blocked(),
    heldChars: () => filter.heldChars(),
  };
}

export function restored(shown: string, { text, json }: Originals, isJson: boolean): string {
  return text.size === 0 ? shown : restorePlaceholders(shown, isJson ? json : text);
}
