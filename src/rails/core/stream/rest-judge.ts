/**
 * Asks the rails of an answer about the rest of it (`answer-rest.ts`), and decides what becomes of that.
 *
 * Model. A finding in a string or a name is replaced there. A number is never written anew, because a reader calculates
 * with it: it is left and counted as a flag, or blocks. What was cut into the events of a stream, or into the tokens of
 * a list, is also looked at put together, by place: what was shown of it before cannot be taken back, so the rest of it
 * goes, or the answer ends.
 * Rejected: to hold such strings as the known texts are held. A part of an id or of a link is of no use to a client.
 */
import { defaultReplacement, redact } from "../spans.ts";
import type { Span } from "../spans.ts";
import type { FoundSpan, UnseenReason } from "../rail.ts";
import type { NormalText, TextForms } from "../text/normalise.ts";
import { isSurelyPlain } from "../text/plain-text.ts";
import { viewBudget, viewsOf } from "../text/views.ts";
import type { ViewBudget } from "../text/views.ts";
import type { Rest, RestPart } from "./answer-rest.ts";
import { isPieceName } from "./answer-words.ts";
import type { Json } from "./stream-events.ts";
import { foundBy, typesBy } from "./stream-guard.ts";
import { isWoken, watchFor, wokenBy } from "./stream-quiet.ts";
import { leftAction, noteFinding } from "./stream-record.ts";
import type { StreamTally } from "./stream-record.ts";
import type { StreamScanner } from "./stream-scanner.ts";
import type { StreamBlock } from "./stream-text.ts";
import type { WholeRail } from "./stream-whole.ts";

/** Of a place, so much is remembered of what stood there before: more than any key is long. */
const TAIL_CHARS_MAX = 512;

/** Places of one stream that are remembered; in one more nothing would be seen that was cut. */
export const PLACES_MAX = 4_096;

/**
 * So many characters of a place may come before they are looked at together. A run without a blank that is as long as
 * `RUN_CHARS` is looked at with each of its pieces: it may be a key.
 */
const UNSEEN_CHARS_MAX = 64;
const RUN_CHARS = 16;

/**
 * What stood at a place of a stream, put together. `repeats`: of its last value, in a row; `unseenChars`: at its end, not
 * yet looked at together with what is before.
 */
type Tail = { text: string; last: string; repeats: number; unseenChars: number };
export type Tails = Map<string, Tail>;

export type RestRails = { readonly scanners: readonly StreamScanner[]; readonly wholes: readonly WholeRail[] };

export type RestJudgement = {
  /** Redactions in a part, by their places in its own text. */
  readonly spans: ReadonlyMap<RestPart, readonly Span[]>;
  readonly blocked: StreamBlock | null;
  /** What is beyond the bounds: places that could not be remembered, texts that were not decoded. */
  readonly beyond: readonly UnseenReason[];
};

type Judge = {
  readonly rails: RestRails;
  readonly tally: StreamTally;
  readonly forms: TextForms | undefined;
  readonly budget: ViewBudget;
  readonly spans: Map<RestPart, Span[]>;
  readonly blocks: Span[];
};

/** `tails`: of the stream that this is an event of; null: it is all there. */
type JudgeOptions = {
  readonly tails?: Tails | null;
  readonly forms?: TextForms;
  readonly budget?: ViewBudget;
};

export function judgeRest(
  rest: Omit<Rest, "root">,
  rails: RestRails,
  tally: StreamTally,
  { tails = null, forms, budget = viewBudget() }: JudgeOptions = {},
): RestJudgement {
  const judge: Judge = { rails, tally, forms, budget, spans: new Map(), blocks: [] };
  for (const { span, scanner } of findings(judge, rest.text)) take(judge, rest.parts, span, scanner);
  noteWholes(judge, rest.text, "");
  const isBeyond = judgePlaces(judge, rest.parts, tails);
  const beyond: UnseenReason[] = [
    ...(isBeyond ? ["too_many_parts" as const] : []),
    ...(budget.isSpent ? ["encoded" as const] : []),
  ];
  return { spans: judge.spans, blocked: blockOf(judge.blocks), beyond };
}

type Finding = { readonly span: FoundSpan; readonly scanner: StreamScanner };

const findings = ({ rails, tally, forms, budget }: Judge, text: string): readonly Finding[] =>
  findingsIn(rails.scanners, text, tally, { budget, forms });

/** In the text, and in what it says by other letters (`text/views.ts`), there in the place where it stands. */
export function findingsIn(
  scanners: readonly StreamScanner[],
  text: string,
  tally: StreamTally,
  { budget, forms }: { readonly budget: ViewBudget; readonly forms?: TextForms | undefined },
): readonly Finding[] {
  const views = isSurelyPlain(text) ? NO_VIEWS : viewsOf(text, budget);
  const watch = watchFor(scanners);
  const woken = wokenBy(watch, text);
  if (woken === 0 && views.length === 0) return NO_FINDINGS;
  return scanners.flatMap((scanner, index) => {
    const plain = isWoken(woken, index) ? foundBy(scanner, text, tally, forms) : [];
    const hidden = views.flatMap((view) =>
      foundBy(scanner, view.text, tally, forms).map((span) => ({ ...span, ...view.original(span.start, span.end) })),
    );
    // Around what a view reads in another way it says what the text says.
    const fresh = hidden.filter((one) => !plain.some(({ start, end }) => start < one.end && end > one.start));
    return [...plain, ...fresh].map((span) => ({ span, scanner }));
  });
}

const NO_VIEWS: readonly NormalText[] = [];
const NO_FINDINGS: readonly Finding[] = [];

/** A finding in the text of all parts. */
function take(judge: Judge, parts: readonly RestPart[], span: FoundSpan, { rail, action }: StreamScanner): void {
  const touched = partsIn(parts, span);
  if (touched.length === 0) return;
  const isLeft = touched.every(({ kind }) => kind === "number");
  noteFinding(judge.tally, rail, span.type, isLeft ? leftAction(action) : action);
  for (const part of touched) {
    put(judge, part, { ...span, start: span.start - part.start, end: span.end - part.start, rail, action });
  }
}

/** Parts stand in the order of the text. */
function partsIn(parts: readonly RestPart[], { start, end }: FoundSpan): readonly RestPart[] {
  let low = 0;
  for (let high = parts.length; low < high;) {
    const middle = (low + high) >> 1;
    const part = parts[middle];
    if (part !== undefined && part.start + part.text.length <= start) low = middle + 1;
    else high = middle;
  }
  const touched: RestPart[] = [];
  for (let at = low; at < parts.length; at += 1) {
    const part = parts[at];
    if (part === undefined || part.start >= end) break;
    touched.push(part);
  }
  return touched;
}

function put(judge: Judge, part: RestPart, span: Span): void {
  if (span.action === "block") judge.blocks.push(span);
  if (span.action !== "redact" || part.kind === "number") return;
  const spans = judge.spans.get(part) ?? [];
  spans.push(span);
  judge.spans.set(part, spans);
}

/** Rails that only flag see the text too. `before`: what they have seen of it already. */
function noteWholes({ rails: { wholes }, tally, forms }: Judge, text: string, before: string): boolean {
  let hasFound = false;
  for (const whole of wholes) {
    if (whole.onlyAnswers || text === "") continue;
    const types = typesBy(whole, text, tally, forms);
    if (types.length === 0 || typesBy(whole, before, tally, forms).length >= types.length) continue;
    hasFound = true;
    for (const type of types) noteFinding(tally, whole.rail, type, whole.action);
  }
  return hasFound;
}

/** What stands at one place in pieces. True: there are more places than are remembered. */
function judgePlaces(judge: Judge, parts: readonly RestPart[], tails: Tails | null): boolean {
  const places = new Map<string, RestPart[]>();
  for (const part of parts) {
    if (part.kind === "number" || (tails === null && !isInPieces(part))) continue;
    const known = places.get(part.place);
    if (known === undefined) places.set(part.place, [part]);
    else known.push(part);
  }
  let isBeyond = false;
  for (const [place, pieces] of places) {
    if (tails === null) {
      if (pieces.length > 1) judgeJoined(judge, "", 0, pieces);
      continue;
    }
    const tail = tails.get(place);
    const text = pieces.length === 1 ? (pieces[0]?.text ?? "") : pieces.map((piece) => piece.text).join("");
    if (tail === undefined && tails.size >= PLACES_MAX) isBeyond = true;
    // What was replaced is no beginning of what comes next, in the first event of a place neither.
    else if (pieces.some((piece) => judge.spans.has(piece))) tails.set(place, tailOf(""));
    else if (tail === undefined && pieces.length === 1) tails.set(place, tailOf(text));
    else {
      const known = tail ?? tailOf("");
      tails.set(place, known);
      remember(judge, known, text, pieces);
    }
  }
  return isBeyond;
}

/**
 * In whole answers few texts are in pieces: those that bear the names of such, and what a generator has put out one by
 * one. Other lists are lists.
 */
function isInPieces({ place, repeating }: RestPart): boolean {
  const name = place.replace(/(?:\[\d*\])+$/, "");
  return repeating !== null || name === "" || isPieceName(name.slice(name.lastIndexOf(".") + 1));
}

const tailOf = (text: string): Tail => ({ text: text.slice(-TAIL_CHARS_MAX), last: text, repeats: 0, unseenChars: 0 });

function remember(judge: Judge, tail: Tail, text: string, pieces: readonly RestPart[]): void {
  tail.repeats = text === tail.last ? tail.repeats + 1 : 0;
  // An id that is the same in every event: looked at once behind itself.
  if (tail.repeats > 1) return;
  tail.last = text;
  const before = tail.text;
  const seenChars = before.length - tail.unseenChars;
  tail.text = (before + text).slice(-TAIL_CHARS_MAX);
  tail.unseenChars = Math.min(tail.unseenChars + text.length, tail.text.length);
  if (tail.unseenChars < UNSEEN_CHARS_MAX && !endsInRun(tail.text)) return;
  tail.unseenChars = 0;
  if (judgeJoined(judge, before, seenChars, pieces)) tail.text = "";
}

function endsInRun(text: string): boolean {
  if (text.length < RUN_CHARS) return false;
  for (let at = text.length - RUN_CHARS; at < text.length; at += 1) if (text.charCodeAt(at) <= 0x20) return false;
  return true;
}

/** The stream, or a part of it, has ended: what was not looked at yet. It was shown. */
export function judgeTails(tails: Tails, rails: RestRails, tally: StreamTally): StreamBlock | null {
  const judge: Judge = { rails, tally, forms: undefined, budget: viewBudget(), spans: new Map(), blocks: [] };
  for (const tail of tails.values()) {
    if (tail.unseenChars === 0) continue;
    judgeJoined(judge, tail.text, tail.text.length - tail.unseenChars, []);
    tail.unseenChars = 0;
  }
  return blockOf(judge.blocks);
}

/** Only what none of the pieces holds by itself, and none before has shown: the first `seenChars` were looked at. */
function judgeJoined(judge: Judge, before: string, seenChars: number, pieces: readonly RestPart[]): boolean {
  const text = before + pieces.map((piece) => piece.text).join("");
  let hasFound = noteWholes(judge, text, before.slice(0, seenChars));
  for (const { span, scanner } of findings(judge, text)) {
    if (span.end <= seenChars) continue;
    const { rail, action } = scanner;
    const touched: { readonly part: RestPart; readonly from: number }[] = [];
    let from = before.length;
    for (const part of pieces) {
      if (from < span.end && from + part.text.length > span.start) touched.push({ part, from });
      from += part.text.length;
    }
    if (touched.length === 1 && span.start >= before.length) continue;
    hasFound = true;
    const found = { start: 0, end: 0, type: span.type, rail, action };
    noteFinding(judge.tally, rail, span.type, touched.length === 0 ? leftAction(action) : action);
    if (action === "block") judge.blocks.push(found);
    for (const [at, { part, from: partFrom }] of touched.entries()) {
      const start = Math.max(0, span.start - partFrom);
      const replacement = at === 0 ? (span.replacement ?? defaultReplacement(span.type)) : "";
      put(judge, part, { ...found, start, end: span.end - partFrom, replacement });
    }
  }
  return hasFound;
}

/** Null: none of these blocks. */
export function blockOf(blocks: readonly Span[]): StreamBlock | null {
  const rails = blocks.map(({ rail }) => rail).sort();
  const [rail] = rails;
  if (rail === undefined) return null;
  return { rail, reasons: [...new Set(blocks.map((span) => `${span.rail}:${span.type}`))].sort() };
}

/** Writes what was found into the answer that the parts are of. */
export function applyRest(
  parts: readonly RestPart[],
  spansOf: (part: RestPart, index: number) => readonly Span[],
): void {
  const renamed: (() => void)[] = [];
  for (const [index, part] of parts.entries()) {
    const spans = spansOf(part, index);
    if (spans.length === 0) continue;
    const { kind, holder, member, repeating } = part;
    const text = redact(part.text, spans);
    if (repeating !== null) drop(repeating);
    else if (kind === "name") renamed.push(() => rename(holder, member, text));
    else holder[member] = kind === "bytes" ? [] : text;
  }
  // Last: until then members are found by the names that they had.
  for (const change of renamed) change();
}

function drop({ holder, member }: NonNullable<RestPart["repeating"]>): void {
  holder[member] = Array.isArray(holder[member]) ? [] : null;
}

/** In its place. Two names may have become one. */
function rename(holder: Json, member: string, name: string): void {
  const members = Object.entries(holder);
  const taken = new Set(members.map(([known]) => known));
  let free = name;
  while (taken.has(free)) free += "_";
  for (const [known] of members) delete holder[known];
  for (const [known, value] of members) {
    Object.defineProperty(holder, known === member ? free : known, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
}
