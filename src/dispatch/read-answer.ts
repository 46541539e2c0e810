/**
 * The pumps of an answer that is read here, as a whole or piece by piece, instead of passed on (`relay.ts`).
 *
 * An answer that ends without having been one of its protocol was cut. One that was at work until its time was over was not:
 * that is not the endpoint's fault.
 */
import type { AttemptOutcome } from "../routing/core/shard-messages.ts";
import { noteBytes } from "./attempt-watch.ts";
import type { Attempt, OpenAnswer } from "./attempt.ts";
import type { Streaming } from "./begin-answer.ts";
import { wholeProblem } from "./core/answer-protocol.ts";
import { createTail, keep, stateOf } from "./stream-tail.ts";

/** How reading ended: at the answer's end, by the reader's own wish, or without an answer that can be used. */
export type ReadEnd = "whole" | "stopped" | Broken;
/** `no_answer`: it came to its end and was none. */
export type Broken = "no_answer" | "timeout" | "cut";

export type Read =
  | { readonly kind: "whole"; readonly bytes: Uint8Array }
  /** The first bytes; the rest is open. */
  | { readonly kind: "too_large"; readonly open: OpenAnswer; readonly bytes: Uint8Array }
  | { readonly kind: "broken"; readonly why: Broken };

/** Reads all of it, up to `bytesMax`. Never rejects. */
export async function readWhole(open: OpenAnswer, streaming: Streaming, bytesMax: number): Promise<Read> {
  const { protocol } = streaming;
  const chunks: Uint8Array[] = [];
  let total = 0;
  const read: { end: ReadEnd; bytes: Uint8Array } = { end: "cut", bytes: new Uint8Array(0) };
  const rest = await open.part(async (attempt) => {
    const end = await readPieces(attempt, streaming, (piece) => {
      chunks.push(piece);
      total += piece.byteLength;
      return total <= bytesMax;
    });
    read.bytes = new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
    const isWhole = protocol === null || wholeProblem(protocol, new TextDecoder().decode(read.bytes)) === null;
    read.end = end === "whole" && !isWhole ? "no_answer" : end;
    return end === "stopped" ? null : outcomeOf(attempt, read.end);
  });
  const { end, bytes } = read;
  if (rest !== null) return { kind: "too_large", open: rest, bytes };
  return end === "whole" || end === "stopped" ? { kind: "whole", bytes } : { kind: "broken", why: end };
}

/**
 * Gives each piece to `take` as it comes, which says null to go on, or how the attempt ends with it. Never rejects, unless
 * `take` throws.
 */
export async function readEach(
  attempt: Attempt,
  streaming: Streaming,
  isEvents: boolean,
  take: (piece: Uint8Array) => AttemptOutcome | null,
): Promise<{ readonly end: ReadEnd; readonly outcome: AttemptOutcome }> {
  const { protocol } = streaming;
  const tail = createTail(protocol);
  const decoder = new TextDecoder();
  const texts: string[] = [];
  let wish: AttemptOutcome | null = null;
  const read = await readPieces(attempt, streaming, (piece) => {
    if (isEvents) keep(tail, piece);
    else if (protocol !== null) texts.push(decoder.decode(piece, { stream: true }));
    wish = take(piece);
    return wish === null;
  });
  // Nobody reads what is left.
  if (wish !== null) {
    attempt.controller.abort();
    return { end: "stopped", outcome: wish };
  }
  const state = isEvents ? stateOf(tail) : null;
  const isCut = state === "open" || state === "failed";
  const isNone = state === null && protocol !== null && wholeProblem(protocol, texts.join("")) !== null;
  const end = read === "whole" && (isCut || isNone) ? "no_answer" : read;
  return { end, outcome: outcomeOf(attempt, end) };
}

async function readPieces(
  attempt: Attempt,
  { first, reader }: Streaming,
  take: (piece: Uint8Array) => boolean,
): Promise<Exclude<ReadEnd, "no_answer">> {
  let piece = first;
  for (;;) {
    noteBytes(attempt);
    if (!take(piece)) return "stopped";
    const next = await reader.read().catch(() => null);
    if (next === null) return attempt.timedOut ? "timeout" : "cut";
    if (next.done) return "whole";
    piece = next.value;
  }
}

function outcomeOf(attempt: Attempt, end: ReadEnd): AttemptOutcome {
  if (end === "whole" || end === "stopped") return "served";
  return attempt.timedOut && !attempt.isSilent ? "cancelled" : "cut";
}
