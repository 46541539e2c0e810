/**
 * Decides which part of a text that is being generated may be shown now, and what stands in place of the rest.
 *
 * Intuition. What comes next may complete a match: so the last few characters wait, and all before them goes out.
 *
 * Model. `released` is a mark that moves over the text; what is before it has been sent. Each step looks at a window:
 * the next HOLD_CHARS_MAX characters, and a little text before them as context. Every scanner says from where on it
 * cannot tell yet. The text up to the earliest of these places is released, and matches in it are final. If nothing can
 * be told about a whole window, it is decided as it stands.
 * The same text gives the same output, however it was cut into pieces: a window depends on `released` alone. For the
 * same reason the beginning of a match that nobody could suspect yet, and which therefore was sent, stays visible even
 * where the whole match came in one piece (`hiddenFrom`).
 * Source: docs/reference/guardrails.md.
 * Rejected: scanning piece by piece with an overlap, where what is shown depends on how the text was cut.
 */
import { mergeSpans } from "../spans.ts";
import type { Span } from "../spans.ts";
import { defaultReplacement } from "../spans.ts";
import type { OffsetRange } from "../text/offset-map.ts";
import { cutBy, foundBy, heldBy } from "./stream-guard.ts";
import { isWoken, watchFor, wokenBy } from "./stream-quiet.ts";
import type { Watch } from "./stream-quiet.ts";
import { leftAction, noteFinding, noteHeld } from "./stream-record.ts";
import type { StreamTally } from "./stream-record.ts";
import { CONTEXT_CHARS_MAX, HOLD_CHARS_MAX } from "./stream-scanner.ts";
import type { StreamScanner, TailRule } from "./stream-scanner.ts";

/** A full window without a match moves on by at least this, so that the work for each character is bounded. */
const CUT_STEP_CHARS = 128;

/** Released text that may gather before it is cut down to the context: each cut copies what is left. */
const KEPT_CHARS_MAX = 2 * CONTEXT_CHARS_MAX;

/** How far before a match the text may begin that made it suspicious, such as the name before a secret. */
const LEAD_CHARS_MAX = 64;

export type StreamBlock = { readonly rail: string; readonly reasons: readonly string[] };

/** Where released text goes. Offsets are those of the whole channel, in UTF-16 units. */
export type TextSink = {
  text(text: string, start: number): void;
  /** `replacement` in place of the text; "" where the text only ends what was replaced before. */
  replaced(text: string, start: number, replacement: string): void;
};

/** Written in place by `pushText` and `flushText`. */
export type TextState = {
  readonly scanners: readonly StreamScanner[];
  readonly tally: StreamTally;
  readonly watch: Watch;
  /** Does a redaction of this part of the channel change nothing. */
  readonly isLeft: (start: number, end: number) => boolean;
  /** The channel's text from `base` on. */
  text: string;
  base: number;
  /** Index in `text`. */
  released: number;
  tail: { readonly rule: TailRule; state: number } | null;
  blocked: StreamBlock | null;
};

export function createTextState(
  scanners: readonly StreamScanner[],
  tally: StreamTally,
  isLeft: TextState["isLeft"] = () => false,
): TextState {
  const watch = watchFor(scanners);
  return { scanners, tally, watch, isLeft, text: "", base: 0, released: 0, tail: null, blocked: null };
}

export function heldCharsOf({ text, released, blocked }: TextState): number {
  return blocked === null ? text.length - released : 0;
}

/** Takes the next piece and releases what is certain. */
export function pushText(state: TextState, piece: string, sink: TextSink): void {
  if (state.blocked !== null || piece === "") return;
  const from = state.text.length;
  const isIdle = state.released === from && state.tail === null;
  state.text += piece;
  if (isIdle && isPlain(state, piece, from)) {
    sink.text(piece, state.base + from);
    state.released = state.text.length;
  } else advance(state, false, sink);
  noteHeld(state.tally, heldCharsOf(state));
  if (state.released > KEPT_CHARS_MAX) dropTo(state, state.released - CONTEXT_CHARS_MAX);
}

/** Releases what is held, decided as if the text ended here. It may go on nevertheless. */
export function flushText(state: TextState, sink: TextSink): void {
  advance(state, true, sink);
}

/** There is no match in the piece, and none can begin in it. */
function isPlain(state: TextState, piece: string, from: number): boolean {
  const { text } = state;
  if (piece.length >= HOLD_CHARS_MAX || holdOf(state, text.length, from) !== text.length) return false;
  const woken = wokenIn(state, piece);
  if (woken.length === 0) return true;
  return !isHigh(piece.charCodeAt(piece.length - 1)) && findIn(state, woken, text.length).length === 0;
}

const NOBODY: readonly StreamScanner[] = [];

/** The scanners that may find something in this text. */
function wokenIn({ watch, scanners }: TextState, text: string): readonly StreamScanner[] {
  const woken = wokenBy(watch, text);
  if (woken === 0) return NOBODY;
  return woken === watch.all ? scanners : scanners.filter((_, index) => isWoken(woken, index));
}

function dropTo(state: TextState, index: number): void {
  state.text = state.text.slice(index);
  state.base += index;
  state.released -= index;
}

function advance(state: TextState, isEnd: boolean, sink: TextSink): void {
  while (state.blocked === null && state.released < state.text.length) {
    if (state.tail !== null) {
      dropTail(state, sink);
      continue;
    }
    const { text, released } = state;
    const end = Math.min(text.length, released + HOLD_CHARS_MAX);
    const isFull = end - released === HOLD_CHARS_MAX;
    const isFinal = isEnd && !isFull;
    const hold = isFinal ? end : holdOf(state, end, released);
    if (hold === released && !isFull) return;
    const found = findIn(state, wokenIn(state, text.slice(released, end)), end);
    const until = isFinal ? end : wholeUntil(text, found, hold, released);
    if (until > released) release(state, found, until, sink);
    else if (isFull) cut(state, found, end, sink);
    else return;
  }
}

/** The first position, at or after `from`, about which some scanner cannot tell yet. */
function holdOf({ scanners, tally, text }: TextState, end: number, from: number): number {
  let hold = end;
  for (const scanner of scanners) {
    const start = Math.max(0, from - scanner.contextChars);
    hold = Math.min(hold, start + heldBy(scanner, text.slice(start, end), from - start, tally));
  }
  return hold;
}

/**
 * How far the text can be released as a whole. A match that reaches `hold` may grow, so it waits from its start on; and
 * a surrogate pair is never cut.
 */
function wholeUntil(text: string, found: readonly Span[], hold: number, released: number): number {
  let until = hold;
  for (let before = -1; before !== until;) {
    before = until;
    for (const { start, end, action } of found) {
      if (action !== "flag" && start < until && end >= until) until = start;
    }
  }
  const isPairCut = until > released && isHigh(text.charCodeAt(until - 1));
  return isPairCut ? until - 1 : until;
}

function findIn({ tally, text, released }: TextState, scanners: readonly StreamScanner[], end: number): Span[] {
  const all: Span[] = [];
  for (const scanner of scanners) {
    const { rail, action } = scanner;
    const context = Math.max(0, released - scanner.contextChars);
    const part = text.slice(context, end);
    for (const span of foundBy(scanner, part, tally)) {
      const spanEnd = context + span.end + (cutsPair(part, span.end) ? 1 : 0);
      if (spanEnd <= released || span.start >= span.end) continue;
      const from = span.start - (cutsPair(part, span.start) ? 1 : 0);
      const start = context + hiddenFrom(scanner, part, { start: from, end: span.end }, tally);
      if (start < released || start >= spanEnd) continue;
      all.push({ ...span, start, end: spanEnd, rail, action });
    }
  }
  return all;
}

/**
 * From where on a match was still held when its last character came: what is before had been released by then, if the
 * pieces were single characters, and so it stays visible always. One question is enough: `holdFrom` moves right only.
 */
function hiddenFrom(scanner: StreamScanner, text: string, { start, end }: OffsetRange, tally: StreamTally): number {
  if (end - start <= 1) return start;
  return Math.max(start, heldBy(scanner, text.slice(0, end - 1), Math.max(0, start - LEAD_CHARS_MAX), tally));
}

/** Releases up to `until`, or up to the first match that blocks. */
function release(state: TextState, found: readonly Span[], until: number, sink: TextSink): void {
  if (found.length === 0) {
    show(state, until, sink);
    return;
  }
  const starting = found.filter(({ start }) => start < until);
  const blockAt = Math.min(...starting.filter(({ action }) => action === "block").map(({ start }) => start), until);
  for (const span of starting) if (span.start <= blockAt) note(state, span);
  for (const { start, end, type, replacement } of redactionsOf(starting)) {
    if (start >= blockAt) break;
    show(state, start, sink);
    replace(state, end, replacement ?? defaultReplacement(type), sink);
  }
  show(state, blockAt, sink);
  if (blockAt < until) state.blocked = blockOf(starting, blockAt);
}

function note({ tally, base, isLeft }: TextState, { rail, type, action, start, end }: Span): void {
  noteFinding(tally, rail, type, isLeft(base + start, base + end) ? leftAction(action) : action);
}

/** The window is full: a match that begins here is taken as far as it is seen, else some text is let go. */
function cut(state: TextState, found: readonly Span[], end: number, sink: TextSink): void {
  const { released } = state;
  const open = [...found, ...cutMatches(state, found, end)];
  const here = open.filter(({ start, action }) => start === released && action !== "flag");
  if (here.some(({ action }) => action === "block")) {
    release(state, here, released + 1, sink);
    return;
  }
  const match = redactionsOf(open).find(({ start }) => start === released);
  if (match === undefined) {
    const next = Math.max(holdOf(state, end, released + 1), Math.min(end, released + CUT_STEP_CHARS));
    release(state, found, Math.max(released + 1, wholeUntil(state.text, found, next, released)), sink);
    return;
  }
  const members = open.filter((span) => span.start >= released && span.start < match.end);
  for (const member of members) note(state, member);
  replace(state, match.end, match.replacement ?? defaultReplacement(match.type), sink);
  if (match.end === end) state.tail = tailOf(state.scanners, members, end);
}

function cutMatches(state: TextState, found: readonly Span[], end: number): Span[] {
  const { scanners, tally, text, released } = state;
  if (found.some(({ start, action }) => start === released && action !== "flag")) return [];
  return scanners.flatMap((scanner) => {
    const context = Math.max(0, released - scanner.contextChars);
    const span = cutBy(scanner, text.slice(context, end), released - context, tally);
    if (span === null) return [];
    const { rail, action } = scanner;
    return [{ ...span, start: context + span.start, end: context + span.end, rail, action }];
  });
}

function tailOf(scanners: readonly StreamScanner[], members: readonly Span[], end: number): TextState["tail"] {
  for (const member of members) {
    if (member.end !== end) continue;
    const rule = scanners.find(({ rail }) => rail === member.rail)?.tail?.(member.type) ?? null;
    if (rule !== null) return { rule, state: 0 };
  }
  return null;
}

/** Drops the rest of a match that was longer than the window. */
function dropTail(state: TextState, sink: TextSink): void {
  const { text, released, tail } = state;
  if (tail === null) return;
  let at = released;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const next = isLow(code) && isHigh(text.charCodeAt(at - 1)) ? tail.state : tail.rule(tail.state, code);
    if (next < 0) {
      state.tail = null;
      break;
    }
    tail.state = next;
  }
  if (at > released) replace(state, at, "", sink);
}

function show(state: TextState, until: number, sink: TextSink): void {
  const { text, base, released } = state;
  if (until > released) sink.text(text.slice(released, until), base + released);
  state.released = Math.max(released, until);
}

function replace(state: TextState, until: number, replacement: string, sink: TextSink): void {
  sink.replaced(state.text.slice(state.released, until), state.base + state.released, replacement);
  state.released = until;
}

function redactionsOf(spans: readonly Span[]): Span[] {
  return mergeSpans(spans.filter(({ action }) => action === "redact"));
}

function blockOf(spans: readonly Span[], at: number): StreamBlock {
  const blocks = spans.filter(({ start, action }) => start === at && action === "block");
  const rails = blocks.map(({ rail }) => rail).sort();
  return { rail: rails[0] ?? "", reasons: [...new Set(blocks.map(({ rail, type }) => `${rail}:${type}`))].sort() };
}

function cutsPair(text: string, at: number): boolean {
  return isLow(text.charCodeAt(at)) && isHigh(text.charCodeAt(at - 1));
}

function isHigh(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00;
}

function isLow(code: number): boolean {
  return code >= 0xdc00 && code < 0xe000;
}
