/**
 * Passes an answer that has begun on to the client, and sees how it ends.
 *
 * Model. Bytes stay native: an `IdentityTransformStream` and `pipeTo` move them without JavaScript, and still tell the end
 * of the stream, a cut by the endpoint and a client that left. Of a stream of events the tail is kept beside that
 * (`stream-tail.ts`): one that ends without its protocol's end, breaks off or falls silent is ended with an error, because
 * a clean end would be taken for success. Where the protocol is not known, only the first chunks pass through here, to see
 * the first token. The lease ends when the bytes do.
 * Rejected: `return fetch(…)`, which tells nothing; a JavaScript loop over every chunk, which costs twice the CPU
 * (docs/explanation/performance.md has the measurement).
 */
import type { AttemptOutcome } from "../routing/core/shard-messages.ts";
import { usageAtEnd } from "./core/answer-usage.ts";
import { firstNonEmptyToken } from "./core/token-timing.ts";
import { createSseDecoder, push } from "../lib/sse.ts";
import type { EndState } from "./core/stream-end.ts";
import { noteFailure } from "./attempt-end.ts";
import { noteBytes } from "./attempt-watch.ts";
import type { Attempt } from "./attempt.ts";
import { joined } from "../lib/bytes.ts";
import type { Streaming } from "./begin-answer.ts";
import type { CutReason } from "./broken-stream.ts";
import { enter, isCut } from "./draining.ts";
import { createTail, glance, keep, lookOn, stateOf, textOf } from "./stream-tail.ts";
import type { StreamTail } from "./stream-tail.ts";

/** Chunks looked at for the first token; a server that sends more before it goes without a TTFT sample. */
const CHUNKS_SEEN_MAX = 16;

export type RelayTo = {
  readonly writable: WritableStream<Uint8Array>;
  readonly isEvents: boolean;
  /** Sent before the first byte, for a reader in between that sees the first token itself; null: nothing. */
  readonly opening: Uint8Array | null;
};

/** The pump of a client's stream. */
export async function relay(attempt: Attempt, streaming: Streaming, to: RelayTo): Promise<AttemptOutcome> {
  const leave = enter(() => attempt.controller.abort());
  try {
    const isRead = to.isEvents && streaming.protocol !== null;
    return isRead ? await relayEvents(attempt, streaming, to) : await relayBytes(attempt, streaming, to);
  } finally {
    leave();
  }
}

async function relayBytes(
  attempt: Attempt,
  { first, reader, body }: Streaming,
  { writable, isEvents, opening }: RelayTo,
): Promise<AttemptOutcome> {
  // Nobody sees these bytes pass, so nobody can say that they have stopped: the endpoint's limit bounds them.
  attempt.silentAtMs = Number.POSITIVE_INFINITY;
  try {
    const ended =
      opening === null
        ? await passUntilFirstToken(attempt, first, reader, writable, isEvents)
        : await passFirst(joined([opening, first]), reader, writable);
    if (ended) await writable.close();
    else await body.pipeTo(writable, { preventAbort: true });
    return "served";
  } catch {
    return endBroken(attempt, writable, isEvents);
  }
}

/** Of a known protocol: `first` carries the first output. */
async function relayEvents(
  attempt: Attempt,
  { first, reader, body, protocol }: Streaming,
  { writable, opening }: RelayTo,
): Promise<AttemptOutcome> {
  const tail = createTail(protocol);
  keep(tail, first);
  const over = new AbortController();
  let looking: Promise<void> | null = null;
  let isBroken = false;
  // A client that leaves ends the attempt at once: then what was seen last is what is known.
  const noted = (state: EndState, pauseMs = 0): void => {
    attempt.bytesOut = tail.total;
    noteBytes(attempt, state, pauseMs);
  };
  noted(glance(tail));
  try {
    await passFirst(opening === null ? first : joined([opening, first]), reader, writable);
    const [passing, seen] = body.tee();
    looking = lookOn(tail, seen, over.signal, noted);
    await passing.pipeTo(writable, { preventAbort: true, preventClose: true });
  } catch {
    isBroken = true;
    // Also where the client left: nobody needs the rest.
    attempt.controller.abort();
  }
  over.abort();
  await looking;
  attempt.bytesOut = tail.total;
  const last = textOf(tail);
  attempt.usage = last === null ? null : usageAtEnd(last);
  return endEvents(attempt, tail, writable, { isBroken, isRead: opening !== null });
}

/** Writes what the end lacks. `isRead`: rails stand behind it. */
async function endEvents(
  attempt: Attempt,
  tail: StreamTail,
  writable: WritableStream<Uint8Array>,
  { isBroken, isRead }: { readonly isBroken: boolean; readonly isRead: boolean },
): Promise<AttemptOutcome> {
  const state = stateOf(tail);
  const needsClosing = isBroken || state === "open";
  const closing = needsClosing ? (await import("./broken-stream.ts")).closingOf(tail, reasonOf(attempt), isRead) : null;
  try {
    if (closing !== null) {
      const writer = writable.getWriter();
      await writer.write(closing.bytes);
      writer.releaseLock();
    }
    await writable.close();
  } catch {
    // Nobody takes the bytes: the client left first, and that is what ended the stream.
    return "cancelled";
  }
  if (state === "failed" || closing?.isWhole === false) return brokenOutcome(attempt, state);
  return "served";
}

const reasonOf = ({ timedOut }: Attempt): CutReason =>
  isCut() ? "shutting_down" : timedOut ? "upstream_timeout" : "upstream_cut";

/** Of a stream that ended without its end: whose doing it was. */
export function brokenOutcome(attempt: Attempt, state: EndState): AttemptOutcome {
  // It was at work until its time, or ours, was over: that is not its fault.
  if (isCut() || (attempt.timedOut && !attempt.isSilent)) return "cancelled";
  const shown = state === "failed" ? "the stream told an error" : "the stream broke off";
  noteFailure(attempt, null, attempt.isSilent ? "the stream fell silent" : shown);
  return "cut";
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
      if (hasToken) {
        attempt.firstTokenAtMs = Date.now();
        attempt.leases.begun(attempt.heldLease);
        break;
      }
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
    const { lastWords } = await import("./broken-stream.ts");
    const writer = writable.getWriter();
    await writer.write(lastWords(reasonOf(attempt)));
    await writer.close();
    return "cut";
  } catch {
    // Nobody takes the bytes: the client left first, and that is what ended the stream.
    return "cancelled";
  }
}
