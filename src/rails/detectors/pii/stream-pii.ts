/**
 * The pii rail on a stream: what could still become personal data.
 *
 * Model. Digits are held together with what may join them. A number of six digits or more is held until it is clear
 * that neither an extension nor a word such as "office" follows. Any word may begin an e-mail address, but if every
 * word were held, all prose would come a word late. So a word is held from its first character that words do not have
 * (a digit, a dot, an underscore). It is held as a whole only where addresses usually stand: after a bracket, a colon,
 * or a word such as "to" or "at", unless it begins like the most usual words there ("to the"). The price: of "because
 * tom@example.com" the name is shown and the rest redacted. `wholeWords` holds every last word instead.
 * Rejected: holding back a fixed number of characters.
 */
import type { SpanAction } from "../../core/spans.ts";
import { CHARS, isIn } from "../../core/text/char-class.ts";
import { findPii } from "./pii.ts";
import type { PiiOptions } from "./pii.ts";
import { isDash, isDigit, isLetterBeyondAscii } from "./pii-scan.ts";
import { scannerOf, tokenTail } from "../../core/stream/stream-scanner.ts";
import type { StreamScanner } from "../../core/stream/stream-scanner.ts";

/** Nineteen digits with a separator after each, an IBAN in fours, an IPv6 address: none has more characters. */
const NUMBER_CHARS_MAX = 48;

/** ", extension: 123456" and the words that follow a phone number ("landline"). */
const LOOK_AHEAD_CHARS_MAX = 30;

/** A number with fewer digits is not looked at beyond what may join it. */
const LONG_NUMBER_DIGITS = 6;

export type PiiStreamOptions = PiiOptions & {
  /** Hold every last word until it ends: no e-mail address is cut, and prose comes a word late. Default false. */
  readonly wholeWords?: boolean;
};

export function piiScanner(action: SpanAction, options: PiiStreamOptions = {}, rail = "pii"): StreamScanner {
  const { wholeWords = false } = options;
  return scannerOf({
    rail,
    action,
    contextChars: 192,
    wake: { chars: "0123456789@", runChars: Number.POSITIVE_INFINITY },
    find: (text, forms) => findPii(text, options, forms),
    holdFrom: (text, from) =>
      Math.min(numberFrom(text, from), accountFrom(text, from), wordFrom(text, from, wholeWords)),
    tail: (type) => (type === "email" ? tokenTail : null),
  });
}

/** Where the number begins that reaches the end of the text, with what may still belong to it. */
function numberFrom(text: string, from: number): number {
  const aheadFrom = Math.max(from, text.length - LOOK_AHEAD_CHARS_MAX);
  let end = text.length;
  while (end > aheadFrom && !isDigitCode(text.charCodeAt(end - 1))) end -= 1;
  if (end === aheadFrom && (end === from || !isDigitCode(text.charCodeAt(end - 1)))) return openingFrom(text, from);
  const { start, digits } = withExtended(text, groupsBefore(text, end, from), from);
  const gap = text.slice(end);
  const mayGoOn = digits >= LONG_NUMBER_DIGITS ? isLookAhead(gap) : isSeparators(gap);
  return mayGoOn ? start : openingFrom(text, from);
}

type Groups = { readonly start: number; readonly digits: number };

/** The number before, if these digits may be its extension: "555 0100, ext. 12". */
function withExtended(text: string, last: Groups, from: number): Groups {
  if (last.digits > LONG_NUMBER_DIGITS) return last;
  const least = Math.max(from, last.start - LOOK_AHEAD_CHARS_MAX);
  let at = last.start;
  while (at > least && isSeparator(text.charCodeAt(at - 1))) at -= 1;
  while (at > least && isLetter(text.charCodeAt(at - 1))) at -= 1;
  while (at > least && isSeparator(text.charCodeAt(at - 1))) at -= 1;
  if (at === last.start || !isDigitCode(text.charCodeAt(at - 1))) return last;
  const before = groupsBefore(text, at, from);
  return before.digits >= LONG_NUMBER_DIGITS ? before : last;
}

/** The groups of digits that end at `end`, and the opening before them. */
function groupsBefore(text: string, end: number, from: number): Groups {
  const least = Math.max(from, text.length - NUMBER_CHARS_MAX - LOOK_AHEAD_CHARS_MAX, end - NUMBER_CHARS_MAX);
  let start = end;
  let digits = 0;
  let gap = 0;
  for (let at = end; at > least && gap <= 3; at -= 1) {
    const code = text.charCodeAt(at - 1);
    if (isDigitCode(code)) {
      start = at - 1;
      digits += 1;
      gap = 0;
    } else if (isSeparator(code) || isIn(code, CHARS.hex)) gap += 1;
    else break;
  }
  while (start > from && "+(".includes(text.charAt(start - 1))) start -= 1;
  return { start, digits };
}

/** "+" and "(" at the end may begin a number. */
function openingFrom(text: string, from: number): number {
  let at = text.length;
  while (at > from && "+(".includes(text.charAt(at - 1))) at -= 1;
  return at;
}

/** What may stand behind a long number and still tell what it is: filler, a word, filler, an extension's digits. */
function isLookAhead(gap: string): boolean {
  if (gap.length >= LOOK_AHEAD_CHARS_MAX) return false;
  let at = 0;
  while (at < gap.length && isSeparator(gap.charCodeAt(at))) at += 1;
  while (at < gap.length && isLetter(gap.charCodeAt(at))) at += 1;
  while (at < gap.length && isSeparator(gap.charCodeAt(at))) at += 1;
  return at === gap.length;
}

function isSeparators(gap: string): boolean {
  if (gap.length > 3) return false;
  for (let at = 0; at < gap.length; at += 1) if (!isSeparator(gap.charCodeAt(at))) return false;
  return true;
}

/** An IBAN or an IPv6 address: letters and digits in groups. */
function accountFrom(text: string, from: number): number {
  const least = Math.max(from, text.length - NUMBER_CHARS_MAX);
  let start = text.length;
  let isAddress = true;
  let isAccount = true;
  // Without a digit an account has no more than two characters yet.
  const accountLeast = hasDigit(text, least) ? least : text.length - 2;
  for (let at = text.length; at > least && (isAddress || isAccount); at -= 1) {
    const code = text.charCodeAt(at - 1);
    isAddress &&= isIn(code, CHARS.hex) || code === 58;
    isAccount &&= at > accountLeast && (isIn(code, CHARS.alnum) || code === 32 || code === 45);
    // Most characters begin neither: no address goes on to here, and no digit stands where an account has its first.
    const mayBegin = isAddress || text.length - at < 2 || isDigit(text.charCodeAt(at + 1));
    if (!mayBegin || !isWordStart(text, at - 1)) continue;
    if ((isAddress && isAddressStart(text, at - 1)) || (isAccount && isAccountStart(text, at - 1))) start = at - 1;
  }
  return start;
}

function hasDigit(text: string, from: number): boolean {
  for (let at = from; at < text.length; at += 1) if (isDigit(text.charCodeAt(at))) return true;
  return false;
}

/** "D", "DE", "DE8", or "DE89" and what follows, in groups. */
function isAccountStart(text: string, at: number): boolean {
  // Most words are told apart by their third character.
  if (text.length - at > 2 && !isDigit(text.charCodeAt(at + 2))) return false;
  const chars = text.slice(at);
  if (chars.length <= 4) return /^[A-Z]{1,2}$|^[A-Za-z]{2}[0-9]{1,2}$/.test(chars);
  return /^(?:[A-Z]{2}[0-9]{2}(?:[ -]?[0-9A-Z])*[ -]?|[a-z]{2}[0-9]{2}(?:[ -]?[0-9a-z])*[ -]?)$/.test(chars);
}

/** Up to four hexadecimal digits, alone or before a colon; what follows is known to be more of both. */
function isAddressStart(text: string, at: number): boolean {
  let end = at;
  while (end - at <= 4 && isIn(text.charCodeAt(end), CHARS.hex)) end += 1;
  return end - at <= 4;
}

function isWordStart(text: string, at: number): boolean {
  return !isWord(text.charCodeAt(at - 1)) && isWord(text.charCodeAt(at));
}

const LOCAL_OTHERS = "._%+-@";

/** From where on the last word is held. */
function wordFrom(text: string, from: number, wholeWords: boolean): number {
  const end = text.length;
  let start = end;
  while (start > 0 && end - start <= 256 && isAddressCode(text.charCodeAt(start - 1))) start -= 1;
  if (start === end) return end;
  if (start >= from && wholeWords) return start;
  const held = start + plainStart(text, start, end);
  if (held >= from && isCue(text, start)) return held;
  for (let at = Math.max(start, from); at < end; at += 1) {
    if (!isLetter(text.charCodeAt(at)) && text.charAt(at) !== "'") return at;
  }
  return end;
}

/** Words that follow a cue in all prose and begin hardly any address. */
const PLAIN_WORDS: readonly string[] =
  "the their there these they this that those your our his which what when where would could should some such into".split(
    " ",
  );

/** Length of the longest of them that the word begins with: it is shown at once, whatever it turns out to be. */
function plainStart(text: string, start: number, end: number): number {
  let length = 0;
  for (const word of PLAIN_WORDS) {
    if (word.length > length && word.length <= end - start && text.startsWith(word, start)) length = word.length;
  }
  return length;
}

const CUES: ReadonlySet<string> = new Set(
  (
    "to at from and or is are was cc bcc via with by for as me contact email emails mail mails e-mail address addresses " +
    "user username account login sender recipient reach write mailto " +
    "ask tell send sent forward message notify invite ping use try then"
  ).split(" "),
);

/** Do addresses usually stand here? */
function isCue(text: string, start: number): boolean {
  // Prose begins with a capital letter and addresses hardly ever do: nearly every answer would begin a token late.
  if (start === 0) return !isIn(text.charCodeAt(0), CHARS.upper);
  let at = start;
  while (at > 0 && start - at < 3 && text.charAt(at - 1) === " ") at -= 1;
  const before = text.charAt(at - 1);
  if (at === start || !isIn(before.charCodeAt(0), CHARS.alnum))
    return before !== "." && before !== "!" && before !== "?";
  let word = at;
  while (word > 0 && at - word < 12 && isIn(text.charCodeAt(word - 1), CHARS.kebab)) word -= 1;
  return CUES.has(text.slice(word, at).toLowerCase());
}

function isAddressCode(code: number): boolean {
  return isWord(code) || code === 39 || LOCAL_OTHERS.includes(String.fromCharCode(code));
}

function isWord(code: number): boolean {
  return isIn(code, CHARS.word) || isLetterBeyondAscii(code) || isDigitCode(code);
}

function isLetter(code: number): boolean {
  return isIn(code, CHARS.letter) || isLetterBeyondAscii(code);
}

/** ASCII digits and the full-width ones. */
function isDigitCode(code: number): boolean {
  return isDigit(code) || (code >= 0xff10 && code <= 0xff19);
}

/** What may stand between the groups of a number, invisible characters included. */
function isSeparator(code: number): boolean {
  return isDash(code) || SEPARATORS.has(code);
}

const SEPARATORS: ReadonlySet<number> = new Set([
  ...Array.from(" .,:/()#+\t", (char) => char.charCodeAt(0)),
  0xa0,
  0xad,
  0x2009,
  0x200a,
  0x200b,
  0x200c,
  0x200d,
  0x202f,
  0x2060,
  0xfeff,
]);
