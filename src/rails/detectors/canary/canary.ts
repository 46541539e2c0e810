/**
 * Decides whether an answer gives away the hidden prompt it was made with.
 *
 * Model. Two tests, each in one pass.
 * - Words that the answer has in common with the prompt, eight or more in a row. The prompt's words are folded and hashed,
 *   and the hash of each eight in a row is kept. A rolling hash over the answer looks them up. A hit is compared word by
 *   word, so that two texts with one hash are no leak.
 * - A canary: a random string that is put into the prompt of one request. Any form of it in the answer (with signs in
 *   between, reversed, hexadecimal, base64) is a leak.
 * Neither finds a paraphrase or a translation: a prompt is not a safe place for a secret.
 * Source: docs/reference/sources.md, Detectors (OWASP LLM08:2026); Karp and Rabin (1987).
 * Rejected: similarity by embeddings, which costs a model call; and shingles of characters, which shared names trip.
 */
import { AhoCorasick } from "../../core/text/aho-corasick.ts";
import { isUnspaced, isWordChar } from "../../core/text/code-points.ts";
import { fold, normalise } from "../../core/text/normalise.ts";
import type { NormalText } from "../../core/text/normalise.ts";
import { extractTextParts } from "../../core/text/text-parts.ts";
import type { FoundSpan } from "../../core/rail.ts";

/** Words in a row: fewer are found in any two texts about one subject. */
export const LEAK_WORDS_MIN = 8;
/** In a script without spaces, where every character counts as a word, a word has about two. */
export const LEAK_UNSPACED_MIN = 16;
/** Words of the prompt that are remembered, 2 MB of an isolate; the leak of a longer one begins within them. */
export const LEAK_WORDS_MAX = 50_000;
/** Letters and digits of a canary: fewer could turn up by chance in base64. */
export const CANARY_CHARS_MIN = 12;

export type LeakIndex = {
  /** Hash of every word of the prompt, in order. */
  readonly words: Uint32Array;
  /** By the hash of eight words: where they begin in `words`. */
  readonly shingles: ReadonlyMap<number, number>;
  /** All forms of the canary, without signs and in lower case; null without one. */
  readonly canary: { readonly automaton: AhoCorasick; readonly lengths: readonly number[] } | null;
};

type Words = {
  readonly hashes: Uint32Array;
  /** Offsets in the folded text. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  readonly unspaced: Uint8Array;
  readonly count: number;
};

const SYSTEM_ROLES: ReadonlySet<string> = new Set(["system", "developer"]);

/** The texts of a request that its answer may not repeat. */
export function hiddenTextsOf(body: unknown): readonly string[] {
  return extractTextParts(body).parts.flatMap(({ role, text }) => (SYSTEM_ROLES.has(role) ? [text] : []));
}

/**
 * What `findLeaks` compares an answer with. Texts of fewer than eight words are no secret. A canary that has fewer than
 * CANARY_CHARS_MIN ASCII letters and digits is ignored.
 */
export function createLeakIndex(systemTexts: readonly string[], canary?: string): LeakIndex {
  const shingles = new Map<number, number>();
  const parts = systemTexts.map((text) => wordsOf(fold(normalise(text)).text));
  const total = Math.min(
    LEAK_WORDS_MAX,
    parts.reduce((sum, { count }) => sum + count + 1, 0),
  );
  const words = new Uint32Array(total);
  let from = 0;
  for (const { hashes, count } of parts) {
    if (from >= total) break;
    const taken = Math.min(count, total - from);
    words.set(hashes.subarray(0, taken), from);
    eachShingle(words.subarray(from, from + taken), (hash, at) => {
      if (!shingles.has(hash)) shingles.set(hash, from + at);
    });
    from += taken + 1;
  }
  return { words, shingles, canary: canaryOf(canary ?? "") };
}

/**
 * Leaks in one answer, from left to right. Types are "system_prompt" and "canary". Linear in the length of the text.
 */
export function findLeaks(text: string, index: LeakIndex): FoundSpan[] {
  if (index.shingles.size === 0 && index.canary === null) return [];
  const folded = fold(normalise(text));
  const found = [...sharedRuns(folded, index), ...canaries(folded, index)];
  return found.sort((one, other) => one.start - other.start || one.end - other.end);
}

/** Runs of shared words, joined where they overlap. */
function sharedRuns(folded: NormalText, { words, shingles }: LeakIndex): FoundSpan[] {
  const found: FoundSpan[] = [];
  if (shingles.size === 0) return found;
  const answer = wordsOf(folded.text);
  let start = -1;
  let end = -1;
  const flush = (): void => {
    if (start < 0 || weightOf(answer, start, end) < LEAK_UNSPACED_MIN) return;
    const range = folded.original(answer.starts[start] ?? 0, answer.ends[end - 1] ?? 0);
    found.push({ ...range, type: "system_prompt" });
  };
  eachShingle(answer.hashes.subarray(0, answer.count), (hash, at) => {
    const known = shingles.get(hash);
    if (known === undefined || !isSame(words, known, answer.hashes, at)) return;
    if (start < 0 || at > end) {
      flush();
      start = at;
    }
    end = at + LEAK_WORDS_MIN;
  });
  flush();
  return found;
}

/** A word weighs as much as two characters of a script without spaces. */
function weightOf({ unspaced }: Words, start: number, end: number): number {
  let weight = 0;
  for (let at = start; at < end; at += 1) weight += unspaced[at] === 1 ? 1 : LEAK_UNSPACED_MIN / LEAK_WORDS_MIN;
  return weight;
}

function isSame(words: Uint32Array, wordsAt: number, others: Uint32Array, othersAt: number): boolean {
  for (let at = 0; at < LEAK_WORDS_MIN; at += 1) if (words[wordsAt + at] !== others[othersAt + at]) return false;
  return true;
}

/** The factor of the rolling hash: odd, without a pattern in its bits. */
const FACTOR = 0x9e37_79b1;

function eachShingle(hashes: Uint32Array, visit: (hash: number, at: number) => void): void {
  let leaving = 1;
  for (let at = 0; at < LEAK_WORDS_MIN; at += 1) leaving = Math.imul(leaving, FACTOR);
  let hash = 0;
  for (let at = 0; at < hashes.length; at += 1) {
    hash = (Math.imul(hash, FACTOR) + (hashes[at] ?? 0)) | 0;
    if (at >= LEAK_WORDS_MIN) hash = (hash - Math.imul(hashes[at - LEAK_WORDS_MIN] ?? 0, leaving)) | 0;
    if (at >= LEAK_WORDS_MIN - 1) visit(hash, at - LEAK_WORDS_MIN + 1);
  }
}

/** FNV-1a, 32 bits. */
const HASH_START = 0x811c_9dc5;
const HASH_FACTOR = 0x0100_0193;

function wordsOf(text: string): Words {
  // A word has one unit at least, and a sign or a change of script after it, or is one character by itself.
  const hashes = new Uint32Array(text.length);
  const starts = new Uint32Array(text.length);
  const ends = new Uint32Array(text.length);
  const unspaced = new Uint8Array(text.length);
  let count = 0;
  let inWord = false;
  for (let at = 0; at < text.length;) {
    const unit = text.charCodeAt(at);
    const codePoint = unit >= 0xd800 && unit < 0xdc00 ? (text.codePointAt(at) ?? unit) : unit;
    const end = at + (codePoint > 0xffff ? 2 : 1);
    if (isWordChar(codePoint)) {
      const alone = codePoint > 0x7f && isUnspaced(codePoint);
      if (!inWord || alone) {
        hashes[count] = HASH_START;
        starts[count] = at;
        unspaced[count] = alone ? 1 : 0;
        count += 1;
      }
      hashes[count - 1] = Math.imul((hashes[count - 1] ?? 0) ^ codePoint, HASH_FACTOR);
      ends[count - 1] = end;
      inWord = !alone;
    } else if (!isInsideWord(text, at, inWord)) inWord = false;
    at = end;
  }
  return { hashes, starts, ends, unspaced, count };
}

/** An apostrophe between letters: "don't" is one word in any spelling of the apostrophe. */
function isInsideWord(text: string, at: number, inWord: boolean): boolean {
  return inWord && text.charCodeAt(at) === 0x27 && isWordChar(text.charCodeAt(at + 1));
}

function canaries(folded: NormalText, { canary }: LeakIndex): FoundSpan[] {
  const found: FoundSpan[] = [];
  if (canary === null) return found;
  const { automaton, lengths } = canary;
  const mask = ringMask(lengths);
  const offsets = new Uint32Array(mask + 1);
  let fed = 0;
  let node = automaton.root;
  for (let at = 0; at < folded.text.length; at += 1) {
    const unit = folded.text.charCodeAt(at);
    if (!isLowerAlnum(unit)) continue;
    node = automaton.step(node, unit);
    offsets[fed & mask] = at;
    fed += 1;
    if (!automaton.hasOutput(node)) continue;
    const length = lengths[automaton.outputs(node)[0] ?? 0] ?? 0;
    const start = offsets[(fed - length) & mask] ?? 0;
    found.push({ ...folded.original(start, at + 1), type: "canary" });
  }
  return found;
}

/** Offsets of as many units as the longest form has are remembered, in a ring whose size is a power of two. */
function ringMask(lengths: readonly number[]): number {
  let size = 1;
  while (size <= Math.max(...lengths)) size *= 2;
  return size - 1;
}

function canaryOf(canary: string): LeakIndex["canary"] {
  const plain = lowerAlnum(canary);
  if (plain.length < CANARY_CHARS_MIN) return null;
  const bytes = Array.from(canary, (char) => char.charCodeAt(0) & 0xff);
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const forms = [plain, Array.from(plain).toReversed().join(""), hex, ...base64Forms(bytes)];
  return { automaton: new AhoCorasick(forms), lengths: forms.map(({ length }) => length) };
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/**
 * What base64 of any text that holds these bytes has in common, for each of the three positions at which they may
 * begin: the characters that depend on these bytes alone.
 */
function base64Forms(bytes: readonly number[]): string[] {
  return [0, 1, 2].map((shift) => {
    const bits = [...Array.from({ length: shift }, () => 0), ...bytes]
      .map((byte) => byte.toString(2).padStart(8, "0"))
      .join("");
    const first = Math.ceil((shift * 8) / 6);
    const chars = Array.from({ length: Math.floor(bits.length / 6) - first }, (_, at) =>
      BASE64.charAt(Number.parseInt(bits.slice((first + at) * 6, (first + at) * 6 + 6), 2)),
    );
    return lowerAlnum(chars.join(""));
  });
}

function lowerAlnum(text: string): string {
  return Array.from(fold(normalise(text)).text)
    .filter((char) => isLowerAlnum(char.charCodeAt(0)))
    .join("");
}

function isLowerAlnum(unit: number): boolean {
  return (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x30 && unit <= 0x39);
}
