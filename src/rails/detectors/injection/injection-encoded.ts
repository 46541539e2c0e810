/**
 * Decides what in a text may be a hidden text, and reads it: base64, hexadecimal, percent signs, letters
 * apart, rot13 and reversed writing.
 *
 * Model. One pass finds the runs; each is decoded once, never again what comes out, and the sum of what comes out is
 * bounded. Rot13 and reversed writing have no alphabet of their own: the scan counts common words in them
 * (`injection-words.ts`), and two of them make the text worth reading the other way. Letters apart are put together and
 * cut at known words.
 * Rejected: decoding until nothing changes, which is a bomb; and language statistics of every run, which cost more.
 */
import { decodeBase64, hexValue } from "../../core/text/base64.ts";
import { classOfWord, HASH_PRIME, HASH_SEED } from "./injection-words.ts";

/** Shortest base64 that is read, in characters: eighteen letters; shorter is a name or an id. */
export const BASE64_CHARS_MIN = 24;

/**
 * Fewest pairs of hexadecimal digits that are read: a hash of 16 bytes is no text and fails the look at its letters.
 */
export const HEX_PAIRS_MIN = 12;

/** Fewest single letters in a row: the spelling of one word is shorter. */
export const LETTERS_APART_MIN = 9;

/**
 * Characters between two letters or pairs of a row: a comma and a space, or a gap between words that was widened too.
 */
const ROW_GAP_CHARS_MAX = 6;

/** Escapes with a percent sign before a text counts as written in them: a link has one or two. */
export const PERCENTS_MIN = 3;

/** Payloads of one text; beyond it the first ones count. */
export const PAYLOADS_MAX = 16;

/** Characters that all payloads of one text may come to: four pages, and a bound on what one request may cost. */
export const DECODED_CHARS_MAX = 16_384;

/**
 * How much of a text is read as rot13, backwards or with its percent signs, in UTF-16 units around what looked like it.
 */
const AROUND_CHARS = 2048;

/** Of what was decoded, the share that must be letters, digits, spaces and common punctuation. */
const READABLE_SHARE = 0.9;

const WORD_CHARS_MAX = 14;

export type Payload = { readonly text: string; readonly start: number; readonly end: number };

type Hunt = {
  readonly text: string;
  readonly found: Payload[];
  left: number;
  /** The row of single letters, and of hexadecimal pairs, that is being read. */
  letters: Row;
  pairs: Row;
};

type Row = { count: number; start: number; end: number };

/** Payloads of the text, left to right. `turned`: where the scan has seen words in rot13 and reversed; -1: nowhere. */
export function decodePayloads(
  text: string,
  turned: { readonly rotated: { readonly at: number }; readonly reversed: { readonly at: number } },
): Payload[] {
  const hunt: Hunt = { text, found: [], left: DECODED_CHARS_MAX, letters: emptyRow(), pairs: emptyRow() };
  let runAt = 0;
  let percents = 0;
  let thirdPercent = -1;
  for (let at = 0; at <= text.length; at += 1) {
    const code = at < text.length ? text.charCodeAt(at) : 32;
    if (isBase64(code)) continue;
    if (code === 37 && hexValue(text.charCodeAt(at + 1)) >= 0 && hexValue(text.charCodeAt(at + 2)) >= 0) {
      percents += 1;
      if (percents === PERCENTS_MIN) thirdPercent = at;
    }
    if (at > runAt) endRun(hunt, runAt, at);
    runAt = at + 1;
  }
  endRow(hunt, "letters");
  endRow(hunt, "pairs");
  keepAround(hunt, thirdPercent, unescaped);
  keepAround(hunt, turned.rotated.at, rotated);
  keepAround(hunt, turned.reversed.at, reversed);
  return hunt.found;
}

function keepAround(hunt: Hunt, at: number, turn: (text: string) => string): void {
  if (at < 0) return;
  const start = Math.max(0, at - AROUND_CHARS / 2);
  const end = Math.min(hunt.text.length, at + AROUND_CHARS / 2);
  keep(hunt, turn(hunt.text.slice(start, end)), start, end);
}

function endRun(hunt: Hunt, start: number, end: number): void {
  const { text } = hunt;
  const length = end - start;
  if (length === 1 && isLetter(text.charCodeAt(start))) extendRow(hunt, "letters", start, end);
  else if (hunt.letters.count > 0) endRow(hunt, "letters");
  // A pair may have a prefix: 0x69, \x69.
  if (length <= 4 && length >= 2 && isHexPair(text, end)) extendRow(hunt, "pairs", start, end);
  else if (hunt.pairs.count > 0) endRow(hunt, "pairs");
  if (length < BASE64_CHARS_MIN || hunt.found.length >= PAYLOADS_MAX) return;
  const run = text.slice(start, Math.min(end, start + hunt.left * 2));
  const hex = hexBytes(run);
  if (hex !== null) keep(hunt, readable(hex), start, end);
  else keep(hunt, readable(decodeBase64(run, hunt.left)), start, end);
}

function extendRow(hunt: Hunt, name: "letters" | "pairs", start: number, end: number): void {
  if (hunt[name].count > 0 && start - hunt[name].end > ROW_GAP_CHARS_MAX) endRow(hunt, name);
  const row = hunt[name];
  if (row.count === 0) row.start = start;
  row.count += 1;
  row.end = end;
}

function endRow(hunt: Hunt, name: "letters" | "pairs"): void {
  const { count, start, end } = hunt[name];
  hunt[name] = emptyRow();
  if (count < (name === "letters" ? LETTERS_APART_MIN : HEX_PAIRS_MIN)) return;
  const row = hunt.text.slice(start, Math.min(end, start + hunt.left * 4));
  if (name === "letters") keep(hunt, cutAtWords(withoutGaps(row)), start, end);
  else keep(hunt, readable(hexBytes(row.replaceAll("0x", "").replaceAll("x", "")) ?? new Uint8Array(0)), start, end);
}

function keep(hunt: Hunt, decoded: string | null, start: number, end: number): void {
  if (decoded === null || decoded === "" || hunt.left <= 0 || hunt.found.length >= PAYLOADS_MAX) return;
  const text = decoded.slice(0, hunt.left);
  hunt.left -= text.length;
  hunt.found.push({ text, start, end });
}

/** The bytes of a text that is nothing but pairs of hexadecimal digits and separators; null: it is not. */
function hexBytes(text: string): Uint8Array | null {
  const bytes: number[] = [];
  let high = -1;
  for (let at = 0; at < text.length; at += 1) {
    const value = hexValue(text.charCodeAt(at));
    if (value < 0 && isBase64(text.charCodeAt(at))) return null;
    if (value < 0) continue;
    if (high >= 0) bytes.push(high * 16 + value);
    high = high >= 0 ? -1 : value;
  }
  return Uint8Array.from(bytes);
}

/** Null where it is no text. */
function readable(bytes: Uint8Array): string | null {
  let plain = 0;
  let text = "";
  for (const byte of bytes) {
    if (isPlain(byte)) plain += 1;
    text += String.fromCharCode(byte);
  }
  return bytes.length > 0 && plain >= READABLE_SHARE * bytes.length ? text : null;
}

function unescaped(text: string): string {
  let result = "";
  for (let at = 0; at < text.length; at += 1) {
    const high = text.charCodeAt(at) === 37 ? hexValue(text.charCodeAt(at + 1)) : -1;
    const low = high >= 0 ? hexValue(text.charCodeAt(at + 2)) : -1;
    result += low >= 0 ? String.fromCharCode(high * 16 + low) : text.charAt(at);
    if (low >= 0) at += 2;
  }
  return result;
}

function rotated(text: string): string {
  let result = "";
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const base = code & 96;
    const letter = code < 128 && base >= 64 && (code & 31) >= 1 && (code & 31) <= 26;
    result += letter ? String.fromCharCode((((code & 31) + 12) % 26) + 1 + base) : text.charAt(at);
  }
  return result;
}

function reversed(text: string): string {
  let result = "";
  for (let at = text.length - 1; at >= 0; at -= 1) result += text.charAt(at);
  return result;
}

/** The letters of a row; a gap wider than the others is the end of a word. */
function withoutGaps(row: string): string {
  let result = "";
  let gap = 0;
  for (let at = 0; at < row.length; at += 1) {
    if (!isBase64(row.charCodeAt(at))) {
      gap += 1;
      continue;
    }
    result += gap > 1 ? ` ${row.charAt(at)}` : row.charAt(at);
    gap = 0;
  }
  return result;
}

/** Spaces around the longest known words, read from the left; the rest stays together. */
function cutAtWords(text: string): string {
  const letters = text.slice(0, DECODED_CHARS_MAX).toLowerCase();
  let result = "";
  for (let at = 0; at < letters.length;) {
    let hash = HASH_SEED;
    let known = 0;
    for (let length = 1; length <= WORD_CHARS_MAX && at + length <= letters.length; length += 1) {
      hash = Math.imul(hash ^ letters.charCodeAt(at + length - 1), HASH_PRIME);
      if (length > 2 && classOfWord(hash) !== 0) known = length;
    }
    result += known === 0 ? letters.charAt(at) : ` ${letters.slice(at, at + known)} `;
    at += Math.max(1, known);
  }
  return result;
}

function isHexPair(text: string, end: number): boolean {
  return hexValue(text.charCodeAt(end - 1)) >= 0 && hexValue(text.charCodeAt(end - 2)) >= 0;
}

function isBase64(code: number): boolean {
  return code < 128 && IS_BASE64[code] === 1;
}

/** Letters, digits, and + / = _ */
const IS_BASE64 = Uint8Array.from({ length: 128 }, (_, code) =>
  /[A-Za-z0-9+/=_]/.test(String.fromCharCode(code)) ? 1 : 0,
);

function isLetter(code: number): boolean {
  return (code | 32) >= 97 && (code | 32) <= 122;
}

function isPlain(code: number): boolean {
  return (code >= 32 && code < 127) || code === 10 || code === 13 || code === 9;
}

function emptyRow(): Row {
  return { count: 0, start: 0, end: 0 };
}
