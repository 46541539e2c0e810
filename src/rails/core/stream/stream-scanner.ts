/**
 * The port of a rail that looks at text while it is being generated, and the bounds that all of them share.
 *
 * Model. A scanner answers two questions about a text that will go on: what is in it (`find`), and from where on it is too
 * early to tell (`holdFrom`). What it cannot tell is held back; everything before is decided for good. So `holdFrom` is a
 * function of the text alone, never moves to the left when the text grows, and is the text's length for ordinary prose.
 * Source: docs/guardrails.md; docs/sources.md, Streams under guardrails (viable-prefix hold-back).
 * Rejected: checking every n-th chunk, which either shows the match first or makes what is shown depend on the chunks.
 */
import type { SpanAction } from "../spans.ts";
import type { FoundSpan } from "../rail.ts";
import type { TextForms } from "../text/normalise.ts";

/** Most characters that are held back: longer than nearly all keys, and less than a line or two of text. */
export const HOLD_CHARS_MAX = 256;

/**
 * How far a scanner without a rule of its own holds back, so that a full window always moves on by a fair step and the
 * work for each character stays bounded.
 */
export const DELAY_CHARS_MAX = 192;

/** Most characters of released text that a scanner may look back at. */
export const CONTEXT_CHARS_MAX = 256;

/** Says of each character after a cut match whether it still belongs to it: the next state, or -1. It begins with 0. */
export type TailRule = (state: number, code: number) => number;

/**
 * When a text must be looked at closely. A text without any of `chars` (ASCII) and without `runChars` characters in a row
 * that are neither spaces nor quotes holds no match. "always": no such promise.
 */
type Wake = { readonly chars: string; readonly runChars: number } | "always";

export type StreamScanner = {
  readonly rail: string;
  readonly action: SpanAction;
  /** An answer that it cannot see goes no further. Absent: it goes on without it. */
  readonly mustSee?: boolean;
  /** Characters to the left of a match that decide about it, at most CONTEXT_CHARS_MAX. */
  readonly contextChars: number;
  readonly wake: Wake;
  /** Matches in the text as if it ended here. `forms`: what is remembered of the texts of this answer. */
  find(text: string, forms?: TextForms): readonly FoundSpan[];
  /** Where the first match that starts at `from` or later could begin that a longer text could still bring or change. */
  holdFrom(text: string, from: number): number;
  /** What an unfinished match at `from` counts as once the window is full and `find` does not see it. */
  cut?(text: string, from: number): FoundSpan | null;
  /** How a match of the type that reached the end of a full window goes on; null: not at all. */
  tail?(type: string): TailRule | null;
};

export type ScannerOptions = Pick<StreamScanner, "rail" | "action" | "find"> & Partial<Omit<StreamScanner, "find">>;

/**
 * A scanner from its `find` alone: the last DELAY_CHARS_MAX characters are held back, which is right for every pattern
 * whose matches are no longer, and slow to read. Each member given replaces that rule by a better one.
 */
export function scannerOf(options: ScannerOptions): StreamScanner {
  return {
    contextChars: CONTEXT_CHARS_MAX,
    wake: "always",
    holdFrom: (text, from) => Math.max(from, text.length - DELAY_CHARS_MAX),
    ...options,
  };
}

/** A token goes on to the next space, quote or closing bracket. */
export const tokenTail: TailRule = (_state, code) => (TOKEN_ENDS.has(code) || code <= 0x20 ? -1 : 0);

const TOKEN_ENDS: ReadonlySet<number> = new Set(Array.from("\"'`<>()[]{}|,;\\", (char) => char.charCodeAt(0)));

/** True for the characters that runs (`Wake.runChars`) are made of; characters beyond ASCII are among them. */
export function isRunCode(code: number): boolean {
  return code > 0x20 && code !== 34 && code !== 39 && code !== 92 && code !== 96;
}
