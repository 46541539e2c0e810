/**
 * The port of a rail that looks at text while it is being generated, and the bounds that all of them share.
 *
 * Model. The text will go on. A scanner answers two questions about it: what is in it (`find`), and from where on it is
 * too early to tell (`holdFrom`). The rest is decided for good. So `holdFrom` depends on the text alone and never moves
 * left when the text grows. In ordinary prose it is the text's length: nothing waits.
 * Source: docs/reference/guardrails.md; docs/reference/sources.md, Streams under guardrails (viable-prefix hold-back).
 * Rejected: a look at every n-th chunk. It shows a match before it is found, or what is shown depends on the chunks.
 */
import type { SpanAction } from "../spans.ts";
import type { FoundSpan } from "../rail.ts";
import type { TextForms } from "../text/normalise.ts";

/** Most characters that are held back: longer than nearly all keys, and less than a line or two of text. */
export const HOLD_CHARS_MAX = 256;

/**
 * Held back by a scanner without a rule of its own: less than a window, so that each window moves on by a fair step.
 */
export const DELAY_CHARS_MAX = 192;

/** Most characters of released text that a scanner may look back at. */
export const CONTEXT_CHARS_MAX = 256;

/** Does the next character still belong to a match that was cut? The next state, or -1 if not. The first state is 0. */
export type TailRule = (state: number, code: number) => number;

/**
 * Which texts hold no match for certain: those with none of `chars` (ASCII), and without a run of `runChars` characters
 * that are neither spaces nor quotes. "always": no text can be ruled out.
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
  /** The first position, at `from` or later, where a match could begin that more text would bring or change. */
  holdFrom(text: string, from: number): number;
  /** What an unfinished match at `from`, which `find` does not see, counts as once the window is full. */
  cut?(text: string, from: number): FoundSpan | null;
  /** How a match of this type goes on behind a full window that it fills; null: it does not. */
  tail?(type: string): TailRule | null;
};

export type ScannerOptions = Pick<StreamScanner, "rail" | "action" | "find"> & Partial<Omit<StreamScanner, "find">>;

/**
 * A scanner made of its `find` alone holds the last DELAY_CHARS_MAX characters back. That is right for every pattern
 * whose matches are no longer, and slow to read. Each member that is given replaces a rule by a better one.
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
