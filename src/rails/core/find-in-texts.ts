/**
 * Runs what finds something in one text over all that a request says: its texts, what they say in another way, and
 * places where one goes on in the next.
 *
 * Model. A finding in a view, or over a seam, is told at the places in the texts that it stands for, so whoever applies
 * spans knows neither. Several findings of one place are merged where all rails' are (`spans.ts`).
 */
import type { FoundSpan, RailInput, TextPart } from "./rail.ts";
import { looksCut, seamsOf } from "./text/seams.ts";

type Spans = Map<string, FoundSpan[]>;

/** By path; a text without findings has no entry. */
export function findInTexts(
  input: RailInput,
  find: (text: string) => readonly FoundSpan[],
): ReadonlyMap<string, readonly FoundSpan[]> {
  const spans: Spans = new Map();
  for (const { path, text } of textsOf(input)) {
    add(spans, path, find(text));
    for (const view of input.views?.get(path) ?? []) {
      const found = find(view.text);
      add(
        spans,
        path,
        found.map((span) => ({ ...span, ...view.original(span.start, span.end) })),
      );
    }
  }
  for (const { text, pieces } of seamsOf(input.parts)) {
    for (const span of find(text)) {
      const touched = pieces.filter(({ at, chars }) => span.start < at + chars && span.end > at);
      // What lies in one text is found there.
      if (touched.length < 2) continue;
      let isWhole = false;
      for (const { path, at, from, chars } of touched) {
        const start = from + Math.max(0, span.start - at);
        const end = from + Math.min(chars, span.end - at);
        // Behind a key that was found by itself the next text begins with a word of its own.
        if (isWhole && !looksCut(text.slice(Math.max(at, span.start), Math.min(at + chars, span.end)))) break;
        isWhole = spans.get(path)?.some((known) => known.start <= start && known.end >= end) === true;
        if (!isWhole) add(spans, path, [{ ...span, start, end }]);
      }
    }
  }
  return spans;
}

/** Of the body, and of what is sent beside it. */
export function textsOf({ parts, beside }: RailInput): readonly TextPart[] {
  return beside === undefined || beside.length === 0 ? parts : [...parts, ...beside];
}

function add(spans: Spans, path: string, found: readonly FoundSpan[]): void {
  if (found.length === 0) return;
  const known = spans.get(path);
  if (known === undefined) spans.set(path, [...found]);
  else known.push(...found);
}
