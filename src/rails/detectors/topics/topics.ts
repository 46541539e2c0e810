/**
 * Decides where a text contains a banned word or phrase.
 *
 * Model. Phrases and text are folded alike (case, accents, look-alikes, invisible characters), every gap between words
 * (spaces, line breaks, hyphens, underscores) counts as one space, and all phrases are looked for in one pass. A phrase
 * must not begin or end inside a word, except in scripts that are written without spaces. The operator's list says what
 * is banned: there is no list of our own, no stemming and no guessing.
 * Source: docs/reference/sources.md, Detectors. Rejected: substring search, which finds "ass" in "class".
 */
import { AhoCorasick } from "../../core/text/aho-corasick.ts";
import { CHARS, isIn } from "../../core/text/char-class.ts";
import { isUnspaced, isWordChar } from "../../core/text/code-points.ts";
import { fold, normalise } from "../../core/text/normalise.ts";
import type { TextForms } from "../../core/text/normalise.ts";
import { findInTexts } from "../../core/find-in-texts.ts";
import type { FoundSpan, RailFindings, RailInput } from "../../core/rail.ts";

export type TopicOptions = {
  /** Words and phrases by the name of their topic, which becomes the type of a span and part of a reason. */
  readonly topics: Readonly<Record<string, readonly string[]>>;
};

/** Units of one phrase once folded: a phrase is a few words, and the positions of as many units are remembered. */
export const PHRASE_UNITS_MAX = 256;

/** Findings of one text; beyond it the rest of the text is one more, of the topic that came next. */
export const TOPIC_SPANS_MAX = 10_000;

type TopicIndex = {
  readonly automaton: AhoCorasick;
  /** Topic and length of each pattern of the automaton. */
  readonly topics: readonly string[];
  readonly lengths: readonly number[];
};

/** By the options of a pool's rail, which live as long as its config. */
const indexes = new WeakMap<TopicOptions, TopicIndex>();

/** Finds banned phrases in every part. Reasons are "topics:" and the topic. */
export function topicsRail(input: RailInput, options: TopicOptions): RailFindings {
  const spans = findInTexts(input, (text) => findTopics(text, options, input.forms));
  const types = [...spans.values()].flatMap((list) => list.map(({ type }) => `topics:${type}`));
  return { spans, reasons: [...new Set(types)].sort() };
}

/** Banned phrases in one text by their end, with the topic as type; they may overlap. */
export function findTopics(text: string, options: TopicOptions, forms?: TextForms): FoundSpan[] {
  const { automaton, topics, lengths } = topicIndexOf(options);
  const folded = fold(normalise(text, forms));
  const view = folded.text;
  const found: FoundSpan[] = [];
  // Offsets of the last units that were fed: a gap is one unit to the automaton, however long it is.
  const offsets = new Uint32Array(PHRASE_UNITS_MAX);
  let fed = 0;
  let node = automaton.root;
  let inGap = false;
  let isInWord = false;
  let isRest = false;
  for (let at = 0; at < view.length; at += 1) {
    const unit = view.charCodeAt(at);
    if (node === automaton.root) {
      // Most of a text is the rest of words, with which no phrase begins.
      const isAlnum = isIn(unit, CHARS.alnum);
      isRest = isInWord && isAlnum;
      isInWord = isAlnum;
      if (isRest || !automaton.mayBegin(unit)) continue;
      inGap = false;
    } else {
      const isAlnum = isIn(unit, CHARS.alnum);
      isRest = isInWord && isAlnum;
      isInWord = isAlnum;
    }
    const gap = isGap(unit);
    if (gap && inGap) continue;
    inGap = gap;
    node = automaton.step(node, gap ? 0x20 : unit);
    if (isRest && automaton.isFirst(node)) {
      node = automaton.root;
      continue;
    }
    offsets[fed % PHRASE_UNITS_MAX] = at;
    fed += 1;
    if (!automaton.hasOutput(node)) continue;
    if (!isBoundary(view, at + 1)) continue;
    for (const id of automaton.outputs(node)) {
      const start = offsets[(fed - (lengths[id] ?? 0)) % PHRASE_UNITS_MAX] ?? 0;
      if (!isBoundary(view, start)) continue;
      const range = folded.original(start, at + 1);
      const isLast = found.length >= TOPIC_SPANS_MAX;
      for (const type of (topics[id] ?? "").split("\n")) {
        found.push({ start: range.start, end: isLast ? text.length : range.end, type });
      }
      if (isLast) return found;
    }
  }
  return found;
}

/** The automaton of these options, made on first use. Phrases that are empty or too long once folded are left out. */
export function topicIndexOf(options: TopicOptions): TopicIndex {
  const known = indexes.get(options);
  if (known !== undefined) return known;
  const topicsOf = new Map<string, string[]>();
  for (const [topic, phrases] of Object.entries(options.topics)) {
    for (const phrase of phrases) {
      const pattern = withPlainGaps(fold(normalise(phrase)).text);
      if (pattern.length === 0 || pattern.length > PHRASE_UNITS_MAX) continue;
      const topics = topicsOf.get(pattern) ?? [];
      if (!topics.includes(topic)) topicsOf.set(pattern, [...topics, topic]);
    }
  }
  const patterns = [...topicsOf.keys()];
  const index: TopicIndex = {
    automaton: new AhoCorasick(patterns),
    topics: [...topicsOf.values()].map((topics) => topics.join("\n")),
    lengths: patterns.map(({ length }) => length),
  };
  indexes.set(options, index);
  return index;
}

/** One space for each gap between words. */
export function withPlainGaps(phrase: string): string {
  return Array.from(phrase, (char) => (isGap(char.charCodeAt(0)) ? " " : char))
    .join("")
    .split(" ")
    .filter((word) => word !== "")
    .join(" ");
}

/** What separates the words of a phrase. Folding has made ASCII of most other spaces and dashes. */
export function isGap(unit: number): boolean {
  if (unit <= 0x20) return true;
  if (unit < 0x80) return unit === 0x2d || unit === 0x5f;
  return unit === 0x85 || unit === 0x2028 || unit === 0x2029 || unit === 0x1680;
}

/** No word goes on across this offset, or one of the two characters is of a script without spaces. */
function isBoundary(text: string, at: number): boolean {
  if (at === 0 || at === text.length) return true;
  const after = text.codePointAt(at) ?? 0;
  const last = text.charCodeAt(at - 1);
  const isLow = last >= 0xdc00 && last < 0xe000;
  const before = isLow && at >= 2 ? (text.codePointAt(at - 2) ?? 0) : last;
  if (!isWordChar(before) || !isWordChar(after)) return true;
  return isUnspaced(before) || isUnspaced(after);
}
