/**
 * The text filter of a tool call's arguments, which are JSON written as text, piece by piece.
 *
 * Model. Scanners see the text with its escapes resolved: "\u0040" is an at sign, and "\n" ends a word. What is not
 * redacted goes out as it was written. A redaction keeps the JSON whole: inside a string it writes its replacement,
 * escaped; outside it changes nothing, neither brackets nor numbers, which a tool calculates with: an order's id is not
 * to become another order's. Such a finding is counted as a flag. Where an escape is cut between two pieces, its first
 * part waits for the rest.
 * Rejected: matching the raw text, where an escape hides a match and a redaction may end inside one; and waiting for
 * the whole arguments, which is no stream.
 */
import { mergeSpans, defaultReplacement } from "../spans.ts";
import type { Span } from "../spans.ts";
import type { TextFilter } from "./stream-filter.ts";
import { createTally } from "./stream-record.ts";
import type { StreamTally } from "./stream-record.ts";
import type { StreamScanner } from "./stream-scanner.ts";
import { createTextState, flushText, heldCharsOf, pushText } from "./stream-text.ts";
import type { TextSink } from "./stream-text.ts";

/** JSON text as scanners see it. `base` is the offset of `inside[0]`; escapes are kept as they were written. */
type Decoded = {
  isInString: boolean;
  /** An escape whose end has not come yet. */
  partial: string;
  length: number;
  base: number;
  /** One character for each of the text: "s" inside a string, "o" outside; quotes are outside. */
  inside: string;
  readonly escapes: Map<number, string>;
};

function createDecoded(): Decoded {
  return { isInString: false, partial: "", length: 0, base: 0, inside: "", escapes: new Map() };
}

const ESCAPED: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["b", "\b"],
  ["f", "\f"],
]);

/** The next piece of raw JSON with its escapes resolved. */
function decode(state: Decoded, piece: string): string {
  const raw = state.partial + piece;
  state.partial = "";
  let text = "";
  let marks = "";
  for (let at = 0; at < raw.length;) {
    const char = raw.charAt(at);
    if (!state.isInString || char !== "\\") {
      if (char === '"') state.isInString = !state.isInString;
      marks += char !== '"' && state.isInString ? "s" : "o";
      text += char;
      at += 1;
      continue;
    }
    const end = escapeEnd(raw, at);
    if (end === null) {
      state.partial = raw.slice(at);
      break;
    }
    state.escapes.set(state.length + text.length, raw.slice(at, end));
    marks += "s";
    text += unescaped(raw, at, end);
    at = end;
  }
  state.inside += marks;
  state.length += text.length;
  return text;
}

/** Where the escape at `at` ends; null if its end has not come. A malformed one is its backslash alone. */
function escapeEnd(raw: string, at: number): number | null {
  if (at + 1 >= raw.length) return null;
  if (raw.charAt(at + 1) !== "u") return at + 2;
  const digits = raw.slice(at + 2, at + 6);
  if (!/^[0-9a-fA-F]*$/.test(digits)) return at + 1;
  return digits.length === 4 ? at + 6 : null;
}

function unescaped(raw: string, at: number, end: number): string {
  if (end - at === 1) return "\\";
  const char = raw.charAt(at + 1);
  return end - at === 6
    ? String.fromCharCode(Number.parseInt(raw.slice(at + 2, end), 16))
    : (ESCAPED.get(char) ?? char);
}

/** The text as it was written. */
function written({ escapes }: Decoded, text: string, start: number): string {
  if (escapes.size === 0) return text;
  let raw = "";
  for (let at = 0; at < text.length; at += 1) {
    raw += escapes.get(start + at) ?? text.charAt(at);
    escapes.delete(start + at);
  }
  return raw;
}

/** Numbers, the words of JSON and what stands between them: they stay. Anything else there is no JSON. */
const isJsonBare = (text: string): boolean => /^(?:true|false|null|[\s\d.,:+\-eE[\]{}"])*$/.test(text);

/**
 * What is shown in place of the text: the replacement once in each string that it touches, and for what stands outside of
 * them and is no JSON.
 */
function masked({ escapes, inside, base }: Decoded, text: string, start: number, replacement: string): string {
  const inString = JSON.stringify(replacement).slice(1, -1);
  const marks = inside.slice(start - base, start - base + text.length);
  for (let at = 0; at < text.length; at += 1) escapes.delete(start + at);
  let raw = "";
  for (const { 0: run, index } of marks.matchAll(/s+|o+/g)) {
    const bare = text.slice(index, index + run.length);
    raw += run.startsWith("s") ? inString : isJsonBare(bare) ? bare : replacement;
  }
  return raw;
}

/** Is there nothing in it but numbers. `text`: from `base` on. */
function isOutside({ inside, base }: Decoded, text: string, start: number, end: number): boolean {
  return !inside.slice(start - base, end - base).includes("s") && isJsonBare(text.slice(start - base, end - base));
}

export function createArgumentsFilter(
  scanners: readonly StreamScanner[],
  tally: StreamTally = createTally(),
): TextFilter {
  const decoded = createDecoded();
  const state = createTextState(scanners, tally, (start, end) =>
    isOutside(decoded, state.text.slice(decoded.base - state.base), start, end),
  );
  let out = "";
  const sink: TextSink = {
    text: (text, start) => {
      out += written(decoded, text, start);
    },
    replaced: (text, start, replacement) => {
      out += masked(decoded, text, start, replacement);
    },
  };
  const taken = (): string => {
    const raw = out;
    out = "";
    const releasedTo = decoded.length - (state.text.length - state.released);
    decoded.inside = decoded.inside.slice(releasedTo - decoded.base);
    decoded.base = releasedTo;
    return raw;
  };
  return {
    push: (piece) => {
      pushText(state, decode(decoded, piece), sink);
      return taken();
    },
    flush: () => {
      flushText(state, sink);
      // The answer ends in half an escape. The model wrote it so, and no client can read it, with or without us.
      if (state.blocked === null) out += decoded.partial;
      decoded.partial = "";
      return taken();
    },
    blocked: () => state.blocked,
    heldChars: () => heldCharsOf(state) + decoded.partial.length,
  };
}

/**
 * Complete JSON text: `find` gives spans of the text with its escapes resolved; only redactions count. `isLeft` tells it
 * which of them change nothing.
 */
export function redactArguments(
  raw: string,
  find: (text: string, isLeft: (start: number, end: number) => boolean) => readonly Span[],
): string {
  const decoded = createDecoded();
  const text = decode(decoded, raw);
  const found = find(text, (start, end) => isOutside(decoded, text, start, end));
  const spans = mergeSpans(found.filter(({ action }) => action === "redact"));
  let out = "";
  let from = 0;
  for (const { start, end, type, replacement } of spans) {
    out += written(decoded, text.slice(from, start), from);
    out += masked(decoded, text.slice(start, end), start, replacement ?? defaultReplacement(type));
    from = end;
  }
  return out + written(decoded, text.slice(from), from) + decoded.partial;
}
