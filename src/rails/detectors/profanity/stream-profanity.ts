/** The rail `profanity` over text that is being generated. */
import type { SpanAction } from "../../core/spans.ts";
import { scannerOf } from "../../core/stream/stream-scanner.ts";
import type { StreamScanner } from "../../core/stream/stream-scanner.ts";
import { findProfanity, PROFANE_WORD_CHARS_MAX } from "./profanity.ts";
import type { ProfanityOptions } from "./profanity.ts";

/** A word may hide behind signs; the one before it may belong to it. */
export function profanityScanner(action: SpanAction, options: ProfanityOptions, rail = "profanity"): StreamScanner {
  return scannerOf({
    rail,
    action,
    find: (text, forms) => findProfanity(text, options, forms),
    holdFrom: (text, from) => Math.max(from, text.length - PROFANE_WORD_CHARS_MAX),
  });
}
