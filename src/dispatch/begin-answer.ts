/**
 * Reads an answer until it has been one: what may be thrown away and asked for again elsewhere, nobody has seen yet.
 *
 * Model. Where the protocol is known a stream has begun with its first event that carries output, or that ends an answer
 * without any; what came before is kept and forwarded byte for byte. Any other answer is read whole up to a bound and
 * must have the protocol's shape. Status, type and length are promises: engines answer 200 with an error in it, proxies
 * with a page. What is no answer is given the HTTP status that would have said so, and judged by that.
 * Where the protocol is not known, the first byte is the beginning.
 */
import { errorIn, eventMeaning, isOtherAnswer, problemOf } from "./core/answer-protocol.ts";
import type { AnswerProtocol } from "./core/answer-protocol.ts";
import { createSseDecoder, push } from "../lib/sse.ts";
import { parsed } from "./core/token-timing.ts";
import { isDecoded, isEventStream } from "./answer-format.ts";
import { joined } from "../lib/bytes.ts";
import { readPieces, readStart } from "../wire/read-body.ts";

/** An answer of up to this size is read whole before it is passed on: one read instead of a pipe. */
const WHOLE_BYTES_MAX = 65_536;

/** So much of a stream may come before its first output; then it is passed on as it is. A comment is some ten bytes. */
const HELD_BYTES_MAX = 65_536;

/** An error answer's body beyond this is cut: it is a message. */
const ERROR_BODY_BYTES_MAX = 65_536;

/** Body of an answer that has begun. */
export type Begun = Whole | Streaming;

export type Whole = {
  readonly kind: "whole";
  readonly bytes: Uint8Array | null;
  /** The same, parsed, where it is an answer of a known protocol. */
  readonly value?: unknown;
};

export type Streaming = {
  readonly kind: "stream";
  /** What was read until it had begun. */
  readonly first: Uint8Array;
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly body: ReadableStream<Uint8Array>;
  /** What it must be to its end; null where nobody here can read it. */
  readonly protocol: AnswerProtocol | null;
};

/** It came, and was no answer. `status`: what HTTP would have said; `isError`: the endpoint told an error of its own. */
export type NoAnswer = {
  readonly kind: "no_answer";
  readonly status: number;
  readonly isError: boolean;
  readonly bytes: Uint8Array;
};

/** Of HTTP (RFC 9110, 15); a 101 is the answer to a wish that is never sent. */
const STATUS_MAX = 599;

/** The endpoint's own failure, as a gateway would call it. */
const BAD_GATEWAY = 502;

const EMPTY = new Uint8Array(0);

/** Rejects when the connection ends before the answer has begun. `onBytes`: more of a whole answer is here. */
export async function beginAnswer(
  response: Response,
  protocol: AnswerProtocol | null,
  onBytes: () => void,
): Promise<Begun | NoAnswer> {
  const { status, headers, body } = response;
  if (status < 200 || status > STATUS_MAX) {
    await body?.cancel();
    return nothing(EMPTY);
  }
  if (status >= 400)
    return { kind: "whole", bytes: body === null ? null : await readStart(body, ERROR_BODY_BYTES_MAX) };
  if (protocol === null || !isDecoded(headers.get("content-encoding"))) return beginUnknown(response);
  if (status !== 200 || body === null) {
    await body?.cancel();
    return nothing(EMPTY);
  }
  const type = headers.get("content-type") ?? "";
  if (isEventStream(type)) return beginEvents(body, protocol);
  if (isOtherAnswer(protocol, type)) return beginBytes(response, protocol);
  return isShort(headers) ? judged(await bytesOf(response), protocol) : beginWhole(body, protocol, onBytes);
}

/** Read in one step. The length of a compressed answer is that of its packed form: a kilobyte may be a gigabyte. */
const isShort = (headers: Headers): boolean => {
  const announced = headers.get("content-length");
  return announced !== null && Number(announced) <= WHOLE_BYTES_MAX && !headers.has("content-encoding");
};

const bytesOf = async (response: Response): Promise<Uint8Array> => new Uint8Array(await response.arrayBuffer());

/** The first byte; a short answer of known length is read whole, in one step. */
async function beginUnknown(response: Response): Promise<Begun> {
  if (isShort(response.headers)) return { kind: "whole", bytes: await bytesOf(response) };
  const { body } = response;
  if (body === null) return { kind: "whole", bytes: null };
  const reader = body.getReader();
  const { done, value } = await reader.read();
  return done ? { kind: "whole", bytes: EMPTY } : { kind: "stream", first: value, reader, body, protocol: null };
}

/** A transcript of silence may be empty; sound is not. */
async function beginBytes(response: Response, protocol: AnswerProtocol): Promise<Begun | NoAnswer> {
  const begun = await beginUnknown(response);
  const isEmpty = begun.kind === "whole" && (begun.bytes?.byteLength ?? 0) === 0;
  return isEmpty && protocol !== "transcript" ? nothing(EMPTY) : begun;
}

async function beginEvents(body: ReadableStream<Uint8Array>, protocol: AnswerProtocol): Promise<Begun | NoAnswer> {
  const decoder = createSseDecoder();
  const text = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  const reader = body.getReader();
  const held: Uint8Array[] = [];
  let bytes = 0;
  while (bytes < HELD_BYTES_MAX) {
    const { done, value } = await reader.read();
    if (done) return nothing(joined(held));
    held.push(value);
    bytes += value.byteLength;
    const events = push(decoder, text.decode(value, { stream: true }));
    for (const event of events.ok ? events.value : []) {
      const meaning = eventMeaning(protocol, event);
      if (meaning === "nothing") continue;
      if (meaning === "output" || meaning === "finish" || isEnd(protocol, meaning, event.data)) {
        return { kind: "stream", first: joined(held), reader, body, protocol };
      }
      await reader.cancel();
      const told = new TextEncoder().encode(event.data);
      return meaning === "error" ? toldError(errorIn(parsed(event.data))?.status ?? null, told) : nothing(told);
    }
  }
  return { kind: "stream", first: joined(held), reader, body, protocol };
}

/** A response may be complete without a piece, and a sound without a word; `[DONE]` alone says nothing. */
const isEnd = (protocol: AnswerProtocol, meaning: "done" | "error", data: string): boolean =>
  meaning === "done" &&
  (protocol === "responses" || protocol === "anthropic" || (TYPED.has(protocol) && data.trim() !== "[DONE]"));

const TYPED: ReadonlySet<AnswerProtocol> = new Set(["speech", "transcript"] as const);

/** What is too long to be read whole must at least begin as an object does. */
async function beginWhole(
  body: ReadableStream<Uint8Array>,
  protocol: AnswerProtocol,
  onBytes: () => void,
): Promise<Begun | NoAnswer> {
  const reader = body.getReader();
  const { pieces, isWhole } = await readPieces(reader, WHOLE_BYTES_MAX, onBytes);
  if (isWhole) return judged(joined(pieces), protocol);
  const first = joined(pieces);
  if ((protocol === "json" ? /^\s*[{[]/ : /^\s*\{/).test(new TextDecoder().decode(first.subarray(0, 256))))
    return { kind: "stream", first, reader, body, protocol };
  await reader.cancel();
  return nothing(first);
}

function judged(bytes: Uint8Array, protocol: AnswerProtocol): Begun | NoAnswer {
  const value = parsed(new TextDecoder().decode(bytes));
  const problem = problemOf(protocol, value);
  if (problem === null) return { kind: "whole", bytes, value };
  return problem.kind === "error" ? toldError(problem.status, bytes) : nothing(bytes);
}

const nothing = (bytes: Uint8Array): NoAnswer => ({ kind: "no_answer", status: BAD_GATEWAY, isError: false, bytes });

const toldError = (status: number | null, bytes: Uint8Array): NoAnswer => ({
  kind: "no_answer",
  status: status ?? 500,
  isError: true,
  bytes,
});
