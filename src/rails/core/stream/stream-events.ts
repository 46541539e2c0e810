/**
 * The events of an event stream as text: where one ends, what data it carries, and the same event with other data.
 *
 * Model. Unlike the decoder in `sse.ts` this keeps the text, because most events are passed on as they came.
 * Source: WHATWG HTML, section 9.2.6.
 */

export type Json = Record<string, unknown>;

/** An event that we write ourselves. */
export type OutEvent = { readonly event: string | null; readonly data: Json };

const LF = 10;
const CR = 13;

/**
 * Index just past the blank line that ends the event that begins at `from`; -1 if it is not there yet. A CR ends its line
 * at once: a LF that comes with the next chunk is then an event without anything in it.
 */
export function eventEnd(text: string, from: number): number {
  let lineAt = from;
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code !== LF && code !== CR) {
      const next = nextBreak(text, at);
      if (next === -1) return -1;
      at = next - 1;
      continue;
    }
    const isBlank = at === lineAt;
    if (code === CR && text.charCodeAt(at + 1) === LF) at += 1;
    if (isBlank) return at + 1;
    lineAt = at + 1;
  }
  return -1;
}

function nextBreak(text: string, from: number): number {
  const lf = text.indexOf("\n", from);
  // Streams that use CR are rare: look for one only in the line that is there.
  const line = lf === -1 ? text.slice(from) : text.slice(from, lf);
  const cr = line.indexOf("\r");
  return cr === -1 ? lf : from + cr;
}

const BREAKS = /\r\n|\n|\r/;
const BOM = "\ufeff";

/** The event's data, lines joined with LF; null if it has none. */
export function dataOf(raw: string): string | null {
  const data = linesOf(raw).flatMap((line) => {
    const value = dataLine(line);
    return value === null ? [] : [value];
  });
  return data.length === 0 ? null : data.join("\n");
}

/** The same event with other data: its other lines stay. */
export function withData(raw: string, data: Json): string {
  return withText(raw, JSON.stringify(data));
}

/** The same for data that is a text; each of its line breaks begins a new line of data. */
export function withText(raw: string, text: string): string {
  const lines = linesOf(raw);
  const first = lines.findIndex((line) => dataLine(line) !== null);
  const kept = lines.flatMap((line, index) => {
    if (index === first) return text.split("\n").map((part) => `data: ${part}`);
    return line === "" || dataLine(line) !== null ? [] : [line];
  });
  return `${kept.join("\n")}\n\n`;
}

export function writeEvent({ event, data }: OutEvent): string {
  return `${event === null ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;
}

function linesOf(raw: string): string[] {
  return (raw.startsWith(BOM) ? raw.slice(1) : raw).split(BREAKS);
}

function dataLine(line: string): string | null {
  if (line === "data") return "";
  if (!line.startsWith("data:")) return null;
  return line.slice(line.charAt(5) === " " ? 6 : 5);
}

export function parseJson(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return asRecord(value);
  } catch {
    return null;
  }
}

export function asRecord(value: unknown): Json | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

/** The objects in an array; none of anything else. */
export function recordsIn(value: unknown): Json[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown) => {
    const record = asRecord(item);
    return record === null ? [] : [record];
  });
}

export type StreamFormatName = "chat" | "completions" | "responses" | "anthropic";
