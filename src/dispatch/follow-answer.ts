/**
 * The pump of a stream whose reader may have the rest from another endpoint (`continue-stream.ts`): every piece goes to the
 * reader, at its pace, and how the stream ended is told, never written. Loaded with the first.
 */
import type { AttemptOutcome } from "../routing/core/shard-messages.ts";
import { usageAtEnd } from "./core/answer-usage.ts";
import type { EndState } from "./core/stream-end.ts";
import { noteBytes } from "./attempt-watch.ts";
import type { Attempt } from "./attempt.ts";
import type { Streaming } from "./begin-answer.ts";
import { enter } from "./draining.ts";
import { brokenOutcome } from "./relay.ts";
import { createTail, keep, textOf } from "./stream-tail.ts";

/** Takes a piece, and says how far the stream is by it; `gone`: nobody wants more. */
export type Taking = (piece: Uint8Array) => Promise<EndState | "gone">;

export async function followEach(
  attempt: Attempt,
  { first, reader, protocol }: Streaming,
  take: Taking,
  isWhole: () => boolean,
): Promise<AttemptOutcome> {
  const leave = enter(() => attempt.controller.abort());
  const tail = createTail(protocol);
  let state: EndState | "gone" = "open";
  try {
    for (let piece: Uint8Array | undefined = first; piece !== undefined;) {
      keep(tail, piece);
      attempt.bytesOut = tail.total;
      state = await take(piece);
      if (state === "gone" || state === "done" || state === "failed") break;
      noteBytes(attempt, state);
      const next: ReadableStreamReadResult<Uint8Array> | null = await reader.read().catch(() => null);
      piece = next === null || next.done ? undefined : next.value;
    }
  } finally {
    leave();
  }
  // What is left is nobody's.
  attempt.controller.abort();
  const last = textOf(tail);
  attempt.usage = last === null ? null : usageAtEnd(last);
  if (state === "gone" || attempt.bounds.clientGone.aborted) return "cancelled";
  return isWhole() ? "served" : brokenOutcome(attempt, state);
}
