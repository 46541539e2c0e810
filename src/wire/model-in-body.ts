/**
 * Decides which bytes of a JSON body name its model, and puts another name there: all other bytes stay as they came.
 *
 * Model: one pass over the bytes that knows strings and depth and nothing else, which is all that the top
 * level's members need. The body has been parsed before, or nobody reads it as JSON: what is no object, or
 * ends too early, is left alone.
 * Rejected: writing the parsed body again, which loses the digits of long numbers, member order and white space.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPENING = new Set([0x7b, 0x5b]);
const CLOSING = new Set([0x7d, 0x5d]);
const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);

type Span = { readonly start: number; readonly end: number; readonly name: string };

/** The body with `name` in place of every model's name that `replaces` names; the same object when there is none. */
export function withModel(body: Uint8Array, replaces: ReadonlySet<string>, name: string): Uint8Array {
  const spans = modelsIn(body).filter((span) => replaces.has(span.name) && span.name !== name);
  if (spans.length === 0) return body;
  const written = new TextEncoder().encode(JSON.stringify(name));
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const { start, end } of spans) {
    parts.push(body.subarray(from, start), written);
    from = end;
  }
  parts.push(body.subarray(from));
  return joined(parts);
}

/**
 * Values of the top level's member `model` that are strings, with their quotes. Readers differ on which of two counts.
 */
export function modelsIn(body: Uint8Array): readonly Span[] {
  const spans: Span[] = [];
  let depth = 0;
  let isName = false;
  let at = body[0] === 0xef ? 3 : 0;
  if (body[afterSpace(body, at)] !== 0x7b) return spans;
  while (at < body.length) {
    const byte = body[at] ?? 0;
    if (byte === QUOTE) {
      const end = stringEnd(body, at);
      if (depth === 1 && isName && isModel(body, at, end)) {
        const start = afterSpace(body, afterSpace(body, end) + 1);
        const name = body[start] === QUOTE ? textOf(body, start, stringEnd(body, start)) : null;
        if (name !== null) spans.push({ start, end: stringEnd(body, start), name });
      }
      at = end;
      continue;
    }
    if (OPENING.has(byte)) depth += 1;
    if (CLOSING.has(byte)) depth -= 1;
    if (depth === 1 && (byte === COMMA || OPENING.has(byte))) isName = true;
    if (depth === 1 && byte === COLON) isName = false;
    at += 1;
  }
  return spans;
}

/** `"model"` with escapes is six bytes a character at most. */
const isModel = (body: Uint8Array, start: number, end: number): boolean =>
  end - start >= 7 && end - start <= 32 && textOf(body, start, end) === "model";

/** Behind the closing quote of the string that opens at `start`. */
function stringEnd(body: Uint8Array, start: number): number {
  for (let quote = body.indexOf(QUOTE, start + 1); quote !== -1; quote = body.indexOf(QUOTE, quote + 1)) {
    let escapes = 0;
    while (body[quote - 1 - escapes] === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return quote + 1;
  }
  return body.length;
}

function afterSpace(body: Uint8Array, from: number): number {
  let at = from;
  while (SPACE.has(body[at] ?? 0)) at += 1;
  return at;
}

/** Null: it is no JSON string. */
function textOf(body: Uint8Array, start: number, end: number): string | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body.subarray(start, end)));
    return typeof value === "string" ? value : null;
  } catch {
    return null;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
