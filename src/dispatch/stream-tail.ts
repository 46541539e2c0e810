/**
 * Keeps the last bytes of a stream that passes natively, and says when a silent one is to be ended.
 *
 * Model. The body is teed in the runtime. One branch is piped to the client; the other is read here once a second, all
 * that has passed at a time, so that JavaScript sees a few large pieces instead of every token. The tee fetches no more
 * than PULLED_BYTES at once, so a longer piece is of what the client has taken already, and only after such a one is
 * there more to read. A look at a client that does not read fetches one piece at most: the endpoint is held back by the
 * client, as without a watcher. Looks that find full pieces, or AHEAD_BYTES_MAX without a sign that the client takes any of
 * it, come ever more rarely; a stream that is merely slow shows itself at the first longer pause. So the tee holds
 * AHEAD_BYTES_MAX and a piece each PAUSE_MS_MAX for a client that takes nothing, and for one that takes much what it took
 * since the last look, PASSED_BYTES or so. A look that waits in vain is also how a stall is seen: no chunk needs a timer.
 * Rejected: a loop over every chunk, which costs twice the CPU; a large `readAtLeast`, which makes the tee wait for as
 * much before it gives the client anything (docs/explanation/performance.md has both measured); reading on while pieces
 * are full, which fetches all that the endpoint sends for a client that takes nothing (R18 in docs/reference/chaos.md).
 */
import type { AnswerProtocol } from "./core/answer-protocol.ts";
import { endState } from "./core/stream-end.ts";
import type { EndState, Tail } from "./core/stream-end.ts";

/** How often a stream is looked at, ms. */
const LOOK_EVERY_MS = 1_000;

/** The tee fetches no more at once (kj, `AsyncTee`). */
export const PULLED_BYTES = 16_384;

/** Read at once: more than is fetched at once, so that the two can be told apart, and not much more. */
const LOOK_BYTES = PULLED_BYTES + 4_096;

/** Passed since the last look: more of it is looked at sooner, so that the tee holds about as much and not a second. */
const PASSED_BYTES = 131_072;

/** Read in pieces of which none was longer than what is fetched at once: maybe nobody but the watcher has taken them. */
export const AHEAD_BYTES_MAX = 262_144;

/** The shortest pause of a stream that passes fast, ms. */
const PAUSE_MS_MIN = 10;

/** The first look, ms: nobody knows yet how fast the stream passes. */
const FIRST_PAUSE_MS = 50;

/** The longest pause of a watcher that finds no more than it may have fetched itself, ms. */
export const PAUSE_MS_MAX = 8_000;

/** The last bytes that are kept: some hundred events. */
export const TAIL_BYTES_MAX = 65_536;

/**
 * The end of a response repeats all of it, and that of an image is the image, so these may be longer than the tail: their
 * name is looked for as it passes. No text of a model can hold it so: there line ends and quotes are escaped.
 */
const LONG_END =
  /\nevent: ?(?:response|image_\w+)\.(?:completed|incomplete)\s|"type": ?"(?:response|image_\w+)\.(?:completed|incomplete)"/;

/** A name may be cut by the end of a piece. */
const NAME_CHARS_MAX = 48;

/** Looked at while the stream runs: enough for its last events. */
const GLANCE_BYTES = 4_096;

/** Bytes in memory at most: the tail, and room for the next pieces before it is moved to the front. */
const ROOM_BYTES_MAX = TAIL_BYTES_MAX + LOOK_BYTES;

/** Enough for the whole of a short answer. */
const ROOM_BYTES_MIN = 4_096;

/** Written in place. */
export type StreamTail = {
  readonly protocol: AnswerProtocol | null;
  /** Its first `bytes` are the last of the stream. One room for all: copies would lie about until they are collected. */
  room: Uint8Array;
  bytes: number;
  /** All that came. */
  total: number;
  /** Something was dropped before it. */
  isCut: boolean;
  hasLongEnd: boolean;
  lastChars: string;
};

export function createTail(protocol: AnswerProtocol | null): StreamTail {
  const room = new Uint8Array(ROOM_BYTES_MIN);
  return { protocol, room, bytes: 0, total: 0, isCut: false, hasLongEnd: false, lastChars: "" };
}

export function keep(tail: StreamTail, piece: Uint8Array): void {
  if (tail.protocol === "responses" || tail.protocol === "images") noteLongEnd(tail, piece);
  tail.total += piece.byteLength;
  const kept = piece.subarray(-TAIL_BYTES_MAX);
  makeRoom(tail, kept.byteLength);
  tail.room.set(kept, tail.bytes);
  tail.bytes += kept.byteLength;
  tail.isCut = tail.total > tail.bytes;
}

/** For so many bytes, TAIL_BYTES_MAX at most; of what is there stays as much as belongs to the tail with them. */
function makeRoom(tail: StreamTail, more: number): void {
  const { room, bytes } = tail;
  if (bytes + more <= room.byteLength) return;
  const stays = Math.min(bytes, TAIL_BYTES_MAX - more);
  const needed = stays + more;
  if (room.byteLength < needed) {
    tail.room = new Uint8Array(Math.min(ROOM_BYTES_MAX, Math.max(needed, 2 * room.byteLength)));
    tail.room.set(room.subarray(bytes - stays, bytes));
  } else {
    room.copyWithin(0, bytes - stays, bytes);
  }
  tail.bytes = stays;
}

function noteLongEnd(tail: StreamTail, piece: Uint8Array): void {
  const text = tail.lastChars + new TextDecoder("latin1").decode(piece);
  tail.hasLongEnd ||= LONG_END.test(text);
  tail.lastChars = text.slice(-NAME_CHARS_MAX);
}

/**
 * How long to wait after a look that read `bytes`, having waited `pauseMs` before. A full piece and no more is one that
 * was fetched for the look, or chance; `ahead`: read since a look last found more than a piece.
 */
export function pauseAfter(pauseMs: number, bytes: number, ahead: number): number {
  const isAhead = bytes === PULLED_BYTES || ahead > AHEAD_BYTES_MAX;
  if (isAhead) return Math.min(PAUSE_MS_MAX, 2 * Math.max(pauseMs, LOOK_EVERY_MS));
  return Math.max(PAUSE_MS_MIN, Math.min(LOOK_EVERY_MS, (pauseMs * PASSED_BYTES) / bytes));
}

/**
 * Reads on until the stream ends or breaks; `over` ends the pause between two looks. `onLook` hears how long nobody
 * will look, where that is longer than usual. Never rejects.
 */
export async function lookOn(
  tail: StreamTail,
  branch: ReadableStream<Uint8Array>,
  over: AbortSignal,
  onLook: (state: EndState, pauseMs: number) => void,
): Promise<void> {
  const reader = branch.getReader({ mode: "byob" });
  let [pauseMs, looked, ahead] = [FIRST_PAUSE_MS, 0, 0];
  try {
    let buffer = new Uint8Array(LOOK_BYTES);
    let pause = scheduler.wait(pauseMs, { signal: over });
    for (;;) {
      await pause.catch(() => undefined);
      const { done, value } = await reader.readAtLeast(1, buffer);
      if (done || value === undefined) return;
      buffer = new Uint8Array(value.buffer as ArrayBuffer);
      keep(tail, value);
      looked += value.byteLength;
      if (value.byteLength > PULLED_BYTES || over.aborted) continue;
      ahead = looked > PULLED_BYTES ? 0 : ahead + looked;
      pauseMs = pauseAfter(pauseMs, looked, ahead);
      looked = 0;
      onLook(glance(tail), pauseMs > LOOK_EVERY_MS ? pauseMs : 0);
      pause = scheduler.wait(pauseMs, { signal: over });
    }
  } catch {
    // It broke off: the other branch says so as well.
  }
}

/** How the stream ended, or `unknown` where its protocol is not known. */
export function stateOf(tail: StreamTail): EndState {
  const last = glance(tail);
  if (tail.bytes <= GLANCE_BYTES || (last !== "open" && last !== "unknown")) return last;
  const read = textOf(tail);
  if (read === null) return "unknown";
  const state = endState(read);
  if (state !== "unknown") return state;
  // No whole event in all of the tail: every other end is shorter than that.
  return tail.hasLongEnd && /[\r\n]$/.test(read.text) ? "done" : "open";
}

/** What the last few events say. */
export function glance(tail: StreamTail): EndState {
  const text = textOf(tail, GLANCE_BYTES);
  return text === null ? "unknown" : endState(text);
}

/** Null where nobody can tell. A character that was cut is left as it is. */
export function textOf({ protocol, room, bytes, isCut }: StreamTail, bytesMax = TAIL_BYTES_MAX): Tail | null {
  if (protocol === null) return null;
  const from = Math.max(0, bytes - bytesMax);
  return {
    protocol,
    text: new TextDecoder().decode(room.subarray(from, bytes), { stream: true }),
    isCut: isCut || from > 0,
  };
}

/** Bytes that complete the character within which the stream was cut: most parsers stop at half of one. */
export function restOfCharacter({ room, bytes }: StreamTail): Uint8Array {
  for (let back = 1; back <= Math.min(3, bytes); back++) {
    const byte = room[bytes - back] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    const rest = new Uint8Array(Math.max(0, length - back)).fill(0x80);
    // The second byte of these may not be the lowest: it would be a longer form of a shorter character.
    if (back === 1 && rest.length > 0) rest[0] = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
    return rest;
  }
  return new Uint8Array(0);
}
