/**
 * Decides which bytes of a JSON body name its model, and puts other names there: all other bytes stay as they came.
 *
 * Model: what `lib/json-strings.ts` finds, a character a byte. The body has been parsed before, or nobody reads it as JSON: what
 * is no object, or ends too early, is left alone.
 * Rejected: writing the parsed body again, which loses the digits of long numbers, member order and white space.
 */
import { joined } from "../lib/bytes.ts";
import { createStringScan, stringsIn, textOf } from "../lib/json-strings.ts";

type Named = { readonly start: number; readonly end: number; readonly name: string };

const NONE: ReadonlySet<string> = new Set();

/** Every byte is one character of it, and ASCII is itself. */
const BYTEWISE = "latin1";

export type Renamed = {
  /** The same object where no name changes. */
  readonly body: Uint8Array;
  /** The name that a reader of the body as it came would take, where that one changed; null: it did not. */
  readonly asked: string | null;
};

/** The body with `nameOf` its model's name in place of it. Undefined: it stays. */
export function withModel(body: Uint8Array, nameOf: (name: string) => string | undefined): Renamed {
  const named = modelsIn(body);
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const { start, end, name } of named) {
    const other = nameOf(name);
    if (other === undefined || other === name) continue;
    parts.push(body.subarray(from, start), new TextEncoder().encode(JSON.stringify(other)));
    from = end;
  }
  if (parts.length === 0) return { body, asked: null };
  parts.push(body.subarray(from));
  // Of two the last one counts, to most.
  const { name: asked } = named.at(-1) ?? { name: "" };
  return { body: joined(parts), asked: nameOf(asked) === undefined ? null : asked };
}

/** Values of the top level's member `model` that are strings, with their quotes. Readers differ on which of two counts. */
export function modelsIn(body: Uint8Array): readonly Named[] {
  const text = new TextDecoder(BYTEWISE).decode(body);
  if (!OBJECT.test(text)) return [];
  const { spans } = stringsIn(createStringScan(), text, NONE);
  return spans.flatMap(({ start, end }) => {
    const name = textOf(new TextDecoder().decode(body.subarray(start, end)));
    return name === null ? [] : [{ start, end, name }];
  });
}

/** Behind a byte order mark, as bytes. */
const OBJECT = /^(?:ï»¿)?\s*\{/;
