/**
 * The rail `tokens`: decides whether a request has more tokens than the pool allows.
 *
 * Model. No tokenizer is in the bundle: the table of a current one weighs a megabyte compressed. Instead two estimates,
 * made of rates per class of character. If even the upper one fits, the request passes; if even the lower one does not,
 * it is refused; between them `countExactly` decides if the shell has one, else the upper estimate does. The rates
 * enclose what two byte-pair tokenizers (100,000 and 200,000 entries) make of prose, code, JSON, random letters, keys
 * and twenty languages; both estimates are within a factor of two of English prose. They are no proof: a text made to
 * be expensive can pass the upper one by some. Who must not be exceeded sets `countExactly`.
 * Rejected: characters divided by four, which is off by a factor of four for Chinese; and a tokenizer in every isolate.
 */
import { isAside } from "../../core/rail.ts";
import type { RailFindings, RailInput } from "../../core/rail.ts";

export type TokensOptions = {
  /** Tokens over all texts that the model will see. */
  readonly tokensMax: number;
  /**
   * Tokens of a text by the model's own tokenizer. Given by a shell that has one; called only for requests near the
   * limit, with one text at a time.
   */
  readonly countExactly?: (text: string) => number;
};

/** Chat templates put up to this many tokens around a message. */
export const MESSAGE_TOKENS_MAX = 8;

export type TokenEstimate = {
  readonly lower: number;
  readonly upper: number;
};

/** Estimates of the tokens of one text. Linear; both are 0 for the empty text. */
export function estimateTokens(text: string): TokenEstimate {
  const sum: Sum = { lower: 0, upper: 0 };
  let kind = kindOf(text.charCodeAt(0));
  for (let at = 0; at < text.length;) {
    const from = at;
    let next = kind;
    // The kind of what ends a run is that of the next one.
    while (next === kind) {
      at += 1;
      next = at < text.length ? kindOf(text.charCodeAt(at)) : NONE;
    }
    if (kind === WORD) addWord(sum, text, from, at);
    else if (kind === SPACE || kind === SIGN) addRepeats(sum, kind, text, from, at);
    else addRun(sum, kind, at - from);
    kind = next;
  }
  return { lower: text === "" ? 0 : Math.max(1, Math.floor(sum.lower)), upper: Math.ceil(sum.upper) };
}

/** The reason is "tokens:max"; no spans. */
export function tokensRail(input: RailInput, { tokensMax, countExactly }: TokensOptions): RailFindings {
  const upperFrame = input.messageCount * MESSAGE_TOKENS_MAX;
  const { unreadBytes = 0 } = input;
  const parts = input.parts.filter((part) => !isAside(part));
  const estimates = parts.map(({ text, encodedChars = 0 }) =>
    estimateTokens(text.slice(0, text.length - encodedChars)),
  );
  const lower = estimates.reduce((total, one) => total + one.lower, unreadBytes / WORD_LETTERS_MAX);
  const upper = estimates.reduce((total, one) => total + one.upper, upperFrame + unreadBytes);
  if (upper <= tokensMax) return FITS;
  if (lower > tokensMax || countExactly === undefined) return TOO_MANY;
  let exact = upperFrame + unreadBytes;
  for (const { text } of parts) {
    exact += countExactly(text);
    if (exact > tokensMax) return TOO_MANY;
  }
  return FITS;
}

const FITS: RailFindings = { spans: new Map(), reasons: [] };
const TOO_MANY: RailFindings = { spans: new Map(), reasons: ["tokens:max"] };

type Sum = { lower: number; upper: number };

/** Kinds of characters, as numbers because every character asks. */
const NONE = -1;
const WORD = 0;
const SPACE = 1;
const SIGN = 2;
const DIGIT = 3;
const CYRILLIC = 4;
const ALPHABET = 5;
const HAN = 6;
const KANA = 7;
const HANGUL = 8;
const OTHER = 9;

/** Tokens a UTF-16 unit, at least and at most. */
type Rate = { readonly lower: number; readonly upper: number };

const RATES: Readonly<Record<number, Rate>> = {
  // In threes or singly, as the tokenizer has it.
  [DIGIT]: { lower: 1 / 3, upper: 1 },
  [CYRILLIC]: { lower: 1 / 8, upper: 0.8 },
  [ALPHABET]: { lower: 1 / 8, upper: 1.3 },
  [HAN]: { lower: 1 / 3, upper: 2.5 },
  [KANA]: { lower: 1 / 4, upper: 1.6 },
  [HANGUL]: { lower: 1 / 4, upper: 1.6 },
};

/** Three bytes a unit in UTF-8, and a byte is a token at most. */
const OTHER_RATE: Rate = { lower: 1 / 8, upper: 3 };

function addRun(sum: Sum, kind: number, length: number): void {
  const { lower, upper } = RATES[kind] ?? OTHER_RATE;
  sum.lower += lower * length;
  sum.upper += upper * length;
}

/** Longest that one token is: an English word, or a run of one letter. */
const WORD_LETTERS_MAX = 18;

/**
 * Letters of Latin scripts. A word of small letters as languages have it costs little, a random or shouted one much.
 */
function addWord(sum: Sum, text: string, from: number, to: number): void {
  const length = to - from;
  let capitals = 0;
  let humps = 0;
  let accents = 0;
  let consonants = 0;
  let consonantsMost = 0;
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at);
    const isCapital = code >= 0x41 && code <= 0x5a;
    if (code >= 0x80) accents += 1;
    if (isCapital) capitals += 1;
    if (isCapital && at > from && text.charCodeAt(at - 1) > 0x5a) humps += 1;
    consonants = code >= 0x80 || IS_VOWEL[code] === 1 ? 0 : consonants + 1;
    if (consonants > consonantsMost) consonantsMost = consonants;
  }
  sum.lower += Math.max(1, length / WORD_LETTERS_MAX);
  const isOrdinary = consonantsMost <= CONSONANTS_MAX && (capitals <= 1 || humps * HUMP_LETTERS_MIN < length);
  const perLetter = isOrdinary && capitals - humps <= 1 ? ORDINARY_PER_LETTER : ODD_PER_LETTER;
  sum.upper += Math.max(1, WORD_BASE + perLetter * length) + ACCENT_TOKENS * accents + humps;
}

/** In a row; few words of any language have more, random ones often do. */
const CONSONANTS_MAX = 3;

/** Names in camel case have a capital every four letters or more. */
const HUMP_LETTERS_MIN = 3;

const WORD_BASE = 0.6;
const ORDINARY_PER_LETTER = 0.22;
const ODD_PER_LETTER = 0.65;
const ACCENT_TOKENS = 1.4;

const IS_VOWEL = Uint8Array.from({ length: 128 }, (_, code) =>
  Number("aeiouyAEIOUY".includes(String.fromCharCode(code))),
);

/** Tokenizers have entries for runs of one sign or of blanks, of up to about 128. */
const REPEATS_MAX = 128;

function addRepeats(sum: Sum, kind: number, text: string, from: number, to: number): void {
  // The one blank before a word is part of its token; before a digit or a bracket it may not be.
  if (kind === SPACE && to - from === 1 && text.charCodeAt(from) === 0x20) {
    sum.upper += kindOf(text.charCodeAt(to)) === DIGIT ? 1 : 0.05;
    return;
  }
  let repeats = 0;
  for (let at = from + 1; at < to; at += 1) if (text.charCodeAt(at) === text.charCodeAt(at - 1)) repeats += 1;
  const changes = to - from - repeats;
  sum.lower += (to - from) / REPEATS_MAX;
  sum.upper += changes + repeats / 8;
}

const ASCII_KINDS = Uint8Array.from({ length: 128 }, (_, code) => asciiKind(code));

function asciiKind(code: number): number {
  if ((code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a)) return WORD;
  if (code >= 0x30 && code <= 0x39) return DIGIT;
  return code <= 0x20 ? SPACE : SIGN;
}

function kindOf(code: number): number {
  if (code < 0x80) return ASCII_KINDS[code] ?? SIGN;
  // Latin letters with marks, those of Vietnamese too; before them signs, behind them combining marks.
  if ((code >= 0xc0 && code < 0x250) || (code >= 0x1e00 && code < 0x1f00)) return WORD;
  if (code < 0x370) return OTHER;
  if (code >= 0x400 && code < 0x530) return CYRILLIC;
  if (code < 0x700) return ALPHABET;
  if (code >= 0x3000 && code <= 0x30ff) return KANA;
  if (code >= 0x4e00 && code <= 0x9fff) return HAN;
  return code >= 0xac00 && code <= 0xd7af ? HANGUL : OTHER;
}
