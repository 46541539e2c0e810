/**
 * Decides what a text looks like after several rails have found something in it.
 *
 * Model. Rails never change a text: each returns spans over the original, and all of them are applied once. Redactions
 * that overlap or touch become one, named after all their types in alphabetical order, so that the result is a function
 * of the set of spans and of nothing else. Flags and blocks mark a place; they change no text.
 * Source: docs/reference/guardrails.md; docs/reference/sources.md, Merging redactions (transforms that run in parallel overwrite each
 * other).
 * Rejected: letting the longest or the first span win, which drops the other finding from the record.
 */

/** What a finding does. */
export type SpanAction = "flag" | "redact" | "block";

export type Span = {
  /** UTF-16 offset of the first unit. */
  readonly start: number;
  /** UTF-16 offset just past the last unit. */
  readonly end: number;
  /** Rail that found it; several, joined with "+", once merged. */
  readonly rail: string;
  /** Kind of the finding, such as "email"; several, joined with "+", once merged. */
  readonly type: string;
  readonly action: SpanAction;
  /** What a redaction puts in place; by default the type in brackets. */
  readonly replacement?: string;
};

/** Spans by the path of the text part (`rails/core/text/text-parts.ts`) in which they lie. */
export type SpansByPath = ReadonlyMap<string, readonly Span[]>;

/** What a redaction without a replacement of its own puts in place. */
export function defaultReplacement(type: string): string {
  return `[REDACTED:${type}]`;
}

/**
 * All spans in one canonical order: redactions that overlap or touch merged into one, equal flags and blocks listed
 * once, empty and malformed spans dropped. The result does not depend on the order of `spans`, and merging it again
 * changes nothing. A merged redaction keeps a replacement only if all of its members have that same one.
 */
export function mergeSpans(spans: readonly Span[]): Span[] {
  const sorted = spans.filter(isProper).toSorted(compareSpans);
  const merged: Span[] = [];
  for (const span of sorted.filter(({ action }) => action === "redact")) {
    const last = merged.at(-1);
    if (last !== undefined && span.start <= last.end) merged[merged.length - 1] = union(last, span);
    else merged.push(span);
  }
  for (const [index, span] of sorted.entries()) {
    const previous = sorted[index - 1];
    const repeated = previous !== undefined && compareSpans(previous, span) === 0;
    if (span.action !== "redact" && !repeated) merged.push(span);
  }
  return merged.sort(compareSpans);
}

/**
 * The text with every redaction applied. Offsets beyond the text are clamped and a span that would cut a surrogate pair
 * is widened to it, so the result is well-formed whenever the text is.
 */
export function redact(text: string, spans: readonly Span[]): string {
  const inText = spans.filter(({ action }) => action === "redact").map((span) => fitTo(text, span));
  let result = "";
  let from = 0;
  for (const { start, end, type, replacement } of mergeSpans(inText)) {
    result += text.slice(from, start) + (replacement ?? defaultReplacement(type));
    from = end;
  }
  return result + text.slice(from);
}

/** Both results as one, each text part merged. */
export function mergeSpansByPath(all: readonly SpansByPath[]): SpansByPath {
  const paths = [...new Set(all.flatMap((spans) => [...spans.keys()]))].sort();
  const merged = paths.map((path) => [path, mergeSpans(all.flatMap((spans) => spans.get(path) ?? []))] as const);
  return new Map(merged.filter(([, spans]) => spans.length > 0));
}

function isProper({ start, end }: Span): boolean {
  return Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start < end;
}

function fitTo(text: string, span: Span): Span {
  const start = Math.max(0, span.start);
  const end = Math.min(text.length, span.end);
  if (!(start < end)) return { ...span, start, end: start };
  return { ...span, start: splitsPair(text, start) ? start - 1 : start, end: splitsPair(text, end) ? end + 1 : end };
}

function splitsPair(text: string, at: number): boolean {
  return isSurrogate(text.charCodeAt(at - 1), 0xd800) && isSurrogate(text.charCodeAt(at), 0xdc00);
}

function isSurrogate(code: number, first: number): boolean {
  return code >= first && code < first + 0x400;
}

function union(one: Span, other: Span): Span {
  const span = {
    start: Math.min(one.start, other.start),
    end: Math.max(one.end, other.end),
    rail: joinNames(one.rail, other.rail),
    type: joinNames(one.type, other.type),
    action: one.action,
  };
  const { replacement } = one;
  return replacement !== undefined && replacement === other.replacement ? { ...span, replacement } : span;
}

function joinNames(one: string, other: string): string {
  return [...new Set([...one.split("+"), ...other.split("+")])].sort().join("+");
}

/** A total order over every member, so that equal means identical. */
function compareSpans(one: Span, other: Span): number {
  return (
    one.start - other.start ||
    one.end - other.end ||
    compareText(one.action, other.action) ||
    compareText(one.type, other.type) ||
    compareText(one.rail, other.rail) ||
    compareText(one.replacement ?? "", other.replacement ?? "") ||
    Number(one.replacement !== undefined) - Number(other.replacement !== undefined)
  );
}

/** By UTF-16 unit: the order of a locale would differ between machines. */
function compareText(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
