/**
 * Decides what is kept of a stream of events that its client may come back to, and where each reader goes on.
 *
 * Model. Every event gets a number, from 1, which its `id` tells: the stream's name and the number, so that the one header
 * that event-stream clients send back by themselves (`Last-Event-ID`) names both. Comments have the number of the event
 * before them, and are not told again. Kept are the newest events within a bound of bytes; of what is older a reader hears
 * that it is gone, and never less than all.
 * Source: WHATWG HTML, 9.2.6 (the field `id`). Rejected: an offset in bytes, which no client's package can send.
 */
import { fieldOf, linesOf, readEvent, withoutBom } from "../../lib/sse.ts";

/** One event as its readers get it, or a comment. */
export type LogEntry = { readonly id: number; readonly bytes: Uint8Array };

/** Written in place. */
export type StreamLog = {
  readonly bytesMax: number;
  readonly entries: LogEntry[];
  bytes: number;
  /** Of the newest event. */
  lastId: number;
  /** Entries that are gone, … */
  dropped: number;
  /** … and the last event among them. */
  droppedId: number;
};

/** Names and numbers: what `Last-Event-ID` may hold. */
const EVENT_ID = /^(?:([\w-]{1,64}):)?(\d{1,9})$/;

export const createStreamLog = (bytesMax: number): StreamLog => ({
  bytesMax,
  entries: [],
  bytes: 0,
  lastId: 0,
  dropped: 0,
  droppedId: 0,
});

/** The newest entry stays whatever its length: those who follow have not had it yet. */
export function append(log: StreamLog, entry: LogEntry): void {
  log.entries.push(entry);
  log.bytes += entry.bytes.byteLength;
  log.lastId = entry.id;
  while (log.bytes > log.bytesMax && log.entries.length > 1) {
    const oldest = log.entries.shift();
    if (oldest === undefined) return;
    log.bytes -= oldest.bytes.byteLength;
    log.dropped += 1;
    log.droppedId = oldest.id;
  }
}

/** The first entry that is still there when so many bytes more have come: what is before it must have been read by then. */
export function keptFrom({ entries, bytes, bytesMax, dropped }: StreamLog, more: number): number {
  let left = bytes + more;
  let gone = 0;
  while (left > bytesMax && gone < entries.length) {
    left -= entries[gone]?.bytes.byteLength ?? 0;
    gone += 1;
  }
  return dropped + gone;
}

/** A part of a stream, and the number that it has. */
export type Numbered = { readonly id: number; readonly text: string };

/** `part`: as `splitEvents` cuts them. A number of its own gives way to ours. */
export function numbered(name: string, lastId: number, part: string): Numbered {
  const text = withoutBom(part);
  const event = readEvent(text);
  if (event === null) return { id: lastId, text };
  const lines = linesOf(text);
  const own = lines.some((line) => fieldOf(line).name === "id");
  const rest = own ? lines.filter((line) => fieldOf(line).name !== "id").join("\n") : text;
  return { id: lastId + 1, text: `id: ${name}:${lastId + 1}\n${rest}` };
}

/** The number of a part that was numbered; a comment has `lastId`. */
export const numberOf = (lastId: number, part: string): number =>
  parseEventId(readEvent(part)?.id ?? "")?.after ?? lastId;

/** What a client says that it had last. `name`: null where it tells the number alone. Null: it is neither. */
export function parseEventId(text: string): { readonly name: string | null; readonly after: number } | null {
  const match = EVENT_ID.exec(text.trim());
  return match === null ? null : { name: match[1] ?? null, after: Number(match[2]) };
}

/** `dropped`: some of what follows is gone; `ahead`: nobody was given that number. */
export type Place = { readonly kind: "at"; readonly index: number } | { readonly kind: "dropped" | "ahead" };

/** Where a reader goes on that has had the event `after`; 0: it had none. */
export function placeAfter(log: StreamLog, after: number): Place {
  if (after > log.lastId) return { kind: "ahead" };
  if (after < log.droppedId) return { kind: "dropped" };
  const found = log.entries.findIndex(({ id }) => id > after);
  return { kind: "at", index: log.dropped + (found === -1 ? log.entries.length : found) };
}

/** Null: it is not there yet. */
export function entryAt({ entries, dropped }: StreamLog, index: number): LogEntry | "dropped" | null {
  return index < dropped ? "dropped" : (entries[index - dropped] ?? null);
}
