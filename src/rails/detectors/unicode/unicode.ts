/**
 * Decides where a text holds characters that a person does not see and a model reads, or letters that pass for others.
 *
 * Model. Every invisible character is a finding unless it stands where writing needs it (`invisible-use.ts`): in an
 * emoji, a flag, a word of a script that joins letters, right-to-left text, or as the byte order mark at the start.
 * Letters of another script inside a Latin word are a finding if they are drawn like Latin ones (`mixed-script.ts`). A
 * redaction removes the invisible character and nothing else, and puts the Latin letter in place of its look-alike, so
 * that what the model reads is what a person saw.
 * Source: docs/reference/sources.md, Detectors (OWASP LLM01:2026); Unicode TR36, TR39, TR51.
 * Rejected: removing all invisible characters, which breaks emoji, Persian and most Indic writing.
 */
import { firstNonAscii } from "../../core/text/char-class.ts";
import { INVISIBLE, classOf } from "../../core/text/code-points.ts";
import { hasRtlLetter, invisibleKind, isProperUse } from "./invisible-use.ts";
import { firstSpoofable, spoofedLetters } from "./mixed-script.ts";
import type { FoundSpan, RailFindings, RailInput } from "../../core/rail.ts";

/** Findings of one kind in one text; beyond it the rest of the text is one more, which a redaction takes away whole. */
export const UNICODE_SPANS_MAX = 10_000;

/**
 * What has no place in this text, from left to right, not touching each other. Types are "tag", "variation_selector",
 * "zero_width", "bidi" and "confusable", joined by "+" where several stand side by side.
 */
export function findUnicode(text: string): FoundSpan[] {
  if (firstNonAscii(text) === text.length) return [];
  const invisible = misplacedInvisible(text);
  const spoofed = firstSpoofable(text) < 0 ? [] : spoofedLetters(text, UNICODE_SPANS_MAX + 1);
  if (Math.max(invisible.length, spoofed.length) > UNICODE_SPANS_MAX) return withRest(text, invisible, spoofed);
  if (spoofed.length === 0) return invisible;
  if (invisible.length === 0) return spoofed;
  return joinTouching([...invisible, ...spoofed].sort((one, other) => one.start - other.start));
}

/** Finds misplaced characters in every part. Reasons are "unicode:" and the type. */
export function unicodeRail(input: RailInput): RailFindings {
  const found = input.parts.map(({ path, text }) => [path, findUnicode(text)] as const);
  const spans = new Map(found.filter(([, list]) => list.length > 0));
  const types = [...spans.values()].flatMap((list) => list.flatMap(({ type }) => type.split("+")));
  return { spans, reasons: [...new Set(types)].sort().map((type) => `unicode:${type}`) };
}

type GrowingSpan = { start: number; end: number; type: string; replacement: string };

/** Up to where the first of the two has too many. */
function withRest(text: string, invisible: readonly FoundSpan[], spoofed: readonly FoundSpan[]): FoundSpan[] {
  const surplus = [invisible[UNICODE_SPANS_MAX], spoofed[UNICODE_SPANS_MAX]].filter((span) => span !== undefined);
  const [first, ...others] = surplus.toSorted((one, other) => one.start - other.start);
  const from = first?.start ?? text.length;
  const before = [...invisible, ...spoofed]
    .filter(({ end }) => end <= from)
    .sort((one, other) => one.start - other.start);
  const joined = joinTouching(before);
  const last = joined.at(-1)?.end === from ? joined.pop() : undefined;
  const types = [last, first, ...others].flatMap((span) => span?.type.split("+") ?? []);
  joined.push({ start: last?.start ?? from, end: text.length, type: [...new Set(types)].sort().join("+") });
  return joined;
}

/** At most one more than UNICODE_SPANS_MAX. */
function misplacedInvisible(text: string): GrowingSpan[] {
  const found: GrowingSpan[] = [];
  let rtl: boolean | null = null;
  const isRtlText = (): boolean => (rtl ??= hasRtlLetter(text));
  for (let at = 0; at < text.length;) {
    const unit = text.charCodeAt(at);
    // Below the soft hyphen everything is visible or a control that JSON and terminals know.
    if (unit < 0xad) {
      at += 1;
      continue;
    }
    const codePoint = unit >= 0xd800 && unit < 0xdc00 ? (text.codePointAt(at) ?? unit) : unit;
    const end = at + (codePoint > 0xffff ? 2 : 1);
    if ((classOf(codePoint) & INVISIBLE) !== 0 && !isProperUse(text, at, codePoint, isRtlText)) {
      append(found, at, end, invisibleKind(codePoint), "");
      if (found.length > UNICODE_SPANS_MAX) break;
    }
    at = end;
  }
  return found;
}

function joinTouching(spans: readonly FoundSpan[]): FoundSpan[] {
  const joined: GrowingSpan[] = [];
  for (const { start, end, type, replacement } of spans) append(joined, start, end, type, replacement ?? "");
  return [...joined];
}

/** Spans that touch would be merged into one redaction, which keeps a replacement only if all agree on it. */
function append(found: GrowingSpan[], start: number, end: number, type: string, replacement: string): void {
  const last = found.at(-1);
  if (last === undefined || last.end < start) {
    found.push({ start, end, type, replacement });
    return;
  }
  last.end = end;
  last.replacement += replacement;
  if (last.type !== type && !last.type.split("+").includes(type))
    last.type = [...last.type.split("+"), type].sort().join("+");
}
