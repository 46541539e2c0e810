/**
 * The rail `profanity`: swear words and slurs in English.
 *
 * Model. The text in folded form (look-alike letters as ASCII) is reduced to a skeleton: letters for the digits and
 * signs that stand for them, runs of one letter as one. Most texts hold no stem of the list there, and that is all they
 * pay. A word with a stem must then have nothing before it and only known endings behind it, which is what tells
 * "Scunthorpe", "cocktail" and "assess" from what they contain; and the library's patterns, with its transformers, must
 * match it too. The library sees one word at a time, so its time per match does not multiply with the length of the
 * text. Left out are words for bodies, crimes and sexuality: a prompt about medicine or law is no profanity.
 * Source: `obscenity`, its English data set.
 * Rejected: the library over the whole text: 0.3 ms a KB, and "cockpit", "Fukushima" and "fk_user" among its findings.
 */
import { DataSet, englishDataset, englishRecommendedTransformers, RegExpMatcher } from "obscenity";
import { fold, normalise } from "../../core/text/normalise.ts";
import type { TextForms } from "../../core/text/normalise.ts";
import { findInTexts } from "../../core/find-in-texts.ts";
import type { FoundSpan, RailFindings, RailInput } from "../../core/rail.ts";

/** Longer runs without a space are data. */
export const PROFANE_WORD_CHARS_MAX = 48;

/** Different words of one text that the library confirms, at some tens of µs each; beyond it the rules alone decide. */
export const CONFIRMED_WORDS_MAX = 256;

/**
 * Different words with a stem that are judged; an ordinary text of any length has a few hundred.
 * Beyond it the rest is a finding.
 */
export const STEM_WORDS_MAX = 10_000;

/** Findings of one text; beyond it the rest of the text is one more. */
export const PROFANITIES_MAX = 10_000;

export type ProfanityOptions = {
  /** Words to let pass, in lower case. Default: none. */
  readonly allow?: readonly string[];
};

type Rule = {
  /** Letters without repetitions, but "ss". */
  readonly stem: string;
  /** What may stand before the stem in its word; "*": anything. */
  readonly heads: readonly string[];
  /** What may stand behind it; "*": anything. */
  readonly tails: readonly string[];
};

const rule = (stem: string, tails: string, heads = ""): Rule => ({
  stem,
  heads: heads === "*" ? ["*"] : ["", ...heads.split(" ")],
  tails: tails === "*" ? ["*"] : ["", ...tails.split(" ")],
});

const RULES: readonly Rule[] = [
  rule("fuck", "*", "*"),
  rule("fck", "s ed er ers ing in", "mother"),
  rule("f*ck", "s ed er ers ing in", "mother"),
  rule(
    "shit",
    "s y ty ier ting ed er ers head heads hole holes face load loads show storm post bag",
    "bul horse dip bat ape dog",
  ),
  rule("bitch", "*", "*"),
  rule("bastard", "s ly"),
  rule("bolock", "s"),
  rule("cunt", "s y ing ish"),
  rule("cock", "s sucker suckers sucking head heads face"),
  rule("dick", "s head heads face less"),
  rule("cuck", "s ed old olds"),
  rule("ass", "es hole holes hat hats wipe wipes clown clowns face"),
  rule("arse", "s hole holes"),
  rule("dildo", "s es"),
  rule("fag", "s ot ots otry"),
  rule("fgot", "s"),
  rule("jiz", "ed"),
  rule("kike", "s"),
  rule("niger", "s"),
  rule("niga", "s z"),
  rule("piss", "ed er es ing y of"),
  rule("pussy", ""),
  rule("retard", "s ed"),
  rule("slut", "s y ty"),
  rule("tits", ""),
  rule("tities", ""),
  rule("tity", ""),
  rule("trany", ""),
  rule("turd", "s"),
  rule("twat", "s"),
  rule("wank", "s er ers ing ed y"),
  rule("whore", "s d house houses ish"),
  rule("jerkof", "s"),
  rule("blowjob", "s"),
  rule("handjob", "s"),
  rule("gangbang", "s ed ing"),
  rule("chingchong", ""),
];

/** Phrases of the data set that are used; the others name bodies, crimes, sexuality, or are ordinary words as well. */
const KEPT: ReadonlySet<string> = new Set(
  [
    "fuck shit bitch bastard bollocks cunt cock dick cuck ass arse dildo fag jizz kike nigger piss pussy retard slut tit",
    "tranny turd twat wank whore blowjob handjob gangbang chingchong",
  ]
    .flatMap((words) => words.split(" "))
    .concat("jerk off"),
);

/** Finds swear words and slurs; the span is the whole word. Offsets are those of the text as given. */
export function findProfanity(
  text: string,
  { allow = [] }: ProfanityOptions = {},
  forms?: TextForms,
): readonly FoundSpan[] {
  const folded = fold(normalise(text, forms));
  const found: FoundSpan[] = [];
  const decided = new Map<string, boolean>();
  eachWordWithStem(folded.text, (start, end) => {
    if (found.length >= PROFANITIES_MAX || decided.size >= STEM_WORDS_MAX) {
      found.push({ start: folded.original(start, end).start, end: text.length, type: "profanity" });
      return false;
    }
    const word = folded.text.slice(start, end);
    let isFound = decided.get(word);
    if (isFound === undefined) {
      isFound = !allow.includes(word) && fitsRule(word) && (decided.size >= CONFIRMED_WORDS_MAX || isProfane(word));
      decided.set(word, isFound);
    }
    if (!isFound) return true;
    const range = folded.original(start, end);
    if (!isName(text.slice(range.start, range.end))) found.push({ ...range, type: "profanity" });
    return true;
  });
  return found;
}

/** Finds swear words and slurs in every part. The reason is "profanity". */
export function profanityRail(input: RailInput, options: ProfanityOptions = {}): RailFindings {
  const spans = findInTexts(input, (text) => findProfanity(text, options, input.forms));
  return { spans, reasons: spans.size > 0 ? ["profanity"] : [] };
}

/** Signs and digits that are read as letters. "*" stays: it stands for any. */
const READ_AS: Readonly<Record<string, string>> = {
  "@": "a",
  "4": "a",
  "(": "c",
  "3": "e",
  "6": "g",
  "1": "i",
  "!": "i",
  "|": "i",
  "0": "o",
  $: "s",
  "5": "s",
  "7": "t",
  "*": "*",
};

const SPACE = 0x20;
const LETTER_S = 0x73;

/** The skeleton's character for each of ASCII; a space for what ends a word. */
const SKELETON: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code).toLowerCase();
  const read = READ_AS[char] ?? char;
  return read === "*" || (read >= "a" && read <= "z") ? read.charCodeAt(0) : SPACE;
});

/** Runs of one letter become one, but "ss" stays: it tells "ass" from "as". */
function skeletonOf(word: string): string {
  let skeleton = "";
  let last = SPACE;
  let beforeLast = SPACE;
  for (let at = 0; at < word.length; at += 1) {
    const unit = unitOf(word.charCodeAt(at));
    if (unit === last && !(unit === LETTER_S && beforeLast !== unit)) continue;
    beforeLast = last;
    last = unit;
    skeleton += String.fromCharCode(unit);
  }
  return skeleton;
}

function unitOf(code: number): number {
  return code < 128 ? (SKELETON[code] ?? SPACE) : SPACE;
}

/**
 * Columns of a row of the table of stems: a space, 26 letters and "*". A power of two, since rows are found by
 * shifting.
 */
const COLUMN_BITS = 5;
const STAR_COLUMN = 27;

const ENDS = 0x8000;
/** Rows are what was read of a stem. The next one by row and column; the highest bit says that a stem ends there. */
let stemTable: Uint16Array | null = null;

function columnOf(unit: number): number {
  if (unit === SPACE) return 0;
  return unit === STAR ? STAR_COLUMN : unit - 0x60;
}

const STAR = 0x2a;

/** The column of each of ASCII. */
const COLUMNS: Uint8Array = Uint8Array.from(SKELETON, columnOf);

/**
 * The automaton of Aho and Corasick over all stems, with every step filled in: 200 rows, 13 KB. Made by the first text.
 */
function makeStemTable(): Uint16Array {
  const needles = RULES.map(({ stem, heads }) => needleOf(stem, heads));
  const rows = new Map<string, number>([["", 0]]);
  for (const needle of needles) {
    for (let end = 1; end <= needle.length; end += 1) {
      const read = needle.slice(0, end);
      if (!rows.has(read)) rows.set(read, rows.size);
    }
  }
  const ends = Array.from(rows.keys(), (read) => (needles.some((needle) => read.endsWith(needle)) ? ENDS : 0));
  const next = new Uint16Array(rows.size << COLUMN_BITS);
  for (const [read, row] of rows) {
    for (const char of " abcdefghijklmnopqrstuvwxyz*") {
      let suffix = read + char;
      while (!rows.has(suffix)) suffix = suffix.slice(1);
      const to = rows.get(suffix) ?? 0;
      next[(row << COLUMN_BITS) | columnOf(char.charCodeAt(0))] = to | (ends[to] ?? 0);
    }
  }
  return next;
}

/** With the space before it where the stem must begin its word. */
function needleOf(stem: string, heads: readonly string[]): string {
  return heads.length > 1 || heads[0] === "*" ? stem : ` ${stem}`;
}

/** The words in which a stem stands, from left to right, until `judge` says stop: nearly always none. */
function eachWordWithStem(text: string, judge: (start: number, end: number) => boolean): void {
  const next = (stemTable ??= makeStemTable());
  let done = 0;
  let row = (next[0] ?? 0) & ~ENDS;
  let last = 0;
  let beforeLast = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const column = code < 128 ? (COLUMNS[code] ?? 0) : 0;
    if (column === last && !(column === S_COLUMN && beforeLast !== column)) continue;
    beforeLast = last;
    last = column;
    row = next[(row << COLUMN_BITS) | column] ?? 0;
    if (row < ENDS) continue;
    row &= ~ENDS;
    const word = wordAround(text, at, done);
    const { start, end } = trim(text, word);
    done = word.end;
    if (end - start <= PROFANE_WORD_CHARS_MAX && !judge(start, end)) return;
    // What ends the word is read next.
    at = word.end - 1;
    last = -1;
    row = 0;
  }
}

const S_COLUMN = LETTER_S - 0x60;

type Word = { readonly start: number; readonly end: number };

/** What stands between spaces and punctuation. */
function wordAround(text: string, at: number, from: number): Word {
  let start = at;
  let end = at + 1;
  while (start > from && unitOf(text.charCodeAt(start - 1)) !== SPACE) start -= 1;
  while (end < text.length && unitOf(text.charCodeAt(end)) !== SPACE) end += 1;
  return { start, end };
}

/** Without signs at the ends that are punctuation there. */
function trim(text: string, { start, end }: Word): Word {
  let [from, to] = [start, end];
  while (from < to && "(|!*".includes(text.charAt(from))) from += 1;
  while (to > from && "(|!*".includes(text.charAt(to - 1))) to -= 1;
  return { start: from, end: to };
}

function fitsRule(word: string): boolean {
  const digits = [...word].filter((char) => char >= "0" && char <= "9").length;
  // "A55" is a road.
  if (2 * digits > word.length) return false;
  const skeleton = skeletonOf(word);
  return RULES.some(({ stem, heads, tails }) => {
    const at = skeleton.indexOf(stem);
    if (at === -1) return false;
    const [head, tail] = [skeleton.slice(0, at), skeleton.slice(at + stem.length)];
    return (heads[0] === "*" || heads.includes(head)) && (tails[0] === "*" || tails.includes(tail));
  });
}

/** Given names that are written with a capital only: "Dick", "Kike". */
function isName(written: string): boolean {
  return written === "Dick" || written === "Kike";
}

let matcher: RegExpMatcher | null = null;
let dataset: DataSet<{ originalWord: string }> | null = null;

/** Built by the first word that needs it: a Worker's start is bounded. */
function isProfane(word: string): boolean {
  dataset ??= new DataSet<{ originalWord: string }>()
    .addAll(englishDataset)
    .removePhrasesIf(({ metadata }) => !KEPT.has(metadata?.originalWord ?? ""));
  matcher ??= new RegExpMatcher({ ...dataset.build(), ...englishRecommendedTransformers });
  return matcher.hasMatch(word);
}
