/**
 * Passes an answer that has begun on to the client, and sees how it ends.
 *
 * Model. Bytes stay native: an `IdentityTransformStream` and `pipeTo` move them without JavaScript, and still tell the end
 * of the stream, a cut by the endpoint and a client that left (facts/cloudflare.md 2.2). Only the first chunks pass
 * through here, to see the first token. A stream of events that breaks off is ended with an error event: a clean end
 * would be taken for success. The lease ends when the bytes do.
 * Rejected: `return fetch(…)`, which tells nothing; `tee()`, which buffers; a JavaScript loop over every chunk, which
 * costs twice the CPU (docs/decisions has the measurement).
 */
import { firstNonEmptyToken } from "../core/token-timing.ts";
import { createSseDecoder, push } from "../core/sse.ts";
import { midStreamError } from "../protocol/errors.ts";
import { endAttempt, keepRunning } from "./dispatch.ts";
import { enter, isCut } from "./draining.ts";
import type { Attempt, Begun } from "./dispatch.ts";

/** Chunks looked at for the first token; a server that sends more before it goes without a TTFT sample. */
const CHUNKS_SEEN_MAX = 16;

type Streaming = Extract<Begun, { kind: "stream" }>;

/**
 * The body for the client; the attempt ends by itself when it does. `opening` is sent before the first byte, for a reader
 * in between that sees the first token itself (`rails/output-stream.ts`).
 */
export function relay(
  attempt: Attempt,
  streaming: Streaming,
  isEvents: boolean,
  opening: Uint8Array | null = null,
): ReadableStream<Uint8Array> {
  const { readable, writable } = new IdentityTransformStream();
  keepRunning(attempt);
  attempt.desk.ctx.waitUntil(pump(attempt, streaming, writable, isEvents, opening));
  return readable;
}

async function pump(
  attempt: Attempt,
  { first, reader, body }: Streaming,
  writable: WritableStream<Uint8Array>,
  isEvents: boolean,
  opening: Uint8Array | null,
): Promise<void> {
  const leave = enter(() => attempt.controller.abort());
  try {
    const ended =
      opening === null
        ? await passUntilFirstToken(attempt, first, reader, writable, isEvents)
        : await passFirst(joined(opening, first), reader, writable);
    if (ended) await writable.close();
    else await body.pipeTo(writable, { preventAbort: true });
    endAttempt(attempt, "served");
  } catch {
    endAttempt(attempt, await endBroken(attempt, writable, isEvents));
  } finally {
    leave();
  }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(one.byteLength + other.byteLength);
  bytes.set(one);
  bytes.set(other, one.byteLength);
  return bytes;
}

/** Sends the first bytes on. False: the body goes on. */
async function passFirst(
  first: Uint8Array,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  writable: WritableStream<Uint8Array>,
): Promise<false> {
  const writer = writable.getWriter();
  try {
    await writer.write(first);
    return false;
  } finally {
    writer.releaseLock();
    reader.releaseLock();
  }
}

/** Copies chunks until the first token was among them. True when the body has ended. */
async function passUntilFirstToken(
  attempt: Attempt,
  first: Uint8Array,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  writable: WritableStream<Uint8Array>,
  isEvents: boolean,
): Promise<boolean> {
  const decoder = createSseDecoder();
  const text = new TextDecoder();
  const writer = writable.getWriter();
  let chunk = first;
  const lookAtMax = isEvents ? CHUNKS_SEEN_MAX : 0;
  try {
    for (let seen = 1; seen <= lookAtMax; seen++) {
      const events = push(decoder, text.decode(chunk, { stream: true }));
      if (!events.ok) break;
      const hasToken = events.value.some(({ data }) => firstNonEmptyToken(data));
      if (hasToken) attempt.firstTokenAtMs = Date.now();
      if (hasToken) break;
      await writer.write(chunk);
      const next = await reader.read();
      if (next.done) return true;
      chunk = next.value;
    }
    await writer.write(chunk);
    return false;
  } finally {
    // Also when the endpoint broke off in here: whoever ends the stream needs both.
    writer.releaseLock();
    reader.releaseLock();
  }
}

/**
 * Ends what broke off: an error event if the client is still there. An answer that is not a stream of events is aborted,
 * so that the client sees a broken transfer and not a short answer.
 */
async function endBroken(
  attempt: Attempt,
  writable: WritableStream<Uint8Array>,
  isEvents: boolean,
): Promise<"cut" | "cancelled"> {
  attempt.controller.abort();
  if (!isEvents) {
    await writable.abort(new Error("the endpoint broke off")).catch(() => undefined);
    return "cut";
  }
  try {
    const writer = writable.getWriter();
    const reason = isCut() ? "shutting_down" : attempt.timedOut ? "upstream_timeout" : "upstream_cut";
    await writer.write(new TextEncoder().encode(midStreamError(reason)));
    await writer.close();
    return "cut";
  } catch {
    // Nobody takes the bytes: the client left first, and that is what ended the stream.
    return "cancelled";
  }
}
