/**
 * Decides whether a request has more text than the pool is willing to send to a GPU.
 *
 * Model. Characters (UTF-16 units) over all texts that the model will see, characters of the longest one, and messages.
 * It also refuses a body with so many or so deeply nested texts that the rails could not read them all: what was not
 * read must not pass as clean. Media and token ids are not text; the body cap of the shell bounds those. Where the
 * shape of a body is known, media that stand in texts count as such, since a model reads them so. A body that could not be read has
 * no more characters than bytes.
 * Source: docs/reference/sources.md, Threats.
 * Rejected: counting tokens, which costs a tokenizer per model to refine a bound that is a round number anyway.
 */
import { isAside } from "../../core/rail.ts";
import type { RailFindings, RailInput } from "../../core/rail.ts";

/**
 * About 500,000 tokens of English: more than most models read. What it costs is the time of the rails, measured on a
 * busy machine: `secrets` 15 to 35 ms for a text of that length, all ten rails 0.2 to 0.5 s.
 */
export const SIZE_CHARS_MAX = 2_000_000;

/** Agent sessions of days have thousands of messages. */
export const SIZE_MESSAGES_MAX = 10_000;

export type SizeOptions = {
  /** Characters over all parts. Default SIZE_CHARS_MAX. */
  readonly charsMax?: number;
  /** Characters in any single part. Default: as charsMax. */
  readonly partCharsMax?: number;
  /** Default SIZE_MESSAGES_MAX. */
  readonly messagesMax?: number;
};

/**
 * Reasons are "size:chars", "size:part_chars", "size:messages", "size:too_many_parts" and "size:too_deep"; no spans.
 */
export function sizeRail(input: RailInput, options: SizeOptions): RailFindings {
  const { charsMax = SIZE_CHARS_MAX, messagesMax = SIZE_MESSAGES_MAX } = options;
  const { partCharsMax = charsMax } = options;
  const lengths = input.parts.flatMap((part) => (isAside(part) ? [] : [part.text.length - (part.encodedChars ?? 0)]));
  const chars = lengths.reduce((total, length) => total + length, input.unreadBytes ?? 0);
  const reasons = [
    chars > charsMax && "size:chars",
    lengths.some((length) => length > partCharsMax) && "size:part_chars",
    input.messageCount > messagesMax && "size:messages",
    input.unseen.includes("too_many_parts") && "size:too_many_parts",
    input.unseen.includes("too_deep") && "size:too_deep",
  ];
  return { spans: new Map(), reasons: reasons.filter((reason) => reason !== false) };
}
