/**
 * Decides where a text contains a credential.
 *
 * Model. One pass over the text. A character that begins some anchor is compared with the anchors that it begins; after
 * an anchor the runs of its format are measured; the body must then look like a key and not like a placeholder. Each run
 * is measured once and remembered, and one format looks at the body of one run a fixed number of times, so the whole is
 * linear for every input. Hashes and UUIDs have no anchor and do not fire; documentation keys that say so in their body
 * (AWS's end in EXAMPLE) and "your-key-here" do not fire either, because redacting them breaks answers about
 * documentation; a made-up key that looks random does.
 * Source: facts/reliability.md 1.5; the formats are in `secret-formats.ts`.
 * Rejected: RegExp, whose time depends on the prompt; and one `indexOf` per prefix, which takes as long on prose (measured),
 * grows with the table, and hides its steps from the test that counts them.
 */
import { CHARS, isIn } from "./char-class.ts";
import { bodyLooksSecret } from "./secret-body.ts";
import { SECRET_FORMATS } from "./secret-formats.ts";
import type { SecretFormat } from "./secret-formats.ts";
import { matchAssignment, matchPem, matchTelegram } from "./secret-shapes.ts";
import { createScan, runEnd, startsWith, takeTry } from "./secret-scan.ts";
import type { Scan } from "./secret-scan.ts";
import type { FoundSpan, RailFindings, RailInput } from "./rail.ts";

type Matcher = { readonly anchor: string; readonly match: (scan: Scan, at: number) => FoundSpan | null };

const MATCHERS: readonly Matcher[] = [
  ...SECRET_FORMATS.map((format) => ({
    anchor: format.anchor,
    match: (scan: Scan, at: number) => matchFormat(scan, format, at),
  })),
  { anchor: ":A", match: matchTelegram },
  { anchor: "-----BEGIN ", match: matchPem },
  ...[":", "="].map((anchor) => ({
    anchor,
    match: (scan: Scan, at: number) => matchAssignment(scan, at, (valueAt) => matchAt(scan, valueAt) !== null),
  })),
];

/** Matchers by the first two characters of their anchor, in the order of the table. */
const BY_PAIR = tableByPair();

/** 1 where `BY_PAIR` has a row: bytes side by side, because every character of every prompt asks. */
const IS_ANCHOR_PAIR = Uint8Array.from(BY_PAIR, (matchers) => (matchers === undefined ? 0 : 1));

/** Finds credentials in every part. Reasons are "secrets:" and the type. */
export function secretsRail(input: RailInput): RailFindings {
  const found = input.parts.map(({ path, text }) => [path, findSecrets(text)] as const);
  const spans = new Map(found.filter(([, list]) => list.length > 0));
  const types = [...spans.values()].flatMap((list) => list.map(({ type }) => `secrets:${type}`));
  return { spans, reasons: [...new Set(types)].sort() };
}

/**
 * Credentials in one text, from left to right and without overlap. `meter.steps` grows by the number of characters
 * looked at, which is at most a constant times the length of the text.
 */
export function findSecrets(text: string, meter: { steps: number } = { steps: 0 }): FoundSpan[] {
  const found: FoundSpan[] = [];
  // Most texts hold no anchor at all: the state of the scan is made when the first one turns up.
  let scan: Scan | null = null;
  let code = text.charCodeAt(0);
  let at = 0;
  while (at < text.length) {
    const next = text.charCodeAt(at + 1);
    const pair = pairOf(code, next);
    code = next;
    if (IS_ANCHOR_PAIR[pair] !== 1) {
      at += 1;
      continue;
    }
    scan ??= createScan(text, meter);
    const span = matchAny(scan, BY_PAIR[pair] ?? [], at);
    if (span !== null) found.push(span);
    at = span === null ? at + 1 : span.end;
    code = text.charCodeAt(at);
  }
  meter.steps += text.length;
  return found;
}

function matchAt(scan: Scan, at: number): FoundSpan | null {
  const matchers = BY_PAIR[pairOf(scan.text.charCodeAt(at), scan.text.charCodeAt(at + 1))];
  return matchers === undefined ? null : matchAny(scan, matchers, at);
}

function matchAny(scan: Scan, matchers: readonly Matcher[], at: number): FoundSpan | null {
  if (!isBoundary(scan.text, at)) return null;
  for (const { anchor, match } of matchers) {
    if (!startsWith(scan, anchor, at)) continue;
    const span = match(scan, at);
    if (span !== null) return span;
  }
  return null;
}

function tableByPair(): readonly (readonly Matcher[] | undefined)[] {
  const table = Array.from<Matcher[] | undefined>({ length: 128 * 128 });
  const anySecond = Array.from({ length: 128 }, (_, code) => code);
  for (const matcher of MATCHERS) {
    const { anchor } = matcher;
    for (const second of anchor.length === 1 ? anySecond : [anchor.charCodeAt(1)]) {
      (table[pairOf(anchor.charCodeAt(0), second)] ??= []).push(matcher);
    }
  }
  return table;
}

/** Two characters that are not both ASCII fall beyond the table or on an entry whose anchors then do not match. */
function pairOf(first: number, second: number): number {
  return (first << 7) | second;
}

/** A key does not begin inside a word; the letter of an escaped line break or tab (in JSON as text) is no word. */
function isBoundary(text: string, at: number): boolean {
  if (!isIn(text.charCodeAt(at), CHARS.alnum) || !isIn(text.charCodeAt(at - 1), CHARS.alnum)) return true;
  const escape = text.charAt(at - 1);
  return text.charAt(at - 2) === "\\" && (escape === "n" || escape === "r" || escape === "t");
}

function matchFormat(scan: Scan, format: SecretFormat, at: number): FoundSpan | null {
  const bodyAt = at + format.anchor.length;
  const first = format.segments[0];
  const firstEnd = runEnd(scan, first.of, bodyAt);
  const firstLength = firstEnd - bodyAt;
  if (firstLength < first.min || firstLength > first.max || !takeTry(scan, format, firstEnd)) return null;
  let end = firstEnd;
  for (const segment of format.segments.slice(1)) {
    if (typeof segment === "string") {
      if (!startsWith(scan, segment, end)) return null;
      end += segment.length;
      continue;
    }
    const next = runEnd(scan, segment.of, end);
    if (next - end < segment.min || next - end > segment.max) return null;
    end = next;
  }
  if (isIn(scan.text.charCodeAt(end), CHARS.alnum)) return null;
  if (!bodyLooksSecret(scan, bodyAt, end, format)) return null;
  return { start: format.valueOnly ? bodyAt : at, end, type: format.type };
}
