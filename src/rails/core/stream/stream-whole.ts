/**
 * Rails that look at a text of an answer once, when it has ended: those that only flag, and those for which a piece
 * says nothing, such as a JSON schema.
 *
 * Model. They hold nothing back. What was shown they cannot change; they can flag it, or end the answer as blocked
 * instead of complete.
 * Rejected: holding the whole answer until it is known to be right, which is no stream.
 */
import { createForms } from "../text/normalise.ts";
import type { TextForms } from "../text/normalise.ts";
import { typesBy } from "./stream-guard.ts";
import { noteFinding } from "./stream-record.ts";
import type { StreamTally } from "./stream-record.ts";
import type { StreamBlock } from "./stream-text.ts";

export type WholeRail = {
  readonly rail: string;
  readonly action: "flag" | "block";
  /** An answer that it cannot see goes no further. Absent: it goes on without it. */
  readonly mustSee?: boolean;
  /** Looks at what the model says, not at its reasoning and its tool calls. */
  readonly onlyAnswers: boolean;
  /** Types of the findings; each counts once. */
  find(text: string, forms?: TextForms): readonly string[];
};

/**
 * Characters of one text that are kept: some 250,000 tokens. A rail is given one more, and says what it makes of that.
 */
export const WHOLE_CHARS_MAX = 1_000_000;

export type WholeText = {
  push(piece: string): void;
  /** The text has ended. Says what blocks; counts findings the first time only. */
  end(): StreamBlock | null;
};

export function createWholeText(rails: readonly WholeRail[], tally: StreamTally): WholeText {
  let text = "";
  let hasEnded = false;
  return {
    push: (piece) => {
      if (text.length <= WHOLE_CHARS_MAX) text += piece.slice(0, WHOLE_CHARS_MAX + 1 - text.length);
    },
    end: () => {
      if (hasEnded) return null;
      hasEnded = true;
      return checkWhole(rails, text, tally);
    },
  };
}

/** What blocks a whole text. One without a character has nothing to say. */
export function checkWhole(
  rails: readonly WholeRail[],
  text: string,
  tally: StreamTally,
  forms = createForms(),
): StreamBlock | null {
  if (text === "") return null;
  let blocked: StreamBlock | null = null;
  for (const whole of rails) {
    const { rail, action } = whole;
    const types = typesBy(whole, text, tally, forms);
    for (const type of types) noteFinding(tally, rail, type, action);
    if (action === "block" && types.length > 0)
      blocked ??= { rail, reasons: [...new Set(types.map((type) => `${rail}:${type}`))].sort() };
  }
  return blocked;
}
