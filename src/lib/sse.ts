/**
 * The one reader of event streams: where an event begins and ends, and what it says.
 *
 * Model. Lines end at LF, CR or CRLF; a blank line ends an event; what is incomplete at the end of the stream is none.
 * A CR ends its line at once and a LF that follows belongs to it, so an event is known at its last character even when
 * the pair is split over two pieces: then the LF is a blank part of its own. Two steps, for who passes events on as
 * they came and for who wants to know what they say: `splitEvents` cuts the text and keeps every character of it,
 * `readEvent` reads one part. The decoder is both. Each piece is looked at once and joined once, however it was cut.
 * What writes events is in `sse-write.ts`, which the start of the Worker does not need.
 * Source: WHATWG HTML, section 9.2.6 "Interpreting an event stream"; docs/reference/sources.md, Threats.
 * Rejected: splitting at "\n\n", which misses CR streams; waiting for the character after a CR, which withholds the
 * last token of an event until the next one comes; a library (docs/decisions/0001-dependencies.md).
 */
import { err, ok } from "./result.ts";
import type { Result } from "./result.ts";

/** `event` is null for an unnamed event, `id` is null where the event's own lines set none. */
export type SseEvent = { readonly event: string | null; readonly data: string; readonly id: string | null };

/** The stream is unusable from here on; `events` were complete before the one that is too large. */
type SseOverflow<Event> = {
  readonly reason: "event_too_large";
  readonly eventUnitsMax: number;
  readonly events: readonly Event[];
};

/** Written in place by `splitEvents`. */
export type SseSplitter = {
  readonly eventUnitsMax: number;
  /** The event that is not complete, in pieces: joined once, when it ends. */
  pending: string[];
  pendingUnits: number;
  isLineStart: boolean;
  isAfterCr: boolean;
  isAfterBlankCr: boolean;
  hasOverflowed: boolean;
};

/** Written in place by `push`. */
export type SseDecoder = { readonly splitter: SseSplitter; isAtStart: boolean };

/** An event of a stream from an LLM server is one JSON chunk of some hundred units; a Mi holds a whole long answer. */
export const SSE_EVENT_UNITS_MAX = 1024 * 1024;

const BOM = "\ufeff";

/**
 * `eventUnitsMax`: most UTF-16 units of one event, everything counted that stands before its end. `isInside`: the
 * text may begin inside a line.
 */
export function createSseSplitter(options: { eventUnitsMax?: number; isInside?: boolean } = {}): SseSplitter {
  const { eventUnitsMax = SSE_EVENT_UNITS_MAX, isInside = false } = options;
  return {
    eventUnitsMax,
    pending: [],
    pendingUnits: 0,
    isLineStart: !isInside,
    isAfterCr: false,
    isAfterBlankCr: false,
    hasOverflowed: false,
  };
}

/**
 * Feeds the next piece and returns the parts that it completed: events as they came, each with its blank line, and what
 * else ends in a blank line. All parts and `restOf` are the text. After an overflow every further push is
 * the same error without events.
 */
export function splitEvents(splitter: SseSplitter, text: string): Result<string[], SseOverflow<string>> {
  const parts: string[] = [];
  if (splitter.hasOverflowed) return err(overflow(splitter, parts));
  let from = 0;
  for (const end of endsIn(splitter, text)) {
    if (splitter.pendingUnits + end - from > splitter.eventUnitsMax) return err(overflow(splitter, parts));
    const piece = text.slice(from, end);
    parts.push(splitter.pendingUnits === 0 ? piece : takePending(splitter) + piece);
    from = end;
  }
  if (from === text.length) return ok(parts);
  splitter.pending.push(text.slice(from));
  splitter.pendingUnits += text.length - from;
  return splitter.pendingUnits > splitter.eventUnitsMax ? err(overflow(splitter, parts)) : ok(parts);
}

/** What came behind the last part. */
export function restOf({ pending }: SseSplitter): string {
  return pending.join("");
}

/** What has come of the event that is under way; the rest of it comes as a part of its own. */
export function drainPending(splitter: SseSplitter): string {
  return takePending(splitter);
}

function takePending(splitter: SseSplitter): string {
  const joined = restOf(splitter);
  splitter.pending = [];
  splitter.pendingUnits = 0;
  return joined;
}

/** Just past the end of each blank line of the piece. */
function endsIn(splitter: SseSplitter, text: string): number[] {
  const ends: number[] = [];
  if (text === "") return ends;
  let at = 0;
  if (splitter.isAfterCr && text.startsWith("\n")) {
    at = 1;
    if (splitter.isAfterBlankCr) ends.push(at);
  }
  splitter.isAfterCr = false;
  let lf = -1;
  let cr = -1;
  while (at < text.length) {
    // Each is looked for once: a piece without the one is not searched for it at every line.
    if (lf < at) lf = indexOrEnd(text, "\n", at);
    if (cr < at) cr = indexOrEnd(text, "\r", at);
    const lineEnd = Math.min(lf, cr);
    const isBlank = splitter.isLineStart && lineEnd === at;
    splitter.isLineStart = lineEnd < text.length;
    if (lineEnd === text.length) break;
    at = lineEnd + 1;
    if (lineEnd === cr) {
      if (text.startsWith("\n", at)) at += 1;
      else splitter.isAfterCr = at === text.length;
      splitter.isAfterBlankCr = isBlank;
    }
    if (isBlank) ends.push(at);
  }
  return ends;
}

function indexOrEnd(text: string, char: string, from: number): number {
  const index = text.indexOf(char, from);
  return index === -1 ? text.length : index;
}

function overflow<Event>(splitter: SseSplitter, events: readonly Event[]): SseOverflow<Event> {
  splitter.hasOverflowed = true;
  splitter.pending = [];
  return { reason: "event_too_large", eventUnitsMax: splitter.eventUnitsMax, events };
}

/** What the lines of one part say; null where they are no event. An unfinished line counts as it stands. */
export function readEvent(part: string): SseEvent | null {
  const only = onlyData(part);
  if (only !== null) return { event: null, data: only, id: null };
  let data: string | null = null;
  let event = "";
  let id: string | null = null;
  for (const line of linesOf(part)) {
    const { name, value } = fieldOf(line);
    if (name === "data") data = data === null ? value : `${data}\n${value}`;
    else if (name === "event") event = value;
    else if (name === "id" && !value.includes("\0")) id = value;
  }
  return data === null ? null : { event: event === "" ? null : event, data, id };
}

/** Of an event that is one line of data, as nearly all are; null: it may be another. */
function onlyData(part: string): string | null {
  if (!part.startsWith("data: ") || part.includes("\r")) return null;
  const end = part.indexOf("\n");
  return end === part.length - 2 && part.endsWith("\n") ? part.slice(6, end) : null;
}

/** Of a part. The blank line is the last of them. */
export function linesOf(text: string): string[] {
  return text.split(text.includes("\r") ? /\r\n|\r|\n/ : "\n");
}

/** A comment has the name "". */
export function fieldOf(line: string): { readonly name: string; readonly value: string } {
  const colon = line.indexOf(":");
  if (colon === -1) return { name: line, value: "" };
  return { name: line.slice(0, colon), value: line.slice(line.charAt(colon + 1) === " " ? colon + 2 : colon + 1) };
}

export function createSseDecoder(options: { eventUnitsMax?: number } = {}): SseDecoder {
  return { splitter: createSseSplitter(options), isAtStart: true };
}

/**
 * Feeds the next piece of text and returns the events that it completed. The shell decodes UTF-8 with a streaming
 * decoder that keeps the byte order mark (`ignoreBOM: true`): one at the very start is dropped here.
 */
export function push(decoder: SseDecoder, text: string): Result<SseEvent[], SseOverflow<SseEvent>> {
  const split = splitEvents(decoder.splitter, decoder.isAtStart ? withoutBom(text) : text);
  decoder.isAtStart &&= text === "";
  return split.ok ? ok(eventsIn(split.value)) : err({ ...split.error, events: eventsIn(split.error.events) });
}

/** A mark that stands before the first line is none of it. */
export function withoutBom(text: string): string {
  return text.startsWith(BOM) ? text.slice(1) : text;
}

function eventsIn(parts: readonly string[]): SseEvent[] {
  const events: SseEvent[] = [];
  for (const part of parts) {
    const event = readEvent(part);
    if (event !== null) events.push(event);
  }
  return events;
}

/** The events of a part of a stream, and what stands behind the last of them. */
type SseTail = { readonly events: readonly SseEvent[]; readonly rest: string };

/** `isCut`: the text may begin inside an event, and its beginning, up to the first blank line, is none. */
export function readTail(text: string, isCut: boolean): SseTail {
  const splitter = createSseSplitter({ isInside: isCut, eventUnitsMax: text.length });
  const split = splitEvents(splitter, text);
  const parts = split.ok ? split.value : [];
  return { events: eventsIn(isCut ? parts.slice(1) : parts), rest: restOf(splitter) };
}
