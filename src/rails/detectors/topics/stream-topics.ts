/**
 * The topics rail on a stream, and every other list of phrases: what could still become one of them.
 *
 * Model. The phrases as a trie of their folded letters, each gap between words one space. From the first word at the
 * end of the text that leads into the trie and does not leave it, the text is held; one character more tells whether
 * the word goes on. The fold is the rail's own, so what it takes for equal is held alike.
 * Rejected: the automaton of `aho-corasick.ts`, which knows how far it is into a phrase but does not say.
 */
import type { SpanAction } from "../../core/spans.ts";
import { isUnspaced, isWordChar } from "../../core/text/code-points.ts";
import { fold, normalise } from "../../core/text/normalise.ts";
import { DELAY_CHARS_MAX, scannerOf } from "../../core/stream/stream-scanner.ts";
import type { ScannerOptions, StreamScanner } from "../../core/stream/stream-scanner.ts";
import { findTopics, isGap, withPlainGaps } from "./topics.ts";
import type { TopicOptions } from "./topics.ts";

/** A match begins after a boundary: one character, or two that are a pair, and what is invisible between. */
const CONTEXT_CHARS = 8;

export function topicsScanner(action: SpanAction, options: TopicOptions, rail = "topics"): StreamScanner {
  const phrases = Object.values(options.topics).flat();
  return phraseScanner({ rail, action, find: (text) => findTopics(text, options) }, phrases);
}

/** A scanner whose `find` finds these phrases, compared as `fold` makes them, at the beginning of words. */
function phraseScanner(options: ScannerOptions, phrases: readonly string[]): StreamScanner {
  let trie: TrieNode | null = null;
  return scannerOf({
    contextChars: CONTEXT_CHARS,
    ...options,
    holdFrom: (text, from) => holdPhrase((trie ??= trieOf(phrases)), text, from),
  });
}

type TrieNode = { readonly next: Map<number, TrieNode> };

function trieOf(phrases: readonly string[]): TrieNode {
  const root: TrieNode = { next: new Map() };
  for (const phrase of phrases) {
    let node = root;
    for (const char of withPlainGaps(fold(normalise(phrase)).text)) {
      for (let at = 0; at < char.length; at += 1) node = childOf(node, char.charCodeAt(at));
    }
  }
  return root;
}

function childOf({ next }: TrieNode, unit: number): TrieNode {
  const known = next.get(unit);
  if (known !== undefined) return known;
  const child: TrieNode = { next: new Map() };
  next.set(unit, child);
  return child;
}

function holdPhrase(trie: TrieNode, text: string, from: number): number {
  const least = Math.max(from, text.length - DELAY_CHARS_MAX);
  const start = Math.max(0, least - CONTEXT_CHARS);
  const folded = fold(normalise(text.slice(start)));
  for (let at = 0; at < folded.text.length; at += 1) {
    if (!trie.next.has(folded.text.charCodeAt(at)) || !mayBegin(folded.text, at) || !leadsToEnd(trie, folded.text, at))
      continue;
    const original = start + folded.original(at, at + 1).start;
    if (original >= least) return original;
  }
  return text.length;
}

function mayBegin(text: string, at: number): boolean {
  if (at === 0) return true;
  const before = text.charCodeAt(at - 1);
  const after = text.codePointAt(at) ?? 0;
  return !isWordChar(before) || !isWordChar(after) || isUnspaced(before) || isUnspaced(after);
}

/** Does the text from here on stay in the trie to its end? */
function leadsToEnd(trie: TrieNode, text: string, from: number): boolean {
  let node: TrieNode | undefined = trie;
  let inGap = false;
  for (let at = from; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    const gap = isGap(unit);
    if (gap && inGap) continue;
    inGap = gap;
    node = node.next.get(gap ? 0x20 : unit);
    if (node === undefined) return false;
  }
  return true;
}
