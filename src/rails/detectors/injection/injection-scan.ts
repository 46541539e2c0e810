/**
 * Decides what the injection model sees of a text: one pass, features by chunk of words.
 *
 * Model. A feature is an index into one table of weights. Words, pairs and triples of neighbouring words, and
 * runs of four characters are hashed into the first part; pairs and triples of word classes
 * (`injection-words.ts`) into the rest. Each word is hashed while it is read, so nothing is sliced and nothing
 * allocated. Digits inside a word of letters are read as the letters they stand for. A text without spaces is cut
 * into words of one character (Chinese, Japanese) or of at most WORD_CHARS_MAX. What is no word has no features: numbers,
 * base64, hexadecimal, ids. How many signs of code stand between the words of a chunk is a feature of it: the words
 * of code mean something else. The trainer and the rail share this file, so what was learned is what is looked up.
 * Source: feature hashing, Weinberger et al. 2009. Rejected: a vocabulary, which costs a map and ten times the bytes.
 */
import { jsonRoleAt, tagAt, turnAt } from "./injection-roles.ts";
import { CLASSES_MAX, classOfWord, HASH_PRIME, HASH_SEED, ROTATED } from "./injection-words.ts";

/** Bits of the index of a hashed n-gram. */
const GRAM_BITS = 18;
export const PAIRS_AT = 1 << GRAM_BITS;
export const TRIPLES_AT = PAIRS_AT + CLASSES_MAX * CLASSES_MAX;
const TRIPLE_BITS = 12;
export const SIGNS_AT = TRIPLES_AT + (1 << TRIPLE_BITS);
/** By how many signs of code a chunk has: under 4, 8, 16, 32, 64, and more. */
const SIGN_STEPS = 6;
/** Entries of the table of weights. */
export const FEATURES = SIGNS_AT + SIGN_STEPS;

/** Words in a chunk. A window is four chunks (`injection-model.ts`), and moves by one. */
export const CHUNK_WORDS = 16;

/** Longer words are cut: bounds the features of a chunk, and no word of a phrase is longer. */
export const WORD_CHARS_MAX = 24;

/** Words that may stand between two classes of one phrase, and one more. */
const PHRASE_REACH = 6;

/** Features of a word besides one for each of its characters: three n-grams, a class, three pairs, a triple. */
const CHUNK_FEATURES_MAX = CHUNK_WORDS * (WORD_CHARS_MAX + 16) + 1;

/** Letters and digits from which a run may be no word, in UTF-16 units. */
const WORDLESS_CHARS_MIN = 8;

/** The features of one chunk; `buffer` is reused for the next. */
export type ChunkSink = (buffer: Uint32Array, count: number, start: number, end: number) => void;

/** What of a text asks for another look, found on the way. */
export type ScanNotes = {
  /** Some word mixes Latin with Greek or Cyrillic letters. */
  mixedScripts: boolean;
  /** Common words in rot13, and common words reversed. */
  readonly rotated: Turned;
  readonly reversed: Turned;
};

/** Where two such words stand close together first: offset of the second; -1: nowhere. One alone is chance. */
type Turned = { at: number; lastWord: number };

/** Words between two turned words that belong to one text. */
const TURNED_REACH = 12;

export function noNotes(): ScanNotes {
  return { mixedScripts: false, rotated: noTurned(), reversed: noTurned() };
}

function noTurned(): Turned {
  return { at: -1, lastWord: -Infinity };
}

const LETTER = 1;
const DIGIT = 2;
const JOINER = 3;
const OPENER = 4;
const COLON = 5;
const IDEOGRAPH = 6;
/** What stands between the words of code, data and markup, and seldom in prose. */
const SIGN = 7;

const KINDS = Uint8Array.from({ length: 128 }, (_, code) => kindOfAscii(code));

/** Letters that digits are written for, by digit. */
const LEET = [111, 105, 122, 101, 97, 115, 103, 116, 98, 103];

const buffer = new Uint32Array(CHUNK_FEATURES_MAX);

/**
 * Which features the chunk has already, by a stamp: a feature counts once in a chunk, however often it is repeated.
 * A byte for each, so that the table stays in the processor's cache; it is wiped when the stamps are used up.
 */
const seen = new Uint8Array(FEATURES);
let stamp = 0;

type Reader = {
  readonly sink: ChunkSink;
  readonly notes: ScanNotes;
  count: number;
  words: number;
  position: number;
  chunkStart: number;
  /** Hashes of the last two words. */
  last: number;
  beforeLast: number;
  /** The last three classes and the positions of their words. */
  classes: [number, number, number];
  places: [number, number, number];
  /** Where the last word begins. */
  wordAt: number;
  /** That one was no word. What is joined to it is none either. */
  isWordless: boolean;
  /** Signs of code in the chunk. */
  codeSigns: number;
};

/** Reads the text once and hands over every chunk of it. */
export function scanText(text: string, sink: ChunkSink, notes: ScanNotes = noNotes()): void {
  const reader = createReader(sink, notes);
  nextStamp();
  for (let at = 0; at < text.length; at += 1) {
    const raw = text.charCodeAt(at);
    const kind = raw < 128 ? (KINDS[raw] ?? 0) : kindOfOther(raw);
    if (kind === LETTER || kind === DIGIT) {
      at = readWord(reader, text, at) - 1;
      continue;
    }
    if (raw <= 32 || raw >= 128) reader.isWordless = false;
    if (kind === OPENER) {
      reader.codeSigns += 1;
      addMark(reader, tagAt(text, at), at);
    } else if (kind === COLON) addMark(reader, turnAt(text, reader.wordAt, at) || jsonRoleAt(text, at), at);
    else if (kind === SIGN) reader.codeSigns += 1;
    else if (kind === IDEOGRAPH) {
      const one = Math.imul(HASH_SEED ^ raw, HASH_PRIME);
      endWord(reader, one, classOfWord(one), at, at + 1);
    }
  }
  flush(reader, text.length);
}

/** What kinds of characters a run of letters and digits has, as bits, and how often the kind changes. */
const LOWER = 1;
const UPPER = 2;
const NUMBER = 4;
/** A letter beyond f, so that it is no hexadecimal number. */
const BEYOND_HEX = 8;
const OTHER = 16;

/** Reads the word that begins at `start`, or its first WORD_CHARS_MAX letters and digits; returns its end. */
function readWord(reader: Reader, text: string, start: number): number {
  const featuresBefore = reader.count;
  let hash = HASH_SEED;
  let gram = 32;
  let length = 0;
  let digits = 0;
  let scripts = 0;
  let kinds = 0;
  let turns = 0;
  let kindBefore = 0;
  let at = start;
  for (; at < text.length && length < WORD_CHARS_MAX; at += 1) {
    const raw = text.charCodeAt(at);
    const kind = raw < 128 ? (KINDS[raw] ?? 0) : kindOfOther(raw);
    if (kind === JOINER) continue;
    if (kind !== LETTER && kind !== DIGIT) break;
    const code = raw < 128 ? raw | 32 : lowerOther(raw);
    let kindNow = NUMBER;
    if (kind === DIGIT) digits += 1;
    else {
      scripts |= raw < 128 ? 1 : raw >= 0x370 && raw < 0x530 ? 2 : 0;
      kindNow = raw >= 128 ? OTHER : raw >= 97 ? LOWER : UPPER;
      if (code > 102) kinds |= BEYOND_HEX;
    }
    kinds |= kindNow;
    if (kindNow !== kindBefore) turns += 1;
    kindBefore = kindNow;
    hash = Math.imul(hash ^ code, HASH_PRIME);
    length += 1;
    gram = (gram << 8) | ((code ^ (code >> 5)) & 255);
    if (length > 2) add(reader, Math.imul(gram, 0x9e3779b1) >>> (32 - GRAM_BITS));
  }
  if (scripts === 3) reader.notes.mixedScripts = true;
  reader.wordAt = start;
  reader.isWordless = isNoWord(kinds, turns, length, digits) || (reader.isWordless && (kinds & OTHER) === 0);
  if (reader.isWordless || digits === length) takeBack(reader, featuresBefore);
  else {
    if (digits > 0) hash = hashUnleet(text, start, at);
    const wordClass = classOfWord(hash);
    if (wordClass >= ROTATED)
      noteTurned(reader, wordClass === ROTATED ? reader.notes.rotated : reader.notes.reversed, at);
    endWord(reader, hash, wordClass, start, at);
  }
  return at;
}

/**
 * Base64 and ids: small and capital letters and digits that change places all the time; hexadecimal numbers. Both are
 * looked at as what they may hide (`injection-encoded.ts`), not as words.
 */
function isNoWord(kinds: number, turns: number, length: number, digits: number): boolean {
  if (length < WORDLESS_CHARS_MIN || digits === 0 || (kinds & OTHER) !== 0) return false;
  if ((kinds & BEYOND_HEX) === 0) return digits > 1;
  return (kinds & LOWER) !== 0 && (kinds & UPPER) !== 0 && turns * 3 > length;
}

function noteTurned({ position }: Reader, turned: Turned, at: number): void {
  if (turned.at < 0 && position - turned.lastWord <= TURNED_REACH) turned.at = at;
  turned.lastWord = position;
}

function createReader(sink: ChunkSink, notes: ScanNotes): Reader {
  return {
    sink,
    notes,
    count: 0,
    words: 0,
    position: 0,
    chunkStart: 0,
    last: 0,
    beforeLast: 0,
    classes: [0, 0, 0],
    places: [0, 0, 0],
    wordAt: 0,
    isWordless: false,
    codeSigns: 0,
  };
}

function add(reader: Reader, feature: number): void {
  if (seen[feature] === stamp) return;
  seen[feature] = stamp;
  buffer[reader.count++] = feature;
}

/** Forgets the features of what turned out to be no word. */
function takeBack(reader: Reader, count: number): void {
  for (let at = count; at < reader.count; at += 1) seen[buffer[at] ?? 0] = 0;
  reader.count = count;
}

function nextStamp(): void {
  stamp += 1;
  if (stamp < 256) return;
  seen.fill(0);
  stamp = 1;
}

function endWord(reader: Reader, hash: number, wordClass: number, start: number, end: number): void {
  if (reader.words === 0) reader.chunkStart = start;
  reader.position += 1;
  reader.words += 1;
  const pair = Math.imul(reader.last, 0x85ebca6b) ^ hash;
  const triple = Math.imul(reader.beforeLast, 0xc2b2ae35) ^ pair;
  add(reader, Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> (32 - GRAM_BITS));
  add(reader, Math.imul(pair ^ (pair >>> 15), 0x297a2d39) >>> (32 - GRAM_BITS));
  add(reader, Math.imul(triple ^ (triple >>> 15), 0x7feb352d) >>> (32 - GRAM_BITS));
  reader.beforeLast = reader.last;
  reader.last = hash;
  if (wordClass !== 0) addClass(reader, wordClass);
  if (reader.words === CHUNK_WORDS) flush(reader, end);
}

/** A mark of the chat's frame counts as a word, so that a text of nothing but marks still has chunks. */
function addMark(reader: Reader, mark: number, at: number): void {
  if (mark !== 0) endWord(reader, Math.imul(HASH_SEED ^ mark, HASH_PRIME), mark, at, at + 1);
}

function addClass(reader: Reader, wordClass: number): void {
  const { classes, places, position } = reader;
  add(reader, PAIRS_AT + wordClass);
  for (let back = 0; back < 3; back += 1) {
    const before = classes[back] ?? 0;
    if (before === 0 || position - (places[back] ?? 0) > PHRASE_REACH) break;
    add(reader, PAIRS_AT + before * CLASSES_MAX + wordClass);
    if (back !== 1) continue;
    const triple = (before * CLASSES_MAX + classes[0]) * CLASSES_MAX + wordClass;
    add(reader, TRIPLES_AT + (Math.imul(triple, 0x9e3779b1) >>> (32 - TRIPLE_BITS)));
  }
  classes[2] = classes[1];
  classes[1] = classes[0];
  classes[0] = wordClass;
  places[2] = places[1];
  places[1] = places[0];
  places[0] = position;
}

function flush(reader: Reader, end: number): void {
  if (reader.words === 0) return;
  add(reader, SIGNS_AT + Math.min(SIGN_STEPS - 1, Math.max(0, 30 - Math.clz32(reader.codeSigns))));
  reader.sink(buffer, reader.count, reader.chunkStart, end);
  reader.count = 0;
  reader.words = 0;
  reader.codeSigns = 0;
  nextStamp();
}

/** The hash of a word as if its digits were letters. A word is read at most twice, so this stays linear. */
function hashUnleet(text: string, start: number, end: number): number {
  let hash = HASH_SEED;
  for (let at = start; at < end; at += 1) {
    const raw = text.charCodeAt(at);
    const kind = raw < 128 ? (KINDS[raw] ?? 0) : LETTER;
    if (kind === DIGIT) hash = Math.imul(hash ^ (LEET[raw - 48] ?? raw), HASH_PRIME);
    else if (kind === LETTER) hash = Math.imul(hash ^ (raw < 128 ? raw | 32 : lowerOther(raw)), HASH_PRIME);
  }
  return hash;
}

function kindOfAscii(code: number): number {
  const char = String.fromCharCode(code);
  if (/[a-z]/i.test(char)) return LETTER;
  if (/\d/.test(char)) return DIGIT;
  if (char === "'") return JOINER;
  if (char === "<" || char === "[" || char === "(") return OPENER;
  if (char === ":") return COLON;
  return /[)\]>{}=;/\\|_*&^%$#@~`+]/.test(char) ? SIGN : 0;
}

/** Letters of all other scripts; punctuation, symbols and spaces are separators. */
function kindOfOther(code: number): number {
  if (code < 0xc0 || code === 0xd7 || code === 0xf7) return 0;
  if (code < 0x2000) return LETTER;
  if (code === 0x2019) return JOINER;
  if (code < 0x3041) return 0;
  if (code < 0xa000) return IDEOGRAPH;
  return code < 0xd800 ? LETTER : 0;
}

/** Simple lower case of Latin-1, Latin Extended-A, Greek and Cyrillic: no locale, no allocation. */
function lowerOther(code: number): number {
  if (code >= 0xc0 && code <= 0xde) return code + 32;
  if (code >= 0x100 && code < 0x138) return code | 1;
  if (code >= 0x14a && code < 0x178) return code | 1;
  if (code >= 0x391 && code <= 0x3a9) return code + 32;
  if (code >= 0x410 && code <= 0x42f) return code + 32;
  return code >= 0x400 && code <= 0x40f ? code + 80 : code;
}
