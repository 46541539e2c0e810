/**
 * Decides where a text contains a credential.
 *
 * Model. One pass over the text. Each anchor has a pair of characters that prose rarely holds; where one stands the
 * anchor is compared, after it the runs of its format are measured, and the body must then look like a key and not like
 * a placeholder. Where an operator stands, the name before it and the value after it are judged together. Each run is
 * measured once and remembered, and one format looks at the body of one run a fixed number of times, so the whole is
 * linear for every input. Hashes have no anchor and do not fire, UUIDs only by their name; documentation keys that say so in their body
 * (AWS's end in EXAMPLE) and "your-key-here" do not fire either, because redacting them breaks answers about
 * documentation; a made-up key that looks random does.
 * Source: docs/reference/sources.md, Detectors; the formats are in `secret-formats.ts`.
 * Rejected: RegExp, whose time depends on the prompt; and one `indexOf` per prefix, which takes as long on prose
 * (measured), grows with the table, and hides its steps from the test that counts them.
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";
import { isUnnamed, matchAssignment, matchBearer } from "./secret-assign.ts";
import { mayAssign } from "./secret-value.ts";
import { bodyLooksSecret } from "./secret-body.ts";
import type { SecretFormat } from "./secret-chars.ts";
import { SECRET_FORMATS } from "./secret-formats.ts";
import { matchCurlUser, matchUserinfo } from "./secret-passwords.ts";
import { MARK_MATCHERS, matchAzureSecret, matchPem, matchTelegram } from "./secret-shapes.ts";
import { holdsManifest } from "./secret-manifest.ts";
import { hasShortName } from "./secret-names.ts";
import { isPublicValue } from "./secret-public.ts";
import { createScan, noteMissed, runEnd, startsWith, takeTry, wasMissed } from "./secret-scan.ts";
import type { Scan } from "./secret-scan.ts";
import { rarestPair } from "./secret-triggers.ts";
import { findInTexts } from "../../core/find-in-texts.ts";
import type { FoundSpan, RailFindings, RailInput } from "../../core/rail.ts";

/** Findings of one text; beyond it the rest of the text is one more, of the type that came next. */
export const SECRETS_MAX = 4_000;

type Matcher = {
  readonly anchor: string;
  /** Its last character: many anchors begin alike, few end alike. */
  readonly last: number;
  readonly match: (scan: Scan, at: number) => FoundSpan | null;
  /** The anchor stands inside the key, so what is before it may be a letter. */
  readonly isInner: boolean;
};

const OPERATORS = [":", "=", ">", ",", "||", "- "] as const;

/** An anchor that waits at a trigger: how far before it the anchor begins, and with which character. */
type Hint = { readonly offset: number; readonly first: number };

type Tables = {
  /** By the first two characters of the anchor, in the order of the table. */
  readonly byStart: readonly (readonly Matcher[] | undefined)[];
  /** By a trigger: the anchors that it belongs to. */
  readonly hints: readonly (readonly Hint[] | undefined)[];
  /** 1 where `hints` has a row, 2 at an operator, or both: bytes side by side, because every character asks. */
  readonly kinds: Uint8Array;
};

const IS_ANCHOR = 1;
const IS_OPERATOR = 2;

/** Made by the first scan: a Worker that runs no rail does not pay for it. */
let tables: Tables | null = null;

/** Finds credentials in every part. Reasons are "secrets:" and the type. */
export function secretsRail(input: RailInput): RailFindings {
  const spans = findInTexts(input, (text) => findSecrets(text));
  const types = [...spans.values()].flatMap((list) => list.map(({ type }) => `secrets:${type}`));
  return { spans, reasons: [...new Set(types)].sort() };
}

/**
 * Credentials in one text, from left to right and without overlap. `meter.steps` grows by the number of characters
 * looked at, which is at most a constant times the length of the text.
 */
export function findSecrets(text: string, meter: { steps: number } = { steps: 0 }): FoundSpan[] {
  tables ??= makeTables();
  const { kinds } = tables;
  const found: FoundSpan[] = [];
  // Most texts hold no anchor at all: the state of the scan is made when the first one turns up.
  let scan: Scan | null = null;
  let hasManifest: boolean | null = null;
  let code = text.charCodeAt(0);
  let floor = 0;
  let at = 0;
  while (at < text.length) {
    const next = text.charCodeAt(at + 1);
    // Seven bits of each, so that the index is always in the table; letters beyond ASCII are told apart below.
    const kind = kinds[((code & ASCII_MAX) << 7) | (next & ASCII_MAX)];
    // Most operators of hostile texts have no name before them, and only in manifests a value counts without one.
    const isNameless =
      kind === IS_OPERATOR &&
      code <= ASCII_MAX &&
      hasShortName(text, at) &&
      !(hasManifest ??= holdsManifest(text, meter));
    if (kind === 0 || code > ASCII_MAX || isNameless || !isPromising(tables, text, at, meter)) {
      code = next;
      at += 1;
      continue;
    }
    scan ??= createScan(text, meter, hasManifest);
    const span = matchTrigger(scan, tables, at, floor);
    if (span !== null && found.length >= SECRETS_MAX) {
      found.push({ ...span, end: text.length });
      break;
    }
    if (span !== null) found.push(span);
    floor = span?.end ?? floor;
    at = Math.max(at + 1, floor);
    code = text.charCodeAt(at);
  }
  meter.steps += text.length;
  return found;
}

const ASCII_MAX = 0x7f;

/** What `isPromising` looks at, at most: some hints, and up to 24 characters behind an operator. */
const PROMISE_STEPS = 32;
const HINT_STEPS = 8;

/**
 * Cheap and without state: do an anchor's first and last letters stand where they would have to, or a value behind an
 * operator.
 */
function isPromising({ kinds, hints, byStart }: Tables, text: string, at: number, meter: { steps: number }): boolean {
  const pair = pairOf(text.charCodeAt(at), text.charCodeAt(at + 1));
  const kind = kinds[pair] ?? 0;
  meter.steps += (kind & IS_OPERATOR) === 0 ? HINT_STEPS : PROMISE_STEPS;
  if ((kind & IS_ANCHOR) !== 0) {
    for (const { offset, first } of hints[pair] ?? []) {
      if (text.charCodeAt(at - offset) === first && mayMatch(byStart, text, at - offset)) return true;
    }
  }
  return (kind & IS_OPERATOR) !== 0 && mayAssign(text, at);
}

/** Does an anchor begin at `start`, by its first two characters and its last one: what `matchAny` asks first. */
function mayMatch(byStart: Tables["byStart"], text: string, start: number): boolean {
  const matchers = byStart[pairOf(text.charCodeAt(start), text.charCodeAt(start + 1))];
  if (matchers === undefined) return false;
  for (const { anchor, last } of matchers) if (text.charCodeAt(start + anchor.length - 1) === last) return true;
  return false;
}

/** Nothing that begins before `floor` counts: it would overlap what was found last. */
function matchTrigger(scan: Scan, { byStart, hints, kinds }: Tables, at: number, floor: number): FoundSpan | null {
  const { text } = scan;
  const pair = pairOf(text.charCodeAt(at), text.charCodeAt(at + 1));
  for (const { offset, first } of hints[pair] ?? []) {
    const start = at - offset;
    if (start < floor || text.charCodeAt(start) !== first || wasMissed(scan, start)) continue;
    const matchers = byStart[pairOf(first, text.charCodeAt(start + 1))];
    const span = matchers === undefined ? null : matchAny(scan, matchers, start);
    if (span !== null && span.start >= floor && span.end > at) return span;
    if (span === null) noteMissed(scan, start);
  }
  const kind = kinds[pair] ?? 0;
  // What is an operator only has been looked at already.
  if (kind !== IS_OPERATOR && ((kind & IS_OPERATOR) === 0 || isUnnamed(scan, at) || !mayAssign(text, at))) return null;
  const span = matchAssignment(scan, at, (valueAt) => matchAt(scan, valueAt) !== null);
  return span !== null && span.start >= floor ? span : null;
}

function matchAt(scan: Scan, at: number): FoundSpan | null {
  tables ??= makeTables();
  const matchers = tables.byStart[pairOf(scan.text.charCodeAt(at), scan.text.charCodeAt(at + 1))];
  return matchers === undefined ? null : matchAny(scan, matchers, at);
}

function matchAny(scan: Scan, matchers: readonly Matcher[], at: number): FoundSpan | null {
  const begins = isBoundary(scan.text, at);
  for (const { anchor, last, match, isInner } of matchers) {
    if (scan.text.charCodeAt(at + anchor.length - 1) !== last) continue;
    if (!(begins || isInner) || !startsWith(scan, anchor, at)) continue;
    const span = match(scan, at);
    if (span !== null) return span;
  }
  return null;
}

function makeMatchers(): readonly Matcher[] {
  const made = (anchor: string, match: Matcher["match"], isInner: boolean): Matcher => ({
    anchor,
    last: anchor.charCodeAt(anchor.length - 1),
    match,
    isInner,
  });
  const outer = (anchor: string, match: Matcher["match"]): Matcher => made(anchor, match, false);
  const inner = (anchor: string, match: Matcher["match"]): Matcher => made(anchor, match, true);
  return [
    ...SECRET_FORMATS.map((format) => outer(format.anchor, (scan, at) => matchFormat(scan, format, at))),
    ...MARK_MATCHERS.map(({ anchor, match }) => inner(anchor, match)),
    inner("Q~", matchAzureSecret),
    inner(":A", matchTelegram),
    inner("://", matchUserinfo),
    outer("-----BEGIN ", matchPem),
    outer("Bearer ", (scan, at) => matchBearer(scan, at, (valueAt) => matchAt(scan, valueAt) !== null)),
    outer("curl ", (scan, at) => {
      scan.curlAt = at;
      return null;
    }),
    ...["-u", "--user"].map((option) => outer(option, (scan, at) => matchCurlUser(scan, at, option))),
  ];
}

function makeTables(): Tables {
  const byStart = Array.from<Matcher[] | undefined>({ length: 128 * 128 });
  const hints = Array.from<Hint[] | undefined>({ length: 128 * 128 });
  const kinds = new Uint8Array(128 * 128);
  for (const matcher of makeMatchers()) {
    const { anchor } = matcher;
    const [offset, first] = [rarestPair(anchor), anchor.charCodeAt(0)];
    for (const pair of pairsAt(anchor, 0)) (byStart[pair] ??= []).push(matcher);
    for (const pair of pairsAt(anchor, offset)) {
      const known = (hints[pair] ??= []);
      if (!known.some((hint) => hint.offset === offset && hint.first === first)) known.push({ offset, first });
      // The farthest first, so that of two keys the one that begins earlier is found.
      known.sort((one, other) => other.offset - one.offset);
      kinds[pair] = IS_ANCHOR;
    }
  }
  for (const operator of OPERATORS) {
    for (const pair of pairsAt(operator, 0)) kinds[pair] = (kinds[pair] ?? 0) | IS_OPERATOR;
  }
  return { byStart, hints, kinds };
}

/** The pair at `at` of the anchor; where the anchor ends behind its first character, that one with every other. */
function pairsAt(anchor: string, at: number): readonly number[] {
  const first = anchor.charCodeAt(at);
  if (anchor.length > at + 1) return [pairOf(first, anchor.charCodeAt(at + 1))];
  return Array.from({ length: 128 }, (_, second) => pairOf(first, second));
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

/** "xoxa-08532509747": digits alone are an id, where the alphabet has letters. */
function isNumber(text: string, from: number, to: number): boolean {
  let at = from;
  while (at < to && (isIn(text.charCodeAt(at), CHARS.digit) || text.charAt(at) === "-")) at += 1;
  return at === to;
}

/** "box.ico-7a38….png": the anchor follows a dot, or what ends a file's name follows the key. */
function isPartOfFile(text: string, from: number, to: number): boolean {
  if (text.charAt(from - 1) === "." && isIn(text.charCodeAt(from - 2), CHARS.alnum)) return true;
  return text.charAt(to) === "." && FILE_ENDINGS.has(text.slice(to + 1, to + 4).toLowerCase());
}

const FILE_ENDINGS: ReadonlySet<string> = new Set("png jpg jpe gif svg css js ico web map pdf".split(" "));

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
  if (isIn(scan.text.charCodeAt(end), CHARS.alnum) || isPartOfFile(scan.text, at, end)) return null;
  if (format.not !== undefined && scan.text.startsWith(format.not, bodyAt)) return null;
  if (first.of !== CHARS.digit && isNumber(scan.text, bodyAt, end)) return null;
  // What has been masked: "xoxp-572370529330-####".
  if (scan.text.charAt(end - 1) === "-" && scan.text.charAt(end) === "#") return null;
  if (!bodyLooksSecret(scan, bodyAt, end, format) || isPublicValue(scan.text, at, end)) return null;
  return { start: format.valueOnly ? bodyAt : at, end, type: format.type };
}
