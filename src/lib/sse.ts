/**
 * Decides where the events of an event stream begin and end: as decoded events, as a position in raw bytes, and as text
 * to send.
 *
 * Model. Lines end at LF, CR or CRLF; a blank line dispatches; what is incomplete at the end of the stream is no event.
 * A CR ends its line at once and a LF that follows belongs to it, so an event is known at its last byte even when the
 * pair is split over two chunks. State is one object per stream and there is no lookahead: how the stream was cut into
 * chunks cannot change the events.
 * Source: WHATWG HTML, section 9.2.6 "Interpreting an event stream"; docs/sources.md, Threats.
 * Rejected: splitting at "\n\n", which misses CR streams, and waiting for the character after a CR, which withholds the
 * last token of an event until the next one comes.
 */
import { err, ok } from "./result.ts";
import type { Result } from "./result.ts";

/** `event` is null for an unnamed event, `id` is null where the event's own lines set none. */
export type SseEvent = { readonly event: string | null; readonly data: string; readonly id: string | null };

/** The stream is unusable from here on; `events` were complete before the one that is too large. */
export type SseOverflow = {
  readonly reason: "event_too_large";
  readonly eventBytesMax: number;
  readonly events: readonly SseEvent[];
};

/** Written in place by `push`; only the first three members are for readers. */
export type SseDecoder = {
  readonly eventBytesMax: number;
  /** Last event id of the stream, as a client would send it to resume; "" if none. */
  lastEventId: string;
  /** Last valid `retry` of the stream, ms; null if none. */
  retryMs: number | null;
  line: string;
  lineBytes: number;
  /** UTF-8 bytes of the finished lines that the pending event keeps. */
  heldBytes: number;
  data: string | null;
  event: string;
  id: string | null;
  atStart: boolean;
  afterCr: boolean;
  overflowed: boolean;
};

/** A line of a stream from an LLM server is one JSON chunk of some hundred bytes; 1 MiB holds a whole long answer. */
export const SSE_EVENT_BYTES_MAX = 1024 * 1024;

const LF = 10;
const CR = 13;
const BOM = 0xfeff;

/**
 * `eventBytesMax`: most UTF-8 bytes kept for one event: its data, event and id lines, names included and terminators
 * not, and the unfinished line. Comments and unknown fields are dropped at their end and do not add up.
 */
export function createSseDecoder(options: { eventBytesMax?: number } = {}): SseDecoder {
  return {
    eventBytesMax: options.eventBytesMax ?? SSE_EVENT_BYTES_MAX,
    lastEventId: "",
    retryMs: null,
    line: "",
    lineBytes: 0,
    heldBytes: 0,
    data: null,
    event: "",
    id: null,
    atStart: true,
    afterCr: false,
    overflowed: false,
  };
}

/**
 * Feeds the next piece of text and returns the events that it completed. The shell decodes UTF-8 with a streaming
 * decoder that keeps the byte order mark (`ignoreBOM: true`): one at the very start is dropped here. After an overflow
 * every further push is the same error without events.
 */
export function push(decoder: SseDecoder, text: string): Result<SseEvent[], SseOverflow> {
  const events: SseEvent[] = [];
  if (decoder.overflowed) return err(overflow(decoder, events));
  let from = 0;
  if (decoder.atStart && text.length > 0) {
    decoder.atStart = false;
    if (text.charCodeAt(0) === BOM) from = 1;
  }
  while (from < text.length) {
    if (decoder.afterCr) {
      decoder.afterCr = false;
      if (text.charCodeAt(from) === LF) {
        from += 1;
        continue;
      }
    }
    const end = takeLine(decoder, text, from);
    if (decoder.heldBytes + decoder.lineBytes > decoder.eventBytesMax) return err(overflow(decoder, events));
    if (end === text.length) break;
    decoder.afterCr = text.charCodeAt(end) === CR;
    endLine(decoder, events);
    from = end + 1;
  }
  return ok(events);
}

/** Appends to the unfinished line up to its terminator, the end of the text or the bound; returns where it stopped. */
function takeLine(decoder: SseDecoder, text: string, from: number): number {
  const bytesMax = decoder.eventBytesMax - decoder.heldBytes;
  let bytes = decoder.lineBytes;
  let at = from;
  for (; at < text.length && bytes <= bytesMax; at += 1) {
    const code = text.charCodeAt(at);
    if (code === LF || code === CR) break;
    bytes += utf8Bytes(code);
  }
  decoder.line += text.slice(from, at);
  decoder.lineBytes = bytes;
  return at;
}

/** UTF-8 bytes of one UTF-16 unit; half of a surrogate pair is half of four. */
function utf8Bytes(code: number): number {
  if (code < 0x80) return 1;
  if (code < 0x800 || (code >= 0xd800 && code <= 0xdfff)) return 2;
  return 3;
}

function endLine(decoder: SseDecoder, events: SseEvent[]): void {
  const { line, lineBytes } = decoder;
  decoder.line = "";
  decoder.lineBytes = 0;
  if (line === "") {
    dispatch(decoder, events);
    return;
  }
  const colon = line.indexOf(":");
  const name = colon === -1 ? line : line.slice(0, colon);
  const valueAt = colon === -1 ? line.length : colon + (line.charAt(colon + 1) === " " ? 2 : 1);
  if (takeField(decoder, name, line.slice(valueAt))) decoder.heldBytes += lineBytes;
}

/** True if the field is kept until the event ends. */
function takeField(decoder: SseDecoder, name: string, value: string): boolean {
  switch (name) {
    case "data":
      decoder.data = decoder.data === null ? value : `${decoder.data}\n${value}`;
      return true;
    case "event":
      decoder.event = value;
      return true;
    case "id":
      if (!value.includes("\0")) decoder.id = value;
      return true;
    case "retry":
      if (/^[0-9]{1,15}$/.test(value)) decoder.retryMs = Number(value);
      return false;
    default:
      return false;
  }
}

function dispatch(decoder: SseDecoder, events: SseEvent[]): void {
  const { data, event, id } = decoder;
  if (id !== null) decoder.lastEventId = id;
  if (data !== null) events.push({ event: event === "" ? null : event, data, id });
  decoder.data = null;
  decoder.event = "";
  decoder.id = null;
  decoder.heldBytes = 0;
}

function overflow(decoder: SseDecoder, events: readonly SseEvent[]): SseOverflow {
  decoder.overflowed = true;
  decoder.line = "";
  decoder.data = null;
  return { reason: "event_too_large", eventBytesMax: decoder.eventBytesMax, events };
}

/** Why an event cannot be written: a line break in a name or an id would begin a field of the sender's choice. */
export type SseEncodeError = { readonly reason: "event_has_line_break" | "id_has_line_break_or_nul" };

/**
 * One event as text, blank line included. Every line break in `data` (LF, CR, CRLF) starts a new `data:` line, so data
 * can never end the event or add a field; it is read back with LF. An empty `event` is left out.
 */
export function encodeSse(message: { event?: string; data: string; id?: string }): Result<string, SseEncodeError> {
  const { event = "", data, id } = message;
  if (/[\r\n]/.test(event)) return err({ reason: "event_has_line_break" });
  if (id !== undefined && (/[\r\n]/.test(id) || id.includes("\0"))) return err({ reason: "id_has_line_break_or_nul" });
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  const head = (event === "" ? "" : `event: ${event}\n`) + (id === undefined ? "" : `id: ${id}\n`);
  return ok(`${head}${lines.join("")}\n`);
}

/** Where the bytes seen so far stopped: inside a line, at the start of one, or after a CR that ended one. */
export type SseBoundaryState = "in_line" | "line_start" | "after_cr" | "after_blank_cr";

export const SSE_BOUNDARY_START: SseBoundaryState = "line_start";

/**
 * Finds the last event boundary of a chunk of raw bytes: `boundary` is the index just past the last blank line's
 * terminator, 0 if the chunk has none; `state` is passed with the next chunk (SSE_BOUNDARY_START with the first).
 * Bytes up to it can be forwarded as they are: whatever is written after them starts a new event. A CRLF split over
 * chunks gives a boundary after its CR, and then one after its LF. A stream of which nothing but a byte order mark was
 * seen counts as inside a line, which only delays the boundary by a line.
 */
export function lastEventBoundary(
  bytes: Uint8Array,
  state: SseBoundaryState,
): { readonly boundary: number; readonly state: SseBoundaryState } {
  let boundary = 0;
  let now = state;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte !== LF && byte !== CR) {
      now = "in_line";
      continue;
    }
    const completesCrLf = byte === LF && (now === "after_cr" || now === "after_blank_cr");
    const blank = completesCrLf ? now === "after_blank_cr" : now !== "in_line";
    if (blank) boundary = at + 1;
    if (byte === LF) now = "line_start";
    else now = blank ? "after_blank_cr" : "after_cr";
  }
  return { boundary, state: now };
}
