/** What ends a stream that broke off. Loaded with the first that does. */
import { closeStream } from "./core/stream-close.ts";
import type { Closing } from "./core/stream-close.ts";
import { midStreamError } from "../wire/error-body.ts";
import { streamError } from "../wire/stream-error.ts";
import { joined } from "../lib/bytes.ts";
import { restOfCharacter, textOf } from "./stream-tail.ts";
import type { StreamTail } from "./stream-tail.ts";

/** Whose end it was: the endpoint's, its time's, or this router's. */
export type CutReason = "upstream_timeout" | "upstream_cut" | "shutting_down";

/** Of a stream that nothing is known of. */
export const lastWords = (reason: CutReason): Uint8Array => new TextEncoder().encode(midStreamError(reason));

/** Of an event of Responses, behind the last that has one; null: none has. */
function nextNumber(text: string): number | null {
  const [, last] = [...text.matchAll(/"sequence_number": ?(\d{1,12})/g)].at(-1) ?? [];
  return last === undefined ? null : Number(last) + 1;
}

/** `isRead`: rails stand behind the stream. */
export function closingOf(
  tail: StreamTail,
  reason: CutReason,
  isRead: boolean,
): { readonly bytes: Uint8Array; readonly isWhole: boolean } {
  const text = textOf(tail);
  const error = streamError(reason, tail.protocol, text === null ? null : nextNumber(text.text));
  const closing = text === null ? null : closeStream(text, error);
  // Rails leave out an event that was cut: what it says has been checked by nobody.
  const isPlain = closing === null || (isRead && !closing.isWhole);
  const used: Closing = isPlain ? { text: `\n\n${error.events}`, isWhole: false } : closing;
  return { bytes: joined([restOfCharacter(tail), new TextEncoder().encode(used.text)]), isWhole: used.isWhole };
}
