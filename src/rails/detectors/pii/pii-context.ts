/**
 * Decides what the words before a number say it is: many a phone number has a shape that order numbers have too.
 *
 * Model. A cursor that only moves forward reads each word at most once and remembers where the last word of each kind
 * ended. The nearest word decides, so "order 12, phone 34" is read as people read it. Between far candidates the cursor
 * jumps, so a text with few numbers costs a few windows and a text full of them one pass.
 * Rejected: looking back from every candidate, which reads the same words again and again.
 */
import { isDash, isLetterBeyondAscii } from "./pii-scan.ts";
import type { PiiScan } from "./pii-scan.ts";
import { contextWords } from "./pii-words.ts";
import type { WordKind } from "./pii-words.ts";
import { CHARS, isIn } from "../../core/text/char-class.ts";

/** How far before a number a word speaks of it, in characters: "phone number of the branch in … is". */
export const CONTEXT_CHARS = 64;

/** The longest word of the table has fewer; what is longer is no word. */
const WORD_CHARS_MAX = 24;

/** Scripts written without spaces: there the words of the table have two characters and are looked for at each. */
const UNSPACED_FROM = 0x2e80;

export type Context = {
  readonly scan: PiiScan;
  at: number;
  /** Where the last word of a kind ended; -Infinity where none was read. */
  readonly last: Record<WordKind, number>;
};

export function createContext(scan: PiiScan): Context {
  const never = Number.NEGATIVE_INFINITY;
  return {
    scan,
    at: 0,
    last: { phone: never, number: never, other: never, goods: never, ssn: never, version: never, host: never },
  };
}

/** Reads up to `to`, which must not be smaller than in the call before. */
export function readContext(context: Context, to: number): void {
  const { text, meter } = context.scan;
  let at = Math.max(context.at, to - CONTEXT_CHARS);
  // A jump may land inside a word; what is left of it is no word.
  if (at > context.at) while (at < to && isLetter(text.charCodeAt(at))) at += 1;
  meter.steps += Math.max(0, to - at);
  while (at < to) {
    const code = text.charCodeAt(at);
    if (code >= UNSPACED_FROM) {
      const kind = contextWords().get(text.slice(at, at + 2));
      if (kind !== undefined && at + 2 <= to) note(context, kind, at + 2);
      at += 1;
      continue;
    }
    if (!isLetter(code)) {
      at += 1;
      continue;
    }
    const start = at;
    while (at < to && isLetter(text.charCodeAt(at))) at += 1;
    const kind = isCalled(text, at) ? null : kindOfWord(text, start, at);
    if (kind !== null) note(context, kind, at);
  }
  context.at = Math.max(context.at, at);
}

/** Does a word of the kind stand within `chars` before `at`? */
export function hasWord({ last }: Context, kind: WordKind, at: number, chars: number = CONTEXT_CHARS): boolean {
  return at - last[kind] <= chars;
}

/** Says the nearest telling word before `at` that a phone number follows? */
export function expectsPhone(context: Context, at: number): boolean {
  const { last } = context;
  if (hasWord(context, "phone", at)) return last.phone >= last.other;
  return hasWord(context, "number", at) && !hasWord(context, "other", at);
}

/** Is the nearest telling word before `at`, no farther than a few words, one that names another kind of number? */
export function expectsOther({ last }: Context, at: number): boolean {
  return at - last.other <= 24 && last.other > last.phone;
}

/**
 * Do the words right after `at` say that what stood before it is a phone number ("97 111421 office", "… your number")?
 * At most four words are read.
 */
export function isCalledPhone({ text, meter }: PiiScan, at: number): boolean {
  let end = at;
  for (let count = 0; count < 4; count += 1) {
    let start = end;
    while (start - end < 3 && isFiller(text.charCodeAt(start))) start += 1;
    if (start === end) return false;
    end = start;
    while (end - start < WORD_CHARS_MAX && isLetter(text.charCodeAt(end))) end += 1;
    meter.steps += end - start + 4;
    const word = text.slice(start, end).toLowerCase();
    if (AFTER.has(word) || (count > 0 && word === "number")) return text.charAt(end) !== ":";
    if (!LEADING.has(word)) return false;
  }
  return false;
}

const AFTER: ReadonlySet<string> = new Set(
  "office fax mobile cell cellphone home work phone telephone tel landline whatsapp voicemail pager hotline toll".split(
    " ",
  ),
);

/** Words that lead from a number to what it is. */
const LEADING: ReadonlySet<string> = new Set(
  "is was your my his her their our the a new old best direct main".split(" "),
);

/** Words that name a phone only as a label: "Office: …". */
const LABELS: ReadonlySet<string> = new Set("office home work main direct day evening private business".split(" "));

/** A word for goods, or for a version, is one for another kind of number too. */
function note({ last }: Context, kind: WordKind, end: number): void {
  last[kind] = end;
  if (kind === "goods" || kind === "version") last.other = end;
}

/** `call(`, `Number.MAX`, `text[`: a name of code, whatever it means in prose. */
function isCalled(text: string, end: number): boolean {
  const next = text.charAt(end);
  if (next === ".") return isIn(text.charCodeAt(end + 1), CHARS.letter);
  return next === "(" || next === "[" ? !isDigitOrPlus(text, end + 1) : false;
}

/** "call (212) 555…", "call(+1…". */
function isDigitOrPlus(text: string, at: number): boolean {
  return text.charAt(at) === "+" || isIn(text.charCodeAt(at), CHARS.digit);
}

function kindOfWord(text: string, start: number, end: number): WordKind | null {
  const length = end - start;
  if (length > WORD_CHARS_MAX) return null;
  const word = text.slice(start, end).toLowerCase();
  // "T: 020 …", "F. 020 …": a letter alone is a label only before its colon or dot.
  if (length === 1 && "tpmf".includes(word)) {
    const next = text.charAt(end);
    return (next === ":" || next === ".") && !isLetter(text.charCodeAt(start - 1)) ? "phone" : null;
  }
  if (LABELS.has(word)) return text.charAt(end) === ":" ? "phone" : null;
  const kind = contextWords().get(word) ?? null;
  return kind === "number" && isOfCode(text, start, end) ? null : kind;
}

/** "hljs-number", "{number|string}", "Promise<number>": a class of a page, a type. */
function isOfCode(text: string, start: number, end: number): boolean {
  if (text.charAt(start - 1) === "-") return true;
  const next = text.charAt(end);
  return next !== "" && "}|>`]".includes(next);
}

function isLetter(code: number): boolean {
  return isIn(code, CHARS.letter) || isLetterBeyondAscii(code);
}

/** No comma and no colon: "…, phone 12" speaks of the next number. */
function isFiller(code: number): boolean {
  return code === 32 || code === 40 || code === 47 || code === 91 || isDash(code);
}
