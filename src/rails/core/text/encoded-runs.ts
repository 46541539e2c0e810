/**
 * Decides what the long words of a text are: media, a text in base64 or hexadecimal, or just long words.
 *
 * Model. A run is a stretch of base64's characters, over line breaks too where lines are as long as encoders make them.
 * One that begins as a file does is media. In another, readable stretches are looked for: printable characters
 * show in the upper bits, which base64 and hexadecimal leave in single characters, so a look at these says whether decoding
 * is worth it, and the whole is one pass. A run behind a `data:` head, or longer than any key, that is not readable for
 * the most part is media as well. What is decoded is never decoded again.
 * Private keys are wordless too, and texts all the same: `PRIVATE KEY` before a run, or a dot (the end of a token),
 * keeps it one.
 * Source: RFC 4648, RFC 2397. Rejected: the share of readable bytes of a whole run, behind which a text hides by adding
 * noise.
 */
import { base64Value, decodeBase64, hexValue } from "./base64.ts";
import { FILE_HEAD_BYTES, isFileHead } from "./file-kinds.ts";

/** Shortest run that is looked at, in characters: 12 bytes. */
export const RUN_CHARS_MIN = 16;

/** Shortest readable stretch, in characters: random bytes have one in a million. */
const READABLE_CHARS_MIN = 12;

/** A wordless run from here on is media: keys and session tokens are shorter. */
export const WORDLESS_CHARS_MIN = 1_024;

/** Lines of an encoder are at least so long: 64 in PEM, 76 in MIME. */
const LINE_CHARS_MIN = 60;

/** How far before a run its label may stand: of PGP there are lines between. */
const LABEL_CHARS_MAX = 200;

/** Of a long run, the share that must be readable to make it a text. */
const TEXT_SHARE = 0.5;

/** What of it is looked at: a picture of megabytes is not decoded to say that it is one. */
const SAMPLE_CHARS_MAX = 8_192;

/** More of one run is not read: it comes to more than the views of a body may (`views.ts`). */
const READ_CHARS_MAX = 262_144;

export type Run = { readonly start: number; readonly end: number };

/** A run that is media, or the readable text in one. */
export type Encoded = Run &
  ({ readonly is: "media" } | { readonly is: "text"; readonly text: string; readonly isCut: boolean });

/** All that is encoded, or media alone, from left to right. Linear in the length of the text. */
export function findEncoded(text: string, only?: "media"): readonly Encoded[] {
  return [...encodedIn(text, only)];
}

/** The same one by one: who stops asking has the rest not decoded. */
export function* encodedIn(text: string, only?: "media"): Generator<Encoded> {
  for (let run = nextRun(text, 0); run !== null; run = nextRun(text, run.end)) {
    const encoded = readRun(text, run, only === "media");
    if (encoded !== null) yield encoded;
  }
}

/** Runs of media in a text, from left to right. */
export function mediaRuns(text: string): readonly Run[] {
  return findEncoded(text, "media");
}

/**
 * Characters of media, and of base64 that is longer than any key or behind the head of a `data:` URL, whatever it says:
 * where media stand in texts, nobody counts them as text.
 */
export function longRunChars(text: string): number {
  let chars = 0;
  for (let run = nextRun(text, 0); run !== null; run = nextRun(text, run.end)) {
    const { start, end } = run;
    if (isLongRun(text, start, end) || isFileHead(headOf(text, start))) chars += end - start;
  }
  return chars;
}

const headOf = (text: string, start: number): Uint8Array =>
  decodeBase64(text.slice(start, start + 2 * FILE_HEAD_BYTES), FILE_HEAD_BYTES);

const isLongRun = (text: string, start: number, end: number): boolean =>
  text.startsWith(";base64,", start - ";base64,".length) || (end - start >= WORDLESS_CHARS_MIN && !isKey(text, start));

/** The next run at or behind `from`; null: there is none. Most characters of prose are not looked at. */
function nextRun(text: string, from: number): Run | null {
  let floor = from;
  let known = from;
  for (let probe = from + RUN_CHARS_MIN - 1; probe < text.length; probe = floor + RUN_CHARS_MIN - 1) {
    let at = probe;
    while (at >= known && isInRun(text.charCodeAt(at))) at -= 1;
    if (at < known) return { start: floor, end: endOfRun(text, probe + 1) };
    floor = at + 1;
    known = probe + 1;
  }
  return null;
}

function endOfRun(text: string, from: number): number {
  let lineAt = from - RUN_CHARS_MIN;
  for (let at = from; ;) {
    while (isInRun(text.charCodeAt(at))) at += 1;
    const next = text.startsWith("\r\n", at) ? at + 2 : at + 1;
    const isWrapped = at - lineAt >= LINE_CHARS_MIN && (text.charAt(at) === "\n" || text.charAt(at) === "\r");
    if (!isWrapped || !isInRun(text.charCodeAt(next))) return at;
    lineAt = next;
    at = next;
  }
}

function readRun(text: string, { start, end: bare }: Run, onlyMedia: boolean): Encoded | null {
  let end = bare;
  while (end < text.length && end - bare < 2 && text.charCodeAt(end) === 0x3d) end += 1;
  if (isFileHead(headOf(text, start))) return { start, end, is: "media" };
  if (isLongRun(text, start, bare) && !isReadable(text.slice(start, Math.min(bare, start + SAMPLE_CHARS_MAX))))
    return { start, end, is: "media" };
  if (onlyMedia) return null;
  const readable = readableIn(text.slice(start, Math.min(bare, start + READ_CHARS_MAX)));
  const isCut = bare - start > READ_CHARS_MAX;
  return readable.text === "" ? null : { start, end, is: "text", text: readable.text, isCut };
}

const isReadable = (run: string): boolean => readableIn(run).encodedChars >= TEXT_SHARE * run.length;

function isKey(text: string, start: number): boolean {
  return (
    text.charAt(start - 1) === "." || text.slice(Math.max(0, start - LABEL_CHARS_MAX), start).includes("PRIVATE KEY")
  );
}

type Readable = { readonly text: string; readonly encodedChars: number };

const NOTHING: Readable = { text: "", encodedChars: 0 };

/** The readable stretches of a run, in the reading that has most of them. */
function readableIn(wrapped: string): Readable {
  const run = wrapped.includes("\n") || wrapped.includes("\r") ? withoutBreaks(wrapped) : wrapped;
  let most = NOTHING;
  // A word that is glued to its front shifts what is encoded.
  for (const encoding of [BASE64, HEX]) {
    const shifts = promisingShifts(run, encoding);
    for (let shift = 0; shift < encoding.chars; shift += 1) {
      if ((shifts & (1 << shift)) === 0) continue;
      const readable = stretches(run, shift, encoding);
      if (readable.text.length > most.text.length) most = readable;
    }
  }
  return most;
}

type Encoding = {
  /** Characters that are decoded together, and bytes of it. */
  readonly chars: number;
  readonly bytes: number;
  /** May a group of readable bytes begin here. */
  readonly mayBegin: (run: string, at: number) => boolean;
  readonly decode: (text: string) => Uint8Array;
};

const FIRST = 1;
const SECOND = 2;
const THIRD = 4;

/**
 * Of each character of base64 where in a group it may stand, if the bytes are printable, a break of lines, a tab, or the
 * zeros of UTF-16: their upper bits are what the first has, and the lower ones of the second and the third.
 */
const PLACES = Uint8Array.from({ length: 128 }, (_, code) => {
  const value = base64Value(code);
  if (value < 0) return 0;
  const upper = value & 15;
  const first = value === 0 || value === 2 || (value >= 8 && value < 32) ? FIRST : 0;
  return first | (upper === 0 || (upper >= 2 && upper < 8) ? SECOND : 0) | ((value & 3) < 2 ? THIRD : 0);
});

const BASE64: Encoding = {
  chars: 4,
  bytes: 3,
  mayBegin: (run, at) =>
    ((PLACES[run.charCodeAt(at)] ?? 0) & FIRST) !== 0 &&
    ((PLACES[run.charCodeAt(at + 1)] ?? 0) & SECOND) !== 0 &&
    // The last group may be cut short, as encoders leave it without its padding.
    (at + 2 >= run.length || ((PLACES[run.charCodeAt(at + 2)] ?? 0) & THIRD) !== 0),
  decode: (text) => decodeBase64(text, text.length),
};

const HEX: Encoding = {
  chars: 2,
  bytes: 1,
  mayBegin: (run, at) => {
    const high = hexValue(run.charCodeAt(at));
    return (high === 0 || (high >= 2 && high < 8)) && hexValue(run.charCodeAt(at + 1)) >= 0;
  },
  decode: decodeHex,
};

/** Bit by bit, the shifts at which so many groups in a row may be readable that it is worth decoding them. */
function promisingShifts(run: string, { chars, bytes, mayBegin }: Encoding): number {
  const groupsMin = READABLE_CHARS_MIN / bytes;
  let shifts = 0;
  for (let shift = 0; shift < chars; shift += 1) {
    // In a row so long, one in so many places cannot be missed; most are none, and the rest is not looked at.
    const step = groupsMin * chars;
    let floor = shift;
    for (let probe = shift + step - chars; probe < run.length; probe = floor + step - chars) {
      let at = probe;
      while (at >= floor && mayBegin(run, at)) at -= chars;
      if (at < floor) {
        shifts |= 1 << shift;
        break;
      }
      floor = at + chars;
    }
  }
  return shifts;
}

function stretches(run: string, shift: number, { chars, bytes, mayBegin, decode }: Encoding): Readable {
  let text = "";
  let encodedChars = 0;
  let from = shift;
  for (let at = shift; at < run.length + chars; at += chars) {
    if (at < run.length && mayBegin(run, at)) continue;
    const end = Math.min(at, run.length);
    if ((end - from) * bytes >= READABLE_CHARS_MIN * chars) {
      // The groups before and behind it may have readable bytes as well.
      for (const piece of printable(decode(run.slice(Math.max(shift, from - chars), end + chars)))) {
        text += text === "" ? piece : ` ${piece}`;
        encodedChars += (piece.length * chars) / bytes;
      }
    }
    from = at + chars;
  }
  return text === "" ? NOTHING : { text, encodedChars };
}

/** Runs of printable characters. A zero behind a character is half of one in UTF-16. */
function printable(bytes: Uint8Array): readonly string[] {
  const pieces: string[] = [];
  let piece = "";
  for (let at = 0; at <= bytes.length; at += 1) {
    const byte = bytes[at] ?? 1;
    if (isPlain(byte)) piece += String.fromCharCode(byte);
    else if (byte !== 0 || piece === "" || bytes[at - 1] === 0) {
      if (piece.length >= READABLE_CHARS_MIN) pieces.push(piece);
      piece = "";
    }
  }
  return pieces;
}

function isPlain(byte: number): boolean {
  return (byte >= 32 && byte < 127) || byte === 10 || byte === 13 || byte === 9;
}

function decodeHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length >> 1);
  for (let at = 0; at < bytes.length; at += 1) {
    const high = hexValue(text.charCodeAt(2 * at));
    const low = hexValue(text.charCodeAt(2 * at + 1));
    // What is no hexadecimal ends a stretch.
    bytes[at] = high < 0 || low < 0 ? 1 : high * 16 + low;
  }
  return bytes;
}

function withoutBreaks(text: string): string {
  return text.replaceAll("\n", "").replaceAll("\r", "");
}

function setOf(chars: string): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => (chars.includes(String.fromCharCode(code)) ? 1 : 0));
}

const IN_RUN = setOf("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_");

function isInRun(code: number): boolean {
  // False for the NaN behind the end.
  return code < 128 && IN_RUN[code] === 1;
}
