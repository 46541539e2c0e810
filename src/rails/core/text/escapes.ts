/**
 * Decides what a text says where characters are written as escapes: `%41`, `\u0041`, `\x41`, `&#65;`, `&commat;`.
 *
 * Model. Escapes of line breaks, blanks and brackets are ordinary in links and markup and hide nothing. One of a letter,
 * a digit or a sign that keys and addresses are made of is not ordinary: around each of those a window of the text is
 * read with all its escapes replaced, with a map back. Escapes are replaced once, never again what comes out.
 * Source: RFC 3986, RFC 8259, the HTML standard. Rejected: replacing them in the whole text, which reads a long text
 * twice for one link.
 */
import { hexValue } from "./base64.ts";
import type { NormalText } from "./normalise.ts";
import { OffsetMap } from "./offset-map.ts";

/** Read before and behind an escape: more than a key with its name. */
const WINDOW_CHARS = 256;

type Escape = { readonly code: number; readonly chars: number };

/** Longer ones are cut, and the next one begins a little before that place. */
const WINDOW_CHARS_MAX = 16_384;

/** Each with its place, from left to right; whoever asks for them stops when it has enough. */
export function* unescapedWindows(text: string): Generator<NormalText> {
  // Natively: most texts have none.
  if (!text.includes("%") && !text.includes("&") && !text.includes("\\")) return;
  for (let at = nextOdd(text, 0); at < text.length;) {
    const start = Math.max(0, at - WINDOW_CHARS);
    const endMax = start + WINDOW_CHARS_MAX;
    let end = at;
    let next = at;
    // One window for all that stand close to each other.
    while (next - end <= WINDOW_CHARS && next < Math.min(text.length, endMax)) {
      end = next;
      next = nextOdd(text, next + 1);
    }
    const to = Math.min(text.length, end + WINDOW_CHARS);
    yield unescaped(text, start, to);
    at = next < to ? nextOdd(text, to) : next;
  }
}

/** Where the next escape is that hides something; the length of the text if there is none. */
function nextOdd(text: string, from: number): number {
  for (let at = nextSign(text, from); at < text.length; at = nextSign(text, at + 1)) {
    const escape = escapeAt(text, at);
    if (escape !== null && isOdd(escape.code)) return at;
  }
  return text.length;
}

/** The next character that begins an escape. */
function nextSign(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) if (isSign(text.charCodeAt(at))) return at;
  return text.length;
}

const isSign = (code: number): boolean => code === 0x25 || code === 0x26 || code === 0x5c;

function unescaped(text: string, start: number, end: number): NormalText {
  const map = new OffsetMap();
  let view = "";
  let from = start;
  for (let at = nextSign(text, start); at < end; at = nextSign(text, Math.max(at + 1, from))) {
    const escape = escapeAt(text, at);
    if (escape === null) continue;
    view += text.slice(from, at);
    map.add(view.length, view.length + 1, at - start, at - start + escape.chars);
    view += String.fromCharCode(escape.code);
    from = at + escape.chars;
  }
  view += text.slice(from, Math.max(from, end));
  const original = (one: number, other: number) => {
    const range = map.toOld(one, other);
    return { start: range.start + start, end: range.end + start };
  };
  return { text: view, isSame: false, original };
}

/** Of one UTF-16 unit at most; null: what is there is no escape. */
function escapeAt(text: string, at: number): Escape | null {
  switch (text.charAt(at)) {
    case "%":
      return ofHex(text, at + 1, 2, 3);
    case "&":
      return entityAt(text, at);
    default:
      return backslashAt(text, at);
  }
}

function backslashAt(text: string, at: number): Escape | null {
  const kind = text.charAt(at + 1);
  if (kind === "x") return ofHex(text, at + 2, 2, 4);
  if (kind !== "u") return null;
  if (text.charAt(at + 2) !== "{") return ofHex(text, at + 2, 4, 6);
  return numberBefore(text, at + 3, 16, "}", at);
}

/** Digits of an entity: the largest code point has seven, and zeros may stand before it. */
const DIGITS_MAX = 12;

const NAMED: readonly (readonly [string, string])[] = [
  ["amp;", "&"],
  ["lt;", "<"],
  ["gt;", ">"],
  ["quot;", '"'],
  ["apos;", "'"],
  ["commat;", "@"],
  ["period;", "."],
  ["lowbar;", "_"],
  ["hyphen;", "-"],
  ["colon;", ":"],
  ["equals;", "="],
];

function entityAt(text: string, at: number): Escape | null {
  if (text.charAt(at + 1) !== "#") {
    const named = NAMED.find(([name]) => text.startsWith(name, at + 1));
    return named === undefined ? null : { code: named[1].charCodeAt(0), chars: named[0].length + 1 };
  }
  const isHex = (text.charCodeAt(at + 2) | 0x20) === 0x78;
  return numberBefore(text, at + (isHex ? 3 : 2), isHex ? 16 : 10, ";", at);
}

function numberBefore(text: string, from: number, base: number, closing: string, at: number): Escape | null {
  let code = 0;
  let end = from;
  for (; end < from + DIGITS_MAX; end += 1) {
    const digit = hexValue(text.charCodeAt(end));
    if (digit < 0 || digit >= base) break;
    code = code * base + digit;
  }
  if (end === from || code > 0xffff) return null;
  // Readers of HTML take an entity without its end.
  const closed = text.charAt(end) === closing;
  return closed || closing === ";" ? { code, chars: end - at + (closed ? 1 : 0) } : null;
}

function ofHex(text: string, from: number, digits: number, chars: number): Escape | null {
  let code = 0;
  for (let at = from; at < from + digits; at += 1) {
    const digit = hexValue(text.charCodeAt(at));
    if (digit < 0) return null;
    code = code * 16 + digit;
  }
  return { code, chars };
}

/** Letters, digits, and the signs of keys and addresses: who writes these as escapes hides them, or a link's address. */
function isOdd(code: number): boolean {
  const lower = code | 0x20;
  if ((lower >= 0x61 && lower <= 0x7a) || (code >= 0x30 && code <= 0x39)) return true;
  return code === 0x40 || code === 0x2e || code === 0x2d || code === 0x5f || code === 0x3a || code === 0x3d;
}
